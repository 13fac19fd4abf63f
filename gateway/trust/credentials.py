"""Judges WS-Security credentials that ``gateway.soap.security`` has read; pure, the replay guard is the store's."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Protocol

from gateway.errors import AuthenticationFailed

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = ["certificate_fingerprint", "check_timestamp", "check_username_token"]

MIN_NONCE_BYTES = 8
"""zeep and WCF send 16 bytes, WSS4J 16; 8 is the least that cannot be guessed in the time a message is fresh."""

MAX_NONCE_BYTES = 64


class UsernameTokenLike(Protocol):
    """What of ``gateway.soap.UsernameToken`` is judged; a protocol, because trust does not import soap."""

    @property
    def digest(self) -> bytes:
        """20 bytes."""

    @property
    def nonce(self) -> bytes:
        """As sent, decoded."""

    @property
    def created(self) -> datetime:
        """Aware."""

    @property
    def created_text(self) -> str:
        """The characters that the digest covers."""


class TimestampLike(Protocol):
    """What of ``gateway.soap.Timestamp`` is judged."""

    @property
    def created(self) -> datetime:
        """Aware."""

    @property
    def expires(self) -> datetime | None:
        """Aware; None when not sent."""


def check_username_token(
    token: UsernameTokenLike, *, secret: str, now: datetime, max_age: timedelta, skew: timedelta
) -> None:
    """Whether the token was made with the secret, lately.

    The digest is judged first, so that a stranger learns nothing about names, nonces or clocks.

    Args:
        token: as read from the header.
        secret: the partner's; for an unknown name any other secret, so that both take the same time.
        now: aware.
        max_age: how long after Created it may arrive.
        skew: how far Created may lie ahead of ``now``, and what is added to ``max_age``.

    Raises:
        AuthenticationFailed: IMG-2001 wrong digest, IMG-2009 nonce of another size, IMG-2002 too old, IMG-2004 from the
            future.
    """
    # SHA-1 is the profile's own (WSS UsernameToken Profile 1.1, DIGEST 4.2); accepted over TLS only
    covered = token.nonce + token.created_text.encode() + secret.encode()
    if not hmac.compare_digest(hashlib.sha1(covered, usedforsecurity=False).digest(), token.digest):
        raise AuthenticationFailed("IMG-2001")
    if not MIN_NONCE_BYTES <= len(token.nonce) <= MAX_NONCE_BYTES:
        raise AuthenticationFailed(
            "IMG-2009",
            where="wsse:Nonce",
            found=f"{len(token.nonce)} bytes",
            expected=f"{MIN_NONCE_BYTES} to {MAX_NONCE_BYTES}",
        )
    _check_created(token.created, "wsse:UsernameToken/wsu:Created", now, max_age, skew)


def check_timestamp(timestamp: TimestampLike | None, *, now: datetime, max_age: timedelta, skew: timedelta) -> None:
    """Whether the message is fresh.

    Args:
        timestamp: as read from the header; None when there was none.
        now: aware.
        max_age: how long after Created a message may arrive, whatever its Expires says.
        skew: permitted difference of the clocks, applied at both ends.

    Raises:
        AuthenticationFailed: IMG-2008 missing, IMG-2002 too old or expired, IMG-2004 from the future.
    """
    if timestamp is None:
        raise AuthenticationFailed("IMG-2008", where="wsse:Security", expected="wsu:Timestamp")
    _check_created(timestamp.created, "wsu:Timestamp/wsu:Created", now, max_age, skew)
    if timestamp.expires is not None and now > timestamp.expires + skew:
        raise AuthenticationFailed(
            "IMG-2002", where="wsu:Timestamp/wsu:Expires", found=f"{timestamp.expires:%Y-%m-%dT%H:%M:%SZ}"
        )


def certificate_fingerprint(certificate: bytes) -> str:
    """The name of a client certificate in partner records: ``sha256:`` and 64 hexadecimal digits of its DER."""
    return f"sha256:{hashlib.sha256(certificate).hexdigest()}"


def _check_created(created: datetime, where: str, now: datetime, max_age: timedelta, skew: timedelta) -> None:
    if created > now + skew:
        raise AuthenticationFailed(
            "IMG-2004", where=where, found=f"{created:%Y-%m-%dT%H:%M:%SZ}", expected=f"up to {now:%Y-%m-%dT%H:%M:%SZ}"
        )
    if created < now - max_age - skew:
        raise AuthenticationFailed(
            "IMG-2002",
            where=where,
            found=f"{created:%Y-%m-%dT%H:%M:%SZ}",
            expected=f"at most {max_age} before {now:%Y-%m-%dT%H:%M:%SZ}",
        )
