"""The signatures, seals and stamps of a CHED (Article 41; R-41-1, R-41-2, R-41-4; docs/adr/0010).

Decided in TRACES (41(1)(a)), a CHED bears the operator's signature of any level, the certifying officer's advanced or
qualified one, the issuing authority's advanced or qualified seal and the seal of TRACES. Decided in a national system
(41(1)(b)), the transmission itself bears the authority's seal instead, and TRACES seals on receipt. Each has a
qualified time stamp of its own. Here everything is verified that came; the seal of TRACES is made by the register.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from gateway.ched.models import SealRole
from gateway.documents.ched import Part, part_digest, read_ched
from gateway.errors import Finding, SealRefused, Severity, XmlRefused
from gateway.exchange.storing import seal_json
from gateway.store import ChedSeal
from gateway.trust import SEALED_DOCUMENT_POLICY, Level, verify_sealed
from gateway.trust.body_signature import BODY_POLICY, verify_body_signature
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.names import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.ched.models import SealedCopy
    from gateway.documents.ched import Ched
    from gateway.soap import SoapCall
    from gateway.trust import SealVerdict, SignaturePolicy, TrustStore
    from gateway.xml.limits import Limits

__all__ = ["MADE_IN", "REQUIRED", "Case", "Evidence", "missing_signatures", "require_signatures", "verify_all"]


class Case(StrEnum):
    """Where the decision was taken (Article 41(1))."""

    IN_TRACES = "a"
    NATIONAL = "b"


REQUIRED: Final = {
    Case.IN_TRACES: (SealRole.OFFICER, SealRole.AUTHORITY),
    Case.NATIONAL: (SealRole.TRANSMISSION,),
}
"""What must come with a decision. The operator's signature, of any level, came with Part I (docs/adr/0010); that of a
national officer stays in the national system, whose authority answers for it by sealing the transmission."""

MADE_IN: Final = {SealRole.TRACES: "the register"}
"""Roles that nobody else may use."""

_LEVELS: Final = {SealRole.OPERATOR: Level.SIMPLE}
"""The least level of each role; advanced where nothing else is said."""
_RULES: Final = {Case.IN_TRACES: "R-41-1", Case.NATIONAL: "R-41-2"}
_WORDS: Final = {
    SealRole.OPERATOR: "the operator's electronic signature",
    SealRole.OFFICER: "the certifying officer's advanced or qualified signature",
    SealRole.AUTHORITY: "the issuing authority's advanced or qualified seal",
    SealRole.TRACES: "the seal of TRACES",
    SealRole.TRANSMISSION: "the authority's advanced or qualified seal on the transmission",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A signature or seal that holds."""

    role: SealRole
    content: bytes
    """The file, or the message for a transmission."""
    verdict: SealVerdict

    def stored(self) -> ChedSeal:
        """As the store keeps it; a transmission is kept as the message that bore it, not twice."""
        content = b"" if self.role is SealRole.TRANSMISSION else self.content
        return ChedSeal(self.role.value, content, seal_json(self.verdict), self.verdict.signature_value)


def verify_all(
    document: _Element,
    copies: Sequence[SealedCopy],
    call: SoapCall,
    *,
    trust: TrustStore,
    at: datetime,
    limits: Limits,
    stamped: bool = True,
    read: Callable[[_Element], Ched] = read_ched,
) -> tuple[Evidence, ...]:
    """Verify every signature that came with a CHED.

    Args:
        document: the CHED as submitted, in the request's tree.
        copies: the sealed files beside it.
        call: the request; its own signature over the body is the transmission's seal.
        trust: the anchors of the partner that sent it.
        at: now, aware UTC.
        limits: of the files.
        stamped: whether each must bear a qualified time stamp (R-41-4).
        read: the boxes of a document in the sender's codes.

    Raises:
        SealRefused: IMG-40xx for one that does not hold, IMG-4202 for a file that is another document, IMG-4203 for a
            role that is there twice or is not the sender's, IMG-4204 when officer and authority are one certificate.
        XmlRefused: a file is no document. ``where`` begins with the ``Seal`` that is meant.
    """
    found: list[Evidence] = []
    for copy in copies:
        if copy.role in MADE_IN or copy.role is SealRole.TRANSMISSION or any(each.role is copy.role for each in found):
            raise SealRefused("IMG-4203", where="Seal/@role", found=copy.role.value)
        found.append(_verify_copy(document, copy, trust=trust, at=at, limits=limits, stamped=stamped, read=read))
    officer, authority = (next((e for e in found if e.role is role), None) for role in REQUIRED[Case.IN_TRACES])
    if officer is not None and authority is not None and officer.verdict.signer_der == authority.verdict.signer_der:
        raise SealRefused("IMG-4204", where="Seal", found=officer.verdict.signer_subject)
    if call.security is not None and call.security.body_signature is not None:
        if document is not call.body and all(above is not call.body for above in document.iterancestors()):
            raise SealRefused("IMG-4202", where="soap:Body", expected="the CHED in the signed body")
        policy = _policy(SealRole.TRANSMISSION, stamped=stamped)
        verdict = verify_body_signature(call.security.body_signature, call.body, trust=trust, at=at, policy=policy)
        found.append(Evidence(SealRole.TRANSMISSION, b"", verdict))
    return tuple(found)


def missing_signatures(case: Case, evidence: Sequence[Evidence]) -> tuple[Finding, ...]:
    """What Article 41 asks for and did not come, one finding each."""
    there = {each.role for each in evidence}
    return tuple(
        Finding(
            _RULES[case],
            Severity.SEVERE,
            f"{_WORDS[role].capitalize()} is missing.",
            path="II.21" if role is SealRole.OFFICER else "II.20",
            expected=f"{_WORDS[role]}, with a qualified time stamp",
            source=f"(EU) 2019/1715 Art 41(1)({case.value}), 41(3)",
        )
        for role in REQUIRED[case]
        if role not in there
    )


def require_signatures(case: Case, evidence: Sequence[Evidence]) -> None:
    """Refuse a decision that is not signed as Article 41 asks.

    Raises:
        SealRefused: IMG-4201, with one finding for each that is missing.
    """
    missing = missing_signatures(case, evidence)
    if missing:
        raise SealRefused("IMG-4201", where="Seal", expected="; ".join(f.expected for f in missing), findings=missing)


def _verify_copy(
    document: _Element,
    copy: SealedCopy,
    *,
    trust: TrustStore,
    at: datetime,
    limits: Limits,
    stamped: bool,
    read: Callable[[_Element], Ched],
) -> Evidence:
    which = f"Seal[@role='{copy.role.value}']"
    policy = _policy(copy.role, stamped=stamped)
    try:
        root = parse(copy.content, limits=limits).root
        verified = verify_sealed(root, policy=policy, trust=trust, at=at, content=copy.content)
    except (SealRefused, XmlRefused) as error:
        error.where = f"{which} {error.where}".rstrip()  # of several files, the one that is meant
        raise
    if copy.role is SealRole.OPERATOR:
        same = part_digest(read(verified.root), Part.I) == part_digest(read(document), Part.I)
    else:
        octets = canonicalise(document, algorithm=C14n.EXCLUSIVE)
        same = verified.digest == hashlib.sha256(octets).digest()
    if not same:
        found = _difference(verified.root, document)
        raise SealRefused("IMG-4202", where=which, found=found, expected="the CHED of this message")
    return Evidence(copy.role, copy.content, verified.seal)


def _difference(signed: _Element, submitted: _Element) -> str:
    """Where the signed file first says, or writes, something else than what was submitted."""
    for ours, theirs in zip_longest(signed.iter("{*}*"), submitted.iter("{*}*")):
        if ours is None or theirs is None or ours.tag != theirs.tag:
            return f"another element at {path_of(theirs if ours is None else ours)}"
        if ours.prefix != theirs.prefix:
            return f"prefix {ours.prefix or '(none)'} instead of {theirs.prefix or '(none)'} at {path_of(ours)}"
        if dict(ours.attrib) != dict(theirs.attrib):
            return f"other attributes at {path_of(ours)}"
        if (ours.text or "") != (theirs.text or ""):
            return f"another text at {path_of(ours)}"
    return "other white space between elements"


@cache
def _policy(role: SealRole, *, stamped: bool) -> SignaturePolicy:
    return replace(
        BODY_POLICY if role is SealRole.TRANSMISSION else SEALED_DOCUMENT_POLICY,
        minimum_level=_LEVELS.get(role, Level.ADVANCED),
        timestamp_required=stamped,
        minimum_timestamp_level=Level.QUALIFIED if stamped else Level.SIMPLE,
    )
