"""CHEDs that belong together: replacement, split, subsequent CHED (boxes II.1 and II.24, both sides written).

A CHED cites its predecessor with ACW (it replaces it) or AXG (it was split from it, or follows it). The predecessor
gets the new reference in II.24; a replaced one ends, and one of which a part was refused becomes partially rejected.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.ched.access import Sight, sight_of
from gateway.ched.parts import check_author, check_post
from gateway.ched.rewriting import rewritten
from gateway.ched.rows import row_of
from gateway.ched.size import MAX_LINKS
from gateway.ched.states import (
    STATUS_NAMES,
    TERMINAL,
    TRANSITIONS,
    ChedStatus,
    Mover,
    Operation,
    check_transition,
)
from gateway.documents.ched import ChedLink, read_ched
from gateway.documents.ched.places import RELATION_RELATED, RELATION_REPLACES, RELATION_SPLIT
from gateway.errors import ChedRefused
from gateway.store import ChedLinkRow, ChedWrite, ched_by_reference, ched_content, cheds_linking_to
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.ched.models import Actor
    from gateway.documents.ched import Ched
    from gateway.store import ChedRow
    from gateway.xml.limits import Limits

__all__ = ["Relative", "parts_accepted", "predecessors", "refused_part_of", "superseded"]

_OPEN: Final = (ChedStatus.NEW, ChedStatus.IN_PROGRESS)
_ACCEPTED: Final = frozenset(ChedStatus) - {
    ChedStatus.DRAFT,
    ChedStatus.NEW,
    ChedStatus.IN_PROGRESS,
    ChedStatus.REJECTED,
    *TERMINAL,
}


@dataclass(frozen=True, slots=True)
class Relative:
    """A CHED that changes because another one does."""

    row: ChedRow
    ched: Ched
    status: ChedStatus
    """As it is to stand."""
    operation: Operation
    linked: bool = True
    """Whether the other one's reference goes into II.24."""


def predecessors(connection: Connection, actor: Actor, ched: Ched, limits: Limits) -> tuple[Relative, ...]:
    """The CHEDs that a new one cites, with what becomes of them.

    Raises:
        ChedRefused: IMG-7204 one that is not here or that the actor does not see in full; IMG-7202 one that cannot be
            replaced any more; IMG-7210 one whose Part I is not the actor's, IMG-7211 one that is decided, which only
            its post replaces; IMG-7215 one that was split as often as may be.
    """
    found = []
    for link in dict.fromkeys(ched.previous):
        row = ched_by_reference(connection, link.reference)
        if row is None or sight_of(actor, row) is not Sight.FULL:
            raise ChedRefused("IMG-7204", where="II.1", found=link.reference)
        replaces = link.relation == RELATION_REPLACES
        content = _content(connection, row, limits)
        check_author(actor, content, row)
        if replaces:
            check_transition(row.status_code, ChedStatus.REPLACED, Mover.REGISTER, Operation.REPLACE)
            if row.status_code not in _OPEN:
                check_post(actor, content)
        elif row.status_code in {*TERMINAL, ChedStatus.DRAFT}:
            raise ChedRefused("IMG-7204", where="II.1", found=f"{link.reference}, status {row.status_code}")
        elif len(content.subsequent) >= MAX_LINKS:
            raise ChedRefused("IMG-7215", where="II.24", found=link.reference, expected=f"at most {MAX_LINKS}")
        status = ChedStatus.REPLACED if replaces else ChedStatus(row.status_code)
        operation = Operation.REPLACE if replaces else Operation.SPLIT
        found.append(Relative(row, content, status, operation))
    return tuple(found)


def refused_part_of(connection: Connection, ched: Ched, limits: Limits) -> tuple[Relative, ...]:
    """The CHEDs of which this refused one was a part at the same post: they become partially rejected."""
    found = []
    for link in dict.fromkeys(ched.previous):
        row = ched_by_reference(connection, link.reference) if link.relation == RELATION_SPLIT else None
        if row is None:
            continue
        partial = any(
            step.before == row.status_code and step.by is Operation.SPLIT and step.after is _PARTIAL
            for step in TRANSITIONS
        )
        if partial and row.post_code == (ched.post.imsoc_code if ched.post is not None else ""):
            ched_before = _content(connection, row, limits)
            found.append(Relative(row, ched_before, _PARTIAL, Operation.SPLIT, linked=False))
    return tuple(found)


_PARTIAL: Final = ChedStatus.PARTIALLY_REJECTED


def parts_accepted(connection: Connection, reference: str) -> bool:
    """Whether a part was split off this CHED and accepted."""
    return any(
        relation == RELATION_SPLIT and row.status_code in _ACCEPTED
        for row, relation in cheds_linking_to(connection, reference)
    )


def superseded(relative: Relative, cause: Ched, actor: Actor, version_id: str, at: datetime) -> ChedWrite:
    """The write of a relative: its status and its II.24; no part of it is touched.

    Args:
        relative: what changes.
        cause: the CHED that makes it change, with its reference.
        actor: who wrote that one.
        version_id: ULID of this write.
        at: when, aware.
    """
    before = relative.row
    link = ChedLink(cause.reference, RELATION_RELATED)
    subsequent = relative.ched.subsequent
    if relative.linked and cause.reference and link not in subsequent:
        subsequent = (*subsequent, link)
    ched = replace(
        relative.ched,
        status_code=relative.status.value,
        status_name=STATUS_NAMES[relative.status],
        updated=at.isoformat(timespec="milliseconds"),
        subsequent=subsequent,
    )
    row = row_of(ched, actor, chid=before.id, before=before, at=at)
    return ChedWrite(
        version_id=version_id,
        row=replace(row, bodies=before.bodies, signed=before.signed),
        expected_version=before.version,
        at=at,
        operation=relative.operation.value,
        partner=actor.principal.partner.id,
        body=actor.body.id if actor.body is not None else "",
        content=serialise(rewritten(relative.ched, ched)),
        links=(ChedLinkRow(link.relation, link.reference),) if relative.linked and cause.reference else (),
        terminal=relative.status in TERMINAL,
        detail={"because": cause.reference or cause.local_reference},
    )


def _content(connection: Connection, row: ChedRow, limits: Limits) -> Ched:
    parts = ched_content(connection, row)
    if parts is None:
        raise ChedRefused("IMG-7201", where="ID", found=row.reference)
    return read_ched(parse(parts.content, limits=limits).root)
