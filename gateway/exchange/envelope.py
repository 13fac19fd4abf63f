"""A certificate that came in an envelope of the ePhyto hub: read leniently, recorded honestly, never refused aloud.

Hub traffic is authenticated by TLS and not by a seal, so the document is an ePhyto and no certificate of Article 39
until a seal and a qualified time stamp say otherwise (R-39-2). The sealed evidence is our own acknowledgement: it names
the digest of the content and that of the envelope as received. What a document that was submitted would be refused for
is held here: the sender is not on the line, and the hub is told with the acknowledgement of the envelope.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.access import check_document
from gateway.documents import FilesApart, SpsCertificate, normalise_order
from gateway.errors import (
    ExchangeRefused,
    Finding,
    GatewayError,
    HubRefused,
    Severity,
    TranslationRefused,
    Unavailable,
)
from gateway.exchange.acknowledgement import Carrier, acknowledgement
from gateway.exchange.examination import check_status, into_canonical
from gateway.exchange.models import Examined, ImportOutcome, Principal
from gateway.exchange.status import CertificateStatus
from gateway.exchange.storing import certificates_json, findings_json
from gateway.exchange.submission import conflict_of, kept_from, recipients, record
from gateway.exchange.transitions import key_of
from gateway.exchange.vouching import NOT_ARTICLE_39, look_for_seal, vouch
from gateway.faultpoints import reach
from gateway.rules import evaluate
from gateway.store import (
    Form,
    ImportState,
    RecordedKind,
    Submission,
    find_document,
    find_versions,
    new_id,
)
from gateway.xml.canonical import C14n, canonicalise, serialise
from gateway.xml.names import RAM21, SPS17, path_of, qn
from mappings import report_to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.exchange.context import Context
    from gateway.exchange.vouching import Seal
    from gateway.ippc import EnvelopeHeader
    from gateway.ippc.content import Content
    from gateway.store import Recorded

__all__ = ["CONTRACT", "ReceivedEnvelope", "take_envelope"]

CONTRACT: Final = "ippc-hub"

UNSEALED: Final = f"Received through the ePhyto hub without a seal that holds: {NOT_ARTICLE_39}"
"""Said in the acknowledgement, under our seal."""

_STATUS: Final = "/sps:SPSCertificate/sps:SPSExchangedDocument/ram:StatusCode"
_SEALED_PARTNERS: Final = frozenset({"certificate-exchange"})
"""Adapters that deliver electronic official certificates: what goes there needs its route (R-39-1)."""


@dataclass(frozen=True, slots=True)
class ReceivedEnvelope:
    """An envelope with a certificate in it, as it came."""

    header: EnvelopeHeader
    content: Content
    raw: bytes
    """The bytes that it came in: the evidence."""
    operation: str
    """``PULLSingleImportEnvelope``, or ``DeliverEnvelope`` where the sender called us."""
    authenticated_by: str
    """For the verdict: ``mutual TLS with the hub``."""

    @property
    def number(self) -> str:
        """The hub's number."""
        return self.header.hub_delivery_number


def take_envelope(
    context: Context,
    partner: Partner,
    envelope: ReceivedEnvelope,
    *,
    settle: Callable[[Connection, ImportOutcome], None],
    now: datetime,
) -> ImportOutcome:
    """Make an envelope's certificate a document of the exchange, or say what holds it up.

    Args:
        context: the services.
        partner: who is responsible for what came: the hub that was polled, or the authority that called us.
        envelope: header, content and bytes.
        settle: writes the outcome down, in the transaction that the document is stored in; may run again.
        now: aware, UTC.

    Returns:
        The outcome, committed. The same content again is IMPORTED, as a repeat of the first exchange.

    Raises:
        Unavailable: our own store or time-stamping authority; nothing was decided.
    """
    findings: list[Finding] = []
    subject = ""
    try:
        whole = _look_at_all_of_it(context, partner, envelope, now)
        view = _read(envelope, findings)
        subject = str(view.identity or "")
        examined, submission = _examine(context, partner, envelope, whole, view, findings, now)
        del whole  # the files: what is written has them again
        reach("hub.examined")

        def also(connection: Connection, recorded: Recorded) -> None:
            if examined.verified is None and recorded.kind is RecordedKind.NEW:
                _leave_sealed_alone(connection, examined, recorded.exchange_id)
            settle(connection, _taken(recorded, subject, findings))

        recorded = record(context, Principal(partner, "client-certificate"), examined, submission, also)
        if recorded.kind is RecordedKind.CONFLICT:
            raise conflict_of(recorded, submission)
        return _taken(recorded, subject, findings)
    except Unavailable:
        raise
    except GatewayError as refusal:
        held = ImportOutcome(
            ImportState.HELD,
            refusal.code,
            _sentence(refusal),
            (*refusal.findings, *findings),
            subject=subject,
            status_code=str(envelope.header.certificate_status),
            digest=hashlib.sha256(envelope.content.document).digest(),
            gaps=refusal.gaps if isinstance(refusal, TranslationRefused) else (),
        )
    context.store.write(lambda connection: settle(connection, held))
    return held


def _taken(recorded: Recorded, subject: str, findings: list[Finding]) -> ImportOutcome:
    return ImportOutcome(
        ImportState.IMPORTED,
        findings=tuple(findings),
        exchange_id=recorded.exchange_id,
        subject=subject,
        repeat=recorded.kind is RecordedKind.REPEAT,
    )


def _leave_sealed_alone(connection: Connection, examined: Examined, exchange_id: str) -> None:
    """What came under a seal is not withdrawn or replaced by an envelope that has none.

    TLS says less than a seal, and partners that got the sealed certificate would not be told.

    Raises:
        HubRefused: IMG-7121; what the transaction has done so far is undone by it.
    """
    key = key_of(examined)
    replaced = examined.view.replaced_number or key.number
    for each in {key, replace(key, number=replaced)}:
        document = find_document(connection, each)
        versions = find_versions(connection, document.id) if document else ()
        touched = any(exchange_id in (version.exchange_id, version.replaced_by) for version in versions)
        if touched and any(version.form is not Form.ENVELOPE for version in versions):
            raise HubRefused("IMG-7121", where=_STATUS, found=f"{each} with status {examined.status_code}")


@dataclass(frozen=True, slots=True)
class _Whole:
    """What is known of the content as it came; its tree has no large files from then on."""

    seal: Seal
    digest: bytes
    files: FilesApart


def _look_at_all_of_it(context: Context, partner: Partner, envelope: ReceivedEnvelope, now: datetime) -> _Whole:
    root = envelope.content.root
    seal = look_for_seal(context, partner, envelope.content, now)
    if seal[0] is not None:
        FilesApart(seal[0].root)  # a copy of the document, of which only codes are read
    files = FilesApart(root)
    return _Whole(seal, files.digest(canonicalise(root, algorithm=C14n.EXCLUSIVE)), files)


def _read(envelope: ReceivedEnvelope, findings: list[Finding]) -> SpsCertificate:
    """The content in UN/CEFACT order, with the status that the envelope gives it."""
    root, noticed = normalise_order(envelope.content.root)
    findings += noticed
    view = SpsCertificate(root)
    if view.identity is None:
        raise ExchangeRefused("IMG-7005", where=path_of(root), expected="ID, TypeCode and the country of issue")
    _agree(envelope.header, view)
    status = str(envelope.header.certificate_status)
    if status != view.status_code:
        # Senders withdraw by the same document in a new envelope (DIGEST 2.4); anything else is nobody's statement.
        if status != CertificateStatus.WITHDRAWN:
            raise _disagreement("CertificateStatus", status, view.status_code)
        message = "The envelope withdraws the certificate, its content does not say so"
        findings.append(Finding("HUB-STATUS", Severity.WARNING, message, _STATUS, view.status_code, status))
        _set_status(root, status)
    importer = view.import_country
    if importer and importer != envelope.header.to:
        message = "The envelope is addressed to another country than the certificate"
        findings.append(Finding("HUB-TO", Severity.WARNING, message, "To", envelope.header.to, importer))
    return view


def _agree(header: EnvelopeHeader, view: SpsCertificate) -> None:
    """The hub vouches for the header alone: a content of another country, type or number is nobody's.

    Raises:
        HubRefused: IMG-7120.
    """
    identity = view.identity
    assert identity is not None
    for name, said, found in (
        ("From", header.sender, identity.issuer_country),
        ("CertificateType", str(header.certificate_type), identity.type_code),
        ("NPPOCertificateNumber", " ".join(header.certificate_number.split()), identity.number),
    ):
        if said != found:
            raise _disagreement(name, said, found)


def _disagreement(name: str, said: str, found: str) -> HubRefused:
    return HubRefused("IMG-7120", where=name, found=f"{said} in the envelope, {found} in the certificate")


def _set_status(root: _Element, status: str) -> None:
    element = root.find(f"{qn(SPS17, 'SPSExchangedDocument')}/{qn(RAM21, 'StatusCode')}")
    if element is not None:
        element.text = status


def _examine(
    context: Context,
    partner: Partner,
    envelope: ReceivedEnvelope,
    whole: _Whole,
    view: SpsCertificate,
    findings: list[Finding],
    now: datetime,
) -> tuple[Examined, Submission]:
    """Grants, seal if there is one, rules, route and translation; the first refusal holds the document."""
    identity = view.identity
    assert identity is not None
    importer = view.import_country or envelope.header.to
    check_status(view.status_code)
    check_document(partner, identity.type_code, identity.issuer_country, importer)
    vouched = vouch(context, partner, whole.seal, view, now)
    findings += vouched.findings
    rule_set = partner.rule_set or ("ephyto" if view.is_phytosanitary else "sps-general")
    findings += evaluate(view.root, rule_set, on=now.date())
    translation = into_canonical(context, partner, view, "", now)
    examined = Examined(
        identity=identity,
        view=view,
        form=Form.ENVELOPE,
        import_country=importer,
        status_code=view.status_code,
        route=vouched.route or "",
        verified=vouched.verified,
        findings=(),
        translation=translation,
        digest=whole.digest,
    )
    targets, kept_back = _targets(context, partner, examined)
    if kept_back:
        message = f"Not delivered to {', '.join(kept_back)}: {NOT_ARTICLE_39} ({vouched.why_no_route})"
        findings.append(Finding("HUB-ROUTE", Severity.INFO, message, source="R-39-4, R-39-5"))
    examined = replace(examined, findings=tuple(findings))
    verdict = vouched.verdict(authenticated_by=envelope.authenticated_by, envelope=envelope.number)
    translated = whole.files.put_back(serialise(translation.root))
    return examined, _submission(context, partner, envelope, examined, translated, verdict, targets, now)


def _targets(context: Context, partner: Partner, examined: Examined) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who gets it, and who would have got it were it a certificate of Article 39."""
    wanted = recipients(context, Principal(partner, ""), examined)
    if examined.route:
        return wanted, ()
    kept_back = tuple(each for each in wanted if _adapter(context, each) in _SEALED_PARTNERS)
    return tuple(each for each in wanted if each not in kept_back), kept_back


def _adapter(context: Context, partner_id: str) -> str:
    partner = context.directory.by_id(partner_id)
    return partner.delivery.adapter if partner and partner.delivery else ""


def _submission(
    context: Context,
    partner: Partner,
    envelope: ReceivedEnvelope,
    examined: Examined,
    translated: bytes,
    verdict: str,
    targets: tuple[str, ...],
    now: datetime,
) -> Submission:
    exchange = new_id(now)
    seal = examined.verified.seal if examined.verified else None
    translation = examined.translation
    assert translation is not None
    answer = acknowledgement(
        examined.identity,
        status_code=examined.status_code,
        digest=examined.digest,
        exchange=exchange,
        message_id=envelope.number,
        findings=examined.findings,
        now=now,
        carrier=Carrier(hashlib.sha256(envelope.raw).digest(), "" if seal else UNSEALED),
    )
    return Submission(
        exchange_id=exchange,
        partner=partner.id,
        contract=CONTRACT,
        operation=envelope.operation,
        received_at=now,
        request=envelope.raw,
        acknowledgement=context.sealer.seal(answer, at=now),
        document=key_of(examined),
        status_code=examined.status_code,
        expected_status=None,
        digest=examined.digest,
        content=envelope.content.document,
        form=Form.ENVELOPE,
        # No seal value: the same sealed content in a second envelope may be its withdrawal.
        seal_value=None,
        sender_message_id=envelope.number,
        transport={"method": "client-certificate"},
        import_country=examined.import_country or None,
        route=examined.route or None,
        translated=translated,
        translation_report=report_to_json(translation.report),
        tables=translation.tables,
        findings=findings_json(examined.findings),
        seal_verdict=verdict,
        timestamp_token=seal.timestamp.token_der if seal and seal.timestamp else None,
        certificates=certificates_json(seal) if seal else None,
        deliveries=targets,
        not_delivered=kept_from(context, Principal(partner, ""), examined),
    )


def _sentence(refusal: GatewayError) -> str:
    """What holds it up: the findings where they say it, the refusal itself where there are none."""
    if refusal.findings:
        return refusal.entry.title
    return " | ".join(part for part in (refusal.message, refusal.where, refusal.found) if part)
