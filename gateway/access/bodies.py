"""A partner in TRACES: the bodies that its system acts for (header BodyIdentity, DIGEST 4.3; Article 36)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gateway.errors import AccessDenied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.access.models import Partner

__all__ = ["Body", "BodyKind", "BodyRole", "NamedBody", "TracesMembership", "resolve_body"]


class BodyKind(StrEnum):
    """What the header calls it: one element each in BodyIdentity."""

    AUTHORITY = "authority"
    OPERATOR = "operator"
    CONTROL_BODY = "control-body"
    OTHER = "other"


class BodyRole(StrEnum):
    """What an authority does about CHEDs; it may have several roles."""

    BORDER_CONTROL_POST = "border-control-post"
    CONTROL_POINT = "control-point"
    EXIT_POST = "exit-post"
    LOCAL = "local"
    """The authority of the place of destination, a control unit among them."""
    CENTRAL = "central"
    """Of a country, for its whole territory."""
    CUSTOMS = "customs"
    COMMISSION = "commission"


@dataclass(frozen=True, slots=True)
class Body:
    """An authority, operator, organic control body or other body, as the partner's record describes it."""

    id: str
    """TRACES' activity identifier: at most 16 characters, 32 for ``other``."""
    kind: BodyKind
    name: str
    roles: frozenset[BodyRole] = frozenset()
    posts: tuple[str, ...] = ()
    """IMSOC codes of the border control posts and control points that it is (box I.5)."""
    countries: tuple[str, ...] = ()
    """Its area of responsibility: ISO 3166-1 alpha-2, or XI."""
    operators: tuple[str, ...] = ()
    """Identifiers of the operators that it manages (R-36-2)."""
    identifiers: tuple[tuple[str, str], ...] = ()
    """(scheme, number): under which it stands in documents, beside ``id``."""

    @property
    def names(self) -> frozenset[str]:
        """Every identifier under which a document may name it."""
        return frozenset((self.id, *(number for _, number in self.identifiers)))

    @property
    def is_authority(self) -> bool:
        """Whether it is a competent authority in the sense of Article 36(2) to (5); customs are none."""
        return self.kind is BodyKind.AUTHORITY and self.roles != {BodyRole.CUSTOMS}

    def is_any(self, *roles: BodyRole) -> bool:
        """Whether it has at least one of the roles."""
        return not self.roles.isdisjoint(roles)


class NamedBody(Protocol):
    """What a message says about the body that it is sent for."""

    @property
    def kind(self) -> str:
        """One of the values of `BodyKind`."""

    @property
    def id(self) -> str:
        """The access identifier."""


@dataclass(frozen=True, slots=True)
class TracesMembership:
    """``[partner.traces]``: for whom the partner's system may speak."""

    bodies: tuple[Body, ...] = ()

    def by_id(self) -> Mapping[str, Body]:
        """The bodies by their id."""
        return {body.id: body for body in self.bodies}


def resolve_body(partner: Partner, named: NamedBody | None) -> Body | None:
    """The body of the partner that a message is sent for; None when it names none.

    Raises:
        AccessDenied: IMG-2111, it is none of the partner's bodies, or one of another kind.
    """
    if named is None:
        return None
    for body in partner.traces.bodies if partner.traces is not None else ():
        if body.id == named.id and body.kind == named.kind:
            return body
    raise AccessDenied(
        "IMG-2111",
        where="BodyIdentity",
        found=f"{named.kind} {named.id}",
        expected=f"a body of partner {partner.id}",
    )
