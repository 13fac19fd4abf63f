"""The document in an envelope, in each form that senders use, and what is not readable."""

from __future__ import annotations

import base64
import codecs
import textwrap
from dataclasses import replace

import pytest

from gateway.errors import HubRefused
from gateway.ippc import Envelope, EnvelopeHeader, wire
from gateway.ippc.content import ContentForm, decode_content, document_limits
from gateway.sandbox.samples import example
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.limits import DEFAULT_LIMITS, LIBXML2_TEXT
from gateway.xml.names import ACK17, SPS17

pytestmark = pytest.mark.short

DOCUMENT = f'<s:SPSCertificate xmlns:s="{SPS17}"><s:Name>Plaga \u00e9 \u4e2d</s:Name></s:SPSCertificate>'
RESPONSE = f'<SPSAcknowledgement xmlns="{ACK17}"/>'


def encoded(text: str, coding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(coding)).decode()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (DOCUMENT, ContentForm.XML_TEXT),
        ("\ufeff\r\n " + DOCUMENT + "\n", ContentForm.XML_TEXT),
        ('<?xml version="1.0" encoding="UTF-8"?>\n' + DOCUMENT, ContentForm.XML_TEXT),
        ('<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>' + DOCUMENT, ContentForm.XML_TEXT),
        ("<?xml version='1.0' encoding='UTF-16'?>" + DOCUMENT, ContentForm.XML_TEXT),
        ("<?xml version='1.1'?>" + DOCUMENT, ContentForm.XML_TEXT),
        (" " * 100 + DOCUMENT, ContentForm.XML_TEXT),
        ("<!-- first -->" + DOCUMENT, ContentForm.XML_TEXT),
        (encoded(DOCUMENT), ContentForm.BASE64),
        (" \n" + "\r\n ".join(textwrap.wrap(encoded(DOCUMENT), 76)) + "\n", ContentForm.BASE64),
        (encoded("\ufeff" + DOCUMENT), ContentForm.BASE64),
        (encoded('<?xml version="1.0" encoding="windows-1252"?>' + DOCUMENT), ContentForm.BASE64),
        (encoded(DOCUMENT, "utf-16"), ContentForm.BASE64),
        (base64.b64encode(codecs.BOM_UTF16_BE + DOCUMENT.encode("utf-16-be")).decode(), ContentForm.BASE64),
    ],
)
def test_every_form_gives_the_same_document(text, form):
    content = decode_content(text.encode())
    assert content.form is form
    assert canonicalise(content.root, algorithm=C14n.EXCLUSIVE) == DOCUMENT.encode()
    assert parse(content.document).encoding == "UTF-8"
    assert content.document.endswith(DOCUMENT.encode())


def test_a_countrys_response_is_readable_too():
    assert decode_content(RESPONSE.encode()).root.tag == f"{{{ACK17}}}SPSAcknowledgement"


@pytest.mark.parametrize("form", ["text", "base64", "element"])
def test_the_full_example_comes_through_an_envelope_unchanged(form):
    document = example()
    header = EnvelopeHeader("AR", "NL", 851, 70, "1")
    if form == "element":
        raw = wire.deliver_phyto(header, document)
    else:
        text = document if form == "text" else base64.b64encode(document)
        raw = wire.deliver_envelope(Envelope(header, text))
    sent = wire.read_envelope(parse(raw, limits=wire.REQUEST_LIMITS).root[0])
    content = decode_content(sent.content)
    assert canonicalise(content.root, algorithm=C14n.EXCLUSIVE) == canonicalise(
        parse(document).root, algorithm=C14n.EXCLUSIVE
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "nothing"),
        ("", "nothing"),
        (" \r\n\ufeff" * 40, "nothing"),
        ("NULL", "Base64"),
        ("no certificate", "neither XML nor Base64"),
        ("\u00e9", "neither"),
        (encoded("%PDF-1.7"), "something else than XML"),
        ("6Q==", "not UTF-8"),
        (DOCUMENT[:-5], "IMG-1001"),
        (encoded(DOCUMENT[:-5]), "IMG-1001"),
        ("certificate < 5", "IMG-1001"),
        ("<?xml version='1.0'?><!DOCTYPE a><a/>", "IMG-1002"),
        ("<html/>", "html"),
        (f'<SPSCertificate xmlns="{ACK17}"/>', "ack:SPSCertificate"),
        ("<a>\ud800</a>", "IMG-1001"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_it_is(text, found):
    with pytest.raises(HubRefused) as refused:
        decode_content(None if text is None else text.encode(errors="surrogatepass"))
    assert refused.value.code == "IMG-7110"
    assert found in refused.value.found
    assert refused.value.where.startswith("hubent:Content")


def test_the_limits_of_documents_hold_inside_too():
    with pytest.raises(HubRefused, match="IMG-7110") as refused:
        decode_content(DOCUMENT.encode(), limits=replace(DEFAULT_LIMITS, max_bytes=20))
    assert "IMG-1003" in refused.value.found
    assert "20 bytes" in refused.value.expected


RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"
LONG = LIBXML2_TEXT + 8


def holding(name: str, length: int) -> bytes:
    before, after = f'<s:SPSCertificate xmlns:s="{SPS17}" xmlns:r="{RAM}"><{name}>', f"</{name}></s:SPSCertificate>"
    return before.encode() + b"A" * length + after.encode()


def test_a_file_may_be_longer_than_any_other_text():
    content = decode_content(holding("r:AttachmentBinaryObject", LONG))
    assert len(content.root[0].text) == LONG
    decode_content(holding("r:Content", LIBXML2_TEXT))
    for name in ("r:Content", "r:ID", "s:AttachmentBinaryObject", "AttachmentBinaryObject"):
        with pytest.raises(HubRefused) as refused:
            decode_content(holding(name, LONG))
        assert (refused.value.code, "IMG-1008" in refused.value.found) == ("IMG-7110", True)


def test_a_file_keeps_the_stated_limit_and_the_operators():
    most = document_limits(DEFAULT_LIMITS)
    assert (most.max_bytes, most.max_large_text, most.max_text_length) == (32 << 20, 32 << 20, LIBXML2_TEXT)
    with pytest.raises(HubRefused, match="IMG-7110") as refused:
        decode_content(holding("r:AttachmentBinaryObject", 32 << 20))
    assert "IMG-1003" in refused.value.found
    own = replace(DEFAULT_LIMITS, max_large_text=LONG - 1)
    decode_content(holding("r:AttachmentBinaryObject", LONG - 1), limits=own)
    with pytest.raises(HubRefused, match="IMG-7110") as refused:
        decode_content(holding("r:AttachmentBinaryObject", LONG), limits=own)
    assert "IMG-1008" in refused.value.found
