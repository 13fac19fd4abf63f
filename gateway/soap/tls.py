"""What a failure of TLS says in words, and TLS contexts made of files as operators name them."""

from __future__ import annotations

import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HandshakeFailed", "TlsSettings", "client_context", "reason_of", "refuses_certificate", "try_handshake"]

ALERT_SECONDS: Final = 0.3
"""How long a server may take to say that it does not want our certificate: in TLS 1.3 that comes after the handshake,
and one that wants it says nothing."""

_PLACE: Final = re.compile(r"^\[[^\]]*\]\s*|\s*\(_?ssl\.c:\d+\)$")
_VERSION: Final = re.compile(r"^(?:sslv3|tlsv1(?:[_ .]?[0-3])?) ")
_WORDS: Final = {
    "pem lib": "not PEM, or encrypted",
    "ssl": "not PEM, or of another kind",
    "wrong version number": "the other side does not speak TLS (wrong version number)",
    "http request": "the other side does not speak TLS (http request)",
}
_ABOUT_CERTIFICATES: Final = ("certificate", "unknown ca", "access denied")


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """TLS of one partner, as PEM files."""

    ca: Path | None = None
    """Authorities of the partner's server certificate; the public ones when None."""
    client_certificate: Path | None = None
    client_key: Path | None = field(default=None, repr=False)


class HandshakeFailed(ssl.SSLError):
    """TLS was not agreed on, so nothing was sent; the cause is what OpenSSL raised."""


def reason_of(error: BaseException) -> str:
    """OpenSSL's reason: ``certificate verify failed: self-signed certificate``, ``alert unknown ca``."""
    if isinstance(error, HandshakeFailed) and error.__cause__ is not None:
        return reason_of(error.__cause__)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message.rstrip('.')}"
    text = str(getattr(error, "reason", None) or _PLACE.sub("", str(error.args[-1]) if error.args else "")).lower()
    text = _VERSION.sub("", text.replace("_", " "))
    return _WORDS.get(text, text) or type(error).__name__


def refuses_certificate(error: BaseException) -> bool:
    """Whether the other side says that our certificate is not wanted, or one is missing: it has read nothing else."""
    reason = reason_of(error)
    return reason.startswith("alert ") and any(word in reason for word in _ABOUT_CERTIFICATES)


def client_context(tls: TlsSettings) -> ssl.SSLContext:
    """The context of a call with these files.

    Raises:
        OSError: a file is not there, or (``ssl.SSLError``) is not what it should be.
        ValueError: a file that holds nothing OpenSSL would load.
    """
    from requests.utils import DEFAULT_CA_BUNDLE_PATH  # noqa: PLC0415 - the public authorities that calls use, too slow for a start

    context = ssl.create_default_context(cafile=tls.ca or DEFAULT_CA_BUNDLE_PATH)
    if tls.client_certificate is not None:
        context.load_cert_chain(tls.client_certificate, tls.client_key, password=lambda: "")
    return context


def try_handshake(host: str, port: int, tls: TlsSettings, *, seconds: float) -> str:
    """Agree on TLS with a server and hang up: proof that both sides take the other's certificate.

    Returns:
        The version that was agreed on.

    Raises:
        OSError: nobody listens, not in time, or (``ssl.SSLError``) one side does not trust the other.
        ValueError: as `client_context`.
    """
    context = client_context(tls)
    ends = time.monotonic() + seconds
    with socket.create_connection((host, port), seconds) as connection:
        connection.settimeout(max(ends - time.monotonic(), ALERT_SECONDS))
        with context.wrap_socket(connection, server_hostname=host) as secured:
            secured.settimeout(ALERT_SECONDS)
            with suppress(TimeoutError):
                secured.recv(1)
            return secured.version() or ""
