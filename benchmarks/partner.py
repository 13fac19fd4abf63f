"""The sender of the benchmark: a third country that makes distinct sealed submissions ahead of time."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

from gateway.sandbox.pki import Authority, Credential, write
from gateway.sandbox.samples import certificate
from gateway.sandbox.tsa import TimestampAuthority
from gateway.trust.sealer import Sealer
from gateway.xml.names import CX1, SOAP11, WSSE, WSU

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["ACTION", "SECRET", "USERNAME", "Message", "Partner", "Stamper", "make_pki", "security"]

USERNAME = "bench-sender"
SECRET = "a secret of the benchmark"
ACTION = f"{CX1}/SubmitCertificate"
PASSWORD_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
BASE64_BINARY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"


@dataclass(frozen=True)
class Message:
    """One submission."""

    body: bytes
    sealed: bytes
    """The sealed certificate in it."""
    action: str = ACTION


def make_pki(folder: Path) -> None:
    """Write the keys: ``root`` of everybody, ``seal`` of the sender, ``ours`` of the gateway, ``tsa``; P-256 each."""
    root = Authority("Benchmark root", now=datetime.now(UTC), country="AR")
    (folder / "root.pem").write_bytes(root.certificate_pem)
    write(folder, "seal", root.seal("Benchmark sender"))
    write(folder, "ours", root.seal("Benchmark gateway"))
    write(folder, "tsa", root.timestamping("Benchmark time"))


class Stamper:
    """The time-stamping authority, called directly."""

    def __init__(self, folder: Path) -> None:
        key = load_pem_private_key((folder / "tsa.key").read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / "tsa.pem").read_bytes())
        self._authority = TimestampAuthority(Credential(key, certificate))  # type: ignore[arg-type]  # P-256

    def answer(self, data: bytes) -> bytes:
        """A TimeStampResp over the data."""
        request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
        return self._authority.answer(request.as_bytes())

    def stamp(self, data: bytes, at: datetime) -> bytes:
        """The token alone, as a ``Sealer`` asks for it."""
        del at
        return decode_timestamp_response(self.answer(data)).time_stamp_token()


class Partner:
    """Makes submissions.

    Args:
        folder: what ``make_pki`` wrote.
        size: bytes of the certificate before it is sealed.
        prefix: of the certificate numbers, so that two senders never make the same one.
        timestamped: the seals are baseline T, otherwise B.
    """

    def __init__(self, folder: Path, size: int, prefix: str, *, timestamped: bool = False) -> None:
        self._size = size
        self._prefix = prefix
        self._numbers = count(1)
        self._sealer = Sealer.from_pem(
            (folder / "seal.key").read_bytes(),
            (folder / "seal.pem").read_bytes(),
            timestamper=Stamper(folder) if timestamped else None,
        )

    def messages(self, number: int) -> Iterator[Message]:
        """Fresh submissions: each with a number, a nonce and a seal of its own."""
        for _ in range(number):
            document = certificate(number=f"{self._prefix}-{next(self._numbers):08}", size_hint=self._size)
            yield message(self._sealer.seal(document, at=datetime.now(UTC)))


def message(sealed: bytes) -> Message:
    """A submission in SOAP 1.1 with a UsernameToken (PasswordDigest) and a Timestamp."""
    head = (
        f'<soap:Envelope xmlns:soap="{SOAP11}"><soap:Header>{security(USERNAME)}</soap:Header>'
        f'<soap:Body><cx:SubmitCertificateRequest xmlns:cx="{CX1}">'
    )
    tail = "</cx:SubmitCertificateRequest></soap:Body></soap:Envelope>"
    return Message(head.encode() + sealed + tail.encode(), sealed)


def security(username: str) -> str:
    """A fresh security header: a UsernameToken (PasswordDigest of ``SECRET``) and a Timestamp."""
    now = datetime.now(UTC)
    created, expires = (f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z" for moment in (now, now + timedelta(minutes=5)))
    nonce = os.urandom(16)
    password = base64.b64encode(
        hashlib.sha1(nonce + created.encode() + SECRET.encode(), usedforsecurity=False).digest()
    ).decode()
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" soap:mustUnderstand="1">'
        f"<wsu:Timestamp><wsu:Created>{created}</wsu:Created><wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
        f"<wsse:UsernameToken><wsse:Username>{username}</wsse:Username>"
        f'<wsse:Password Type="{PASSWORD_DIGEST}">{password}</wsse:Password>'
        f'<wsse:Nonce EncodingType="{BASE64_BINARY}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )
