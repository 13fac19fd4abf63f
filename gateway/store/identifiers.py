"""Ids that sort by time, times as text, and the key that makes a repeat a repeat."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["from_text", "idempotency_key", "new_id", "nonce_hash", "released_key", "repeat_key", "seal_hash", "to_text"]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(now: datetime, entropy: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A ULID: 26 characters that sort by time, unique across machines without asking anybody.

    Args:
        now: aware; its millisecond becomes the first ten characters.
        entropy: gives the 80 random bits; tests pass their own.
    """
    elapsed = now - _EPOCH
    milliseconds = (elapsed.days * 86_400 + elapsed.seconds) * 1_000 + elapsed.microseconds // 1_000
    value = (milliseconds << 80) | int.from_bytes(entropy(10), "big")
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])


def to_text(moment: datetime) -> str:
    """The one form in which the tables hold a time: ISO 8601, UTC, microseconds, 32 characters.

    Raises:
        ValueError: the time is naive; guessing its zone would be a guess about evidence.
    """
    if moment.tzinfo is None:
        raise ValueError("a stored time must be aware")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(stored: str) -> datetime:
    """The aware time that ``to_text`` wrote."""
    return datetime.fromisoformat(stored)


def _hash(*parts: bytes) -> bytes:
    """SHA-256 over the parts, each with its length in front, so that no two lists of parts meet in one value."""
    state = hashlib.sha256()
    for part in parts:
        state.update(len(part).to_bytes(8, "big"))
        state.update(part)
    return state.digest()


def idempotency_key(
    *, partner: str, contract: str, issuer_country: str, type_code: str, number: str, status_code: str, digest: bytes
) -> bytes:
    """What makes two messages the same: sender, contract, document identity, version, and verified content.

    The digest is of the verified document, not of the envelope, so that a repeat with a fresh nonce is one
    (ARCHITECTURE section 4).
    """
    words = (partner, contract, issuer_country, type_code, number, status_code)
    return _hash(*(word.encode() for word in words), digest)


def nonce_hash(partner: str, kind: str, value: str) -> bytes:
    """The replay guard's key; scoped to the partner, so that nobody can burn another's nonces."""
    return _hash(partner.encode(), kind.encode(), value.encode())


def seal_hash(signature_value: bytes) -> bytes:
    """The key of a signature value, across all partners."""
    return _hash(signature_value)


def repeat_key(kind: str, *words: str, digest: bytes) -> bytes:
    """What makes two messages of one kind the same. In a space of its own beside that of `idempotency_key`."""
    return _hash(b"repeat", kind.encode(), *(word.encode() for word in words), digest)


def released_key(key: bytes, exchange_id: str) -> bytes:
    """A key that only this exchange has: the message with ``key`` may come again as a new one."""
    return _hash(b"released", key, exchange_id.encode())
