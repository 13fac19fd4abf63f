"""Signs the Body of a message with a sealing key: our transmission seal of a CHED (Article 41(2), issue 4).

The reply to a submission has no place for a seal and SPSCertificate 17 none for a signature, so the seal of the
transmission is WS-Security's: an X.509 token and a ds:Signature over Body, Timestamp and token, each by its wsu:Id in
exclusive canonical form. A time stamp over the signature value stands where XAdES baseline T has it, in
``ds:Object/xades:QualifyingProperties/xades:UnsignedProperties``; readers of WS-Security pass over it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.errors import SealRefused
from gateway.soap.security import BASE64_ENCODING, X509_PATH, X509_TOKEN
from gateway.trust import der
from gateway.trust.body_signature import BINARY_TOKEN, SECURITY, TIMESTAMP, WSU_ID
from gateway.trust.elements import SIGNATURE, SIGNATURE_VALUE, SIGNED_INFO
from gateway.trust.sealer import stamp_properties
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise, serialise
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import DS, WSSE, WSU, XADES132, qn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.trust.sealer import Sealer
    from gateway.xml.limits import Limits

__all__ = ["BodySealer", "sign_body"]

LIFETIME: Final = timedelta(minutes=2)
"""Of a Timestamp that the message did not have yet; what other systems send (DIGEST 4.2)."""

_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"


class BodySealer:
    """Signs messages with a sealer's key and certificates; a ``gateway.soap.BodySigner``, safe to share.

    Args:
        sealer: gives key, certificates, and the time stamp where it makes baseline T seals.
        token: fresh letters and digits, of which the identifiers of one message are made.
    """

    def __init__(self, sealer: Sealer, *, token: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self._sealer = sealer
        self._token = token
        path = [sealer.certificate, *sealer.chain][::-1]
        self._kind = X509_PATH if len(path) > 1 else X509_TOKEN
        self._content = _b64(der.encode(der.SEQUENCE, *path) if len(path) > 1 else sealer.certificate)

    def sign(self, envelope: _Element, *, at: datetime) -> None:
        """Add token and signature to an envelope, in place; whatever is signed must not be changed afterwards.

        Args:
            envelope: with one Body; Header, Security and Timestamp are made where they are missing.
            at: aware; the Created of a Timestamp that is made.

        Raises:
            SealRefused: IMG-4002 no Body, or signed already, IMG-4006 a comment in the Body.
            Unavailable: IMG-9003 a time stamp is required and no authority answers.
        """
        body, security = _places(envelope)
        token = self._token()
        timestamp = _timestamp(security, at)
        binary = etree.SubElement(
            security, BINARY_TOKEN, {"EncodingType": BASE64_ENCODING, "ValueType": self._kind, WSU_ID: f"token-{token}"}
        )
        binary.text = self._content
        body.set(WSU_ID, f"body-{token}")
        timestamp.set(WSU_ID, f"time-{token}")
        # The signature is made where it will stand: lxml may take over prefixes of the surroundings when it moves trees
        signature = parse(self._draft(token, (body, timestamp, binary)).encode()).root
        security.append(signature)
        value = signature.find(SIGNATURE_VALUE)
        signed_info = signature.find(SIGNED_INFO)
        assert value is not None
        assert signed_info is not None
        value.text = _b64(self._sealer.sign(canonicalise(signed_info, algorithm=C14n.EXCLUSIVE)))
        stamp = self._sealer.stamp(canonicalise(value, algorithm=C14n.EXCLUSIVE), at)
        if stamp is not None:
            signature.append(parse(_stamped(token, stamp).encode()).root)

    def _draft(self, token: str, signed: Iterable[_Element]) -> str:
        references = "".join(map(_reference, signed))
        return (
            f'<ds:Signature xmlns:ds="{DS}" Id="signature-{token}"><ds:SignedInfo>'
            f'<ds:CanonicalizationMethod Algorithm="{C14n.EXCLUSIVE}"/>'
            f'<ds:SignatureMethod Algorithm="{self._sealer.algorithm}"/>{references}</ds:SignedInfo>'
            f'<ds:SignatureValue/><ds:KeyInfo><wsse:SecurityTokenReference xmlns:wsse="{WSSE}">'
            f'<wsse:Reference URI="#token-{token}" ValueType="{self._kind}"/>'
            "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>"
        )


def sign_body(envelope: bytes, sealer: Sealer, *, at: datetime, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The same for the bytes of an envelope.

    Raises:
        SealRefused: as ``BodySealer.sign``.
        XmlRefused: the bytes may not become a tree.
        Unavailable: IMG-9003.
    """
    root = parse(envelope, limits=limits).root
    BodySealer(sealer).sign(root, at=at)
    return serialise(root)


def _places(envelope: _Element) -> tuple[_Element, _Element]:
    namespace = etree.QName(envelope).namespace or ""
    bodies, headers = (envelope.findall(qn(namespace, name)) for name in ("Body", "Header"))
    if len(bodies) != 1 or len(headers) > 1:
        raise SealRefused("IMG-4002", where="soap:Envelope", expected="one Body and at most one Header")
    if next(bodies[0].iter(etree.Comment, etree.ProcessingInstruction), None) is not None:
        raise SealRefused("IMG-4006", where="soap:Body")
    header = headers[0] if headers else etree.Element(qn(namespace, "Header"))
    if not headers:
        envelope.insert(0, header)
    security = header.find(SECURITY)
    if security is None:
        security = etree.SubElement(header, SECURITY, nsmap={"wsse": WSSE, "wsu": WSU})
    if security.find(SIGNATURE) is not None or security.find(BINARY_TOKEN) is not None:
        raise SealRefused("IMG-4002", where="wsse:Security", found="a signature", expected="a message without one")
    return bodies[0], security


def _timestamp(security: _Element, at: datetime) -> _Element:
    found = security.find(TIMESTAMP)
    if found is None:
        found = etree.Element(TIMESTAMP)
        security.insert(0, found)
        for name, moment in (("Created", at), ("Expires", at + LIFETIME)):
            text = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            etree.SubElement(found, qn(WSU, name)).text = text
    return found


def _reference(element: _Element) -> str:
    digest = hashlib.sha256(canonicalise(element, algorithm=C14n.EXCLUSIVE)).digest()
    return (
        f'<ds:Reference URI="#{element.get(WSU_ID)}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{C14n.EXCLUSIVE}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{_SHA256}"/><ds:DigestValue>{_b64(digest)}</ds:DigestValue></ds:Reference>'
    )


def _stamped(token: str, stamp: bytes) -> str:
    return (
        f'<ds:Object xmlns:ds="{DS}"><xades:QualifyingProperties xmlns:xades="{XADES132}" Target="#signature-{token}">'
        f"{stamp_properties(stamp)}</xades:QualifyingProperties></ds:Object>"
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
