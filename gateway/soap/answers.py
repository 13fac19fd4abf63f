"""What comes back from a partner: an envelope read strictly, files beside it put into it, a fault as an exception."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.errors import GatewayError
from gateway.soap.envelope import read_envelope, version_of
from gateway.soap.http import read_content_type
from gateway.soap.models import SoapVersion
from gateway.soap.mtom import MULTIPART, resolve, unpack
from gateway.soap.transport import UnusableReply
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.limits import DEFAULT_LIMITS, Limits
from gateway.xml.names import qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["MAX_REASON", "Reply", "SoapFaultReceived", "read_reply"]

MAX_REASON: Final = 500
"""Characters of a partner's fault text that are kept."""
_STABLE: Final = re.compile(r"IMG-\d{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
    """A partner's answer."""

    version: SoapVersion
    body: _Element
    """The only child of the Body."""
    headers: tuple[_Element, ...]
    raw: bytes
    """The whole envelope as received, files beside it included."""
    status: int


@dataclass(eq=False)
class SoapFaultReceived(Exception):
    """The partner refused by a SOAP fault; its text is the partner's and goes into no answer of ours."""

    code: str
    """Local name: Client, Server, Sender, Receiver, VersionMismatch, MustUnderstand, or the partner's own."""
    reason: str
    status: int
    detail: bytes | None
    """The detail's first child, serialised."""
    detail_name: str = ""
    """Its name, ``{namespace}local``."""
    detail_code: str = ""
    """Text of a ``Code`` in it: the other side's stable code when it is a gateway."""
    retry: str = ""
    """Text of a ``Retry`` in it."""
    raw: bytes = b""
    told_code: str = ""
    """``IMG-nnnn``: the other side's stable code beside the fault (``X-IMSOC-Error``) when it is a gateway."""

    def __str__(self) -> str:
        return f"{self.code} (HTTP {self.status}) {self.detail_code or self.told_code}".rstrip()

    @property
    def is_ours_to_change(self) -> bool:
        """Whether the other side says that the message, not the server, is at fault."""
        return self.code in {"Client", "Sender", "MustUnderstand", "VersionMismatch"}


def read_reply(
    status: int, content: bytes, limits: Limits = DEFAULT_LIMITS, *, content_type: str = "", told: str = ""
) -> Reply:
    """Read a partner's envelope strictly.

    Args:
        status: of HTTP.
        content: the body, inflated.
        limits: of the envelope.
        content_type: of the body; files beside an envelope are put into it as base64.
        told: text of ``X-IMSOC-Error``; anything but one stable code is passed over.

    Raises:
        SoapFaultReceived: it is a fault.
        UnusableReply: IMG-8003 it is no envelope that we can read.
    """
    try:
        files: dict[str, bytes] = {}
        message = content
        if content_type.strip().lower().startswith(MULTIPART):
            described = read_content_type(content_type, mtom=True)
            package = unpack(content, boundary=described.boundary or "", start=described.start)
            message, files = package.root, dict(package.files)
        parsed = parse(message, limits=limits)
        version = version_of(parsed.root)
        envelope = read_envelope(parsed.root, version, frozenset())
        if files:
            resolve(parsed.root, envelope.body, files, limits)
    except GatewayError as error:
        raise UnusableReply(status, error.message) from error
    if envelope.body.tag == qn(version.namespace, "Fault"):
        raise _fault(envelope.body, version, status, content, told if _STABLE.fullmatch(told) else "")
    return Reply(version, envelope.body, envelope.headers, content, status)


def _fault(fault: _Element, version: SoapVersion, status: int, raw: bytes, told: str) -> SoapFaultReceived:
    def name(local: str) -> str:
        return qn(version.namespace, local)

    if version is SoapVersion.SOAP11:
        code, reason, detail = fault.findtext("faultcode"), fault.findtext("faultstring"), fault.find("detail")
    else:
        code = fault.findtext(f"{name('Code')}/{name('Value')}")
        reason = fault.findtext(f"{name('Reason')}/{name('Text')}")
        detail = fault.find(name("Detail"))
    entries = [] if detail is None else [child for child in detail if isinstance(child.tag, str)]
    first = entries[0] if entries else None
    texts = {} if first is None else {etree.QName(c).localname: c.text or "" for c in first if isinstance(c.tag, str)}
    return SoapFaultReceived(
        code=(code or "").rpartition(":")[2].strip()[:MAX_REASON],
        reason=(reason or "").strip()[:MAX_REASON],
        status=status,
        detail=None if first is None else serialise(first),
        detail_name="" if first is None else str(first.tag),
        detail_code=texts.get("Code", "")[:MAX_REASON],
        retry=texts.get("Retry", "")[:MAX_REASON],
        raw=raw,
        told_code=told,
    )
