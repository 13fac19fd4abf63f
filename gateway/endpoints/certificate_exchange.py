"""CertificateExchange, our own contract: unwrap, call the exchange, wrap (wsdl/CertificateExchange.wsdl).

Every operation goes the same way: authenticate, check the grant, check the schema (so that strangers are never given
explanations), do it, and leave exactly one trace.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.access import check_operation
from gateway.endpoints.rendering import (
    element,
    fault_detail,
    finding,
    identity_element,
    instant,
    message,
    optional,
    seal_verdict,
    translated_place,
)
from gateway.errors import ExchangeRefused, Finding, SchemaInvalid, Severity
from gateway.exchange import (
    CertificateBytes,
    FindCriteria,
    Representation,
    SubmittedDocument,
    evidence_of,
    examine,
    find,
    history,
    read_certificate,
    refusals_recorded,
    spend,
    submit,
    told,
)
from gateway.soap import Contract, Operation, SoapReply
from gateway.store import DocumentKey, Form, QuarantineState
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.limits import DEFAULT_LIMITS, Limits
from gateway.xml.names import CX1, RAM21, SPS17, path_of, qn, readable
from gateway.xml.schemas import SchemaName, validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

    from gateway.exchange import Admission, Context, Examined, Principal
    from gateway.soap import SoapCall
    from gateway.store import QuarantineRow

__all__ = ["CONTRACT", "certificate_exchange"]

CONTRACT: Final = "certificate-exchange"
_CERTIFICATE: Final = qn(SPS17, "SPSCertificate")
_SEALED: Final = qn(CX1, "SealedDocument")
_FILE: Final = qn(RAM21, "AttachmentBinaryObject")
_DEFAULT_PAGE: Final = 50


def certificate_exchange(context: Context, admission: Admission) -> Contract:
    """The contract with its handlers bound to the services."""
    handlers: dict[str, Callable[[Context, Principal, SoapCall], bytes]] = {
        "SubmitCertificate": _submit,
        "ValidateCertificate": _validate,
        "GetCertificate": _get,
        "GetCertificateStatus": _status,
        "FindCertificates": _find,
        "GetEvidence": _evidence,
    }

    def serve(handler: Callable[[Context, Principal, SoapCall], bytes]) -> Callable[[SoapCall], SoapReply]:
        def answer(call: SoapCall) -> SoapReply:
            principal = admission.admit(call)
            with refusals_recorded(context, principal, call):
                check_operation(principal.partner, CONTRACT, call.operation)
                validate(SchemaName.CERTIFICATE_EXCHANGE, call.body, explained=True)
                return SoapReply(handler(context, principal, call))

        return answer

    return Contract(
        name=CONTRACT,
        path="/CertificateExchange",
        wsdl="CertificateExchange.wsdl",
        operations=tuple(
            Operation(name, qn(CX1, f"{name}Request"), f"{CX1}/{name}", serve(handler))
            for name, handler in handlers.items()
        ),
        fault_detail=fault_detail,
        limits=_with_files(context.limits, _SEALED, _FILE),
    )


def _with_files(own: Limits, *names: str) -> Limits:
    """One file may be nearly all of a message, whatever that may be; what the operator says of it holds."""
    chosen = own.max_large_text if own.max_large_text != DEFAULT_LIMITS.max_large_text else own.max_bytes
    return replace(own, large_text=own.large_text | set(names), max_large_text=chosen)


def _submit(context: Context, principal: Principal, call: SoapCall) -> bytes:
    sealed = submit(
        context,
        principal,
        _document(context, call.body),
        contract=call.contract,
        operation=call.operation,
        request=call.raw,
        message_id=_text(call.body, "MessageID"),
        now=call.received_at,
    )
    return message("SubmitCertificateResponse", [sealed])


def _validate(context: Context, principal: Principal, call: SoapCall) -> bytes:
    target = _text(call.body, "TargetPartner")
    system = ""
    if target:
        partner = context.directory.by_id(target)
        if partner is None or (partner.kind.is_outside and partner.id != principal.partner.id):
            raise ExchangeRefused("IMG-7011", where="cx:TargetPartner", found=target)
        system = partner.code_system
    examined = examine(
        context, principal, _document(context, call.body), call.received_at, dry_run=True, target_system=system
    )
    spend(context, principal, call, str(examined.identity), {"acceptable": not examined.refusals})
    return message("ValidateCertificateResponse", list(_examination(examined)))


def _examination(examined: Examined) -> list[str | bytes]:
    seen = {found.rule for found in examined.findings}
    refused: list[Finding] = []
    for refusal in examined.refusals:
        if refusal.findings:
            refused += [found for found in refusal.findings if found.rule not in seen]
        else:
            facts = (refusal.message, refusal.where, refusal.found, refusal.expected)
            refused.append(Finding(refusal.code, Severity.SEVERE, *facts))
    parts: list[str | bytes] = [element("Acceptable", "false" if examined.refusals else "true")]
    if examined.verified is not None:
        parts.append(seal_verdict(examined.verified.seal))
    parts += [finding(found) for found in (*refused, *examined.findings)]
    if examined.translation is not None:
        parts += [translated_place(place) for place in examined.translation.report]
        parts += ["<cx:Translation>", serialise(examined.translation.root), "</cx:Translation>"]
    return parts


def _get(context: Context, principal: Principal, call: SoapCall) -> bytes:
    given = read_certificate(
        context,
        principal.partner,
        _key(call.body),
        status_code=_text(call.body, "StatusCode"),
        representation=Representation(_text(call.body, "Representation") or Representation.ORIGINAL),
        now=call.received_at,
    )
    spend(context, principal, call, str(given.key), {"masked": given.masked, "representation": given.representation})
    return message(
        "GetCertificateResponse",
        [
            identity_element(given.key),
            element("StatusCode", given.status_code),
            element("Representation", given.representation),
            element("Masked", "true" if given.masked else "false"),
            _content(given),
        ],
    )


def _content(given: CertificateBytes) -> bytes:
    if given.form is Form.INLINE:
        return given.content
    return b"<cx:SealedDocument>" + base64.b64encode(given.content) + b"</cx:SealedDocument>"


def _status(context: Context, principal: Principal, call: SoapCall) -> bytes:
    key = _key(call.body) if call.body.find(qn(CX1, "Document")) is not None else None
    known = history(context, principal.partner, key=key, message_id=_text(call.body, "MessageID"))
    spend(context, principal, call, str(known.key), {})
    return message(
        "GetCertificateStatusResponse",
        [
            identity_element(known.key),
            element("StatusCode", known.status_code),
            optional("MessageID", known.sender_message_id),
            element("ExchangeID", known.exchange_id),
            *(
                "<cx:Version>"
                + element("StatusCode", version.status_code)
                + element("ReceivedAt", instant(version.received_at))
                + element("Digest", version.digest.hex())
                + optional("ReplacedBy", version.replaced_by)
                + optional("IssuingRoute", version.route)
                + "</cx:Version>"
                for version in known.versions
            ),
            *(
                "<cx:Delivery>"
                + element("Partner", delivery.partner)
                + element("State", delivery.state)
                + element("Attempts", delivery.attempts)
                + element("UpdatedAt", instant(delivery.updated_at))
                + "</cx:Delivery>"
                for delivery in known.deliveries
            ),
            *(_quarantined(entry) for entry in known.quarantined),
        ],
    )


def _quarantined(entry: QuarantineRow) -> str:
    """A version that is held, or was discarded, with what its sender was told."""
    error = told(entry)
    return (
        "<cx:Quarantine>"
        + element("ID", entry.id)
        + element("StatusCode", entry.status_code)
        + element("State", entry.state)
        + optional("MessageID", entry.sender_message_id)
        + element("ReceivedAt", instant(entry.received_at))
        + element("UpdatedAt", instant(entry.updated_at))
        + element("Digest", entry.digest.hex())
        + element("Code", error.code)
        + element("Message", entry.reason if entry.state is QuarantineState.DISCARDED else error.message)
        + "".join(finding(found) for found in error.findings)
        + "</cx:Quarantine>"
    )


def _find(context: Context, principal: Principal, call: SoapCall) -> bytes:
    since = _text(call.body, "ChangedSince")
    page_size = int(call.body.get("pageSize", _DEFAULT_PAGE))
    offset = int(call.body.get("offset", 0))
    criteria = FindCriteria(
        changed_since=_instant(since) if since else None,
        type_codes=_texts(call.body, "TypeCode"),
        status_codes=_texts(call.body, "StatusCode"),
        issuer_country=_text(call.body, "IssuerCountry"),
        import_country=_text(call.body, "ImportCountry"),
    )
    rows, more = find(context, principal.partner, criteria, page_size=page_size, offset=offset)
    spend(context, principal, call, "FindCertificates", {"results": len(rows)})
    attributes = f' pageSize="{page_size}" offset="{offset}" more="{"true" if more else "false"}"'
    return message(
        "FindCertificatesResponse",
        [
            "<cx:Result>"
            + identity_element(row.key)
            + element("StatusCode", row.status_code)
            + optional("ImportCountry", row.import_country)
            + element("ChangedAt", instant(row.changed_at))
            + "</cx:Result>"
            for row in rows
        ],
        attributes,
    )


def _evidence(context: Context, principal: Principal, call: SoapCall) -> bytes:
    by_document = call.body.find(qn(CX1, "Document")) is not None
    name, content = evidence_of(
        context,
        principal.partner,
        key=_key(call.body) if by_document else None,
        status_code=_text(call.body, "StatusCode"),
        exchange_id=_text(call.body, "ExchangeID"),
    )
    spend(context, principal, call, name, {})
    return message(
        "GetEvidenceResponse",
        [element("FileName", name), b"<cx:Evidence>" + base64.b64encode(content) + b"</cx:Evidence>"],
    )


def _document(context: Context, body: _Element) -> SubmittedDocument:
    """The certificate of a request: the inline element, or the root of the decoded file, then checked by itself."""
    route = _text(body, "IssuingRoute")
    inline = body.find(_CERTIFICATE)
    if inline is not None:
        return SubmittedDocument(inline, Form.INLINE, None, route)
    sealed = body.find(_SEALED)
    if sealed is None:
        raise AssertionError("the schema asks for one of the two")
    try:
        content = base64.b64decode("".join((sealed.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SchemaInvalid("IMG-3001", where=path_of(sealed), expected="base64") from error
    root = parse(content, limits=_with_files(context.limits, _FILE)).root
    if root.tag != _CERTIFICATE:
        raise SchemaInvalid(
            "IMG-3001", where=path_of(sealed), found=readable(str(root.tag)), expected=readable(_CERTIFICATE)
        )
    validate(SchemaName.SPS_STRICT, root, explained=True)
    return SubmittedDocument(root, Form.SEALED, content, route)


def _key(body: _Element) -> DocumentKey:
    document = body.find(qn(CX1, "Document"))
    if document is None:
        raise AssertionError("the schema asks for a Document here")
    return DocumentKey(
        _text(document, "IssuerCountry") or "", _text(document, "TypeCode") or "", _text(document, "ID") or ""
    )


def _text(parent: _Element, name: str) -> str | None:
    """Text of a child as the schema's token type reads it; None when the child is absent."""
    found = parent.find(qn(CX1, name))
    return None if found is None else " ".join((found.text or "").split())


def _texts(parent: _Element, name: str) -> tuple[str, ...]:
    return tuple(" ".join((found.text or "").split()) for found in parent.findall(qn(CX1, name)))


def _instant(text: str) -> datetime:
    """xs:dateTime; one without a zone is taken as UTC, as the contract's documentation says."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise SchemaInvalid("IMG-3001", where="cx:ChangedSince", found=text, expected="a dateTime") from error
