"""The XML boundary: every limit one below and one above, and what is refused whatever the limits."""

import gzip
import threading
import zlib
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import XmlRefused
from gateway.xml.boundary import inflate, is_worn, parse, refuse_multi_references
from gateway.xml.limits import DEFAULT_LIMITS, Limits

pytestmark = pytest.mark.short


def refused(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(XmlRefused) as caught:
        parse(raw, limits=limits)
    return caught.value.code


def nested(levels: int) -> bytes:
    return b"<a>" * levels + b"</a>" * levels


def attributes(count: int) -> bytes:
    return b"<r><a " + b" ".join(b'a%d="1"' % n for n in range(count)) + b"/></r>"


def declarations(count: int, *, levels: int = 1) -> bytes:
    opened = b""
    for level in range(levels):
        opened += b"<a " + b" ".join(b'xmlns:p%d="urn:%d"' % (n, level) for n in range(count)) + b">"
    return opened + b"</a>" * levels


LIMIT_CASES = {
    "bytes": (Limits(max_bytes=20), b"<a>" + b"x" * 13 + b"</a>", b"<a>" + b"x" * 14 + b"</a>", "IMG-1003"),
    "depth": (Limits(max_depth=30), nested(30), nested(31), "IMG-1004"),
    "depth, default": (DEFAULT_LIMITS, nested(100), nested(101), "IMG-1004"),
    "depth beyond libxml2's own": (Limits(max_depth=300), nested(300), nested(301), "IMG-1004"),
    "elements": (Limits(max_elements=50), b"<r>" + b"<a/>" * 49 + b"</r>", b"<r>" + b"<a/>" * 50 + b"</r>", "IMG-1005"),
    "attributes of one element": (DEFAULT_LIMITS, attributes(64), attributes(65), "IMG-1006"),
    "attributes of one element, counted exactly": (
        Limits(max_attributes_per_element=3, max_attributes=10),
        b"<r>" + b'<a x="1" y="2" z="3"/>' * 3 + b"======</r>",
        b'<r><a x="1" y="2" z="3" w="4"/>=======</r>',
        "IMG-1006",
    ),
    "attributes in all": (
        Limits(max_attributes=40),
        b"<r>" + b'<a x="1" y="2"/>' * 20 + b"</r>",
        b"<r>" + b'<a x="1" y="2"/>' * 20 + b'<b z=""/></r>',
        "IMG-1006",
    ),
    "namespaces in scope": (DEFAULT_LIMITS, declarations(256), declarations(257), "IMG-1013"),
    "namespaces in scope over levels": (
        DEFAULT_LIMITS,
        declarations(64, levels=4),
        declarations(65, levels=4),
        "IMG-1013",
    ),
    "element name": (DEFAULT_LIMITS, b"<%s/>" % (b"n" * 256), b"<%s/>" % (b"n" * 257), "IMG-1007"),
    "attribute name": (DEFAULT_LIMITS, b'<a %s="1"/>' % (b"n" * 256), b'<a %s="1"/>' % (b"n" * 257), "IMG-1007"),
    "prefix": (
        DEFAULT_LIMITS,
        b'<a xmlns:%s="urn:x"/>' % (b"n" * 256),
        b'<a xmlns:%s="urn:x"/>' % (b"n" * 257),
        "IMG-1007",
    ),
    "name of a processing instruction": (
        DEFAULT_LIMITS,
        b"<a><?%s x?></a>" % (b"n" * 256),
        b"<a><?%s x?></a>" % (b"n" * 257),
        "IMG-1007",
    ),
    "text": (Limits(max_text_length=500), b"<a>%s</a>" % (b"x " * 250), b"<a>%s </a>" % (b"x " * 250), "IMG-1008"),
    "text of two sections": (
        Limits(max_text_length=500),
        b"<a>%s<![CDATA[%s]]></a>" % (b"x " * 125, b"x " * 125),
        b"<a>%s<![CDATA[%s]]></a>" % (b"x " * 125, b"x " * 126),
        "IMG-1008",
    ),
    "attribute value": (
        Limits(max_text_length=500),
        b'<a b="%s"/>' % (b"x " * 250),
        b'<a b="%s "/>' % (b"x " * 250),
        "IMG-1008",
    ),
    "comment": (
        Limits(max_text_length=500),
        b"<a><!--%s--></a>" % (b"x " * 250),
        b"<a><!--%s --></a>" % (b"x " * 250),
        "IMG-1008",
    ),
}


@pytest.mark.parametrize("case", LIMIT_CASES)
def test_a_limit_holds_one_below_and_one_above(case):
    limits, inside, outside, code = LIMIT_CASES[case]
    assert parse(inside, limits=limits).raw == inside
    assert refused(outside, limits) == code


def test_a_text_of_libxml2s_own_limit_passes_and_more_needs_a_raised_limit():
    longer = b"<a>%s</a>" % (b"x y " * 2_500_001)
    assert refused(longer) == "IMG-1008"
    assert len(parse(longer, limits=replace(DEFAULT_LIMITS, max_text_length=10_000_004)).root.text) == 10_000_004


LARGE = replace(DEFAULT_LIMITS, large_text=frozenset({"{urn:h}Content"}), max_large_text=10_000_008)
TEN_MILLION = b"x y " * 2_500_000


def test_one_named_element_may_have_a_longer_text_and_no_other():
    def document(name: bytes, text: bytes) -> bytes:
        return b'<r xmlns="urn:h" xmlns:o="urn:o"><a>b</a><%s>%s</%s><a>c</a></r>' % (name, text, name)

    within, beyond = TEN_MILLION + b"x y x y ", TEN_MILLION + b"x y x y z"
    assert len(parse(document(b"Content", within), limits=LARGE).root[1].text) == 10_000_008
    assert refused(document(b"Content", within)) == "IMG-1008"
    assert refused(document(b"Content", beyond), LARGE) == "IMG-1008"
    for other in (b"content", b"o:Content", b"a"):
        assert refused(document(other, within), LARGE) == "IMG-1008"


@pytest.mark.parametrize(
    "raw",
    [
        b'<Content xmlns="urn:h">x<a>%s</a></Content>' % (TEN_MILLION + b"z"),
        b'<r xmlns="urn:h"><Content>x</Content>%s</r>' % (TEN_MILLION + b"z"),
        b'<Content xmlns="urn:h" a="%s"/>' % (TEN_MILLION + b"z"),
        b'<Content xmlns="urn:h"><!--%s--></Content>' % (TEN_MILLION + b"z"),
    ],
    ids=["child", "tail", "attribute", "comment"],
)
def test_what_stands_in_or_beside_the_named_element_keeps_its_limit(raw):
    assert refused(raw, LARGE) == "IMG-1008"


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        (nested(99), ""),
        (nested(101), "IMG-1004"),
        (b"<%s/>" % (b"n" * 257), "IMG-1007"),
        (b"<a/>" * 250_001, "IMG-1005"),
    ],
    ids=["depth", "too deep", "name", "elements"],
)
def test_the_other_limits_hold_beside_a_large_text(inside, code):
    """libxml2's own guards are off for such a document, so ours are all there is."""
    raw = b'<r xmlns="urn:h"><Content>%s</Content>%s</r>' % (TEN_MILLION + b"xy", inside)
    if code:
        assert refused(raw, LARGE) == code
    else:
        assert len(parse(raw, limits=LARGE).root) == 2


def test_many_small_elements_are_refused_without_building_their_tree():
    raw = b"<r>" + b"<a/>" * 6_000_000 + b"</r>"
    assert refused(raw) == "IMG-1005"


@pytest.mark.parametrize(
    "raw",
    [
        b"<!DOCTYPE a><a/>",
        b'<?xml version="1.0"?>\n<!-- a --><?pi x?>\n<!DOCTYPE a SYSTEM "http://198.51.100.1/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY l0 "lol">'
        + b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
        + b"]><a>&l9;</a>",
        b'<!-- a --><!DOCTYPE a [<!ENTITY % p SYSTEM "http://198.51.100.1/p">%p;]><a/>',
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
        b"\xef\xbb\xbf<!DOCTYPE a><a/>",
    ],
)
def test_a_doctype_is_refused(raw):
    assert refused(raw) == "IMG-1002"


def test_text_that_only_mentions_a_doctype_passes():
    raw = b"<!-- <!DOCTYPE a> --><a><![CDATA[<!DOCTYPE html>]]><!-- <!DOCTYPE b> --></a>"
    assert parse(raw).root.text == "<!DOCTYPE html>"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"hello",
        b'{"json": true}',
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a>&undeclared;</a>",
        b"<a>\xff</a>",
        b"<a>\x00</a>",
        b"<p:a/>",
        b'<a x="1" x="2"/>',
        b'<?xml version="1.1"?><a/>',
        b"<?xml",
        b"<a><![CDATA[",
        b"<!--",
        b"\x1f\x8b\x08\x00",
    ],
)
def test_what_is_not_well_formed_is_refused(raw):
    assert refused(raw) == "IMG-1001"


@pytest.mark.parametrize(
    "raw",
    [
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>',
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        b"\xef\xbb\xbf" + b'<?xml version="1.0" encoding="utf-16"?><a/>',
        '<?xml version="1.0" encoding="utf-8"?><a/>'.encode("utf-16"),
        "<a/>".encode("utf-16-le"),
        "<a/>".encode("utf-16-be"),
        "<a/>".encode("utf-32"),
        "<a/>".encode("utf-32-be"),
        b"+ADw-a/+AD4-",
        b"\xff\xfe<\x00a",
    ],
)
def test_other_encodings_are_refused(raw):
    assert refused(raw) in {"IMG-1009", "IMG-1001"}
    if b"ISO" in raw or b"UTF-7" in raw:
        assert refused(raw) == "IMG-1009"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_both_encodings_are_read_alike(codec):
    raw = f'<?xml version="1.0" encoding="{codec.removesuffix("-sig")}"?><a>é\u0416</a>'.encode(codec)
    parsed = parse(raw)
    assert parsed.root.text == "éЖ"
    assert parsed.encoding == codec.removesuffix("-sig").upper()
    assert parsed.raw == raw


def test_no_address_is_fetched(tmp_path):
    secret = tmp_path / "secret.xml"
    secret.write_text("<secret/>")
    raw = f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{secret.as_uri()}"/></a>'.encode()
    root = parse(raw).root
    assert len(root) == 1
    assert len(root[0]) == 0


def test_the_error_says_where_and_never_what():
    with pytest.raises(XmlRefused) as caught:
        parse(b"<a>\n  <secret-word></a>")
    assert caught.value.where == "line 2, column 20"
    assert "secret-word" not in str(caught.value) + caught.value.found + caught.value.expected


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_bytes_raise_anything_but_a_refusal(raw):
    with suppress(XmlRefused):
        assert parse(raw).raw == raw


# Compressed bodies


def test_compressed_bodies_are_read():
    raw = b"<a>some text that is not repeated</a>"
    assert inflate(gzip.compress(raw), "gzip") == raw
    assert inflate(zlib.compress(raw), "Deflate") == raw
    assert inflate(raw, "") == raw
    assert inflate(raw, "identity") == raw


def test_a_body_may_inflate_to_the_limit_and_not_beyond():
    raw = bytes(range(256)) * 4
    limits = Limits(max_bytes=1024, max_inflated_ratio=1000)
    assert inflate(gzip.compress(raw), "gzip", limits) == raw
    with pytest.raises(XmlRefused) as caught:
        inflate(gzip.compress(raw + b"x"), "gzip", limits)
    assert caught.value.code == "IMG-1010"


def test_the_ratio_holds_one_below_and_one_above():
    packed = zlib.compress(b" " * 50_000)
    ratio = -(-50_000 // len(packed))
    assert len(inflate(packed, "deflate", Limits(max_inflated_ratio=ratio))) == 50_000
    with pytest.raises(XmlRefused) as caught:
        inflate(packed, "deflate", Limits(max_inflated_ratio=ratio - 1))
    assert caught.value.code == "IMG-1010"


@pytest.mark.parametrize(
    ("raw", "coding"),
    [
        (b"<a/>", "gzip"),
        (gzip.compress(b"<a/>")[:-4], "gzip"),
        (gzip.compress(b"<a/>") + gzip.compress(b"<b/>"), "gzip"),
        (b"<a/>", "br"),
        (gzip.compress(b"<a/>"), "gzip, gzip"),
        (zlib.compress(b"<a/>")[2:-4], "deflate"),
    ],
)
def test_damaged_or_unknown_codings_are_refused(raw, coding):
    with pytest.raises(XmlRefused) as caught:
        inflate(raw, coding)
    assert caught.value.code == "IMG-1011"


# Multi-references


@pytest.mark.parametrize(
    "raw", [b'<b><x href="#a"/></b>', b'<b href=" #a"/>', b'<b xmlns="urn:x"><c><d href="#"/></c></b>']
)
def test_multi_references_are_refused(raw):
    with pytest.raises(XmlRefused) as caught:
        refuse_multi_references(parse(raw).root)
    assert caught.value.code == "IMG-1012"
    assert caught.value.where


def test_other_references_pass():
    raw = (
        b'<b><a href="https://example.org/#x"/><a xmlns:x="http://www.w3.org/1999/xlink" x:href="#a"/>'
        b'<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="#a"/></b>'
    )
    refuse_multi_references(parse(raw).root)


def test_a_thread_is_worn_by_what_it_refused(monkeypatch):
    monkeypatch.setattr("gateway.xml.boundary.MAX_REFUSED_BYTES", 100)
    seen = []

    def parse_a_few() -> None:
        for raw in (b"<a/>" * 1, b"<a>" + b"x" * 200 + b"</a>", b"<a>" + b"x" * 96, b"<a>xx"):
            with suppress(XmlRefused):
                parse(raw)
            seen.append(is_worn())

    thread = threading.Thread(target=parse_a_few)
    thread.start()
    thread.join()
    assert seen == [False, False, False, True]


def test_base64_without_a_slash_for_long_is_not_taken_for_a_name(monkeypatch):
    counted = []
    monkeypatch.setattr("gateway.xml.boundary._count", lambda *arguments: counted.append(arguments))
    parse(b"<a>" + b"A" * 5000 + b"</a>")
    assert not counted
    parse(b"<a>\n" + b"A" * 5000 + b"</a>")
    assert counted, "after white space it could be an attribute's name: counted exactly"
