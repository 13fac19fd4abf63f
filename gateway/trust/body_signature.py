"""Verifies a WS-Security X.509 signature over a soap:Body (WSS SOAP Message Security 1.1, X.509 token profile 1.1).

What is verified is the tree that the caller's reader has: the Body whose child was dispatched, at its absolute place,
and header blocks of the one Security header. Nothing is looked up by an identifier; each identifier that the signature
uses occurs once in the whole envelope, so that nobody who does look them up finds something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.errors import SealRefused
from gateway.soap.security import read_instant
from gateway.trust import der
from gateway.trust.elements import (
    KEY_INFO,
    OBJECT,
    QUALIFYING_PROPERTIES,
    SIGNATURE,
    SIGNATURE_VALUE,
    SIGNED_INFO,
    children_of,
    identifier_of,
    octets_of,
    unfit,
)
from gateway.trust.layout import MAX_CERTIFICATES, Reader
from gateway.trust.models import Indication, Purpose, SealVerdict
from gateway.trust.policy import SIGNATURES, SignaturePolicy
from gateway.trust.seals import octets_by, require_digest, verify_stamps
from gateway.trust.signatures import require_strong_key, verify_xml_signature
from gateway.xml.canonical import C14n
from gateway.xml.names import SOAP11, SOAP12, WSSE, WSU, path_of, qn, readable

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.soap import BodySignature
    from gateway.trust.anchors import TrustStore
    from gateway.trust.layout import Canonicalisation, Reference, Stamp

__all__ = ["BODY_POLICY", "verify_body_signature"]

BODY_POLICY: Final = SignaturePolicy(
    name="soap-body", canonicalisations=frozenset({C14n.EXCLUSIVE}), inclusive_prefixes=True
)
"""A signature over the Body of a message; WSS4J lists inclusive prefixes unless told otherwise."""

SECURITY: Final = qn(WSSE, "Security")
BINARY_TOKEN: Final = qn(WSSE, "BinarySecurityToken")
TOKEN_REFERENCE: Final = qn(WSSE, "SecurityTokenReference")
TOKEN_REFERENCE_TARGET: Final = qn(WSSE, "Reference")
TIMESTAMP: Final = qn(WSU, "Timestamp")
WSU_ID: Final = qn(WSU, "Id")

_BESIDE: Final = (TIMESTAMP, BINARY_TOKEN, qn(WSSE, "UsernameToken"))
"""What of the Security header may be signed together with the Body."""
_MAX_SIGNED: Final = 1 + len(_BESIDE)
_UNSEEN: Final = (etree.Comment, etree.ProcessingInstruction, etree.Entity)
_OCCURRENCES: Final = etree.XPath("count(//@*[. = $id])")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Everything that verification needs, from its absolute places."""

    body: _Element
    timestamp: _Element | None
    """Where it is signed."""
    signed_info: _Element
    form: Canonicalisation
    algorithm: str
    value: _Element
    references: tuple[tuple[Reference, _Element], ...]
    stamps: tuple[Stamp, ...]


def verify_body_signature(
    signature: BodySignature,
    request: _Element,
    *,
    trust: TrustStore,
    at: datetime,
    policy: SignaturePolicy = BODY_POLICY,
) -> SealVerdict:
    """Verifies that the certificate of the token signed the message that ``request`` is the content of.

    The Timestamp has to be signed with the Body: a signature must not become fresh again by another Timestamp.

    Args:
        signature: ``call.security.body_signature``.
        request: ``call.body``: the one child of the soap:Body, in the tree that the signature stands in.
        trust: the anchors of the partner that sent it.
        at: now, aware UTC. A signature with a time stamp is judged at the time of the stamp, others at ``at``.
        policy: what may occur.

    Returns:
        The verdict; its signing time is the Created of the signed Timestamp.

    Raises:
        SealRefused: IMG-40xx, as for seals: IMG-4002 parts out of their places, IMG-4004 Body or Timestamp not signed,
            IMG-4011 an identifier that occurs twice, IMG-4008 the token, IMG-4009 and IMG-4010 what does not hold.
    """
    layout = _read(signature.element, request, policy, at)
    certificate, *others = _certificates(signature)
    stamp = verify_stamps(layout.stamps, layout.value, policy=policy, trust=trust, at=at)
    proven_at = stamp.time if stamp is not None else at
    signing_time = _signing_time(layout)
    if signing_time > at + policy.clock_skew:
        raise SealRefused(
            "IMG-4034", found=f"{signing_time:%Y-%m-%dT%H:%M:%SZ}", expected=f"at most {at:%Y-%m-%dT%H:%M:%SZ}"
        )
    if stamp is not None and stamp.time < signing_time - policy.clock_skew:
        raise SealRefused(
            "IMG-4033", found=f"stamped {stamp.time:%Y-%m-%dT%H:%M:%SZ}, signed {signing_time:%Y-%m-%dT%H:%M:%SZ}"
        )
    chain = trust.verify_chain(certificate, others, proven_at, Purpose.SEAL)
    revocation = trust.revocation(chain, proven_at)
    if chain.anchor.level < policy.minimum_level:
        raise SealRefused(
            "IMG-4026", where="soap:Body", found=chain.anchor.level.name.lower(), expected=policy.minimum_level.name
        )
    algorithm = SIGNATURES[layout.algorithm]
    require_strong_key(chain.public_key, policy, algorithm.family)
    value = octets_of(layout.value)
    if not verify_xml_signature(chain.public_key, algorithm, value, octets_by(layout.signed_info, layout.form)):
        raise SealRefused("IMG-4010", where=chain.subject)
    for reference, target in layout.references:
        require_digest(reference, octets_by(target, reference.canonicalisation), readable(str(target.tag)))
    return SealVerdict(
        indication=Indication.TOTAL_PASSED,
        sub_indication=None,
        level=chain.anchor.level,
        level_reason=chain.level_reason,
        signer_subject=chain.subject,
        signer_der=certificate,
        chain_der=chain.der,
        signing_time=signing_time,
        timestamp=stamp,
        signature_value=value,
        algorithm=layout.algorithm,
        revocation=revocation,
    )


def _read(signature: _Element, request: _Element, policy: SignaturePolicy, at: datetime) -> _Layout:
    body, security = _places(signature, request)
    for part in (body, security):
        # canonicalisation drops comments, so text split by one reads otherwise than it was signed (CVE-2018-0489)
        if next(part.iter(*_UNSEEN), None) is not None:
            raise SealRefused("IMG-4006", where=path_of(part), found="a comment or processing instruction")
    objects = [OBJECT] if len(signature) and signature[-1].tag == OBJECT else []
    signed_info, value, key_info, *stamped = children_of(signature, SIGNED_INFO, SIGNATURE_VALUE, KEY_INFO, *objects)
    reader = Reader(policy, sha1=policy.sha1_until is not None and at.date() <= policy.sha1_until)
    form, algorithm, references = reader.signed_info(signed_info)
    targets = _targets(body, security)
    _require_token(key_info, targets)
    read = _assign(reader, signed_info, references, targets)
    for tag in (str(body.tag), TIMESTAMP):
        if tag not in read:
            raise unfit("IMG-4004", signed_info, expected=f"a reference to {readable(tag)}")
    stamps = reader.stamps(_qualifying(signature, stamped[0])) if stamped else ()
    identifiers = [target.get(WSU_ID, "") for _, target in read.values()]
    for identifier in [*identifiers, *([identifier_of(signature)] if stamped else [])]:
        if _OCCURRENCES(signature, id=identifier) != 1.0:
            raise SealRefused("IMG-4011", found=identifier, expected="an identifier used once in the envelope")
    return _Layout(
        body=body,
        timestamp=read[TIMESTAMP][1],
        signed_info=signed_info,
        form=form,
        algorithm=algorithm,
        value=value,
        references=tuple(read.values()),
        stamps=stamps,
    )


def _assign(
    reader: Reader, signed_info: _Element, references: list[_Element], targets: dict[str, _Element]
) -> dict[str, tuple[Reference, _Element]]:
    """Each reference with what it is about, by the name of that."""
    if len(references) > _MAX_SIGNED:
        raise unfit("IMG-4004", signed_info, found=f"{len(references)} references", expected=f"at most {_MAX_SIGNED}")
    read: dict[str, tuple[Reference, _Element]] = {}
    for element in references:
        target = targets.get(element.get("URI", "no URI"))
        if target is None or str(target.tag) in read:
            raise unfit(
                "IMG-4004",
                element,
                found=f"URI {element.get('URI', 'absent')!r}",
                expected="the wsu:Id of the Body, the Timestamp or a token, each once",
            )
        read[str(target.tag)] = (reader.reference(element, enveloped=False), target)
    return read


def _qualifying(signature: _Element, holder: _Element) -> _Element:
    """The one content of ds:Object, which must be about this signature."""
    (qualifying,) = children_of(holder, QUALIFYING_PROPERTIES)
    expected = f"#{identifier_of(signature)}"
    if qualifying.get("Target") != expected:
        raise unfit("IMG-4007", qualifying, found=qualifying.get("Target", ""), expected=f"Target {expected}")
    return qualifying


def _places(signature: _Element, request: _Element) -> tuple[_Element, _Element]:
    """The Body and the Security header, where the envelope has nothing else that could be taken for them.

    Raises:
        SealRefused: IMG-4002.
    """
    body, security = request.getparent(), signature.getparent()
    envelope = None if body is None else body.getparent()
    header = None if security is None else security.getparent()
    if body is None or security is None or header is None or envelope is None or envelope.getparent() is not None:
        raise SealRefused("IMG-4002", where="ds:Signature", expected="a Security header, beside the Body's envelope")
    namespace = next((each for each in (SOAP11, SOAP12) if envelope.tag == qn(each, "Envelope")), "")
    blocks = [child.tag for child in envelope if isinstance(child.tag, str)]
    well_placed = (
        blocks == [qn(namespace, "Header"), qn(namespace, "Body")]
        and header.getparent() is envelope
        and body.tag == blocks[-1]
        and [child for child in body if isinstance(child.tag, str)] == [request]
        and security.tag == SECURITY
        and len(header.findall(SECURITY)) == 1
        and security.findall(SIGNATURE) == [signature]
    )
    if not well_placed:
        raise SealRefused(
            "IMG-4002", where=path_of(signature), expected="one Header with one Security and one Signature, one Body"
        )
    return body, security


def _targets(body: _Element, security: _Element) -> dict[str, _Element]:
    """What may be signed, by the URI that a reference would name it with."""
    candidates = [body, *(child for child in security if child.tag in _BESIDE)]
    targets: dict[str, _Element] = {}
    for candidate in candidates:
        identifier = candidate.get(WSU_ID)
        if identifier is None:
            continue
        if f"#{identifier}" in targets:
            raise SealRefused(
                "IMG-4011", where=path_of(candidate), found=identifier, expected="an identifier used once"
            )
        targets[f"#{identifier}"] = candidate
    return targets


def _require_token(key_info: _Element, targets: dict[str, _Element]) -> None:
    """KeyInfo names the token in the same header, and nothing else."""
    (reference,) = children_of(key_info, TOKEN_REFERENCE)
    (target,) = children_of(reference, TOKEN_REFERENCE_TARGET)
    token = targets.get(target.get("URI", ""))
    if token is None or token.tag != BINARY_TOKEN:
        raise unfit("IMG-4008", target, found=target.get("URI", "no URI"), expected="the BinarySecurityToken")


def _certificates(signature: BodySignature) -> list[bytes]:
    """The certificates of the token, the signer's first."""
    if not signature.is_path:
        return [signature.token]
    try:
        path = [node.octets for node in der.read(signature.token).expect(der.SEQUENCE).children()]
    except (ValueError, IndexError) as error:
        raise SealRefused("IMG-4008", where="wsse:BinarySecurityToken", found="no PKIPath") from error
    if not 0 < len(path) <= MAX_CERTIFICATES:
        raise SealRefused(
            "IMG-4008", found=f"{len(path)} certificates in the path", expected=f"1 to {MAX_CERTIFICATES}"
        )
    return path[::-1]


def _signing_time(layout: _Layout) -> datetime:
    assert layout.timestamp is not None
    created = layout.timestamp.findtext(qn(WSU, "Created")) or ""
    return read_instant(created.strip(), "wsu:Timestamp/wsu:Created")
