"""Who may write which part of a CHED, and that nobody writes another's (Art 40(2)(b); R-5-2, R-40-3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.access import BodyKind, BodyRole
from gateway.ched.identities import body_keys, is_at_post, party_key
from gateway.ched.rows import country_of
from gateway.ched.states import EDITABLE, ChedStatus
from gateway.documents.ched import SYSTEM_BOXES, ChedParty, Coded, Part, changed_boxes, part_digest, part_of
from gateway.errors import AccessDenied, ChedRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.access import Body
    from gateway.ched.models import Actor
    from gateway.documents.ched import Ched, ControlPost
    from gateway.store import ChedRow

__all__ = [
    "check_amendment",
    "check_author",
    "check_begun",
    "check_follower",
    "check_only_part_one",
    "check_own_follow_up",
    "check_post",
    "check_untouched",
    "entered_by",
    "writer_of",
]

_DECIDING: Final = (BodyRole.BORDER_CONTROL_POST, BodyRole.CONTROL_POINT)
_ARRIVAL: Final = (BodyRole.BORDER_CONTROL_POST, BodyRole.CONTROL_POINT, BodyRole.EXIT_POST)
_REFUSED: Final = (ChedStatus.REJECTED, ChedStatus.PARTIALLY_REJECTED)


def writer_of(actor: Actor) -> Body:
    """The body that writes.

    Raises:
        AccessDenied: IMG-2112, the message names none.
    """
    if actor.body is None:
        raise AccessDenied("IMG-2112", where="BodyIdentity", expected="the operator or authority that writes")
    return actor.body


def check_author(actor: Actor, ched: Ched, before: ChedRow | None = None) -> None:
    """Part I: the operator of I.8, or an authority of the post or the country of entry for it.

    Args:
        actor: who writes.
        ched: whose Part I it is.
        before: the row of a CHED that is there. Where its I.8 identifies nobody it is its author's alone, not
            everybody's who is named in it.

    Raises:
        ChedRefused: IMG-7210.
    """
    body = writer_of(actor)
    if body.kind is BodyKind.OPERATOR:
        responsible = ched.operator
        if responsible is None or not responsible.identifier:
            if before is None or before.body == body.id:
                return
        elif _is(actor, body, responsible):
            return
        found = responsible.identifier if responsible is not None else ""
        raise ChedRefused("IMG-7210", where="I.8", found=found, expected=body.id)
    if body.is_any(*_DECIDING) and is_at_post(body, ched.post):
        return
    if body.is_any(BodyRole.CENTRAL, BodyRole.LOCAL) and country_of(ched.post) in body.countries:
        return
    raise ChedRefused(
        "IMG-7210", where="I.4", found=_named(body, ched.post), expected="the operator of I.8, or the authority of I.4"
    )


def check_post(actor: Actor, ched: Ched) -> None:
    """Part II: the border control post or control point of I.4 and nobody else.

    Raises:
        ChedRefused: IMG-7211.
    """
    body = writer_of(actor)
    if not (body.is_any(*_DECIDING) and is_at_post(body, ched.post)):
        raise ChedRefused("IMG-7211", where="I.4", found=_named(body, ched.post), expected="the post of I.4 itself")


def check_follower(actor: Actor, before: Ched) -> None:
    """Part III: the exit post, the post of final destination, or the local authority.

    Args:
        actor: who writes.
        before: the CHED as it stands: what the message itself names as a post gives nobody a right.

    Raises:
        ChedRefused: IMG-7212.
    """
    body = writer_of(actor)
    if body.is_any(*_ARRIVAL) and any(is_at_post(body, post) for post in _awaited(before)):
        return
    destination = before.destination.address.country if before.destination is not None else ""
    if body.is_any(BodyRole.LOCAL, BodyRole.CENTRAL) and destination and destination in body.countries:
        return
    raise ChedRefused(
        "IMG-7212",
        where="III.5",
        found=body.id,
        expected="the exit post, the post of final destination or the local authority",
    )


def check_own_follow_up(actor: Actor, author: str, countries: frozenset[str]) -> None:
    """Part III that is there already: who wrote it, or the central authority of its country (R-5-2).

    Args:
        actor: who writes.
        author: id of the body that wrote it last.
        countries: where that body is; empty when it is in no record any more.

    Raises:
        ChedRefused: IMG-7212.
    """
    body = writer_of(actor)
    if body.id == author or (body.is_any(BodyRole.CENTRAL) and not countries.isdisjoint(body.countries)):
        return
    raise ChedRefused(
        "IMG-7212",
        where="Part III",
        found=body.id,
        expected="the authority that wrote Part III, or the central authority of its country",
    )


def check_untouched(before: Ched, after: Ched, *parts: Part) -> None:
    """Refuse a message that changes a part that is not its sender's (R-5-2).

    Raises:
        ChedRefused: IMG-7213, naming the part.
    """
    for part in parts:
        if part_digest(before, part) != part_digest(after, part):
            changed = [box for box in changed_boxes(before, after) if part_of(box) is part and box not in SYSTEM_BOXES]
            found = f"another value in {', '.join(changed)}"
            raise ChedRefused("IMG-7213", where=f"Part {part.value}", found=found, expected="the part as it stands")


def check_only_part_one(before: Ched, after: Ched) -> None:
    """Refuse a message about Part I that says something of Parts II and III, but for II.23, which is open to it.

    Raises:
        ChedRefused: IMG-7213.
    """
    if before.decision is None is after.decision and before.follow_up is None is after.follow_up:
        return  # nearly every message, and the comparison looks at each box
    check_untouched(replace(before, customs_documents=after.customs_documents), after, Part.II, Part.III)


def check_begun(ched: Ched) -> None:
    """Refuse a new CHED that has Part III already, or names in II.24 what follows it: the register writes that.

    Raises:
        ChedRefused: IMG-7213.
    """
    if ched.follow_up is not None:
        raise ChedRefused("IMG-7213", where="Part III", expected="no Part III in a new CHED")
    if ched.subsequent:
        found = ched.subsequent[0].reference
        raise ChedRefused("IMG-7213", where="II.24", found=found, expected="no subsequent CHED of a new one")


def check_amendment(before: Ched, after: Ched, status: str) -> None:
    """A change of Part I: a draft in whole, later only the transport after the post (R-I27-LATE: I.27 to I.29).

    Raises:
        ChedRefused: IMG-7213.
    """
    check_only_part_one(before, after)
    if status not in EDITABLE:
        late = replace(
            before,
            transports_after=after.transports_after,
            transporter=after.transporter,
            departure_from_post=after.departure_from_post,
        )
        check_untouched(late, after, Part.I)


def entered_by(actor: Actor) -> ChedParty:
    """Who entered Part I, as TRACES records it: role VJ and the kind of user (DIGEST 6)."""
    body = writer_of(actor)
    authority = body.kind is BodyKind.AUTHORITY
    return ChedParty(
        identifier=body.id,
        scheme="authority_activity_id" if authority else "operator_activity_id",
        name=body.name,
        role="VJ",
        activities=(Coded("AUTHORITY" if authority else "OPERATOR", list_id="user_body_role"),),
    )


def _is(actor: Actor, body: Body, party: ChedParty) -> bool:
    """Whether a party of the document is this body; a number without its scheme or country is taken at its word."""
    key = party_key(party)
    return key in body_keys(body, actor.principal.partner) if key else party.identifier in body.names


def _awaited(ched: Ched) -> Iterable[ControlPost | None]:
    """The posts that the goods go to; for refused ones also the post where they are (III.4)."""
    for purpose in ched.purposes:
        yield purpose.post
    if ched.status_code in _REFUSED:
        yield ched.post


def _named(body: Body, post: ControlPost | None) -> str:
    code = (post.imsoc_code or post.identifier) if post is not None else ""
    return f"{body.id} for {code or 'no post'}"
