"""Errors as SOAP faults, written as bytes (SOAP 1.1 section 4.4, SOAP 1.2 part 1 section 5.4).

spyne's own fault code knows two fault codes and fails under SOAP 1.2 (STACK, defect 1), so nothing of it is used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from gateway.errors import Fault, GatewayError
from gateway.soap.models import SoapVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ERROR_HEADER", "MUST_UNDERSTAND", "VERSION_MISMATCH", "render_fault", "status_of"]

ERROR_HEADER: Final = "X-IMSOC-Error"
"""HTTP header with the stable code, beside faults in a contract's own form."""
VERSION_MISMATCH: Final = "IMG-1103"
MUST_UNDERSTAND: Final = "IMG-1107"
_OWN_STATUS: Final = {"IMG-1003": 413, "IMG-1101": 415, "IMG-1110": 405, "IMG-1111": 404, "IMG-1115": 411}
"""Errors of the HTTP layer say so in HTTP too; the body is a fault all the same."""
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_fault(
    error: GatewayError,
    version: SoapVersion,
    *,
    told: str = "",
    detail: bytes | None = None,
    not_understood: Sequence[str] = (),
) -> bytes:
    """The whole envelope of a fault, in UTF-8.

    Args:
        error: gives the fault code (by whose fault it is) and the text.
        version: of the request, as far as it could be told.
        told: the text behind the code; the error's sentence when empty.
        detail: the contract's own detail element, serialised.
        not_understood: names ``{namespace}local`` of mandatory headers that were not understood.
    """
    text = escape(_NOT_XML.sub("�", f"{error.code} {told or error.message}"))
    if version is SoapVersion.SOAP11:
        return (
            f'<soap:Envelope xmlns:soap="{version.namespace}"><soap:Body><soap:Fault>'
            f"<faultcode>soap:{_code(error, 'Client', 'Server')}</faultcode><faultstring>{text}</faultstring>"
        ).encode() + _tail(detail, "detail")
    return (
        f'<soap:Envelope xmlns:soap="{version.namespace}">{_header12(error, not_understood)}<soap:Body><soap:Fault>'
        f"<soap:Code><soap:Value>soap:{_code(error, 'Sender', 'Receiver')}</soap:Value></soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="en">{text}</soap:Text></soap:Reason>'
    ).encode() + _tail(detail, "soap:Detail")


def status_of(error: GatewayError, version: SoapVersion) -> int:
    """The HTTP status of a fault: 500 under SOAP 1.1 (6.2), 400 or 500 under SOAP 1.2 (part 2, table 20)."""
    own = _OWN_STATUS.get(error.code)
    if own is not None:
        return own
    special = error.code in {VERSION_MISMATCH, MUST_UNDERSTAND}
    return 400 if version is SoapVersion.SOAP12 and error.fault is Fault.SENDER and not special else 500


def _code(error: GatewayError, sender: str, receiver: str) -> str:
    if error.code == VERSION_MISMATCH:
        return "VersionMismatch"
    if error.code == MUST_UNDERSTAND:
        return "MustUnderstand"
    return sender if error.fault is Fault.SENDER else receiver


def _header12(error: GatewayError, not_understood: Sequence[str]) -> str:
    """SOAP 1.2 tells in headers which versions are supported and which headers were not understood."""
    if error.code == VERSION_MISMATCH:
        supported = "".join(
            f'<soap:SupportedEnvelope xmlns:v="{known.namespace}" qname="v:Envelope"/>'
            for known in (SoapVersion.SOAP12, SoapVersion.SOAP11)
        )
        return f"<soap:Header><soap:Upgrade>{supported}</soap:Upgrade></soap:Header>"
    if not not_understood:
        return ""
    blocks = (name.removeprefix("{").partition("}") for name in not_understood)
    entries = (
        f"<soap:NotUnderstood xmlns:h={quoteattr(namespace)} qname={quoteattr('h:' + local)}/>"
        for namespace, _, local in blocks
    )
    return f"<soap:Header>{''.join(entries)}</soap:Header>"


def _tail(detail: bytes | None, name: str) -> bytes:
    element = b"" if detail is None else b"<%s>%s</%s>" % (name.encode(), detail, name.encode())
    return element + b"</soap:Fault></soap:Body></soap:Envelope>"
