"""The elements of a XAdES signature: their names, and access that refuses by name what is not where it belongs."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

from gateway.errors import SealRefused
from gateway.xml.names import DS, EXC_C14N, XADES132, path_of, qn, readable

if TYPE_CHECKING:
    from lxml.etree import _Element

CANONICALIZATION_METHOD: Final = qn(DS, "CanonicalizationMethod")
DIGEST_METHOD: Final = qn(DS, "DigestMethod")
DIGEST_VALUE: Final = qn(DS, "DigestValue")
KEY_INFO: Final = qn(DS, "KeyInfo")
OBJECT: Final = qn(DS, "Object")
REFERENCE: Final = qn(DS, "Reference")
SIGNATURE: Final = qn(DS, "Signature")
SIGNATURE_METHOD: Final = qn(DS, "SignatureMethod")
SIGNATURE_VALUE: Final = qn(DS, "SignatureValue")
SIGNED_INFO: Final = qn(DS, "SignedInfo")
TRANSFORM: Final = qn(DS, "Transform")
TRANSFORMS: Final = qn(DS, "Transforms")
X509_CERTIFICATE: Final = qn(DS, "X509Certificate")
X509_DATA: Final = qn(DS, "X509Data")
INCLUSIVE_NAMESPACES: Final = qn(EXC_C14N, "InclusiveNamespaces")
CERT: Final = qn(XADES132, "Cert")
CERT_DIGEST: Final = qn(XADES132, "CertDigest")
ENCAPSULATED_TIME_STAMP: Final = qn(XADES132, "EncapsulatedTimeStamp")
QUALIFYING_PROPERTIES: Final = qn(XADES132, "QualifyingProperties")
SIGNATURE_TIME_STAMP: Final = qn(XADES132, "SignatureTimeStamp")
SIGNED_PROPERTIES: Final = qn(XADES132, "SignedProperties")
SIGNED_SIGNATURE_PROPERTIES: Final = qn(XADES132, "SignedSignatureProperties")
SIGNING_CERTIFICATE: Final = qn(XADES132, "SigningCertificate")
SIGNING_CERTIFICATE_V2: Final = qn(XADES132, "SigningCertificateV2")
SIGNING_TIME: Final = qn(XADES132, "SigningTime")
UNSIGNED_PROPERTIES: Final = qn(XADES132, "UnsignedProperties")
UNSIGNED_SIGNATURE_PROPERTIES: Final = qn(XADES132, "UnsignedSignatureProperties")

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}", re.ASCII)


def children_of(element: _Element, *names: str) -> list[_Element]:
    """Exactly these children in this order."""
    children = list(element)
    if [child.tag for child in children] != list(names):
        raise unfit(
            "IMG-4003",
            element,
            found=", ".join(readable(child.tag) for child in children) or "no children",
            expected=", ".join(readable(name) for name in names),
        )
    return children


def first(element: _Element, name: str) -> _Element:
    """The first child, which must have this name."""
    if not len(element) or element[0].tag != name:
        raise unfit("IMG-4007", element, expected=f"{readable(name)} first")
    return element[0]


def once(element: _Element, name: str) -> _Element:
    """The one child of this name."""
    found = element.findall(name)
    if len(found) != 1:
        raise unfit("IMG-4007", element, found=f"{len(found)}", expected=f"one {readable(name)}")
    return found[0]


def identifier_of(element: _Element) -> str:
    """The Id of a signed part, in ASCII so that no canonical form writes it in another way."""
    value = element.get("Id", "")
    if not _IDENTIFIER.fullmatch(value):
        raise unfit("IMG-4011", element, found=f"Id {value!r}", expected="an identifier of ASCII letters and digits")
    return value


def octets_of(element: _Element) -> bytes:
    """The decoded base64 of an element; never empty."""
    try:
        value = binascii.a2b_base64("".join((element.text or "").split()), strict_mode=True)
    except ValueError:
        value = b""
    if not value or len(element):
        raise unfit("IMG-4003", element, expected="base64")
    return value


def unfit(code: str, element: _Element | None, *, found: str = "", expected: str = "") -> SealRefused:
    """A refusal that names the place."""
    where = path_of(element) if element is not None else ""
    return SealRefused(code, where=where, found=found, expected=expected)
