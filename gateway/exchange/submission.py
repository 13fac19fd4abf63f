"""SubmitCertificate: examine, acknowledge, commit, answer with the committed bytes (ARCHITECTURE section 4).

The acknowledgement is made and sealed before the transaction and becomes true by it. Of several equal messages at once
one wins; the others throw their acknowledgement away and answer with the winner's.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gateway.access import Untranslatable
from gateway.errors import (
    AuthenticationFailed,
    ExchangeRefused,
    Finding,
    RouteRefused,
    RulesRefused,
    Severity,
    TranslationRefused,
)
from gateway.exchange.acknowledgement import acknowledgement
from gateway.exchange.examination import examine
from gateway.exchange.holding import Received, gaps_alone, has_room, hold, hold_again, waits_for
from gateway.exchange.status import CertificateStatus
from gateway.exchange.storing import certificates_json, findings_json, seal_json
from gateway.exchange.transitions import FIRST, is_repeat, judge, key_of, names_a_predecessor
from gateway.faultpoints import reach
from gateway.store import (
    Conflict,
    RecordedKind,
    Submission,
    guard_held,
    new_id,
    record_submission,
)
from gateway.store.quarantine_families import end_all, held_of_document, with_waiting
from gateway.xml.canonical import serialise
from mappings import report_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.exchange.context import Context
    from gateway.exchange.models import Examined, Principal, SubmittedDocument
    from gateway.exchange.transitions import Transition
    from gateway.store import Recorded

__all__ = ["conflict_of", "kept_from", "prepare", "recipients", "record", "submit"]

_CONFLICTS = {
    Conflict.VERSION: ("IMG-7001", "/sps:SPSCertificate/sps:SPSExchangedDocument/ram:ID"),
    Conflict.STATE: ("IMG-7002", "/sps:SPSCertificate/sps:SPSExchangedDocument/ram:StatusCode"),
    Conflict.OWNER: ("IMG-7003", "/sps:SPSCertificate/sps:SPSExchangedDocument/ram:ID"),
    Conflict.SEAL_VALUE: ("IMG-7007", "/sps:SPSCertificate/ds:Signature/ds:SignatureValue"),
    Conflict.MESSAGE_ID: ("IMG-7008", "cx:MessageID"),
    Conflict.REPLACED: ("IMG-7009", "/sps:SPSCertificate/sps:SPSExchangedDocument/ram:ReferenceSPSReferencedDocument"),
}
"""The code of each conflict, and the place that it is about."""


def submit(
    context: Context,
    principal: Principal,
    document: SubmittedDocument,
    *,
    contract: str,
    operation: str,
    request: bytes,
    message_id: str | None,
    now: datetime,
) -> bytes:
    """Take a certificate over, or refuse it.

    Args:
        context: the services.
        principal: who sent it.
        document: the certificate, schema-valid.
        contract: name of the contract that it came by.
        operation: name of the operation.
        request: the whole request as received, kept as evidence (R-42-1).
        message_id: the sender's own id.
        now: time of receipt.

    Returns:
        The sealed acknowledgement, committed. For a repeat the bytes of the first answer.

    Raises:
        GatewayError: any refusal of the examination, IMG-6010 it is held in quarantine by the partner's policy,
            IMG-7001 to 7009 where it cannot stand beside what is stored, IMG-2003 a nonce or message id used before,
            IMG-9001 the store is busy.
    """
    reach("submission.received")
    received = Received(contract, operation, request, message_id, now)
    try:
        examined = examine(context, principal, document, now)
    except (RouteRefused, RulesRefused, TranslationRefused):
        # A repeat of an accepted message is answered as recorded even where rules, routes or tables changed since.
        examined = examine(context, principal, document, now, dry_run=True)
        if not is_repeat(context, principal, examined, contract):
            gaps = gaps_alone(principal.partner, examined)
            if gaps is None or not _has_room(context, principal, examined, contract):
                raise
            raise hold(context, principal, document, examined, received, gaps) from None
    submission = prepare(context, principal, _telling(context, principal, examined, contract), received)
    reach("submission.acknowledged")
    try:
        recorded = record(context, principal, examined, submission, partial(_mind_quarantine, submission))
    except ExchangeRefused:
        awaited = waits_for(context, principal, examined, contract)
        if awaited is None or not _has_room(context, principal, examined, contract):
            raise
        raise hold(context, principal, document, examined, received, None) from None
    if recorded.kind is RecordedKind.HELD:
        raise hold_again(context, principal, str(submission.document), received, recorded.exchange_id)
    reach("submission.committed")
    return _answer(recorded, submission)


def _has_room(context: Context, principal: Principal, examined: Examined, contract: str) -> bool:
    return has_room(
        context,
        partner=principal.partner.id,
        subject=str(key_of(examined)),
        status_code=examined.status_code,
        contract=contract,
        digest=examined.verified.digest if examined.verified else b"",
    )


def _mind_quarantine(submission: Submission, connection: Connection, recorded: Recorded) -> None:
    """What is held of the document gives way to other content of it, with what waits for it.

    The very message that is held leaves only by being released.
    """
    if recorded.kind is not RecordedKind.NEW:
        return
    held = guard_held(
        connection,
        partner=submission.partner,
        subject=str(submission.document),
        status_code=submission.status_code,
        contract=submission.contract,
        digest=submission.digest,
        message_id=submission.sender_message_id,
    )
    end_all(
        connection,
        with_waiting(connection, held),
        actor=submission.partner,
        reason=_ENDED,
        now=submission.received_at,
        exchange_id=submission.exchange_id,
    )


_ENDED: Final = "the same document was accepted with other content"


def _telling(context: Context, principal: Principal, examined: Examined, contract: str) -> Examined:
    """With a warning for each entry of quarantine that ends when this is accepted."""
    if principal.partner.untranslatable is not Untranslatable.QUARANTINE:
        return examined
    subject = str(key_of(examined))
    with context.store.read() as connection:
        held = held_of_document(connection, partner=principal.partner.id, subject=subject, contract=contract)
        ending = with_waiting(connection, held)
    warnings = tuple(
        Finding(
            "IMG-6021",
            Severity.WARNING,
            f"Quarantine entry {row.id} ({row.subject} with status {row.status_code}) has ended: this version takes "
            "its place, and what it asked for has to be sent again if it still holds",
            found=row.id,
        )
        for row in ending
    )
    return replace(examined, findings=(*warnings, *examined.findings))


def record(
    context: Context,
    principal: Principal,
    examined: Examined,
    submission: Submission,
    also: Callable[[Connection, Recorded], None] | None = None,
) -> Recorded:
    """Commit; an issue is taken for a new number first, and judged against what is stored when the store says no.

    Saves nearly every message a look into the store before the transaction that looks anyway. ``also`` runs in the
    same transaction once the message is new or a repeat; it is not reached by a conflict.
    """
    issue = examined.status_code in (CertificateStatus.APPROVED, CertificateStatus.ISSUED)
    if issue and not names_a_predecessor(examined):
        recorded = _commit(context, submission, FIRST, also)
        if recorded.conflict is not Conflict.STATE:
            return recorded
    recorded = _commit(context, submission, judge(context, principal, examined, submission.contract), also)
    if issue and recorded.conflict is Conflict.REPLACED:
        # What it replaces was withdrawn or replaced meanwhile. An issue stands by itself: judged once more, it does.
        recorded = _commit(context, submission, judge(context, principal, examined, submission.contract), also)
    return recorded


def _commit(
    context: Context,
    submission: Submission,
    transition: Transition,
    also: Callable[[Connection, Recorded], None] | None,
) -> Recorded:
    complete = replace(
        submission,
        expected_status=transition.current,
        replaces=transition.replaces,
        replaces_expected=transition.replaces_expected,
        replaced_status=CertificateStatus.REPLACED if transition.replaces else None,
    )

    def unit(connection: Connection) -> Recorded:
        recorded = record_submission(connection, complete)
        if also is not None:
            also(connection, recorded)
        return recorded

    return context.store.write(unit)


def prepare(
    context: Context,
    principal: Principal,
    examined: Examined,
    received: Received,
    transport: Mapping[str, Any] | None = None,
) -> Submission:
    """The acknowledgement, sealed, and everything that is committed with it.

    Args:
        context: the services.
        principal: who sent it.
        examined: nothing speaks against it.
        received: the message; ``now`` is the time at which it is accepted.
        transport: how it came; the principal's method when None.
    """
    contract, operation, message_id, now = received.contract, received.operation, received.message_id, received.now
    verified = examined.verified
    if verified is None:
        raise AssertionError("a document without a verified seal is never kept")
    exchange = new_id(now)
    answer = acknowledgement(
        examined.identity,
        status_code=examined.status_code,
        digest=verified.digest,
        exchange=exchange,
        message_id=message_id,
        findings=examined.findings,
        now=now,
    )
    seal = verified.seal
    return Submission(
        exchange_id=exchange,
        partner=principal.partner.id,
        contract=contract,
        operation=operation,
        received_at=now,
        request=received.request,
        acknowledgement=context.sealer.seal(answer, at=now),
        document=key_of(examined),
        status_code=examined.status_code,
        expected_status=None,
        digest=verified.digest,
        content=verified.content,
        form=examined.form,
        nonces=principal.nonces,
        seal_value=seal.signature_value,
        sender_message_id=message_id,
        transport=transport or {"method": principal.method},
        import_country=examined.import_country or None,
        route=examined.route,
        translated=serialise(examined.translation.root) if examined.translation else None,
        translation_report=report_to_json(examined.translation.report) if examined.translation else None,
        tables=examined.translation.tables if examined.translation else None,
        findings=findings_json(examined.findings),
        seal_verdict=seal_json(seal),
        timestamp_token=seal.timestamp.token_der if seal.timestamp else None,
        certificates=certificates_json(seal),
        deliveries=recipients(context, principal, examined),
        not_delivered=kept_from(context, principal, examined),
    )


def recipients(context: Context, principal: Principal, examined: Examined) -> tuple[str, ...]:
    """Every other enabled partner whose record asks for documents of this type and country, by id."""
    return tuple(
        partner.id
        for partner in context.directory.partners()
        if partner.enabled
        and partner.id != principal.partner.id
        and partner.delivery is not None
        and partner.delivery.wants(examined.identity.type_code, examined.import_country)
        and partner.may_exchange(examined.identity.type_code, examined.identity.issuer_country, examined.import_country)
    )


def kept_from(context: Context, principal: Principal, examined: Examined) -> dict[str, str]:
    """Other enabled partners that ask for documents for this very country and were not granted this one, each with why.

    Who asks for every country (the default) expects what it is granted and no more, so nothing is kept from it.
    """
    type_code, issuer = examined.identity.type_code, examined.identity.issuer_country
    importer = examined.import_country
    return {
        partner.id: _not_granted(partner, type_code, f"{issuer}>{importer}")
        for partner in context.directory.partners()
        if partner.enabled
        and partner.id != principal.partner.id
        and partner.expects(type_code, importer)
        and not partner.may_exchange(type_code, issuer, importer)
    }


def _not_granted(partner: Partner, type_code: str, pair: str) -> str:
    pairs, types = ", ".join(map(str, partner.country_pairs)), ", ".join(sorted(partner.document_types))
    return f"{type_code} {pair} is not granted: country_pairs {pairs or 'none'}; document_types {types or 'none'}"


def _answer(recorded: Recorded, submission: Submission) -> bytes:
    match recorded.kind:
        case RecordedKind.NEW | RecordedKind.REPEAT:
            return recorded.acknowledgement
        case RecordedKind.REPLAY:
            raise AuthenticationFailed("IMG-2003", found=recorded.detail)
        case RecordedKind.CONFLICT:
            raise conflict_of(recorded, submission)
        case RecordedKind.HELD:
            raise AssertionError("what is held was answered before")


def conflict_of(recorded: Recorded, submission: Submission) -> ExchangeRefused:
    """What a submission met in the store, as a refusal."""
    if recorded.conflict is None:
        raise AssertionError("a conflict names what it met")
    code, where = _CONFLICTS[recorded.conflict]
    found = recorded.detail
    if recorded.conflict is Conflict.VERSION:
        found = f"{submission.document} with status {submission.status_code} and sha-256 {submission.digest.hex()}"
    refused = ExchangeRefused(code, where=where, found=found)
    refused.subject = str(submission.document)
    return refused
