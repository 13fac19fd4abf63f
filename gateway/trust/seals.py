"""Verifies XAdES seals: the tree that was digested is the tree that is handed on; nothing else is reachable from it."""

from __future__ import annotations

import copy
import hashlib
import hmac
from typing import TYPE_CHECKING

from gateway.errors import SealRefused
from gateway.trust.layout import Canonicalisation, read_layout
from gateway.trust.models import Indication, Purpose, SealVerdict, VerifiedDocument
from gateway.trust.policy import SIGNATURES
from gateway.trust.signatures import require_strong_key, verify_xml_signature
from gateway.trust.tokens import verify_token
from gateway.xml.canonical import C14n, canonicalise, serialise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.trust.anchors import TrustStore
    from gateway.trust.layout import Layout, Reference, Stamp
    from gateway.trust.models import TimestampVerdict
    from gateway.trust.policy import SignaturePolicy

__all__ = ["octets_by", "require_digest", "stamped_octets", "verify_sealed", "verify_stamps"]

_PLAIN = Canonicalisation(C14n.EXCLUSIVE)


def verify_sealed(
    root: _Element, *, policy: SignaturePolicy, trust: TrustStore, at: datetime, content: bytes | None = None
) -> VerifiedDocument:
    """Verifies the enveloped XAdES seal of ``root`` and returns what it covers.

    The given tree is only read. The result is a copy in a document of its own; the digest is taken over that copy.

    Args:
        root: the sealed element at its absolute place in a tree from ``gateway.xml.boundary``; it may stand inside an
            envelope where the policy lets it.
        policy: what may occur in the seal.
        trust: the anchors of the partner that sent it.
        at: now, aware UTC. A seal with a time stamp is judged at the time of the stamp, others at ``at``.
        content: the bytes to store, where the document travelled as bytes; serialised from ``root`` otherwise.

    Raises:
        SealRefused: IMG-40xx; ``gateway.trust.models.indications_of`` gives the ETSI words for it.
    """
    layout = read_layout(root, policy, at)
    certificate = _signing_certificate(layout)
    stamp = verify_stamps(layout.stamps, layout.signature_element, policy=policy, trust=trust, at=at)
    proven_at = stamp.time if stamp is not None else at
    if layout.signing_time > at + policy.clock_skew:
        raise SealRefused(
            "IMG-4034", found=f"{layout.signing_time:%Y-%m-%dT%H:%M:%SZ}", expected=f"at most {at:%Y-%m-%dT%H:%M:%SZ}"
        )
    if stamp is not None and stamp.time < layout.signing_time - policy.clock_skew:
        raise SealRefused(
            "IMG-4033",
            found=f"stamped {stamp.time:%Y-%m-%dT%H:%M:%SZ}, signed {layout.signing_time:%Y-%m-%dT%H:%M:%SZ}",
        )
    chain = trust.verify_chain(certificate, layout.certificates, proven_at, Purpose.SEAL)
    revocation = trust.revocation(chain, proven_at)
    if chain.anchor.level < policy.minimum_level:
        raise SealRefused(
            "IMG-4026", where="seal", found=chain.anchor.level.name.lower(), expected=policy.minimum_level.name.lower()
        )
    algorithm = SIGNATURES[layout.algorithm]
    require_strong_key(chain.public_key, policy, algorithm.family)
    signed_info = octets_by(layout.signed_info, layout.signed_info_form)
    if not verify_xml_signature(chain.public_key, algorithm, layout.signature_value, signed_info):
        raise SealRefused("IMG-4010", where=chain.subject)

    require_digest(
        layout.properties, octets_by(layout.signed_properties, layout.properties.canonicalisation), "properties"
    )
    if layout.key_info_reference is not None:
        reference = layout.key_info_reference
        require_digest(reference, octets_by(layout.key_info, reference.canonicalisation), "KeyInfo")
    covered = _without_seal(root)
    octets = octets_by(covered, layout.document.canonicalisation)
    require_digest(layout.document, octets, "document")
    _require_unique_identifiers(layout, octets)
    return VerifiedDocument(
        root=covered,
        content=serialise(root) if content is None else content,
        digest=hashlib.sha256(
            octets if layout.document.canonicalisation == _PLAIN else octets_by(covered, _PLAIN)
        ).digest(),
        seal=SealVerdict(
            indication=Indication.TOTAL_PASSED,
            sub_indication=None,
            level=chain.anchor.level,
            level_reason=chain.level_reason,
            signer_subject=chain.subject,
            signer_der=certificate,
            chain_der=chain.der,
            signing_time=layout.signing_time,
            timestamp=stamp,
            signature_value=layout.signature_value,
            algorithm=layout.algorithm,
            revocation=revocation,
        ),
    )


def stamped_octets(layout: Layout, stamp: Stamp) -> bytes:
    """What a time stamp of this seal covers: its ds:SignatureValue in the form that the stamp names."""
    return octets_by(layout.signature_element, stamp.canonicalisation)


def octets_by(element: _Element, form: Canonicalisation) -> bytes:
    """The canonical octets of an element in the form that a signature names."""
    return canonicalise(element, algorithm=form.algorithm, inclusive_prefixes=form.prefixes)


def _signing_certificate(layout: Layout) -> bytes:
    """The certificate that the signed properties name by digest."""
    name, digest = layout.certificate_digest
    for der in layout.certificates:
        if hmac.compare_digest(hashlib.new(name, der).digest(), digest):
            return der
    raise SealRefused("IMG-4008", expected="the certificate in KeyInfo that SigningCertificate names")


def verify_stamps(
    stamps: Sequence[Stamp], value: _Element, *, policy: SignaturePolicy, trust: TrustStore, at: datetime
) -> TimestampVerdict | None:
    """The first time stamp over a ds:SignatureValue that holds; each may fail before another one serves.

    Raises:
        SealRefused: IMG-4030 none is there and one is required; why the first one fails, where none holds.
    """
    if not stamps:
        if policy.timestamp_required:
            raise SealRefused("IMG-4030", expected="xades:SignatureTimeStamp (R-39-2)")
        return None
    refusal: SealRefused | None = None
    for stamp in stamps:
        try:
            verdict = verify_token(stamp.token, octets_by(value, stamp.canonicalisation), trust, at)
        except SealRefused as error:
            refusal = refusal or error
            continue
        if verdict.level >= policy.minimum_timestamp_level:
            return verdict
        refusal = refusal or SealRefused(
            "IMG-4026",
            where="time stamp",
            found=verdict.level.name.lower(),
            expected=policy.minimum_timestamp_level.name.lower(),
        )
    assert refusal is not None
    raise refusal


def _without_seal(root: _Element) -> _Element:
    """A copy of ``root`` as a document of its own, its last child cut out and the text after that child kept."""
    covered = copy.deepcopy(root)
    covered.tail = None
    seal = covered[-1]
    if seal.tail:
        before = seal.getprevious()
        if before is None:
            covered.text = (covered.text or "") + seal.tail
        else:
            before.tail = (before.tail or "") + seal.tail
        seal.tail = None
    covered.remove(seal)
    return covered


def require_digest(reference: Reference, octets: bytes, what: str) -> None:
    """Refuses octets that are not what a reference was made over.

    Raises:
        SealRefused: IMG-4009.
    """
    if not hmac.compare_digest(hashlib.new(reference.digest, octets).digest(), reference.value):
        raise SealRefused("IMG-4009", where=what)


def _require_unique_identifiers(layout: Layout, covered: bytes) -> None:
    """Each identifier that the seal refers to is the value of one attribute only.

    This verifier does not look identifiers up; others do, and must not find another element than we did. Both texts are
    written by libxml2, which quotes attributes with double quotes.
    """
    seal = serialise(layout.signature)
    for identifier in layout.identifiers:
        attribute = f'="{identifier}"'.encode()
        if seal.count(attribute) + covered.count(attribute) != 1:
            raise SealRefused("IMG-4011", found=identifier, expected="an identifier used once")
