"""What trust decides about: levels, anchors, verdicts and the only form in which a sealed document is passed on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.errors import GatewayError

__all__ = [
    "Anchor",
    "Indication",
    "Level",
    "Purpose",
    "SealVerdict",
    "SubIndication",
    "TimestampVerdict",
    "VerifiedDocument",
    "indications_of",
]


class Level(IntEnum):
    """Assurance of a signature, seal or time stamp; ordered, so that a rule can state its minimum (R-38-43)."""

    NONE = 0
    SIMPLE = 1
    ADVANCED = 2
    QUALIFIED = 3


class Purpose(StrEnum):
    """What an anchor is trusted for."""

    SEAL = "seal"
    TIMESTAMP = "timestamp"
    TLS = "tls"


class Indication(StrEnum):
    """Outcome of a validation in the words of ETSI EN 319 102-1, 5.1.3."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


class SubIndication(StrEnum):
    """Why it did not pass, in the words of ETSI EN 319 102-1, 5.1.3."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    GENERIC = "GENERIC"


@dataclass(frozen=True, slots=True)
class Anchor:
    """One authority that a partner's record (or our own settings) trusts, with what is known about its revocations.

    ``level`` is the most that something below this anchor can reach. ``crls`` and ``ocsp_responses`` are DER, read from
    the files that the record names: the gateway works offline, and every verdict says so.
    """

    name: str
    certificate_der: bytes
    purposes: frozenset[Purpose]
    level: Level = Level.ADVANCED
    crls: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class TimestampVerdict:
    """A time-stamp token that holds: who says so, and when the data existed at the latest."""

    time: datetime
    level: Level
    level_reason: str
    authority: str
    """Subject of the authority's certificate, RFC 4514."""
    chain_der: tuple[bytes, ...]
    policy: str
    serial_number: int
    token_der: bytes
    revocation: str
    """What was known about revocation, and that it was looked up offline."""


@dataclass(frozen=True, slots=True)
class SealVerdict:
    """What was found out about a seal. Only a passed one leaves ``verify_sealed``; the others are refusals."""

    indication: Indication
    sub_indication: SubIndication | None
    level: Level
    level_reason: str
    signer_subject: str
    """Subject of the sealing certificate, RFC 4514."""
    signer_der: bytes
    chain_der: tuple[bytes, ...]
    """Signer first, trust anchor last."""
    signing_time: datetime
    """As claimed by the signer (XAdES SigningTime)."""
    timestamp: TimestampVerdict | None
    signature_value: bytes
    """Raw octets: the key of the replay guard for seals."""
    algorithm: str
    """The W3C URI of the signature algorithm."""
    revocation: str
    """What was known about revocation, and that it was looked up offline."""


@dataclass(frozen=True, slots=True)
class VerifiedDocument:
    """A document whose seal holds: the signed tree and nothing else (ARCHITECTURE section 4).

    ``root`` is the root of a document of its own, without the seal: neither its parents nor an absolute XPath lead to
    anything that the seal does not cover.
    """

    root: _Element
    content: bytes
    """What to store: the bytes as received, or the seal-preserving serialisation of an element that came inline."""
    digest: bytes
    """SHA-256 over the exclusive canonical form without the seal: equal for the same document sealed again."""
    seal: SealVerdict


_FAILED = Indication.TOTAL_FAILED
_OPEN = Indication.INDETERMINATE
_INDICATIONS: dict[str, tuple[Indication, SubIndication]] = {
    "IMG-4001": (_OPEN, SubIndication.SIGNED_DATA_NOT_FOUND),
    "IMG-4002": (_FAILED, SubIndication.FORMAT_FAILURE),
    "IMG-4003": (_FAILED, SubIndication.FORMAT_FAILURE),
    "IMG-4004": (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    "IMG-4005": (_OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    "IMG-4006": (_FAILED, SubIndication.FORMAT_FAILURE),
    "IMG-4007": (_FAILED, SubIndication.FORMAT_FAILURE),
    "IMG-4008": (_OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    "IMG-4009": (_FAILED, SubIndication.HASH_FAILURE),
    "IMG-4010": (_FAILED, SubIndication.SIG_CRYPTO_FAILURE),
    "IMG-4011": (_FAILED, SubIndication.FORMAT_FAILURE),
    "IMG-4020": (_OPEN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND),
    "IMG-4021": (_FAILED, SubIndication.EXPIRED),
    "IMG-4022": (_FAILED, SubIndication.NOT_YET_VALID),
    "IMG-4023": (_FAILED, SubIndication.REVOKED),
    "IMG-4024": (_OPEN, SubIndication.CHAIN_CONSTRAINTS_FAILURE),
    "IMG-4026": (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    "IMG-4030": (_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE),
    "IMG-4031": (_FAILED, SubIndication.FORMAT_FAILURE),
    "IMG-4032": (_FAILED, SubIndication.HASH_FAILURE),
    "IMG-4033": (_OPEN, SubIndication.TIMESTAMP_ORDER_FAILURE),
    "IMG-4034": (_OPEN, SubIndication.TIMESTAMP_ORDER_FAILURE),
    "IMG-4035": (_FAILED, SubIndication.SIG_CRYPTO_FAILURE),
}


def indications_of(refusal: GatewayError) -> tuple[Indication, SubIndication]:
    """The ETSI words for a refusal of this package; ``INDETERMINATE, GENERIC`` for any other."""
    return _INDICATIONS.get(refusal.code, (_OPEN, SubIndication.GENERIC))
