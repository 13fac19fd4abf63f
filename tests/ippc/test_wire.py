"""Envelopes in and out of their elements: nothing is lost, nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import HubRefused
from gateway.ippc import Envelope, EnvelopeHeader, Forwarding, wire
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.names import ACK17, HUB, HUBENT, RAM21, SPS17, XSI, qn

pytestmark = pytest.mark.short

HEADER = EnvelopeHeader("AR", "NO", 851, 70, "EZ 1")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=["Cs", "Cc"]))
ANY_TEXT = st.builds(lambda a, b: a + "\r\n\t" + b, TEXT, TEXT)
CODE = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=5)
HEADERS = st.builds(
    EnvelopeHeader,
    sender=CODE,
    to=CODE,
    certificate_type=st.integers(-999_999_999, 999_999_999),
    certificate_status=st.integers(0, 99),
    certificate_number=ANY_TEXT,
    hub_delivery_number=CODE,
    tracking=CODE,
    error_message=TEXT,
    forwardings=st.lists(st.builds(Forwarding, CODE, CODE), max_size=3).map(tuple),
)


def root(raw: bytes):
    return parse(raw, limits=wire.REPLY_LIMITS).root


@given(HEADERS, st.none() | ANY_TEXT)
def test_what_is_written_is_read_again(header, content):
    envelope = Envelope(header, None if content is None else content.encode())
    assert wire.read_header(root(wire.header_xml(header))) == header
    assert wire.read_envelope(root(wire.envelope_xml(envelope))) == envelope
    both = root(wire.array_xml([header, envelope], qn(HUB, "GetUnderDeliveryEnvelopeResult")))
    assert [wire.read_envelope(entry) for entry in wire.read_array(both)] == [Envelope(header), envelope]


def test_fields_stand_in_the_hubs_order_with_the_hubs_spelling():
    header = EnvelopeHeader("AR", "NO", 851, 70, "1", "N", "Delivered", "m", (Forwarding("C", "N2"), Forwarding("D")))
    element = root(wire.envelope_xml(Envelope(header, b"x"), qn(HUB, "envelope")))
    assert element.tag == qn(HUB, "envelope")
    assert [child.tag for child in element] == [
        qn(HUBENT, name)
        for name in (
            "From", "To", "CertificateType", "CertificateStatus", "NPPOCertificateNumber", "hubDeliveryNumber",
            "HUBTrackingInfo", "hubDeliveryErrorMessage", "Forwardings", "Content",
        )
    ]  # fmt: skip
    forwardings = element.find(qn(HUBENT, "Forwardings"))
    assert [[child.tag.rpartition("}")[2] for child in entry] for entry in forwardings] == [
        ["Code", "HubDeliveryNumber"],
        ["Code"],
    ]


def test_what_is_empty_is_left_out_and_an_empty_content_is_not():
    assert b"Content" not in wire.envelope_xml(Envelope(HEADER))
    assert wire.read_envelope(root(wire.envelope_xml(Envelope(HEADER, b"")))).content == b""
    assert b"hubDeliveryNumber" not in wire.header_xml(HEADER)
    assert b"Forwardings" not in wire.header_xml(HEADER)


@pytest.mark.parametrize(
    "content",
    [
        "&lt;a b='1'&gt;\u00e9&amp;&#13;&lt;/a&gt;",
        "<![CDATA[<a b='1'>\u00e9&]]>&#13;<![CDATA[</a>]]>",
        "&lt;a b='1'&gt;<!-- said aside -->\u00e9&amp;&#13;&lt;/a&gt;",
    ],
    ids=["escaped", "cdata", "comment"],
)
def test_escaped_text_and_cdata_are_the_same_content(content):
    raw = wire.envelope_xml(Envelope(HEADER, b"")).replace(b"<hubent:Content>", b"<hubent:Content>" + content.encode())
    assert wire.read_envelope(root(raw)).content == "<a b='1'>\u00e9&\r</a>".encode()


CERTIFICATE = f'<s:SPSCertificate xmlns:s="{SPS17}" xmlns:r="{RAM21}"><r:Anything r:a="1"/>%s</s:SPSCertificate>'
RESPONSE = f'<SPSAcknowledgement xmlns="{ACK17}" xmlns:q="urn:q"><a q:b=""/>%s</SPSAcknowledgement>'


@pytest.mark.parametrize(("write", "name"), [(wire.deliver_phyto, CERTIFICATE), (wire.country_response, RESPONSE)])
@pytest.mark.parametrize("before", ["", "\ufeff", '<?xml version="1.0" encoding="UTF-8"?>\n'])
def test_a_document_as_xml_becomes_the_text_of_the_same_document(write, name, before):
    document = name % "<![CDATA[<&>]]> \u00e9"
    body = root(write(HEADER, (before + document).encode()))
    envelope = wire.read_envelope(body[0])
    assert envelope.header == HEADER
    assert canonical(envelope.content) == canonical(document.encode())


def canonical(raw: bytes) -> bytes:
    return canonicalise(root(raw), algorithm=C14n.EXCLUSIVE)


@pytest.mark.parametrize(
    "raw",
    [
        wire.deliver_envelope(Envelope(HEADER, b"x")),
        wire.deliver_phyto(HEADER, (CERTIFICATE % "").encode()),
        wire.country_response(HEADER, (RESPONSE % "").encode()),
    ],
)
def test_the_content_can_be_taken_out_of_the_tree_and_the_header_stays(raw):
    kept, emptied = root(raw)[0], root(raw)[0]
    assert wire.read_envelope(emptied, emptied=True) == wire.read_envelope(kept) == wire.read_envelope(kept)
    assert wire.read_header(emptied) == HEADER
    assert not wire.read_envelope(emptied).content or wire.read_envelope(emptied).content.endswith(b"/>")


def test_nil_entries_of_arrays_and_arrays_left_out_are_nothing():
    array = wire.array_xml([HEADER], qn(HUB, "x")).replace(
        b"</hub:x>", f'<hubent:EnvelopeHeader xmlns:xsi="{XSI}" xsi:nil="true"/></hub:x>'.encode()
    )
    assert len(root(array)) == 2
    assert len(wire.read_array(root(array))) == 1
    assert wire.read_array(None) == ()
    nil = (
        wire.header_xml(EnvelopeHeader("AR", "NO", 851, 70, "1", forwardings=(Forwarding("C"),)))
        .replace(
            b"<hubent:EnvelopeForwarding>", f'<hubent:EnvelopeForwarding xmlns:xsi="{XSI}" xsi:nil=" 1 "/>'.encode(), 1
        )
        .replace(b"<hubent:Code>C</hubent:Code></hubent:EnvelopeForwarding>", b"")
    )
    assert wire.read_header(root(nil)).forwardings == ()


def test_codes_and_states_are_read_without_the_white_space_of_pretty_printers():
    raw = wire.header_xml(EnvelopeHeader(" AR\n", "\tNO", 851, 70, " EZ 1 ", " N ", "Delivered\n"))
    raw = raw.replace(b"851", b"\n 851\t")
    assert wire.read_header(root(raw)) == EnvelopeHeader("AR", "NO", 851, 70, " EZ 1 ", "N", "Delivered")


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        (b"<hubent:To>NO</hubent:To>", b"", "hubent:To"),
        (b"<hubent:From>", b"<hubent:from>", "hubent:From"),
        (b"851", b"phyto", "phyto"),
        (b"851", b"", ""),
        (b"851", b"8_51", "8_51"),
        (b"851", "\u0668\u0665\u0661".encode(), "\u0668"),
        (b"851", b"85100000000", "85100000000"),
        (b"AR", b"<a/>AR", "elements"),
    ],
)
def test_a_header_that_is_none_is_refused_by_name(before, after, where):
    raw = wire.header_xml(HEADER).replace(before, after)
    if before == b"<hubent:From>":
        raw = raw.replace(b"</hubent:From>", b"</hubent:from>")
    with pytest.raises(HubRefused) as refused:
        wire.read_header(root(raw))
    assert refused.value.code == "IMG-7190"
    assert where in f"{refused.value.where} {refused.value.found} {refused.value.expected}"


def test_elements_inside_content_are_not_taken_for_a_text():
    raw = wire.envelope_xml(Envelope(HEADER, b"x")).replace(b">x<", b"><a/>x<")
    with pytest.raises(HubRefused) as refused:
        wire.read_envelope(root(raw))
    assert (refused.value.code, refused.value.where) == ("IMG-7190", "/hubent:Envelope/hubent:Content")


@pytest.mark.parametrize("bad", ["\x00", "a\x1fb", "\x0b", "\ufffe", "\uffff", "\ud800"])
def test_what_xml_cannot_hold_is_refused_before_it_is_sent(bad):
    for write in (
        lambda: wire.envelope_xml(Envelope(HEADER, bad.encode(errors="surrogatepass"))),
        lambda: wire.acknowledge_failed("1", bad),
        lambda: wire.text_xml(qn(HUB, "return"), bad),
        lambda: wire.header_xml(EnvelopeHeader("AR", "NO", 851, 70, bad)),
    ):
        with pytest.raises(HubRefused) as refused:
            write()
        assert refused.value.code == "IMG-7191"


def test_what_looks_like_it_and_is_allowed_passes():
    text = "\x7f\x85\u2028\ud7ff\ue000\ufffd\U0010ffff]]>"
    assert root(wire.text_xml(qn(HUB, "return"), text)).text == text


def test_bodies_name_their_operation_and_fields():
    assert root(wire.acknowledge_with_warning("N", "w & w")).tag == qn(HUB, "AdvancedAcknowledgeEnvelopeReceipt")
    assert [(c.tag, c.text) for c in root(wire.acknowledge_failed("N", "m"))] == [
        (qn(HUB, "hubTrackingNumber"), "N"),
        (qn(HUB, "message"), "m"),
    ]
    assert root(wire.import_headers("AR"))[0].text == "AR"
    assert len(root(wire.import_headers())) == 0
    assert root(wire.response("GetProfile")).tag == qn(HUB, "GetProfileResponse")
