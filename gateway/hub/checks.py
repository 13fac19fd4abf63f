"""Whether the header of an envelope is taken: who sends, who receives, what, and between whom (DIGEST 2.5).

A refused header is an answer of the contract, not a fault: the code and sentence of what `check_header` raises become
``hubDeliveryErrorMessage``. Of the content only what a country response answers is looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

from gateway.access import ANY, PartnerKind
from gateway.documents import text_of
from gateway.errors import HubRefused
from gateway.xml.names import RAM21, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.access import HubMembership, Partner
    from gateway.errors import GatewayError
    from gateway.ippc import EnvelopeHeader

__all__ = ["ANSWERS", "COUNTRY_RESPONSE", "MAX_NUMBER", "check_header", "contradiction", "described"]

COUNTRY_RESPONSE: Final = "DeliverCountryResponseEnvelope"
"""The operation whose envelopes go the other way: from the importing country back to the issuing one."""

MAX_NUMBER: Final = 100
"""Characters of a certificate number."""

ANSWERS: Final = {39: "approved", 41: "rejected"}
"""What an importing authority can say about a certificate, in UN/CEFACT 4405 (DIGEST 2.7)."""

_STATUS_CODE: Final = qn(RAM21, "StatusCode")

_COUNTRY = re.compile("[A-Z]{2}")
_MAX_INT = 2**31 - 1
"""xs:int."""


def check_header(header: EnvelopeHeader, sender: Partner, receiver: HubMembership | None, *, response: bool) -> None:
    """Refuse a header for the first thing that speaks against it.

    Args:
        header: as the sender wrote it.
        sender: the authenticated caller.
        receiver: what stands for the country in ``To``; None when nobody does.
        response: a country response: it answers a certificate of ``To`` for ``From``, and its status says what became
            of that certificate, so the status is not restricted.

    Raises:
        HubRefused: IMG-7111 to IMG-7117.
    """
    number = header.certificate_number
    if not number.strip() or len(number) > MAX_NUMBER:
        _refuse("IMG-7117", "NPPOCertificateNumber", f"{len(number)} characters", f"1 to {MAX_NUMBER}, not blank")
    if not _speaks_for(sender, header.sender):
        countries = ", ".join(sender.hub.countries) if sender.hub else ""
        _refuse("IMG-7111", "From", header.sender, countries or f"a country of partner {sender.id}")
    if sender.hub is not None and not sender.hub.send:
        _refuse("IMG-7112", "From", header.sender, "an authority that may send")
    if receiver is None:
        _refuse("IMG-7113", "To", header.to, "a country of GetActiveNppos")
    if not receiver.receive:
        _refuse("IMG-7114", "To", header.to, "an authority that receives")
    issuer, importer = (header.to, header.sender) if response else (header.sender, header.to)
    if not any(pair.covers(issuer, importer) for pair in sender.country_pairs):
        pairs = ", ".join(map(str, sender.country_pairs))
        where = "To, From: the pair of the certificate that is answered, issuer > importer" if response else "From, To"
        _refuse("IMG-7115", where, f"{issuer}>{importer}", pairs or "a country pair of the partner record")
    _check_document(header, sender, receiver, response=response)


def _check_document(header: EnvelopeHeader, sender: Partner, receiver: HubMembership, *, response: bool) -> None:
    type_, status = header.certificate_type, header.certificate_status
    if _carries(sender) and not {ANY, str(type_)} & sender.document_types:
        _refuse("IMG-7116", "CertificateType", str(type_), ", ".join(sorted(sender.document_types)) or "no type")
    for side, membership in (("From", sender.hub), ("To", receiver)):
        if membership is not None and not _takes(membership, type_, status, response=response):
            allowed = ", ".join(f"{each.type}/{each.status}" for each in membership.documents if each.active)
            where = f"CertificateType/CertificateStatus of {side}"
            _refuse("IMG-7116", where, f"{type_}/{status}", allowed or "no document")


def _carries(sender: Partner) -> bool:
    """Whether it sends for others: the hub itself and channels, for the countries of their country pairs."""
    return sender.kind is PartnerKind.HUB or (sender.hub is not None and bool(sender.hub.channel))


def _speaks_for(sender: Partner, country: str) -> bool:
    if sender.hub is not None and country in sender.hub.countries:
        return True
    return _carries(sender) and _COUNTRY.fullmatch(country) is not None


def _takes(membership: HubMembership, type_: int, status: int, *, response: bool) -> bool:
    if not response:
        return membership.allows(type_, status)
    return 0 <= status <= _MAX_INT and any(each.active and each.type == type_ for each in membership.documents)


def _refuse(code: str, where: str, found: str, expected: str) -> NoReturn:
    raise HubRefused(code, where=where, found=found, expected=expected)


def contradiction(header_status: int, root: _Element) -> HubRefused | None:
    """What speaks against a country response: envelope and acknowledgement that give two different answers.

    An envelope may have the status of the certificate that is answered; then the acknowledgement alone says the answer.

    Args:
        header_status: CertificateStatus of the envelope.
        root: what the SPSAcknowledgement is in.
    """
    said = text_of(next(root.iter(_STATUS_CODE), None))
    if header_status not in ANSWERS or said in {"", str(header_status)}:
        return None
    where = "CertificateStatus, SPSAcknowledgementDocument/StatusCode"
    return HubRefused(
        "IMG-7124", where=where, found=f"{header_status}, {said[:MAX_NUMBER]}", expected=str(header_status)
    )


def described(error: GatewayError) -> str:
    """An error as one line, code first: what a header or a fault of this contract can carry about it."""
    told = (("where", error.where), ("found", error.found), ("expected", error.expected), ("retry", error.retry))
    return " | ".join([f"{error.code}: {error.message}", *(f"{name} {value}" for name, value in told if value)])
