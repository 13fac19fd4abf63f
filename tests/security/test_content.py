"""Content that nobody sealed, accepted or read as if somebody had: nothing here may leave a document behind.

Wrapping itself is in tests/trust/test_wrapping.py; these go through the whole gateway.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import itertools

import pytest
from exchange_harness import CX

from gateway.xml.names import XOP

_numbers = itertools.count(1)


@pytest.fixture
def sealed(world):
    """A number and the document that has it."""
    number = f"AR-SEC-{next(_numbers):04d}"
    return number, world.sealed(number=number)


def in_number(document, number, change):
    changed = document.replace(f">{number}</".encode(), f">{change.format(number)}</".encode(), 1)
    assert changed != document
    return changed


def kept(caller, number):
    return caller.about("GetCertificateStatus", number).status == 200


ALTERED = {
    "comment in the number": "{0}<!-- -->",
    "comment before the number": "<!--x-->{0}",
    "instruction in the number": "{0}<?x y?>",
    "other number": "{0}9",
    "white space": " {0}",
    "no-break space": "{0}&#160;",
    "zero width": "{0}&#8203;",
    "carriage return": "{0}&#13;",
    "element inside": "{0}<a xmlns=''/>",
}


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "as file"])
@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
def test_a_number_that_reads_otherwise_is_refused(caller, sealed, change, inline):
    number, document = sealed
    answer = caller.submit(in_number(document, number, change), inline=inline)
    assert answer.code in {"IMG-4006", "IMG-4009", "IMG-3001"}
    assert not kept(caller, number)


SAME = {"CDATA": "<![CDATA[{0}]]>", "character reference": "&#x41;{1}"}


@pytest.mark.parametrize("spelling", SAME.values(), ids=SAME)
def test_what_canonicalises_alike_is_the_same_document(caller, sealed, spelling):
    """Another spelling of the same infoset: accepted once, and a repeat after that."""
    number, document = sealed
    changed = document.replace(f">{number}</".encode(), f">{spelling.format(number, number[1:])}</".encode(), 1)
    assert changed != document
    first = caller.submit(changed)
    assert first.status == 200
    assert caller.submit(document).raw == first.raw


NOT_COVERED = {
    "doctype": b'<!DOCTYPE sps:SPSCertificate [<!ENTITY a "b">]>%b',
    "instruction in front": b"<?x y?>%b",
    "instruction behind": b"%b<?x y?>",
    "a second root": b"%b<a/>",
    "text behind": b"%b x",
    "nul": b"%b\0",
}


@pytest.mark.parametrize("shape", NOT_COVERED.values(), ids=NOT_COVERED)
def test_nothing_stands_beside_a_sealed_document(caller, sealed, shape):
    number, document = sealed
    assert caller.submit(shape % document).code in {"IMG-1001", "IMG-1002", "IMG-4006"}
    assert not kept(caller, number)


ATTRIBUTES = {
    "xsi:type": b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="sps:Other"',
    "xsi:nil": b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"',
    "xsi:schemaLocation": (
        b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x http://127.0.0.1:9/x.xsd"'
    ),
    "xml:base": b' xml:base="http://127.0.0.1:9/"',
    "xml:space": b' xml:space="preserve"',
    "xml:id": b' xml:id="a"',
    "href": b' href="#a"',
    "Id": b' Id="a"',
}


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "as file"])
@pytest.mark.parametrize("attribute", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes_that_change_the_meaning_are_refused(caller, sealed, attribute, inline):
    number, document = sealed
    changed = document.replace(b"<sps:SPSExchangedDocument>", b"<sps:SPSExchangedDocument" + attribute + b">", 1)
    assert changed != document
    assert caller.submit(changed, inline=inline).code in {"IMG-3001", "IMG-4009", "IMG-1012"}
    assert not kept(caller, number)


def test_a_prefix_bound_otherwise_is_another_document(caller, sealed):
    number, document = sealed
    for changed in (
        document.replace(b"ReusableAggregateBusinessInformationEntity:21", b"Other:21", 1),
        document.replace(b"SPSCertificate:17", b"SPSCertificate:5", 1),
    ):
        assert caller.submit(changed).code == "IMG-3001"
    assert not kept(caller, number)


def test_two_documents_in_one_request_are_none(caller, world, sealed):
    number, document = sealed
    other = world.sealed()
    encoded = base64.b64encode(document).decode()
    for content in (
        document.decode() + other.decode(),
        f"<cx:SealedDocument>{encoded}</cx:SealedDocument>{other.decode()}",
        f"<cx:SealedDocument>{encoded}</cx:SealedDocument><cx:SealedDocument>{encoded}</cx:SealedDocument>",
        f"<cx:SealedDocument>{encoded}<a/></cx:SealedDocument>",
        f"<cx:SealedDocument><i:Include xmlns:i='{XOP}' href='cid:a'/></cx:SealedDocument>",
    ):
        request = f'<cx:SubmitCertificateRequest xmlns:cx="{CX}">{content}</cx:SubmitCertificateRequest>'
        assert caller.call(request).code == "IMG-3001"
    assert not kept(caller, number)


@pytest.mark.parametrize(
    "spelling",
    [lambda t: t + "=", lambda t: t[:-1], lambda t: "%" + t, lambda t: t.replace("+", "-").replace("/", "_") + "-"],
)
def test_a_file_is_base64_and_nothing_else(caller, sealed, spelling):
    number, document = sealed
    text = spelling(base64.b64encode(document + b" " * (-len(document) % 3)).decode())
    request = (
        f'<cx:SubmitCertificateRequest xmlns:cx="{CX}"><cx:SealedDocument>{text}</cx:SealedDocument>'
        "</cx:SubmitCertificateRequest>"
    )
    assert caller.call(request).code == "IMG-3001"
    assert not kept(caller, number)


def test_a_file_in_utf_16_is_the_same_document_and_comes_back_as_it_was(caller, sealed):
    number, document = sealed
    file = codecs.BOM_UTF16_LE + document.decode().encode("utf-16-le")
    first = caller.submit(file)
    assert first.status == 200
    assert caller.submit(codecs.BOM_UTF8 + document).raw == first.raw
    answer = caller.about("GetCertificate", number)
    assert base64.b64decode(answer.text("cx:SealedDocument")) == file


@pytest.mark.parametrize(
    ("content_type", "encode", "declared"),
    [
        ("text/xml; charset=utf-16", "utf-8", ""),
        ("text/xml; charset=utf-8", "utf-16", ""),
        ("text/xml; charset=iso-8859-1", "utf-8", ""),
        ("text/xml; charset=utf-8; charset=utf-16", "utf-8", ""),
        ("text/xml; charset=utf-8", "utf-8", '<?xml version="1.0" encoding="iso-8859-1"?>'),
        ("text/xml; charset=utf-8", "utf-8", '<?xml version="1.0" encoding="utf-7"?>'),
        ("text/xml", "utf-16-le", ""),
        ("text/xml", "utf-32", ""),
        ("text/xml", "utf-7", '<?xml version="1.0" encoding="UTF-7"?>'),
        ("text/xml; charset=utf-8", "cp037", ""),
    ],
)
def test_one_message_has_one_encoding(caller, sealed, content_type, encode, declared):
    number, document = sealed
    envelope = declared + caller.envelope(caller.request("SubmitCertificate", document)).decode()
    answer = caller.post(envelope.encode(encode), content_type=content_type)
    assert answer.code in {"IMG-1001", "IMG-1009", "IMG-1101"}
    assert not kept(caller, number)


def test_mime_parts_are_refused(caller, sealed):
    number, document = sealed
    envelope = caller.envelope(caller.request("SubmitCertificate", document))
    body = b"--b\r\nContent-Type: application/xop+xml\r\n\r\n" + envelope + b"\r\n--b--"
    for kind in ("multipart/related; boundary=b", 'multipart/related; type="application/xop+xml"; boundary=b'):
        assert caller.post(body, content_type=kind).code == "IMG-1101"
    assert not kept(caller, number)


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(caller):
    bomb = gzip.compress(b"<a>" + b" " * 100_000_000 + b"</a>")
    assert len(bomb) < 200_000
    assert caller.post(bomb, headers={"HTTP_CONTENT_ENCODING": "gzip"}).code == "IMG-1010"
    for coding in ("gzip, gzip", "br", "gzip;q=1"):
        assert caller.post(bomb, headers={"HTTP_CONTENT_ENCODING": coding}).code == "IMG-1011"
    twice = gzip.compress(b"<a/>") + gzip.compress(b"<b/>")
    assert caller.post(twice, headers={"HTTP_CONTENT_ENCODING": "gzip"}).code == "IMG-1011"


def test_the_translation_and_the_answers_are_about_what_was_sealed(caller, sealed):
    """Unsealed places of the seal itself may hold anything; nothing of it comes back but in the original bytes."""
    number, document = sealed
    rival = b"<sps:SPSExchangedDocument><ram:ID>EVIL-1</ram:ID></sps:SPSExchangedDocument>"
    changed = document.replace(b"</ds:KeyInfo>", rival + b"</ds:KeyInfo>", 1)
    assert changed != document
    answer = caller.submit(changed)
    assert answer.status == 200
    assert b"EVIL" not in answer.raw
    more = "<cx:Representation>TRANSLATED</cx:Representation>"
    read = caller.about("GetCertificate", number, more=more)
    assert read.status == 200
    assert b"EVIL" not in read.raw
    assert b"EVIL" not in caller.validate(changed).raw
    assert caller.about("GetCertificateStatus", "EVIL-1").code == "IMG-7004"


def test_a_seal_value_of_another_partner_is_not_taken_over(house, world, sealed):
    number, document = sealed
    assert house.caller("ar").submit(document).status == 200
    answer = house.caller("with-crl").submit(document)
    assert answer.code in {"IMG-7003", "IMG-7007"}
    assert kept(house.caller("ar"), number)
