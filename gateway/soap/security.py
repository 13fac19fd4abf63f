"""Reads the WS-Security header (DIGEST 4.2) into plain data; who the sender is, trust and access judge later.

Strict where looseness would let two readers see two things: one header, each part once, PasswordDigest only, nothing
in it that nobody checks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from gateway.errors import SoapRefused
from gateway.soap.models import BodySignature, SecurityHeader, Timestamp, UsernameToken
from gateway.xml.names import DS, WSSE, WSU, qn, readable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from lxml.etree import _Element

__all__ = [
    "BASE64_ENCODING",
    "PASSWORD_DIGEST",
    "SECURITY",
    "X509_PATH",
    "X509_TOKEN",
    "password_digest",
    "read_instant",
    "read_security",
    "write_security",
]

SECURITY: Final = qn(WSSE, "Security")
PASSWORD_DIGEST: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"  # noqa: S105 - a name, no password
)
BASE64_ENCODING: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)
_X509_PROFILE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
X509_TOKEN: Final = f"{_X509_PROFILE}#X509v3"
X509_PATH: Final = f"{_X509_PROFILE}#X509PKIPathv1"
"""What a BinarySecurityToken holds: one certificate, or a path from below the anchor down to the signer's."""

MAX_USERNAME: Final = 256
"""Characters; account names of TRACES have about 10."""
MAX_NONCE: Final = 128
"""Bytes; toolkits send 16 to 20. The nonce is a key of the replay guard, so its size is a size in the database."""
MAX_TOKEN: Final = 32_768
"""Bytes of a BinarySecurityToken; a path of three certificates has 2 to 6 KB."""
_SHA1_BYTES: Final = 20
_MAX_BASE64: Final = 400
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)

_TIMESTAMP: Final = qn(WSU, "Timestamp")
_CREATED: Final = qn(WSU, "Created")
_EXPIRES: Final = qn(WSU, "Expires")
_TOKEN: Final = qn(WSSE, "UsernameToken")
_USERNAME: Final = qn(WSSE, "Username")
_PASSWORD: Final = qn(WSSE, "Password")
_NONCE: Final = qn(WSSE, "Nonce")
_BINARY_TOKEN: Final = qn(WSSE, "BinarySecurityToken")
_TOKEN_REFERENCE: Final = qn(WSSE, "SecurityTokenReference")
_REFERENCE: Final = qn(WSSE, "Reference")
_SIGNATURE: Final = qn(DS, "Signature")
_KEY_INFO: Final = qn(DS, "KeyInfo")


def password_digest(nonce: bytes, created_text: str, secret: str) -> bytes:
    """SHA-1 over nonce, created and secret: 20 bytes (DIGEST 4.2; SHA-1 is the contract's, used over TLS only)."""
    return hashlib.sha1(nonce + created_text.encode() + secret.encode(), usedforsecurity=False).digest()


def read_security(headers: Iterable[_Element], *, signed: bool = False) -> SecurityHeader | None:
    """The WS-Security header among the header blocks meant for us; None when there is none.

    Args:
        headers: the blocks.
        signed: whether an X.509 token and a signature may stand in it: then somebody verifies them.

    Raises:
        SoapRefused: IMG-1108 repeated or malformed, IMG-1109 another password type than PasswordDigest.
    """
    found = [header for header in headers if header.tag == SECURITY]
    if not found:
        return None
    if len(found) > 1:
        raise _refused("wsse:Security", "more than one", "exactly one")
    parts = _parts(found[0], {_TIMESTAMP, _TOKEN, _BINARY_TOKEN, _SIGNATURE} if signed else {_TIMESTAMP, _TOKEN})
    token, timestamp = parts.get(_TOKEN), parts.get(_TIMESTAMP)
    return SecurityHeader(
        None if token is None else _read_token(token),
        None if timestamp is None else _read_timestamp(timestamp),
        _read_body_signature(parts),
    )


def write_security(username: str, secret: str, *, now: datetime, nonce: bytes, lifetime: timedelta) -> bytes:
    """A wsse:Security header as TRACES asks for it (DIGEST 4.2): Timestamp, and UsernameToken with PasswordDigest.

    Args:
        username: account name.
        secret: authentication key; only its digest leaves.
        now: aware time of sending.
        nonce: fresh random bytes, 16 or more.
        lifetime: until the Timestamp expires.
    """
    created, expires = (_instant(moment) for moment in (now, now + lifetime))
    digest = base64.b64encode(password_digest(nonce, created, secret)).decode()
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}">'
        f"<wsu:Timestamp><wsu:Created>{created}</wsu:Created><wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
        f"<wsse:UsernameToken><wsse:Username>{escape(username)}</wsse:Username>"
        f'<wsse:Password Type="{PASSWORD_DIGEST}">{digest}</wsse:Password>'
        f'<wsse:Nonce EncodingType="{BASE64_ENCODING}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    ).encode()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_instant(text: str, where: str) -> datetime:
    """An xs:dateTime with a time zone, in UTC.

    Raises:
        SoapRefused: IMG-1108.
    """
    if _DATE_TIME.fullmatch(text):
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _refused(where, text, "a dateTime with a time zone, such as 2026-01-31T12:00:00Z")


def _read_timestamp(element: _Element) -> Timestamp:
    parts = _parts(element, {_CREATED, _EXPIRES})
    created, expires = _text(parts, _CREATED), parts.get(_EXPIRES)
    return Timestamp(
        read_instant(created, "wsu:Timestamp/wsu:Created"),
        None if expires is None else read_instant(_text(parts, _EXPIRES), "wsu:Timestamp/wsu:Expires"),
    )


def _read_token(element: _Element) -> UsernameToken:
    parts = _parts(element, {_USERNAME, _PASSWORD, _NONCE, _CREATED})
    username = _text(parts, _USERNAME)
    if len(username) > MAX_USERNAME:
        raise _refused("wsse:Username", "more", f"at most {MAX_USERNAME} characters")
    password = _text(parts, _PASSWORD)
    if parts[_PASSWORD].get("Type") != PASSWORD_DIGEST:
        raise SoapRefused("IMG-1109", where="wsse:Password/@Type", expected=PASSWORD_DIGEST)
    digest = _base64(password, "wsse:Password")
    if len(digest) != _SHA1_BYTES:
        raise _refused("wsse:Password", f"{len(digest)} bytes", f"{_SHA1_BYTES} bytes in base64")
    nonce = _base64(_text(parts, _NONCE), "wsse:Nonce")
    if parts[_NONCE].get("EncodingType", BASE64_ENCODING) != BASE64_ENCODING or not 0 < len(nonce) <= MAX_NONCE:
        raise _refused("wsse:Nonce", f"{len(nonce)} bytes", f"1 to {MAX_NONCE} bytes, EncodingType Base64Binary")
    created_text = _text(parts, _CREATED)
    created = read_instant(created_text, "wsse:UsernameToken/wsu:Created")
    return UsernameToken(username, digest, nonce, created, created_text)


def _read_body_signature(parts: dict[str, _Element]) -> BodySignature | None:
    """A signature with the token that its KeyInfo names by a direct reference (WSS X.509 token profile 1.1, 3.2)."""
    token, signature = parts.get(_BINARY_TOKEN), parts.get(_SIGNATURE)
    if token is None and signature is None:
        return None
    if token is None or signature is None:
        raise _refused("wsse:Security", "a token without a signature, or the reverse", "both, or none of them")
    if len(token) or token.get("EncodingType", BASE64_ENCODING) != BASE64_ENCODING:
        raise _refused("wsse:BinarySecurityToken", "another encoding", "EncodingType Base64Binary")
    kind = token.get("ValueType", "")
    if kind not in {X509_TOKEN, X509_PATH}:
        raise _refused("wsse:BinarySecurityToken/@ValueType", kind, f"{X509_TOKEN} or {X509_PATH}")
    named = signature.findall(f"{_KEY_INFO}/{_TOKEN_REFERENCE}/{_REFERENCE}")
    identifier = token.get(qn(WSU, "Id"), "")
    if not identifier or [each.get("URI") for each in named] != [f"#{identifier}"]:
        raise _refused("ds:KeyInfo", "no reference to the token", "a wsse:SecurityTokenReference to the wsu:Id")
    content = "".join((token.text or "").split())
    return BodySignature(signature, _base64(content, "wsse:BinarySecurityToken", MAX_TOKEN), kind == X509_PATH)


def _parts(element: _Element, allowed: set[str]) -> dict[str, _Element]:
    """The children by name, each once and none unknown: what nobody checks must not look as if it were checked."""
    parts: dict[str, _Element] = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        if child.tag not in allowed:
            raise _refused(readable(str(element.tag)), readable(child.tag), ", ".join(sorted(map(readable, allowed))))
        if child.tag in parts:
            raise _refused(readable(str(element.tag)), f"{readable(child.tag)} more than once", "once")
        parts[child.tag] = child
    return parts


def _text(parts: dict[str, _Element], name: str) -> str:
    """The whole text of one part, which has no children: a comment inside would show readers different values."""
    part = parts.get(name)
    text = "" if part is None or len(part) else (part.text or "").strip()
    if not text:
        raise _refused(readable(name), "missing, empty or with content other than text", "a text")
    return text


def _base64(text: str, where: str, most: int = _MAX_BASE64) -> bytes:
    if 0 < len(text) <= most:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise _refused(where, "no base64, or too long", "base64")


def _refused(where: str, found: str, expected: str) -> SoapRefused:
    return SoapRefused("IMG-1108", where=where, found=found, expected=expected)
