"""CertexHeader: read from requests, echoed by replies, beside the headers of the platform."""

import uuid
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from shape import differences

from gateway.certex.headers import KNOWN_HEADERS, find_header, header_block, read_header, read_header_block
from gateway.certex.models import CertexHeader
from gateway.certex.replies import reply_header
from gateway.errors import SoapRefused
from gateway.traces.headers import CallHeaders, Dialect, read_header_blocks, write_headers
from gateway.traces.replies import write_reply_header
from gateway.xml.boundary import parse
from gateway.xml.names import CERTEX6, CERTEXBASE3, SOAP11

pytestmark = pytest.mark.short

HEADER = CertexHeader("15d1cec56a9e4552be26c16e7f2f1800", "XI000002")
AT = datetime(2026, 9, 29, 16, 12, 3, 437000, tzinfo=timezone(timedelta(hours=2)))


def header_of(*blocks: bytes):
    return parse(b'<S:Header xmlns:S="%s">%s</S:Header>' % (SOAP11.encode(), b"".join(blocks))).root


def call(*blocks: bytes):
    return SimpleNamespace(headers=tuple(each for each in header_of(*blocks) if isinstance(each.tag, str)))


def written(*children: str) -> bytes:
    content = "".join(children)
    return f'<x:CertexHeader xmlns:x="{CERTEX6}" xmlns:b="{CERTEXBASE3}">{content}</x:CertexHeader>'.encode()


def test_what_is_written_is_read_again():
    assert read_header(call(header_block(HEADER))) == HEADER
    odd = CertexHeader("<&>", 'a"b')
    assert read_header(call(header_block(odd))) == odd


def test_it_stands_beside_the_headers_of_the_platform():
    said = CallHeaders("client", "nl", customs_office="XI000002")
    blocks = call(write_headers(said, Dialect.CERTEX), header_block(HEADER)).headers
    assert read_header_blocks(blocks) == said
    assert read_header_block(blocks) == HEADER
    assert {block.tag for block in blocks} <= KNOWN_HEADERS


def test_white_space_is_collapsed():
    block = written("<b:MessageId>\n a  b </b:MessageId><b:UniqRequesterPrefix> p</b:UniqRequesterPrefix>")
    assert read_header(call(block)) == CertexHeader("a b", "p")


def test_a_call_without_it_is_refused():
    with pytest.raises(SoapRefused) as refusal:
        read_header(call())
    assert refusal.value.code == "IMG-1116"
    assert refusal.value.where == "certex:CertexHeader"
    assert read_header_block(call().headers) is None


ID = "<b:MessageId>1</b:MessageId>"
PREFIX = "<b:UniqRequesterPrefix>p</b:UniqRequesterPrefix>"


@pytest.mark.parametrize(
    "children",
    [
        (),
        (ID,),
        (PREFIX, ID),
        (ID, PREFIX, PREFIX),
        (ID.replace("b:", "x:"), PREFIX),
        ("<b:MessageId/>", PREFIX),
        ("<b:MessageId> </b:MessageId>", PREFIX),
        (f"<b:MessageId>{'1' * 49}</b:MessageId>", PREFIX),
        ("<b:MessageId>1<!-- 2 --></b:MessageId>", PREFIX),
        (ID, "<b:UniqRequesterPrefix/>"),
        (ID, f"<b:UniqRequesterPrefix>{'p' * 36}</b:UniqRequesterPrefix>"),
    ],
)
def test_one_that_cannot_be_read_is_refused(children):
    with pytest.raises(SoapRefused) as refusal:
        read_header(call(written(*children)))
    assert refusal.value.code == "IMG-1117"
    assert find_header(call(written(*children))) == CertexHeader("", "")


def test_two_are_refused():
    with pytest.raises(SoapRefused) as refusal:
        read_header(call(header_block(HEADER), header_block(HEADER)))
    assert (refusal.value.code, refusal.value.found) == ("IMG-1117", "more than once")


def test_a_message_id_has_48_characters_at_most():
    longest = CertexHeader("1" * 48, "p" * 35)
    assert read_header(call(header_block(longest))) == longest


def test_a_fault_finds_what_there_is():
    assert find_header(call(header_block(HEADER))) == HEADER
    assert find_header(call()) == CertexHeader("", "")
    assert find_header(None) == CertexHeader("", "")


def test_a_reply_has_the_platforms_header_and_then_the_requests():
    ours = header_of(reply_header(lambda: AT)(call(header_block(HEADER))))
    assert [child.tag.rpartition("}")[2] for child in ours] == ["Message", "Security", "CertexHeader"]
    assert differences(ours, header_of(write_reply_header(AT, uuid.uuid4()), header_block(HEADER))) == []
