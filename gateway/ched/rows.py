"""What the store keeps of a CHED beside its document: what it is found by, and who finds it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.ched.identities import named_keys, post_key
from gateway.ched.states import DECIDED, ONWARD, ChedStatus
from gateway.store import ChedCommodity, ChedDocument, ChedRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.ched.models import Actor
    from gateway.documents.ched import Ched, ChedLine, ControlPost

__all__ = ["commodities_of", "country_of", "instant", "row_of"]

_PHYTO: Final = frozenset({"851", "657"})
"""UN/EDIFACT 1001 of phytosanitary certificates."""
_POST_CODE: Final = re.compile(r"[A-Z]{2}[A-Z2-9]{3}[0-9][A-Z0-9]{0,3}\Z")
"""An IMSOC code: a LOCODE, a number, letters for what is done there; an identifier of an authority is none."""
_TRANSPORT: Final = "BM"
"""UN/EDIFACT 1153 of documents of transport: no certificate is looked for among their numbers."""
_MAX_COMMODITIES: Final = 50
"""Kept with the row for lists of results and for the search by CN code."""


def row_of(ched: Ched, actor: Actor, *, chid: str, before: ChedRow | None, at: datetime) -> ChedRow:
    """The row of a CHED as it stands after a write.

    Args:
        ched: with reference and status as they are to stand.
        actor: who writes; it finds the CHED from now on (R-36-3).
        chid: our own id of the CHED.
        before: the row as it stood.
        at: when, aware.
    """
    status = ched.status_code
    decision, post = ched.decision, ched.post
    body = actor.body.id if actor.body is not None else ""
    shown = status not in (ChedStatus.DRAFT, ChedStatus.DELETED)
    entry = country_of(post)
    destination = ched.destination.address.country if ched.destination is not None else ""
    transfer = next((country_of(each.post) for each in ched.purposes if each.box == "I.20"), "")
    measures = bool(decision is not None and any(decision.measures))
    return ChedRow(
        id=chid,
        reference=ched.reference,
        local_reference=ched.local_reference,
        type=ched.type.value if ched.type is not None else "",
        status_code=status,
        purpose=next((purpose.code.code for purpose in ched.purposes), ""),
        conclusion=next((each.code for each in decision.conclusion), "") if decision is not None else "",
        pending=before.pending if before is not None else "",
        partner=before.partner if before is not None else actor.principal.partner.id,
        body=before.body if before is not None else body,
        operators=_distinct(party.identifier for party in ched.all_parties),
        bodies=_distinct((*(before.bodies if before is not None else ()), body, *(_named(ched) if shown else ()))),
        posts=_distinct(map(_code, _posts(ched))) if shown else (),
        areas=_distinct((entry, destination, transfer)) if shown else (),
        sources=_distinct(_sources(ched)) if shown else (),
        targets=_distinct((entry, destination)) if shown else (),
        post_code=_code(post),
        post_locode=_locode(post),
        entry_country=entry,
        dispatch_country=ched.dispatch_country.code,
        origin_countries=_distinct(country.code for country in ched.origins),
        destination_country=destination,
        transfer_country=transfer,
        issuance_country=before.issuance_country if before is not None else actor.principal.partner.country,
        consignor_country=ched.consignor.address.country if ched.consignor is not None else "",
        consignor_name=ched.consignor.name if ched.consignor is not None else "",
        consignee_country=ched.consignee.address.country if ched.consignee is not None else "",
        consignee_name=ched.consignee.name if ched.consignee is not None else "",
        commodities=commodities_of(ched.lines),
        documents=_documents(ched),
        phyto_references=_distinct(each.number for each in ched.documents if each.type.code in _PHYTO),
        phyto_local_references=(),
        transshipped=status == ChedStatus.TRANSHIPMENT,
        transfer=status == ChedStatus.TRANSFER,
        plant_health_non_compliance=bool(
            ched.type is not None and ched.type.value == "PP" and status in _REFUSED and decision is not None
        ),
        pending_laboratory_tests=decision is not None and decision.laboratory.result.code == "PENDING",
        requires_follow_up=status in ONWARD or (status in _REFUSED and ched.follow_up is None),
        signed=before.signed if before is not None else False,
        contingency=bool(ched.contingency),
        refused=status in _REFUSED or measures,
        created_at=before.created_at if before is not None else at,
        updated_at=at,
        status_changed_at=before.status_changed_at if before is not None and before.status_code == status else at,
        declared_at=instant(ched.declaration.signed) if ched.declaration is not None else None,
        decided_at=_decided_at(ched, before, at),
        prior_notification_at=instant(ched.arrival),
    )


_REFUSED: Final = frozenset({ChedStatus.REJECTED, ChedStatus.PARTIALLY_REJECTED})


def _documents(ched: Ched) -> tuple[ChedDocument, ...]:
    found = (each for each in ched.documents if each.number and each.relation != _TRANSPORT)
    return tuple(dict.fromkeys(ChedDocument(each.number, each.type.code, each.country) for each in found))


def country_of(post: ControlPost | None) -> str:
    """The country of a post: as its IMSOC code or LOCODE begins; as written only where it has neither.

    By the code the post is known, so that a country written beside it moves nothing to another authority. For Northern
    Ireland, whose LOCODEs begin with GB, the written XI holds.
    """
    if post is None:
        return ""
    code = post.imsoc_code
    known = (code if post.code or _POST_CODE.match(code) else _locode(post))[:2]
    return post.country if not known or (known, post.country) == ("GB", "XI") else known


def instant(text: str) -> datetime | None:
    """ISO 8601 as an aware moment; None where there is none, a text without an offset among them."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _decided_at(ched: Ched, before: ChedRow | None, at: datetime) -> datetime | None:
    if ched.status_code not in DECIDED or ched.decision is None:
        return before.decided_at if before is not None else None
    if before is not None and before.decided_at is not None:
        return before.decided_at
    return instant(ched.decision.signed) or at


def _named(ched: Ched) -> Iterable[str]:
    """Who is named in it; a draft is seen by its author alone."""
    yield from sorted(named_keys(ched))
    yield from map(post_key, _posts(ched))


def _posts(ched: Ched) -> Iterable[ControlPost | None]:
    yield ched.post
    yield from (purpose.post for purpose in ched.purposes)
    if ched.decision is not None:
        yield ched.decision.post
    if ched.follow_up is not None and ched.follow_up.redispatch is not None:
        yield ched.follow_up.redispatch.post


def _code(post: ControlPost | None) -> str:
    return post.imsoc_code if post is not None else ""


def _locode(post: ControlPost | None) -> str:
    if post is None:
        return ""
    return post.locode or (post.identifier if post.scheme == "un_locode" else "")


def _sources(ched: Ched) -> Iterable[str]:
    yield ched.dispatch_country.code
    if ched.consignor is not None:
        yield ched.consignor.address.country
    yield from (country.code for country in ched.origins)


def commodities_of(lines: Iterable[ChedLine]) -> tuple[ChedCommodity, ...]:
    """The commodities of box I.31, each code once."""
    found: dict[str, ChedCommodity] = {}
    for line in lines:
        for each in line.classes:
            if each.system == "CN" and each.code and len(found) < _MAX_COMMODITIES:
                names = tuple(name for _, name in each.names)
                found.setdefault(each.code, ChedCommodity(each.code, names, each.system, each.system_name))
    return tuple(found.values())


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))
