"""The DER reader and writer against asn1crypto."""

from __future__ import annotations

import pytest
from asn1crypto import core, parser
from hypothesis import given
from hypothesis import strategies as st

from gateway.trust import der


@given(st.binary(max_size=80))
def test_what_is_read_is_what_asn1crypto_reads(octets):
    try:
        node = der.read(octets)
    except ValueError:
        return
    _class, _method, _tag, header, contents, trailer = parser.parse(octets, strict=True)
    assert (node.contents, node.octets) == (contents, header + contents + trailer)


@given(st.integers(0, 255).filter(lambda tag: tag & 0x1F != 0x1F), st.lists(st.binary(max_size=200), max_size=4))
def test_what_is_written_is_read_back(tag, parts):
    node = der.read(der.encode(tag, *parts))
    assert (node.tag, node.contents) == (tag, b"".join(parts))


@given(st.integers(0, 2**80))
def test_integers(value):
    assert der.integer(value) == core.Integer(value).dump()
    assert der.read(der.integer(value)).integer() == value


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), max_size=8))
def test_object_identifiers(first, second, rest):
    dotted = ".".join(map(str, (first, second, *rest)))
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()
    assert der.dotted(der.read(der.oid(dotted))) == dotted


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"\x30", b"\x30\x01", b"\x30\x80\x00\x00", b"\x30\x81\x01\x00", b"\x30\x82\x00\x81" + b"x" * 129,
        b"\x1f\x81\x01\x00", b"\x30\x85\x01\x00\x00\x00\x00", b"\x05\x00\x00", b"\x30\x82\x01",
    ],
)  # fmt: skip
def test_what_is_not_der_is_refused(octets):
    with pytest.raises(ValueError, match=r"DER|octets"):
        der.read(octets)


def test_a_node_of_another_kind_is_refused():
    node = der.read(der.integer(5))
    with pytest.raises(ValueError, match="tag"):
        node.expect(der.SEQUENCE)
    with pytest.raises(ValueError, match="tag"):
        der.read(b"\x05\x00").integer()
    with pytest.raises(ValueError, match="empty"):
        der.dotted(der.read(b"\x06\x00"))
