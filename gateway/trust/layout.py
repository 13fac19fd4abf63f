"""Reads a seal's XML into a dataclass and refuses every shape that the policy does not name.

Nothing here runs cryptography, and nothing is looked up by an identifier or a search: each element is taken from its
one absolute place below the one ``ds:Signature`` that is the last child of the root. That makes wrapping pointless.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.errors import SealRefused
from gateway.trust.policy import DIGESTS, ENVELOPED, SHA1, SIGNATURES
from gateway.xml.canonical import C14n
from gateway.xml.names import DS, EXC_C14N, XADES132, path_of, qn, readable

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.trust.policy import SignaturePolicy

__all__ = ["Canonicalisation", "Layout", "Reference", "Stamp", "read_layout"]

SIGNATURE: Final = qn(DS, "Signature")
SIGNED_PROPERTIES_TYPES = frozenset(
    {"http://uri.etsi.org/01903#SignedProperties", "http://uri.etsi.org/01903/v1.3.2#SignedProperties"}
)

MAX_CERTIFICATES = 8
MAX_STAMPS = 3
"""Time stamps on one seal that are looked at: a second authority is prudent, a hundred is an attack."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_METHODS = {c14n.value: c14n for c14n in C14n}


@dataclass(frozen=True, slots=True)
class Canonicalisation:
    """A canonicalisation with its parameter."""

    algorithm: C14n
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """One ds:Reference: how its target becomes octets, and their digest."""

    canonicalisation: Canonicalisation
    digest: str
    """Name in hashlib."""
    value: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """One xades:SignatureTimeStamp."""

    canonicalisation: Canonicalisation
    token: bytes


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything in a seal that verification needs, from its absolute places."""

    signature: _Element
    signed_info: _Element
    signature_element: _Element
    """ds:SignatureValue, which a time stamp covers."""
    key_info: _Element
    signed_properties: _Element
    signed_info_form: Canonicalisation
    document: Reference
    properties: Reference
    key_info_reference: Reference | None
    algorithm: str
    signature_value: bytes
    certificates: tuple[bytes, ...]
    certificate_digest: tuple[str, bytes]
    """hashlib name and digest of the signing certificate, from the signed properties."""
    signing_time: datetime
    stamps: tuple[Stamp, ...]
    identifiers: tuple[str, ...]


def read_layout(root: _Element, policy: SignaturePolicy, at: datetime) -> Layout:
    """The seal of ``root``.

    Args:
        root: the element that must be sealed, at the absolute place that the caller's contract names.
        policy: what may occur.
        at: today, for dated exceptions.

    Raises:
        SealRefused: IMG-4001 to IMG-4007 and IMG-4011, each naming the place.
    """
    signature = _only_signature(root, policy)
    signed_info, signature_value, key_info, objects = _children(
        signature, qn(DS, "SignedInfo"), qn(DS, "SignatureValue"), qn(DS, "KeyInfo"), qn(DS, "Object")
    )
    reader = _Reader(policy, sha1=policy.sha1_until is not None and at.date() <= policy.sha1_until)
    (qualifying,) = _children(objects, qn(XADES132, "QualifyingProperties"))
    signed_properties = _first(qualifying, qn(XADES132, "SignedProperties"))
    signature_id = _identifier(signature)
    if qualifying.get("Target") != f"#{signature_id}":
        raise _unfit("IMG-4007", qualifying, found=qualifying.get("Target", ""), expected=f"Target #{signature_id}")

    form, algorithm, references = reader.signed_info(signed_info)
    document, properties, key_info_reference = _assign(reader, references, signed_properties, key_info)
    signing_time, certificate_digest = reader.signed_properties(signed_properties)
    identifiers = [signature_id, _identifier(signed_properties)]
    if key_info_reference is not None:
        identifiers.append(_identifier(key_info))
    return Layout(
        signature=signature,
        signed_info=signed_info,
        signature_element=signature_value,
        key_info=key_info,
        signed_properties=signed_properties,
        signed_info_form=form,
        document=document,
        properties=properties,
        key_info_reference=key_info_reference,
        algorithm=algorithm,
        signature_value=_octets(signature_value),
        certificates=_certificates(key_info),
        certificate_digest=certificate_digest,
        signing_time=signing_time,
        stamps=reader.stamps(qualifying),
        identifiers=tuple(identifiers),
    )


def _only_signature(root: _Element, policy: SignaturePolicy) -> _Element:
    """The one signature, last child of the root, in content that reads the same for everybody."""
    if not policy.embedded:
        _refuse_surroundings(root)
    found: list[_Element] = []
    for node in root.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity, SIGNATURE):
        if node.tag != SIGNATURE:
            # canonicalisation drops comments, so text split by one reads otherwise than it was signed (CVE-2018-0489)
            raise SealRefused("IMG-4006", where=path_of(root), found="a comment or processing instruction")
        found.append(node)
    if not found:
        raise SealRefused("IMG-4001", where=path_of(root), expected="ds:Signature as last child")
    if len(found) > 1:
        raise SealRefused("IMG-4002", where=path_of(found[1]), found=f"{len(found)} signatures", expected="one")
    if root[-1] is not found[0]:
        raise SealRefused("IMG-4002", where=path_of(found[0]), expected=f"last child of {readable(root.tag)}")
    return found[0]


def _refuse_surroundings(root: _Element) -> None:
    """URI="" covers the whole document: only comments, which canonicalisation drops, may stand beside the root."""
    if root.getparent() is not None:
        raise SealRefused("IMG-4002", where=path_of(root), expected="the root of a document of its own")
    for sibling in (*root.itersiblings(), *root.itersiblings(preceding=True)):
        if not isinstance(sibling, etree._Comment):  # noqa: SLF001 - lxml exports the class under this name only
            raise SealRefused("IMG-4006", where=path_of(root), found="a processing instruction beside the root")


def _assign(
    reader: _Reader, references: list[_Element], properties: _Element, key_info: _Element
) -> tuple[Reference, Reference, Reference | None]:
    """Each reference by what it points to; one for the document, one for the properties, at most one for KeyInfo."""
    targets = {"": "document", f"#{_identifier(properties)}": "properties"}
    if key_info.get("Id"):
        targets[f"#{_identifier(key_info)}"] = "key-info"
    read: dict[str, Reference] = {}
    for element in references:
        target = targets.get(element.get("URI", "no URI"))
        if target is None or target in read:
            raise _unfit(
                "IMG-4004",
                element,
                found=f"URI {element.get('URI', 'absent')!r}",
                expected='URI="" once, the SignedProperties once, and nothing else but KeyInfo',
            )
        typed = element.get("Type") in SIGNED_PROPERTIES_TYPES
        if typed != (target == "properties"):
            raise _unfit("IMG-4004", element, found=f"Type {element.get('Type', 'absent')!r}")
        read[target] = reader.reference(element, enveloped=target == "document")
    for target in ("document", "properties"):
        if target not in read:
            raise _unfit("IMG-4004", references[0].getparent(), expected=f"a reference to the {target}")
    return read["document"], read["properties"], read.get("key-info")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the algorithms of a seal under one policy."""

    policy: SignaturePolicy
    sha1: bool

    def signed_info(self, element: _Element) -> tuple[Canonicalisation, str, list[_Element]]:
        if len(element) < 3 or element[0].tag != qn(DS, "CanonicalizationMethod"):  # noqa: PLR2004 - two methods and a reference
            raise _unfit("IMG-4003", element)
        method = element[1]
        references = list(element)[2:]
        if method.tag != qn(DS, "SignatureMethod") or any(r.tag != qn(DS, "Reference") for r in references):
            raise _unfit("IMG-4003", element)
        algorithm = method.get("Algorithm", "")
        accepted = algorithm in self.policy.signatures or (self.sha1 and algorithm.endswith("#rsa-sha1"))
        if not accepted or algorithm not in SIGNATURES or len(method):
            raise _unfit("IMG-4005", method, found=algorithm)
        return self.canonicalisation(element[0]), algorithm, references

    def reference(self, element: _Element, *, enveloped: bool) -> Reference:
        """Transforms exactly as the policy says: enveloped-signature for the document, then one canonicalisation."""
        children = list(element)
        forms = list(children.pop(0)) if children and children[0].tag == qn(DS, "Transforms") else []
        if [child.tag for child in children] != [qn(DS, "DigestMethod"), qn(DS, "DigestValue")]:
            raise _unfit("IMG-4003", element)
        if any(form.tag != qn(DS, "Transform") for form in forms):
            raise _unfit("IMG-4003", element)
        if enveloped:
            if not forms or forms[0].get("Algorithm") != ENVELOPED or len(forms[0]):
                raise _unfit("IMG-4004", element, found=_algorithms(forms), expected=f"{ENVELOPED} first")
            forms = forms[1:]
        if len(forms) > 1 or (not forms and not self.policy.implied_canonicalisation):
            raise _unfit("IMG-4004", element, found=_algorithms(forms), expected="one canonicalisation")
        form = self.canonicalisation(forms[0]) if forms else Canonicalisation(C14n.INCLUSIVE)
        return Reference(form, self.digest(children[0]), _octets(children[1]))

    def canonicalisation(self, element: _Element) -> Canonicalisation:
        algorithm = _METHODS.get(element.get("Algorithm", ""))
        if algorithm is None or algorithm not in self.policy.canonicalisations:
            raise _unfit("IMG-4005", element, found=element.get("Algorithm", ""))
        if not len(element):
            return Canonicalisation(algorithm)
        (inclusive,) = _children(element, qn(EXC_C14N, "InclusiveNamespaces"))
        if not self.policy.inclusive_prefixes or not algorithm.exclusive:
            raise _unfit("IMG-4005", inclusive, found="InclusiveNamespaces")
        return Canonicalisation(algorithm, tuple(inclusive.get("PrefixList", "").split()))

    def digest(self, element: _Element) -> str:
        uri = element.get("Algorithm", "")
        if uri not in DIGESTS or not (uri in self.policy.digests or (uri == SHA1 and self.sha1)):
            raise _unfit("IMG-4005", element, found=uri)
        return DIGESTS[uri]

    def signed_properties(self, element: _Element) -> tuple[datetime, tuple[str, bytes]]:
        """SigningTime, and the digest of the signing certificate (ETSI EN 319 132-1, 5.2.1 and 5.2.2)."""
        signed = _first(element, qn(XADES132, "SignedSignatureProperties"))
        time = _once(signed, qn(XADES132, "SigningTime"))
        text = (time.text or "").strip()
        if not _DATE_TIME.fullmatch(text):
            raise _unfit("IMG-4007", time, found=text, expected="a date and time with its zone")
        try:
            signing_time = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise _unfit("IMG-4007", time, found=text, expected="a date and time with its zone") from error
        versions = [qn(XADES132, "SigningCertificateV2"), qn(XADES132, "SigningCertificate")]
        present = [child for child in signed if child.tag in versions]
        if len(present) != 1:
            raise _unfit("IMG-4007", signed, expected="one SigningCertificateV2 or SigningCertificate")
        digest = _first(_first(present[0], qn(XADES132, "Cert")), qn(XADES132, "CertDigest"))
        method, value = _children(digest, qn(DS, "DigestMethod"), qn(DS, "DigestValue"))
        return signing_time, (self.digest(method), _octets(value))

    def stamps(self, qualifying: _Element) -> tuple[Stamp, ...]:
        """The time stamps over the signature value; other unsigned properties are not read."""
        stamps: list[Stamp] = []
        for element in qualifying.iterfind(
            f"{qn(XADES132, 'UnsignedProperties')}/{qn(XADES132, 'UnsignedSignatureProperties')}"
            f"/{qn(XADES132, 'SignatureTimeStamp')}"
        ):
            children = list(element)
            form = Canonicalisation(C14n.INCLUSIVE)
            if children and children[0].tag == qn(DS, "CanonicalizationMethod"):
                form = self.canonicalisation(children.pop(0))
            elif not self.policy.implied_canonicalisation:
                raise _unfit("IMG-4031", element, expected="its canonicalisation")
            if [child.tag for child in children] != [qn(XADES132, "EncapsulatedTimeStamp")]:
                raise _unfit("IMG-4031", element, expected="one EncapsulatedTimeStamp")
            stamps.append(Stamp(form, _octets(children[0])))
        if len(stamps) > MAX_STAMPS:
            raise _unfit("IMG-4031", qualifying, found=f"{len(stamps)} time stamps", expected=f"at most {MAX_STAMPS}")
        return tuple(stamps)


def _certificates(key_info: _Element) -> tuple[bytes, ...]:
    elements = key_info.findall(f"{qn(DS, 'X509Data')}/{qn(DS, 'X509Certificate')}")
    if not 0 < len(elements) <= MAX_CERTIFICATES:
        raise _unfit("IMG-4008", key_info, found=f"{len(elements)} certificates", expected=f"1 to {MAX_CERTIFICATES}")
    return tuple(_octets(element) for element in elements)


def _children(element: _Element, *names: str) -> list[_Element]:
    """Exactly these children in this order."""
    children = list(element)
    if [child.tag for child in children] != list(names):
        raise _unfit(
            "IMG-4003",
            element,
            found=", ".join(readable(child.tag) for child in children) or "no children",
            expected=", ".join(readable(name) for name in names),
        )
    return children


def _first(element: _Element, name: str) -> _Element:
    if not len(element) or element[0].tag != name:
        raise _unfit("IMG-4007", element, expected=f"{readable(name)} first")
    return element[0]


def _once(element: _Element, name: str) -> _Element:
    found = element.findall(name)
    if len(found) != 1:
        raise _unfit("IMG-4007", element, found=f"{len(found)}", expected=f"one {readable(name)}")
    return found[0]


def _identifier(element: _Element) -> str:
    value = element.get("Id", "")
    if not _IDENTIFIER.fullmatch(value):
        raise _unfit("IMG-4011", element, found=f"Id {value!r}", expected="an identifier of ASCII letters and digits")
    return value


def _octets(element: _Element) -> bytes:
    try:
        value = binascii.a2b_base64("".join((element.text or "").split()), strict_mode=True)
    except ValueError:
        value = b""
    if not value or len(element):
        raise _unfit("IMG-4003", element, expected="base64")
    return value


def _algorithms(forms: list[_Element]) -> str:
    return ", ".join(form.get("Algorithm", "") for form in forms) or "no transform"


def _unfit(code: str, element: _Element | None, *, found: str = "", expected: str = "") -> SealRefused:
    where = path_of(element) if element is not None else ""
    return SealRefused(code, where=where, found=found, expected=expected)
