"""Submissions of CHEDs with codes that have no mapping: kept by the partner's policy, performed when rows are there.

Nothing of a CHED is judged before it stands in the codes of TRACES, so what is held is authentic and schema-valid, and
the rules are judged when it is released. It is performed as it was received: by the same body, with the signatures of
that day. Its sender finds the reference by the local reference (I.3), or by repeating the message.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.access import Untranslatable, check_operation, resolve_body
from gateway.ched.models import Actor, SubmissionKind
from gateway.ched.parts import writer_of
from gateway.ched.writing import message_digest
from gateway.documents.ched import read_ched
from gateway.errors import AccessDenied, Finding, Severity, TranslationRefused
from gateway.exchange import Principal
from gateway.exchange.holding import (
    Received,
    answer_of,
    answer_to,
    gap_rows,
    has_room,
    hold_again,
    judged_with,
    keeps,
    refusal_of,
)
from gateway.faultpoints import reach
from gateway.soap import SoapCall, TransportPeer
from gateway.soap.envelope import read_envelope, version_of
from gateway.soap.security import read_security
from gateway.store import (
    HeldMessage,
    NewHold,
    QuarantineDirection,
    QuarantineState,
    find_discarded,
    find_evidence,
    find_held,
    get_quarantine,
    new_id,
    record_held,
    settle_quarantine,
)
from gateway.traces.headers import KNOWN_HEADERS, read_header_blocks
from gateway.traces.wire_submission import read_submission_request
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.ched.models import ChedService, Receipt
    from gateway.ched.wiring import Built
    from gateway.exchange import Context
    from gateway.exchange.quarantine import Arrival
    from gateway.store import ChedWrite, QuarantineRow
    from mappings import Index

__all__ = ["release_submission", "submit_or_hold"]

_PLACE = "BodyIdentity and I.3"


def submit_or_hold(
    context: Context, service: ChedService, actor: Actor, document: _Element, kind: SubmissionKind, call: SoapCall
) -> Receipt:
    """Hand a submission in; what cannot be translated goes into quarantine where that is the partner's policy.

    Raises:
        TranslationRefused: IMG-6010, it is held; IMG-6020, an operator discarded it.
        GatewayError: as the service refuses.
    """
    partner = actor.principal.partner
    if partner.untranslatable is not Untranslatable.QUARANTINE:
        return service.submit(actor, document, kind, call)
    digest = message_digest(document)
    about: dict[str, Any] = {
        "partner": partner.id,
        "subject": _subject(actor, document, digest),
        "status_code": kind.value,
        "contract": call.contract,
    }
    with context.store.read() as connection:
        held = find_held(connection, **about)
        known = held if held is not None and held.digest == digest else None
        if known is None:
            same = {name: value for name, value in about.items() if name != "contract"}
            known = find_discarded(connection, **same, digest=digest)
    received = Received(call.contract, call.operation, call.raw, None, call.received_at)
    if known is not None:
        raise _in_form(hold_again(context, actor.principal, known.subject, received, known.id))
    try:
        receipt = service.submit(actor, document, kind, call)
    except TranslationRefused as refusal:
        about["digest"] = digest
        if not keeps(partner, refusal) or not has_room(context, **about):
            raise
        raise _hold(context, actor, document, received, refusal, about) from None
    if held is not None:
        _supersede(context, held, receipt, call)
        return replace(receipt, findings=(*receipt.findings, _ended(held)))
    return receipt


def release_submission(context: Context, traces: Built, entry: QuarantineRow, _index: Index, arrive: Arrival) -> None:
    """Perform a held submission: a way of ``gateway.exchange.quarantine``.

    Counted before it is performed, and noted after: a submission that was performed before a kill is the same one when
    it is performed again, and is answered with its first receipt.

    Raises:
        GatewayError: as the service refuses.
    """
    actor, document, call = _as_received(context, entry)
    context.store.write(arrive.claim)
    if arrive.full:
        return
    reach("quarantine.judged")

    def also(connection: Connection, write: ChedWrite) -> None:
        arrive(connection, write.version_id)

    service: ChedService = traces.cheds if traces.exchanger is not None else traces.registering(also)
    receipt = service.submit(actor, document, SubmissionKind(entry.status_code), call)
    with context.store.read() as connection:
        now = get_quarantine(connection, entry.id)
    if now is not None and now.state is QuarantineState.HELD:
        context.store.write(partial(arrive, exchange_id=receipt.exchange_id))


def _hold(
    context: Context,
    actor: Actor,
    document: _Element,
    received: Received,
    refusal: TranslationRefused,
    about: dict[str, Any],
) -> TranslationRefused:
    quarantine_id = new_id(received.now)
    index = context.index.on(received.now.date())
    answer = answer_of(refusal.gaps, None)
    detail = {"quarantine": quarantine_id, "where": "quarantine", **answer}
    journalled = refusal_of(actor.principal, received, about["subject"], detail)
    new = NewHold(
        **about,
        id=quarantine_id,
        direction=QuarantineDirection.IN,
        operation=received.operation,
        held_in=journalled.exchange_id,
        code=refusal.gaps[0].code,
        tables=index.version,
        judged=judged_with(index),
        gaps=gap_rows(refusal.gaps),
        received_at=received.now,
        transport={"method": actor.principal.method},
        answer=answer,
    )
    message = HeldMessage(refusal=journalled, hold=new, content=serialise(document), findings="[]")
    return _in_form(answer_to(context, context.store.write(partial(record_held, message=message)), received))


def _in_form(error: TranslationRefused) -> TranslationRefused:
    """With an error of its own before those of the codes: faults of TRACES are lists of errors."""
    own = Finding(error.code, Severity.SEVERE, error.message, error.where, error.found, error.expected)
    error.findings = (own, *error.findings)
    return error


def _supersede(context: Context, held: QuarantineRow, receipt: Receipt, call: SoapCall) -> None:
    context.store.write(
        lambda connection: settle_quarantine(
            connection,
            held.id,
            QuarantineState.SUPERSEDED,
            actor=held.partner,
            reason="the same CHED was accepted with other content",
            now=call.received_at,
            exchange_id=receipt.exchange_id or None,
        )
    )


def _ended(held: QuarantineRow) -> Finding:
    """The sender's own reference (I.3) says that it is the same CHED: the one that was held is not performed."""
    message = f"Quarantine entry {held.id} ({held.subject}) has ended: this CHED has the same I.3 and takes its place"
    return Finding("IMG-6021", Severity.WARNING, message, _PLACE, held.id)


def _subject(actor: Actor, document: _Element, digest: bytes) -> str:
    """``CHED/<body>/<I.3>``: what its sender calls it; its reference is given when it is performed."""
    return f"CHED/{writer_of(actor).id}/{read_ched(document).local_reference or digest.hex()[:16]}"


def _as_received(context: Context, entry: QuarantineRow) -> tuple[Actor, _Element, SoapCall]:
    """Who sent it, what, and the call; with the grants of now.

    Raises:
        AccessDenied: the partner, its body or its grant is gone.
    """
    partner = context.directory.by_id(entry.partner)
    if partner is None:
        raise AccessDenied("IMG-2101", found=entry.partner)
    check_operation(partner, entry.contract, entry.operation)
    with context.store.read() as connection:
        kept = find_evidence(connection, entry.held_in)
    if kept is None:
        raise AssertionError("a held message is kept whole")
    root = parse(kept.request, limits=context.limits).root
    version = version_of(root)
    envelope = read_envelope(root, version, KNOWN_HEADERS)
    headers = read_header_blocks(envelope.headers)
    actor = Actor(
        Principal(partner, entry.transport["method"]), resolve_body(partner, headers.required_body), headers.language
    )
    call = SoapCall(
        contract=entry.contract,
        operation=entry.operation,
        version=version,
        body=envelope.body,
        headers=envelope.headers,
        security=read_security(envelope.headers, signed=True),
        message_id=None,
        peer=TransportPeer("", secure=True),
        raw=kept.request,
        received_at=entry.received_at,
    )
    return actor, read_submission_request(envelope.body), call
