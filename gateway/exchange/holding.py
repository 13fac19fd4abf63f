"""Into quarantine: a message that is right in all but its codes, of a partner whose policy is to keep it (R-37-2).

Held is not accepted: the exchange is journalled as refused, the sender is told so with the id of the entry and all that
is missing, and no reader finds the document. What was judged already (grants, route, seal, rules) has passed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gateway.access import Untranslatable
from gateway.errors import AuthenticationFailed, ExchangeRefused, Finding, Severity, TranslationRefused, Unavailable
from gateway.exchange.storing import certificates_json, findings_json, seal_json
from gateway.exchange.transitions import judge, key_of, replaced_key
from gateway.store import (
    Conflict,
    GapRow,
    HeldMessage,
    NewHold,
    QuarantineDirection,
    QuarantineState,
    RecordedKind,
    Refusal,
    count_held_of,
    find_discarded,
    find_document,
    find_held,
    find_version,
    get_quarantine,
    list_quarantine,
    new_id,
    record_held,
    record_held_again,
)
from gateway.store import QuarantineQuery as Query
from gateway.store.quarantine_families import AWAITED, waiting_behind
from mappings.models import MAX_CODE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gateway.access import Partner
    from gateway.exchange.context import Context
    from gateway.exchange.models import Examined, Principal, SubmittedDocument
    from gateway.store import QuarantineRow, Recorded
    from mappings import Index

__all__ = [
    "HOLDABLE",
    "MAX_WAITING",
    "Received",
    "answer_of",
    "answer_to",
    "gap_rows",
    "gaps_alone",
    "has_room",
    "hold",
    "hold_again",
    "judged_with",
    "keeps",
    "refusal_of",
    "told",
    "waits_for",
]

HOLDABLE: Final = frozenset({"IMG-6001", "IMG-6002", "IMG-6003", "IMG-6004", "IMG-6008"})
"""Gaps that a row can fill. A table that is missing (IMG-6005), a form that cannot be expressed (IMG-6006), a code
without equivalent (IMG-6007) and what is no code (IMG-6014) stay refusals."""

_MAX_TEXT: Final = 2000
"""Characters of a place or a message that are kept with a gap."""

MAX_WAITING: Final = 20
"""Later versions that wait behind one held message, or behind each other behind it."""

_TRIES: Final = 3
"""Of holding the same document at the same moment as others."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came."""

    contract: str
    operation: str
    request: bytes
    message_id: str | None
    now: datetime


def judged_with(index: Index) -> str:
    """Which tables an entry was judged with: a new version, or a new day, may know its codes."""
    return f"{index.version} {index.on.isoformat()}"


def gap_rows(gaps: tuple[TranslationRefused, ...]) -> tuple[GapRow, ...]:
    """Gaps as the store keeps them."""
    return tuple(_gap_row(each) for each in gaps)


def _gap_row(gap: TranslationRefused) -> GapRow:
    source, target, name, code, context = gap.gap or ("", "", "", gap.found, "")
    return GapRow(
        source,
        target,
        name,
        _cut(code, MAX_CODE),  # as no code is, so that it equals none
        _cut(context, MAX_CODE),
        gap.code,
        _cut(gap.where, _MAX_TEXT),
        _cut(gap.message, _MAX_TEXT),
        gap.needed,
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def keeps(partner: Partner, refusal: TranslationRefused) -> bool:
    """Whether the partner's policy keeps what this refusal is about, and rows can fill all of it."""
    return (
        partner.untranslatable is Untranslatable.QUARANTINE
        and bool(refusal.gaps)
        and all(gap.code in HOLDABLE for gap in refusal.gaps)
    )


def gaps_alone(partner: Partner, examined: Examined) -> TranslationRefused | None:
    """The refusal of a dry run where gaps that rows can fill are all that is wrong, and the policy is to keep it."""
    if examined.verified is None or len(examined.refusals) != 1:
        return None
    (refusal,) = examined.refusals
    return refusal if isinstance(refusal, TranslationRefused) and keeps(partner, refusal) else None


def has_room(context: Context, *, partner: str, subject: str, status_code: str, contract: str, digest: bytes) -> bool:
    """Whether one more message of a partner may be held; what is known there already needs no room."""
    about: dict[str, Any] = {"partner": partner, "subject": subject, "status_code": status_code}
    with context.store.read() as connection:
        return (
            count_held_of(connection, partner) < context.policy.max_held_per_partner
            or find_discarded(connection, **about, digest=digest) is not None
            or find_held(connection, **about, contract=contract) is not None
        )


def waits_for(context: Context, principal: Principal, examined: Examined, contract: str) -> QuarantineRow | None:
    """The held entry that this version follows: it is held as well, so that both go their way in their order."""
    if principal.partner.untranslatable is not Untranslatable.QUARANTINE:
        return None
    key = key_of(examined)
    replaced = replaced_key(examined, key)
    partner = principal.partner.id
    with context.store.read() as connection:
        # What it takes the place of ends with all that came after that, so it waits for none of these.
        former = find_held(
            connection, partner=partner, subject=str(key), status_code=examined.status_code, contract=contract
        )
        for subject in dict.fromkeys((str(key), str(replaced or key))):
            query = Query(
                state=QuarantineState.HELD, partner=partner, subject=subject, before=former.id if former else ""
            )
            for entry in list_quarantine(connection, query):
                same = entry.subject == str(key) and entry.status_code == examined.status_code
                if entry.contract == contract and entry.direction is QuarantineDirection.IN and not same:
                    return entry
    return None


def hold(
    context: Context,
    principal: Principal,
    document: SubmittedDocument,
    examined: Examined,
    received: Received,
    refusal: TranslationRefused | None,
) -> TranslationRefused:
    """Keep a message, or find that it is kept already; returns the answer, to be raised.

    Args:
        context: the services.
        principal: who sent it.
        document: as it came.
        examined: all of it but the codes holds.
        received: the message.
        refusal: with the gaps; None: it waits for an earlier version that is held.

    Raises:
        ExchangeRefused: IMG-7001 to 7003, 7008, 7009: it could not stand beside what is stored; IMG-6023, as many as
            may wait for what it waits for do.
        Unavailable: IMG-9001, what it waits for is leaving quarantine at this moment.
        TranslationRefused: IMG-6020, an operator discarded this very message.
        AuthenticationFailed: IMG-2003, a nonce or message id was used before.
    """
    awaited = waits_for(context, principal, examined, received.contract)
    _check_standing(context, principal, examined, received.contract, awaited)
    if awaited is not None and refusal is None:
        _check_room(context, examined, awaited)
    for _ in range(_TRIES):
        message = _message(context, principal, document, examined, received, refusal, awaited)
        recorded = context.store.write(partial(record_held, message=message))
        if recorded.conflict is not Conflict.STATE:
            break
        awaited = waits_for(context, principal, examined, received.contract)
        if awaited is None and refusal is None:  # it has gone this very moment: sent again, this is judged for itself
            raise Unavailable("IMG-9001", where="quarantine")
    return answer_to(context, recorded, received)


def hold_again(
    context: Context, principal: Principal, subject: str, received: Received, quarantine_id: str
) -> TranslationRefused:
    """Answer a message that is in quarantine already; as `hold`."""
    refusal = refusal_of(principal, received, subject, {"quarantine": quarantine_id})
    recorded = context.store.write(partial(record_held_again, refusal=refusal, quarantine_id=quarantine_id))
    return answer_to(context, recorded, received)


def answer_to(context: Context, recorded: Recorded, received: Received) -> TranslationRefused:
    """What the sender is told: the same for the same message, as long as it is held.

    Raises:
        As `hold`.
    """
    if recorded.kind is RecordedKind.REPLAY:
        raise AuthenticationFailed("IMG-2003", found=recorded.detail)
    if recorded.kind is RecordedKind.CONFLICT:
        raise ExchangeRefused("IMG-7008", where="cx:MessageID", found=received.message_id or "")
    with context.store.read() as connection:
        entry = get_quarantine(connection, recorded.exchange_id)
    if entry is None:
        raise AssertionError("an entry of quarantine is never deleted")
    return told(entry)


def told(entry: QuarantineRow) -> TranslationRefused:
    """The answer that an entry's sender got, again."""
    if entry.state is QuarantineState.DISCARDED:
        error = TranslationRefused("IMG-6020", where="quarantine", found=entry.id, expected=entry.reason)
    else:
        answer = entry.answer
        findings = tuple(Finding(**{**each, "severity": Severity(each["severity"])}) for each in answer["findings"])
        message = answer["message"] + _ended(answer.get("ended", ()))
        error = TranslationRefused("IMG-6010", message, where="quarantine", found=entry.id, findings=findings)
    error.exchange_id, error.subject, error.spent = entry.held_in, entry.subject, True
    return error


def _ended(ended: Sequence[Mapping[str, str]]) -> str:
    """What a message took the place of, with what waited for that and has to be sent again."""
    if not ended:
        return ""
    names = [f"{each['id']} ({each['subject']} with status {each['status_code']})" for each in ended]
    text = f". It takes the place of {names[0]}"
    return f"{text}, and ends what came after that, to be sent again: {', '.join(names[1:])}" if names[1:] else text


def answer_of(gaps: tuple[TranslationRefused, ...], awaited: QuarantineRow | None) -> dict[str, Any]:
    """What is said about an entry, as it is kept."""
    message = "Held in quarantine, not accepted: "
    if gaps:
        message += f"{len(gaps)} codes have no translation" if len(gaps) > 1 else "a code has no translation"
    elif awaited is not None:
        message += f"it waits for {awaited.subject} with status {awaited.status_code}, held as {awaited.id}"
    findings = tuple(
        Finding(gap.code, Severity.SEVERE, gap.message, gap.where, gap.found, gap.expected) for gap in gaps
    )
    return {"message": message, "findings": json.loads(findings_json(findings))}


def _check_standing(
    context: Context, principal: Principal, examined: Examined, contract: str, awaited: QuarantineRow | None
) -> None:
    """Refuse what could not stand even in good codes; what follows a held version is judged when that is released."""
    try:
        judge(context, principal, examined, contract)
    except ExchangeRefused as refusal:
        if refusal.code == "IMG-7003" or awaited is None:
            raise
    key = key_of(examined)
    with context.store.read() as connection:
        document = find_document(connection, key)
        version = find_version(connection, document, examined.status_code) if document else None
    if version is not None and version.digest != examined.digest:
        raise ExchangeRefused("IMG-7001", where=_NUMBER, found=f"{key} with status {examined.status_code}")


def _check_room(context: Context, examined: Examined, awaited: QuarantineRow) -> None:
    """Refuse what would wait where as many wait as may, unless it waits there already."""
    with context.store.read() as connection:
        first = awaited
        for _ in range(MAX_WAITING):
            before = get_quarantine(connection, first.transport.get("waits_for") or "")
            if before is None or before.state is not QuarantineState.HELD:
                break
            first = before
        waiting = waiting_behind(connection, first.id)
    about = (str(key_of(examined)), examined.status_code)
    if len(waiting) >= MAX_WAITING and about not in {(row.subject, row.status_code) for row in waiting}:
        raise ExchangeRefused(
            "IMG-6023", where=_NUMBER, found=f"{len(waiting)} wait for {first.id}", expected=f"at most {MAX_WAITING}"
        )


_NUMBER: Final = "/sps:SPSCertificate/sps:SPSExchangedDocument/ram:ID"


def _message(
    context: Context,
    principal: Principal,
    document: SubmittedDocument,
    examined: Examined,
    received: Received,
    refusal: TranslationRefused | None,
    awaited: QuarantineRow | None,
) -> HeldMessage:
    verified = examined.verified
    if verified is None:
        raise AssertionError("a document without a verified seal is never kept")
    quarantine_id = new_id(received.now)
    subject = str(key_of(examined))
    answer = answer_of(refusal.gaps if refusal else (), awaited)
    journalled = refusal_of(
        principal, received, subject, {"quarantine": quarantine_id, **answer, "where": "quarantine"}
    )
    index = context.index.on(received.now.date())
    new = NewHold(
        id=quarantine_id,
        direction=QuarantineDirection.IN,
        contract=received.contract,
        operation=received.operation,
        partner=principal.partner.id,
        subject=subject,
        status_code=examined.status_code,
        digest=verified.digest,
        held_in=journalled.exchange_id,
        code=refusal.gaps[0].code if refusal else "IMG-6010",
        tables=index.version,
        judged=judged_with(index),
        gaps=gap_rows(refusal.gaps) if refusal else _awaiting(awaited, answer["message"]),
        received_at=received.now,
        sender_message_id=received.message_id,
        transport={
            "method": principal.method,
            "form": document.form.value,
            "claimed_route": document.claimed_route,
            "waits_for": awaited.id if awaited and refusal is None else None,
        },
        answer=answer,
    )
    seal = verified.seal
    return HeldMessage(
        refusal=journalled,
        hold=new,
        content=verified.content,
        findings=findings_json(examined.findings),
        seal_verdict=seal_json(seal),
        timestamp_token=seal.timestamp.token_der if seal.timestamp else None,
        certificates=certificates_json(seal),
    )


def _awaiting(awaited: QuarantineRow | None, message: str) -> tuple[GapRow, ...]:
    """What it waits for, where it is found by the id of that."""
    return (GapRow("", "", AWAITED, awaited.id, "", "IMG-6010", "", message, ""),) if awaited else ()


def refusal_of(principal: Principal, received: Received, subject: str, detail: dict[str, Any]) -> Refusal:
    """How a held message is journalled: it was not accepted."""
    return Refusal(
        exchange_id=new_id(received.now),
        partner=principal.partner.id,
        contract=received.contract,
        operation=received.operation,
        received_at=received.now,
        request=received.request,
        error_code="IMG-6010",
        error_detail=detail,
        nonces=principal.nonces,
        sender_message_id=received.message_id,
        subject=subject,
        transport={"method": principal.method},
    )
