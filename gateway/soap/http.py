"""The HTTP part of a SOAP request: media type, charset, action, and a body that is read only as far as allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.errors import SoapRefused, XmlRefused
from gateway.soap.models import SoapVersion
from gateway.soap.mtom import MULTIPART, XOP_TYPE
from gateway.xml.boundary import inflate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.xml.boundary import Encoding
    from gateway.xml.limits import Limits

__all__ = ["ContentType", "read_body", "read_content_type", "soap_action"]

_PARAMETER: Final = re.compile(r'\s*;\s*([A-Za-z0-9_-]+)\s*=\s*(?:"([^"\\]*)"|([^\s;"]+))', re.ASCII)
_CHARSETS: Final[dict[str, Encoding]] = {
    "utf-8": "UTF-8",
    "utf8": "UTF-8",
    "us-ascii": "UTF-8",
    "utf-16": "UTF-16",
}
_VERSIONS: Final = {known.media_type: known for known in SoapVersion}
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class ContentType:
    """What a Content-Type header says, as far as SOAP needs it."""

    version: SoapVersion
    charset: Encoding | None
    action: str | None
    """SOAP 1.2's parameter of the media type."""
    boundary: str | None = None
    """Of a multipart message; None for an envelope by itself."""
    start: str | None = None
    """Which part of a multipart message is the envelope; None for the first."""


def read_content_type(value: str, *, mtom: bool = False) -> ContentType:
    """Read a Content-Type header.

    Args:
        value: of the header.
        mtom: whether a multipart message with XOP is taken too.

    Raises:
        SoapRefused: IMG-1101 another media type, or parameters that cannot be read.
        XmlRefused: IMG-1009 another charset than UTF-8 or UTF-16.
    """
    media_type, semicolon, rest = value.partition(";")
    if mtom and media_type.strip().lower() == MULTIPART:
        return _multipart(value, _parameters(value, semicolon + rest))
    version = _VERSIONS.get(media_type.strip().lower())
    if version is None:
        raise SoapRefused("IMG-1101", where="Content-Type", found=value, expected="text/xml or application/soap+xml")
    parameters = _parameters(value, semicolon + rest)
    charset = parameters.get("charset")
    if charset is not None and charset.lower() not in _CHARSETS:
        raise XmlRefused("IMG-1009", where="Content-Type", found=charset, expected="utf-8 or utf-16")
    return ContentType(version, None if charset is None else _CHARSETS[charset.lower()], parameters.get("action"))


def _multipart(value: str, parameters: Mapping[str, str]) -> ContentType:
    """An XOP package; ``start-info`` says which SOAP version is in it (MTOM 3.2)."""
    info, _, more = parameters.get("start-info", "").partition(";")
    version = _VERSIONS.get(info.strip().lower())
    boundary = parameters.get("boundary")
    if parameters.get("type", "").lower() != XOP_TYPE or version is None or not boundary:
        raise SoapRefused(
            "IMG-1101", where="Content-Type", found=value, expected=f"boundary, type {XOP_TYPE} and start-info"
        )
    action = parameters.get("action") or _parameters(value, f";{more}" if more else "").get("action")
    return ContentType(version, None, action, boundary, parameters.get("start"))


def _parameters(value: str, rest: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    rest = rest.rstrip(" ;\t")
    at = 0
    while at < len(rest):
        match = _PARAMETER.match(rest, at)
        if match is None or match[1].lower() in parameters:
            raise SoapRefused("IMG-1101", where="Content-Type", found=value, expected="parameters, each once")
        parameters[match[1].lower()] = match[2] if match[2] is not None else match[3]
        at = match.end()
    return parameters


def soap_action(environ: Mapping[str, Any], content_type: ContentType) -> str | None:
    """The action that the HTTP layer names; None when absent or empty, which SOAP 1.1 section 6.1.1 allows.

    Raises:
        SoapRefused: IMG-1106 when the header and the media type's parameter differ.
    """
    header = str(environ.get("HTTP_SOAPACTION", "")).strip()
    if len(header) > 1 and header[0] == header[-1] == '"':
        header = header[1:-1]
    parameter = content_type.action or ""
    if header and parameter and header != parameter:
        raise SoapRefused("IMG-1106", where="SOAPAction", found=header, expected=parameter)
    return header or parameter or None


def read_body(environ: Mapping[str, Any], limits: Limits) -> bytes:
    """The request body, inflated; a body that is too large is refused by its announced size, before it is read.

    Raises:
        XmlRefused: IMG-1003 too large, IMG-1010 and IMG-1011 content coding.
        SoapRefused: IMG-1114 the body is shorter than announced, IMG-1115 no length and not chunked.
    """
    return inflate(_read(environ, limits.max_bytes), str(environ.get("HTTP_CONTENT_ENCODING", "")), limits)


def _read(environ: Mapping[str, Any], most: int) -> bytes:
    announced = str(environ.get("CONTENT_LENGTH") or "")
    stream = environ["wsgi.input"]
    if not announced:
        if "chunked" not in str(environ.get("HTTP_TRANSFER_ENCODING", "")).lower():
            raise SoapRefused("IMG-1115", where="Content-Length")
        chunks: list[bytes] = []
        size = 0
        while size <= most and (chunk := stream.read(min(_CHUNK, most + 1 - size))):
            chunks.append(chunk)
            size += len(chunk)
        if size > most:
            raise XmlRefused("IMG-1003", where="HTTP body", expected=f"at most {most:,} bytes")
        return b"".join(chunks)
    if not (announced.isascii() and announced.isdigit()):
        raise SoapRefused("IMG-1114", where="Content-Length", found=announced, expected="a number")
    length = int(announced)
    if length > most:
        raise XmlRefused("IMG-1003", where="Content-Length", found=announced, expected=f"at most {most:,} bytes")
    body: bytes = stream.read(length)
    while len(body) < length and (more := stream.read(length - len(body))):
        body += more
    if len(body) < length:
        raise SoapRefused("IMG-1114", where="HTTP body", found=f"{len(body)} bytes", expected=f"{length} bytes")
    return body
