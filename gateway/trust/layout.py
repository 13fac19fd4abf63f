"""Reads a seal's XML into a dataclass and refuses every shape that the policy does not name.

Nothing here runs cryptography, and nothing is looked up by an identifier or a search: each element is taken from its
one absolute place below the one ``ds:Signature`` that is the last child of the root. That makes wrapping pointless.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lxml import etree

from gateway.errors import SealRefused
from gateway.trust.elements import (
    CANONICALIZATION_METHOD,
    CERT,
    CERT_DIGEST,
    DIGEST_METHOD,
    DIGEST_VALUE,
    ENCAPSULATED_TIME_STAMP,
    INCLUSIVE_NAMESPACES,
    KEY_INFO,
    OBJECT,
    QUALIFYING_PROPERTIES,
    REFERENCE,
    SIGNATURE,
    SIGNATURE_METHOD,
    SIGNATURE_TIME_STAMP,
    SIGNATURE_VALUE,
    SIGNED_INFO,
    SIGNED_PROPERTIES,
    SIGNED_SIGNATURE_PROPERTIES,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    TRANSFORM,
    TRANSFORMS,
    UNSIGNED_PROPERTIES,
    UNSIGNED_SIGNATURE_PROPERTIES,
    X509_CERTIFICATE,
    X509_DATA,
    children_of,
    first,
    identifier_of,
    octets_of,
    once,
    unfit,
)
from gateway.trust.policy import DIGESTS, ENVELOPED, SHA1, SIGNATURES
from gateway.xml.canonical import C14n
from gateway.xml.names import path_of, readable

if TYPE_CHECKING:
    from lxml.etree import _Element

    from gateway.trust.policy import SignaturePolicy

__all__ = ["Canonicalisation", "Layout", "Reader", "Reference", "Stamp", "read_layout"]

SIGNED_PROPERTIES_TYPES = frozenset(
    {"http://uri.etsi.org/01903#SignedProperties", "http://uri.etsi.org/01903/v1.3.2#SignedProperties"}
)

MAX_CERTIFICATES = 8
MAX_STAMPS = 3
"""Time stamps on one seal that are looked at: a second authority is prudent, a hundred is an attack."""

MAX_PREFIXES = 32
MAX_PREFIX = 64
"""Of an InclusiveNamespaces PrefixList, and characters of each: toolkits list the few that are in scope."""

_PREFIX = re.compile(rf"#default|[\w][\w.-]{{0,{MAX_PREFIX - 1}}}")
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
    signed_info, signature_value, key_info, objects = children_of(
        signature, SIGNED_INFO, SIGNATURE_VALUE, KEY_INFO, OBJECT
    )
    reader = Reader(policy, sha1=policy.sha1_until is not None and at.date() <= policy.sha1_until)
    (qualifying,) = children_of(objects, QUALIFYING_PROPERTIES)
    signed_properties = first(qualifying, SIGNED_PROPERTIES)
    signature_id = identifier_of(signature)
    if qualifying.get("Target") != f"#{signature_id}":
        raise unfit("IMG-4007", qualifying, found=qualifying.get("Target", ""), expected=f"Target #{signature_id}")

    form, algorithm, references = reader.signed_info(signed_info)
    document, properties, key_info_reference = _assign(reader, references, signed_properties, key_info)
    signing_time, certificate_digest = reader.signed_properties(signed_properties)
    identifiers = [signature_id, identifier_of(signed_properties)]
    if key_info_reference is not None:
        identifiers.append(identifier_of(key_info))
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
        signature_value=octets_of(signature_value),
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
    reader: Reader, references: list[_Element], properties: _Element, key_info: _Element
) -> tuple[Reference, Reference, Reference | None]:
    """Each reference by what it points to; one for the document, one for the properties, at most one for KeyInfo."""
    targets = {"": "document", f"#{identifier_of(properties)}": "properties"}
    if key_info.get("Id"):
        targets[f"#{identifier_of(key_info)}"] = "key-info"
    read: dict[str, Reference] = {}
    for element in references:
        target = targets.get(element.get("URI", "no URI"))
        if target is None or target in read:
            raise unfit(
                "IMG-4004",
                element,
                found=f"URI {element.get('URI', 'absent')!r}",
                expected='URI="" once, the SignedProperties once, and nothing else but KeyInfo',
            )
        typed = element.get("Type") in SIGNED_PROPERTIES_TYPES
        if typed != (target == "properties"):
            raise unfit("IMG-4004", element, found=f"Type {element.get('Type', 'absent')!r}")
        read[target] = reader.reference(element, enveloped=target == "document")
    for target in ("document", "properties"):
        if target not in read:
            raise unfit("IMG-4004", references[0].getparent(), expected=f"a reference to the {target}")
    return read["document"], read["properties"], read.get("key-info")


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the algorithms of a seal under one policy."""

    policy: SignaturePolicy
    sha1: bool

    def signed_info(self, element: _Element) -> tuple[Canonicalisation, str, list[_Element]]:
        """Its canonicalisation, the signature algorithm, and the references."""
        if len(element) < 3 or element[0].tag != CANONICALIZATION_METHOD:  # noqa: PLR2004 - two methods and a reference
            raise unfit("IMG-4003", element)
        method = element[1]
        references = list(element)[2:]
        if method.tag != SIGNATURE_METHOD or any(r.tag != REFERENCE for r in references):
            raise unfit("IMG-4003", element)
        algorithm = method.get("Algorithm", "")
        accepted = algorithm in self.policy.signatures or (self.sha1 and algorithm.endswith("#rsa-sha1"))
        if not accepted or algorithm not in SIGNATURES or len(method):
            raise unfit("IMG-4005", method, found=algorithm)
        return self.canonicalisation(element[0]), algorithm, references

    def reference(self, element: _Element, *, enveloped: bool) -> Reference:
        """Transforms exactly as the policy says: enveloped-signature for the document, then one canonicalisation."""
        children = list(element)
        forms = list(children.pop(0)) if children and children[0].tag == TRANSFORMS else []
        if [child.tag for child in children] != [DIGEST_METHOD, DIGEST_VALUE]:
            raise unfit("IMG-4003", element)
        if any(form.tag != TRANSFORM for form in forms):
            raise unfit("IMG-4003", element)
        if enveloped:
            if not forms or forms[0].get("Algorithm") != ENVELOPED or len(forms[0]):
                raise unfit("IMG-4004", element, found=_algorithms(forms), expected=f"{ENVELOPED} first")
            forms = forms[1:]
        if len(forms) > 1 or (not forms and not self.policy.implied_canonicalisation):
            raise unfit("IMG-4004", element, found=_algorithms(forms), expected="one canonicalisation")
        form = self.canonicalisation(forms[0]) if forms else Canonicalisation(C14n.INCLUSIVE)
        return Reference(form, self.digest(children[0]), octets_of(children[1]))

    def canonicalisation(self, element: _Element) -> Canonicalisation:
        """A CanonicalizationMethod, or a Transform that is one."""
        algorithm = _METHODS.get(element.get("Algorithm", ""))
        if algorithm is None or algorithm not in self.policy.canonicalisations:
            raise unfit("IMG-4005", element, found=element.get("Algorithm", ""))
        if not len(element):
            return Canonicalisation(algorithm)
        (inclusive,) = children_of(element, INCLUSIVE_NAMESPACES)
        if not self.policy.inclusive_prefixes or not algorithm.exclusive or len(inclusive):
            raise unfit("IMG-4005", inclusive, found="InclusiveNamespaces")
        listed = inclusive.get("PrefixList", "")
        prefixes = tuple(listed.split()) if len(listed) <= MAX_PREFIXES * MAX_PREFIX else ()
        if (
            not all(_PREFIX.fullmatch(prefix) for prefix in prefixes)
            or not len(prefixes) <= MAX_PREFIXES
            or (listed.strip() and not prefixes)
        ):
            raise unfit("IMG-4005", inclusive, found=listed, expected=f"at most {MAX_PREFIXES} namespace prefixes")
        return Canonicalisation(algorithm, prefixes)

    def digest(self, element: _Element) -> str:
        """The name in hashlib for a DigestMethod."""
        uri = element.get("Algorithm", "")
        if len(element) or uri not in DIGESTS or not (uri in self.policy.digests or (uri == SHA1 and self.sha1)):
            raise unfit("IMG-4005", element, found=uri)
        return DIGESTS[uri]

    def signed_properties(self, element: _Element) -> tuple[datetime, tuple[str, bytes]]:
        """SigningTime, and the digest of the signing certificate (ETSI EN 319 132-1, 5.2.1 and 5.2.2)."""
        signed = first(element, SIGNED_SIGNATURE_PROPERTIES)
        time = once(signed, SIGNING_TIME)
        text = (time.text or "").strip()
        if not _DATE_TIME.fullmatch(text):
            raise unfit("IMG-4007", time, found=text, expected="a date and time with its zone")
        try:
            signing_time = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise unfit("IMG-4007", time, found=text, expected="a date and time with its zone") from error
        versions = [SIGNING_CERTIFICATE_V2, SIGNING_CERTIFICATE]
        present = [child for child in signed if child.tag in versions]
        if len(present) != 1:
            raise unfit("IMG-4007", signed, expected="one SigningCertificateV2 or SigningCertificate")
        digest = first(first(present[0], CERT), CERT_DIGEST)
        method, value = children_of(digest, DIGEST_METHOD, DIGEST_VALUE)
        return signing_time, (self.digest(method), octets_of(value))

    def stamps(self, qualifying: _Element) -> tuple[Stamp, ...]:
        """The time stamps over the signature value; other unsigned properties are not read."""
        stamps: list[Stamp] = []
        for element in qualifying.iterfind(
            f"{UNSIGNED_PROPERTIES}/{UNSIGNED_SIGNATURE_PROPERTIES}/{SIGNATURE_TIME_STAMP}"
        ):
            children = list(element)
            form = Canonicalisation(C14n.INCLUSIVE)
            if children and children[0].tag == CANONICALIZATION_METHOD:
                form = self.canonicalisation(children.pop(0))
            elif not self.policy.implied_canonicalisation:
                raise unfit("IMG-4031", element, expected="its canonicalisation")
            if [child.tag for child in children] != [ENCAPSULATED_TIME_STAMP]:
                raise unfit("IMG-4031", element, expected="one EncapsulatedTimeStamp")
            stamps.append(Stamp(form, octets_of(children[0])))
        if len(stamps) > MAX_STAMPS:
            raise unfit("IMG-4031", qualifying, found=f"{len(stamps)} time stamps", expected=f"at most {MAX_STAMPS}")
        return tuple(stamps)


def _certificates(key_info: _Element) -> tuple[bytes, ...]:
    elements = key_info.findall(f"{X509_DATA}/{X509_CERTIFICATE}")
    if not 0 < len(elements) <= MAX_CERTIFICATES:
        raise unfit("IMG-4008", key_info, found=f"{len(elements)} certificates", expected=f"1 to {MAX_CERTIFICATES}")
    return tuple(octets_of(element) for element in elements)


def _algorithms(forms: list[_Element]) -> str:
    return ", ".join(form.get("Algorithm", "") for form in forms) or "no transform"
