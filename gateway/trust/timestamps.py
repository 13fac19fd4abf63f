"""Asks time-stamping authorities for tokens: several in order, each answer verified, failing ones rested."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError

from gateway.errors import GatewayError, SealRefused, Unavailable
from gateway.soap.in_time import InTime
from gateway.trust import der
from gateway.trust.tokens import MAX_TOKEN_BYTES, agrees, read_info, verify_token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gateway.trust.anchors import TrustStore

__all__ = ["TimestampClient", "http_transport"]

REST_SECONDS = 30.0
"""How long an authority that failed is asked last: a dead first choice must not cost its timeout on every message."""

_SHA256 = der.encode(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"), b"\x05\x00")
_GRANTED = frozenset({0, 1})  # granted, grantedWithMods (RFC 3161 2.4.2)
_HTTP_OK = 200


def http_transport(timeout: float) -> Callable[[str, bytes], bytes]:
    """POSTs queries with requests: no proxies or bundles from the environment, no redirects, no answers without end.

    Args:
        timeout: seconds to connect, for the head of the answer, and for the answer up to its last byte.
    """

    def post(url: str, query: bytes) -> bytes:
        ends = time.monotonic() + timeout
        with requests.Session() as session:
            session.trust_env = False
            for scheme in ("https://", "http://"):
                session.mount(scheme, InTime())
            with session.post(
                url,
                data=query,
                headers={"Content-Type": "application/timestamp-query", "Accept-Encoding": "identity"},
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code != _HTTP_OK:
                    raise ValueError(f"HTTP {response.status_code}")
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise ValueError("a compressed answer")
                return _read(response, ends)

    return post


def _read(response: requests.Response, ends: float) -> bytes:
    """The whole answer, which is small and comes soon: a serving thread waits for it."""
    answer = b""
    try:
        while chunk := response.raw.read1(MAX_TOKEN_BYTES, decode_content=False):
            answer += chunk
            if len(answer) > MAX_TOKEN_BYTES:
                raise ValueError("too long an answer")
            if time.monotonic() > ends:
                raise TimeoutError("an answer that does not end")
    except HTTPError as error:
        raise ConnectionError("the answer broke off") from error
    return answer


class TimestampClient:
    """A ``Timestamper`` over RFC 3161 authorities; safe to share between threads.

    Args:
        urls: authorities in order of preference.
        trust: anchors with purpose ``timestamp`` for their certificates.
        transport: URL and query in, response out; raises OSError or ValueError when there is none.
        clock: a monotonic clock in seconds, for resting authorities that failed.
    """

    def __init__(
        self,
        urls: Sequence[str],
        trust: TrustStore,
        transport: Callable[[str, bytes], bytes] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._urls = tuple(urls)
        self._trust = trust
        self._transport = transport or http_transport(timeout=5.0)
        self._clock = clock
        self._resting: dict[str, float] = {}

    def stamp(self, data: bytes, at: datetime) -> bytes:
        """A verified token (DER) over ``data`` from the first authority that gives one.

        Args:
            data: what to stamp; only its SHA-256 leaves the gateway.
            at: now, aware.

        Raises:
            Unavailable: IMG-9003 when none does; names each and why.
        """
        now = self._clock()
        failures: list[str] = []
        for url in sorted(self._urls, key=lambda url: self._resting.get(url, 0.0) > now):
            try:
                token = self._ask(url, data, at)
            except (OSError, ValueError, GatewayError) as error:
                self._resting[url] = now + REST_SECONDS
                failures.append(f"{url}: {error.code if isinstance(error, GatewayError) else type(error).__name__}")
                continue
            self._resting.pop(url, None)
            return token
        raise Unavailable("IMG-9003", found="; ".join(failures) or "none configured")

    def _ask(self, url: str, data: bytes, at: datetime) -> bytes:
        nonce = secrets.randbits(63)
        imprint = der.encode(der.SEQUENCE, _SHA256, der.encode(der.OCTET_STRING, hashlib.sha256(data).digest()))
        wants_certificates = der.encode(der.BOOLEAN, b"\xff")
        query = der.encode(der.SEQUENCE, der.integer(1), imprint, der.integer(nonce), wants_certificates)
        token = _token_of(self._transport(url, query))
        if read_info(token).nonce != nonce:
            raise SealRefused("IMG-4031", where="time stamp", found="another nonce")
        verify_token(token, data, self._trust, at)
        if agrees(token, data, self._trust) is False:
            raise SealRefused("IMG-4035", where="time stamp", found="rfc3161-client refuses it")
        return token


def _token_of(response: bytes) -> bytes:
    """The TimeStampToken of a granted TimeStampResp."""
    status, *token = der.read(response).expect(der.SEQUENCE).children()
    if status.children()[0].integer() not in _GRANTED or len(token) != 1:
        raise ValueError("the authority refused")
    return token[0].octets
