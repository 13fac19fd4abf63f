"""SubmitCertificate: examine, acknowledge, commit, answer with the committed bytes (ARCHITECTURE section 4).

The acknowledgement is made and sealed before the transaction and becomes true by it. Of several equal messages at once
one wins; the others throw their acknowledgement away and answer with the winner's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import (
    AuthenticationFailed,
    ExchangeRefused,
    RouteRefused,
    RulesRefused,
    TranslationRefused,
)
from gateway.exchange.acknowledgement import acknowledgement
from gateway.exchange.examination import examine
from gateway.exchange.status import CertificateStatus, may_follow
from gateway.exchange.storing import certificates_json, findings_json, seal_json
from gateway.faultpoints import reach
from gateway.store import (
    Conflict,
    DocumentKey,
    RecordedKind,
    Submission,
    find_accepted,
    find_document,
    idempotency_key,
    new_id,
    record_submission,
)
from gateway.xml.canonical import serialise
from mappings import report_to_json

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.documents import DocumentIdentity
    from gateway.exchange.context import Context
    from gateway.exchange.models import Examined, Principal, SubmittedDocument
    from gateway.store import DocumentRow, Recorded

__all__ = ["submit"]

_CONFLICTS = {
    Conflict.VERSION: "IMG-7001",
    Conflict.STATE: "IMG-7002",
    Conflict.OWNER: "IMG-7003",
    Conflict.SEAL_VALUE: "IMG-7007",
    Conflict.MESSAGE_ID: "IMG-7008",
    Conflict.REPLACED: "IMG-7009",
}


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
        GatewayError: any refusal of the examination, IMG-7001 to 7009 where it cannot stand beside what is stored,
            IMG-2003 a nonce or message id used before, IMG-9001 the store is busy.
    """
    reach("submission.received")
    try:
        examined = examine(context, principal, document, now)
    except (RouteRefused, RulesRefused, TranslationRefused):
        # A repeat of an accepted message is answered as recorded even where rules, routes or tables changed since.
        examined = examine(context, principal, document, now, dry_run=True)
        if not _is_repeat(context, principal, examined, contract):
            raise
    submission = _prepare(
        context,
        principal,
        examined,
        contract=contract,
        operation=operation,
        request=request,
        message_id=message_id,
        now=now,
    )
    reach("submission.acknowledged")
    recorded = context.store.write(lambda connection: record_submission(connection, submission))
    reach("submission.committed")
    return _answer(recorded)


def _prepare(
    context: Context,
    principal: Principal,
    examined: Examined,
    *,
    contract: str,
    operation: str,
    request: bytes,
    message_id: str | None,
    now: datetime,
) -> Submission:
    verified = examined.verified
    if verified is None:
        raise AssertionError("a document without a verified seal is never kept")
    key = _key(examined.identity)
    transition = _transition(context, principal, examined, contract)
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
        request=request,
        acknowledgement=context.sealer.seal(answer, at=now),
        document=key,
        status_code=examined.status_code,
        expected_status=transition.current,
        digest=verified.digest,
        content=verified.content,
        form=examined.form,
        nonces=principal.nonces,
        seal_value=seal.signature_value,
        sender_message_id=message_id,
        transport={"method": principal.method},
        import_country=examined.import_country or None,
        replaces=transition.replaces,
        replaces_expected=transition.replaces_expected,
        route=examined.route,
        translated=serialise(examined.translation.root) if examined.translation else None,
        translation_report=report_to_json(examined.translation.report) if examined.translation else None,
        findings=findings_json(examined.findings),
        seal_verdict=seal_json(seal),
        timestamp_token=seal.timestamp.token_der if seal.timestamp else None,
        certificates=certificates_json(seal),
        deliveries=_recipients(context, principal, examined),
    )


@dataclass(frozen=True, slots=True)
class _Transition:
    """What this version follows, and the other document that it replaces, each with the status it was judged for."""

    current: str | None
    replaces: DocumentKey | None = None
    replaces_expected: str | None = None


def _transition(context: Context, principal: Principal, examined: Examined, contract: str) -> _Transition:
    key = _key(examined.identity)
    new = examined.status_code
    with context.store.read() as connection:
        current = _status(find_document(connection, key))
        replaces, replaced = None, None
        if new == CertificateStatus.REPLACED:
            replaces = _replaced_key(examined, key)
            replaced = _status(find_document(connection, replaces)) if replaces else None
    legal = new == current or may_follow(current, new)
    known = replaces is None or (replaced is not None and may_follow(replaced, new))
    if not (legal and known) and not _is_repeat(context, principal, examined, contract):
        if not legal:
            raise ExchangeRefused(
                "IMG-7002",
                where="/sps:SPSCertificate/sps:SPSExchangedDocument/ram:StatusCode",
                found=f"{new} for a number whose status is {current or 'not known'}",
                expected="issue (70), then at most one replacement (44), then at most a withdrawal (40)",
            )
        raise ExchangeRefused("IMG-7009", found=f"{replaces} with status {replaced or 'not known'}")
    return _Transition(current, replaces, replaced)


def _status(document: DocumentRow | None) -> str | None:
    return document.status_code if document else None


def _replaced_key(examined: Examined, key: DocumentKey) -> DocumentKey | None:
    """The other document that a replacement names; None when it replaces an earlier version of its own number.

    That it names one is a rule of every rule set.
    """
    number = examined.view.replaced_number or key.number
    return None if number == key.number else DocumentKey(key.issuer_country, key.type_code, number)


def _is_repeat(context: Context, principal: Principal, examined: Examined, contract: str) -> bool:
    """Whether exactly this was accepted from this partner before: then the recorded outcome is the answer."""
    if examined.verified is None:
        return False
    identity = examined.identity
    key = idempotency_key(
        partner=principal.partner.id,
        contract=contract,
        issuer_country=identity.issuer_country,
        type_code=identity.type_code,
        number=identity.number,
        status_code=examined.status_code,
        digest=examined.verified.digest,
    )
    with context.store.read() as connection:
        return find_accepted(connection, key) is not None


def _recipients(context: Context, principal: Principal, examined: Examined) -> tuple[str, ...]:
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


def _key(identity: DocumentIdentity) -> DocumentKey:
    return DocumentKey(identity.issuer_country, identity.type_code, identity.number)


def _answer(recorded: Recorded) -> bytes:
    match recorded.kind:
        case RecordedKind.NEW | RecordedKind.REPEAT:
            return recorded.acknowledgement
        case RecordedKind.REPLAY:
            raise AuthenticationFailed("IMG-2003", found=recorded.detail)
        case RecordedKind.CONFLICT:
            raise _conflict(recorded)


def _conflict(recorded: Recorded) -> ExchangeRefused:
    if recorded.conflict is None:
        raise AssertionError("a conflict names what it met")
    return ExchangeRefused(_CONFLICTS[recorded.conflict], found=recorded.detail)
