"""The elements of the hub's envelopes: plain data in and out (DIGEST 2.3). ``gateway.ippc.wire`` makes messages.

What is written here is valid against the hub's own schema: names with their mixed case, in both namespaces, in order.
Reading leans on the schema of the message, but does not trust it: the client's replies come from another's server.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lxml import etree

from gateway.errors import HubRefused
from gateway.ippc.models import Envelope, EnvelopeHeader, Forwarding
from gateway.xml.canonical import serialise
from gateway.xml.limits import Limits
from gateway.xml.names import ACK17, HUB, HUBENT, RAM21, SPS17, XSI, path_of, qn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element

__all__ = [
    "ACTIONS",
    "ATTACHMENT",
    "ENVELOPE",
    "HEADER",
    "MAX_CONTENT",
    "REPLY_LIMITS",
    "REQUEST_LIMITS",
    "array_xml",
    "envelope_xml",
    "header_xml",
    "is_utf8",
    "read_array",
    "read_envelope",
    "read_header",
    "text_bytes",
    "text_part",
    "text_xml",
    "wrapped",
    "written_size",
]

MAX_CONTENT: Final = 32 * 1024 * 1024
"""Characters of one Content: a certificate of 20 MB with every markup character escaped, with room."""

ATTACHMENT: Final = qn(RAM21, "AttachmentBinaryObject")
"""A file in a certificate, as Base64."""

REQUEST_LIMITS: Final = Limits(
    max_bytes=48 * 1024 * 1024,
    large_text=frozenset({qn(HUBENT, "Content"), qn(HUB, "ePhytoXML"), ATTACHMENT}),
    max_large_text=MAX_CONTENT,
)
"""A whole document in one text where this contract puts one, or a whole file where a document does; nowhere else."""

REPLY_LIMITS: Final = replace(REQUEST_LIMITS, max_bytes=64 * 1024 * 1024)
"""PULLImportEnvelope answers with several envelopes."""

ENVELOPE: Final = qn(HUBENT, "Envelope")
HEADER: Final = qn(HUBENT, "EnvelopeHeader")

ACTIONS: Final = "http://ephyto.ippc.int/IDeliveryService/"
"""What a SOAPAction begins with."""

_PREFIXES: Final = {HUB: b"hub", HUBENT: b"hubent"}
_CONTENT: Final = qn(HUBENT, "Content")
_DOCUMENTS: Final = (qn(SPS17, "SPSCertificate"), qn(ACK17, "SPSAcknowledgement"))
_FORWARDING: Final = qn(HUBENT, "EnvelopeForwarding")
_NIL: Final = qn(XSI, "nil")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\r"))
_NOT_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_NO_CHARACTERS: Final = re.compile(rb"\xef\xbf[\xbe\xbf]")
_PORTION: Final = 1 << 20
"""Bytes that are escaped at a time, so that a large text is not in memory once for each step."""


def read_header(element: _Element) -> EnvelopeHeader:
    """The header fields of an element of type EnvelopeHeader, or of one that extends it.

    Codes and states are read without surrounding white space; what the certificate's number holds is kept.

    Raises:
        HubRefused: IMG-7190 a mandatory field is missing or is no number.
    """
    forwardings = element.find(qn(HUBENT, "Forwardings"))
    entries = [] if forwardings is None else forwardings.findall(_FORWARDING)
    return EnvelopeHeader(
        sender=_mandatory(element, "From").strip(),
        to=_mandatory(element, "To").strip(),
        certificate_type=_number(element, "CertificateType"),
        certificate_status=_number(element, "CertificateStatus"),
        certificate_number=_mandatory(element, "NPPOCertificateNumber"),
        hub_delivery_number=_optional(element, "hubDeliveryNumber").strip(),
        tracking=_optional(element, "HUBTrackingInfo").strip(),
        error_message=_optional(element, "hubDeliveryErrorMessage"),
        forwardings=tuple(
            Forwarding(_mandatory(entry, "Code").strip(), _optional(entry, "HubDeliveryNumber").strip())
            for entry in entries
            if not _is_nil(entry)
        ),
    )


def read_envelope(element: _Element, *, emptied: bool = False) -> Envelope:
    """An envelope with its content: the text of Content, or the document that stands in the envelope as XML.

    A document as XML becomes the text of a document of its own, with every namespace that it needs: its exclusive
    canonical form stays what it was.

    Args:
        element: of type Envelope, ePhytoEnvelope or CountryResponseEnvelope.
        emptied: take the content out of the tree, for callers that look at it no more: it may be 30 MB, and would stay
            there a second time until the answer is written.

    Raises:
        HubRefused: IMG-7190 a header field is missing or is no number, or there are elements inside Content.
    """
    envelope = Envelope(read_header(element), _content(element))
    if emptied:
        for name in (_CONTENT, *_DOCUMENTS):
            for spent in element.findall(name):
                spent.clear()
    return envelope


def read_array(element: _Element | None) -> tuple[_Element, ...]:
    """The entries of an array, without those that are nil; none when the array itself was left out."""
    if element is None:
        return ()
    return tuple(entry for entry in element.iterchildren("*") if not _is_nil(entry))


def header_xml(header: EnvelopeHeader, tag: str = HEADER) -> bytes:
    """A header as an element that can stand anywhere.

    Args:
        header: optional fields that are empty are left out.
        tag: name of the element, ``{namespace}local``, in one of the hub's two namespaces.

    Raises:
        HubRefused: IMG-7191 a field holds characters that XML does not have.
    """
    return b"".join(_standalone(tag, _fields(header)))


def envelope_xml(envelope: Envelope, tag: str = ENVELOPE) -> bytes:
    """An envelope with its Content as escaped text; arguments and errors as for ``header_xml``."""
    return b"".join(_standalone(tag, _parts(envelope)))


def array_xml(items: Iterable[EnvelopeHeader | Envelope], tag: str) -> bytes:
    """An array of headers or of envelopes; arguments and errors as for ``header_xml``."""
    parts: list[bytes] = []
    for item in items:
        name, fields = (b"Envelope", _parts(item)) if isinstance(item, Envelope) else (b"EnvelopeHeader", _fields(item))
        parts += (b"<hubent:%s>" % name, *fields, b"</hubent:%s>" % name)
    return b"".join(_standalone(tag, parts))


def text_xml(tag: str, text: str) -> bytes:
    """An element with a text: ``hubTrackingNumber``, ``return`` and the like, given as ``{namespace}local``.

    Raises:
        HubRefused: IMG-7191 the text holds characters that XML does not have.
    """
    return b"".join(_standalone(tag, _escaped(text, tag)))


def text_part(name: str, text: str) -> bytes:
    """``text_xml`` of an element in the namespace of the operations, by its local name."""
    return text_xml(qn(HUB, name), text)


def wrapped(name: str, parts: Iterable[bytes] = ()) -> bytes:
    """A body element of the contract, in the hub's namespace, around its serialised children."""
    return b"".join(_standalone(qn(HUB, name), parts))


# --- writing ---------------------------------------------------------------------------------------------------------


def _parts(envelope: Envelope) -> list[bytes]:
    parts = _fields(envelope.header)
    if envelope.content is not None:
        if not is_utf8(envelope.content):
            raise HubRefused("IMG-7191", where="hubent:Content", found="bytes that are not UTF-8")
        parts += (b"<hubent:Content>", *_as_character_data(envelope.content, "hubent:Content"), b"</hubent:Content>")
    return parts


def _fields(header: EnvelopeHeader) -> list[bytes]:
    fields = [
        _field("From", header.sender),
        _field("To", header.to),
        _field("CertificateType", str(header.certificate_type)),
        _field("CertificateStatus", str(header.certificate_status)),
        _field("NPPOCertificateNumber", header.certificate_number),
    ]
    fields += [
        _field(name, text)
        for name, text in (
            ("hubDeliveryNumber", header.hub_delivery_number),
            ("HUBTrackingInfo", header.tracking),
            ("hubDeliveryErrorMessage", header.error_message),
        )
        if text
    ]
    if header.forwardings:
        fields.append(b"<hubent:Forwardings>")
        for forwarding in header.forwardings:
            number = forwarding.hub_delivery_number
            fields += (
                b"<hubent:EnvelopeForwarding>",
                _field("Code", forwarding.code),
                _field("HubDeliveryNumber", number) if number else b"",
                b"</hubent:EnvelopeForwarding>",
            )
        fields.append(b"</hubent:Forwardings>")
    return fields


def _field(name: str, text: str) -> bytes:
    tag = name.encode()
    return b"<hubent:%s>%s</hubent:%s>" % (tag, b"".join(_escaped(text, name)), tag)


def _standalone(tag: str, parts: Iterable[bytes]) -> list[bytes]:
    """The parts of an element that declares both prefixes; joined once, because one of them may be 30 MB."""
    namespace, _, local = tag.removeprefix("{").partition("}")
    name = b"%s:%s" % (_PREFIXES[namespace], local.encode())
    start = b'<%s xmlns:hub="%s" xmlns:hubent="%s">' % (name, HUB.encode(), HUBENT.encode())
    return [start, *parts, b"</%s>" % name]


def _escaped(text: str, where: str) -> Iterator[bytes]:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise HubRefused("IMG-7191", where=where, found="half of a surrogate pair") from None
    return _as_character_data(data, where)


def written_size(text: bytes) -> int:
    """Bytes of a text in UTF-8 once it is written as character data."""
    return len(text) + 3 * (text.count(b"<") + text.count(b">")) + 4 * (text.count(b"&") + text.count(b"\r"))


def _as_character_data(data: bytes, where: str) -> Iterator[bytes]:
    """The text in portions that can stand in an element; a carriage return survives only as a reference."""
    if _NO_CHARACTERS.search(data):
        raise _not_xml(data, where)
    for start in range(0, len(data), _PORTION):
        portion = data[start : start + _PORTION]
        if len(portion.translate(None, _CONTROLS)) < len(portion):  # the fast way to none at all
            raise _not_xml(portion, where)
        for character, reference in ((b"&", b"&amp;"), (b"<", b"&lt;"), (b">", b"&gt;"), (b"\r", b"&#13;")):
            portion = portion.replace(character, reference)
        yield portion


def _not_xml(data: bytes, where: str) -> HubRefused:
    found = _NOT_XML.search(data)
    return HubRefused("IMG-7191", where=where, found=f"U+{ord(found[0].decode()):04X}" if found else "")


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are a text; found out without making one of more than a small part at a time."""
    if data.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _PORTION):
            decoder.decode(data[start : start + _PORTION])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


# --- reading ---------------------------------------------------------------------------------------------------------


def text_bytes(element: _Element) -> bytes:
    """The whole text of an element in UTF-8, taken from the tree without a ``str`` in between.

    Comments and processing instructions in it do not count.

    Raises:
        HubRefused: IMG-7190 there are elements in it.
    """
    _refuse_elements(element)
    return etree.tostring(element, method="text", encoding="UTF-8", with_tail=False)


def _content(element: _Element) -> bytes | None:
    content = element.find(_CONTENT)
    if content is not None:
        return text_bytes(content)
    for name in _DOCUMENTS:
        document = element.find(name)
        if document is not None:
            return serialise(document)
    return None


def _mandatory(element: _Element, name: str) -> str:
    found = element.find(qn(HUBENT, name))
    if found is None:
        raise HubRefused("IMG-7190", where=path_of(element), found="nothing", expected=f"hubent:{name}")
    return _text(found)


def _optional(element: _Element, name: str) -> str:
    found = element.find(qn(HUBENT, name))
    return "" if found is None else _text(found)


def _number(element: _Element, name: str) -> int:
    text = _mandatory(element, name).strip()
    if not _NUMBER.fullmatch(text):
        raise HubRefused("IMG-7190", where=f"{path_of(element)}/hubent:{name}", found=text, expected="a whole number")
    return int(text)


def _text(element: _Element) -> str:
    """The whole text; comments and processing instructions in it do not count."""
    if not len(element):
        return element.text or ""
    _refuse_elements(element)
    return (element.text or "") + "".join(child.tail or "" for child in element)


def _refuse_elements(element: _Element) -> None:
    if any(isinstance(child.tag, str) for child in element):
        raise HubRefused("IMG-7190", where=path_of(element), found="elements", expected="a text")


def _is_nil(element: _Element) -> bool:
    return element.get(_NIL, "").strip() in {"1", "true"}
