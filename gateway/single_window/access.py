"""Which customs system may ask what: its offices, and the CHEDs of its countries (Article 38, R-38-1; R-9-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.ched.states import ChedStatus
from gateway.errors import AccessDenied

if TYPE_CHECKING:
    from gateway.access import CustomsMembership
    from gateway.exchange import Principal
    from gateway.store import ChedRow

__all__ = ["CustomsActor", "check_office", "check_sight", "customs_actor", "is_known", "sees"]


@dataclass(frozen=True, slots=True)
class CustomsActor:
    """A partner's system that asks as customs."""

    principal: Principal
    membership: CustomsMembership
    language: str = "en"
    """ISO 639-1: of labels and printed CHEDs."""

    @property
    def id(self) -> str:
        """Id of the partner."""
        return self.principal.partner.id


def customs_actor(principal: Principal, language: str = "en") -> CustomsActor:
    """The caller as a customs system.

    Raises:
        AccessDenied: IMG-2113, its record has no customs table.
    """
    membership = principal.partner.customs
    if membership is None:
        raise AccessDenied("IMG-2113", found=principal.partner.id, expected="[partner.customs] in its record")
    return CustomsActor(principal, membership, language)


def check_office(actor: CustomsActor, office: str, where: str) -> None:
    """Refuse a message of an office that the partner does not speak for.

    Raises:
        AccessDenied: IMG-2114.
    """
    if not actor.membership.speaks_for(office):
        expected = ", ".join(actor.membership.offices)
        raise AccessDenied("IMG-2114", where=where, found=office, expected=expected)


def is_known(row: ChedRow) -> bool:
    """Whether a CHED is there for customs: a draft and a deleted one were never submitted."""
    return row.status_code not in {ChedStatus.DRAFT, ChedStatus.DELETED}


def check_sight(actor: CustomsActor, row: ChedRow) -> None:
    """Refuse a CHED that neither enters nor goes to a country of the partner; never as if it were not there.

    Raises:
        AccessDenied: IMG-2110.
    """
    if not sees(actor.membership, row):
        raise AccessDenied("IMG-2110", where="ChedCertificateId", found=row.reference)


def sees(membership: CustomsMembership, row: ChedRow) -> bool:
    """Whether a CHED enters, goes to or is transferred in a country of the partner."""
    return membership.covers({row.entry_country, row.destination_country, row.transfer_country, *row.areas} - {""})
