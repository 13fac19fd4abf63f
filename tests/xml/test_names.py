"""Readable names and paths."""

import pytest

from gateway.xml.boundary import parse
from gateway.xml.names import PREFIXES, RAM21, SPS17, path_of, qn, readable

pytestmark = pytest.mark.short


def test_a_path_uses_the_usual_prefixes_and_counts_only_where_needed():
    root = parse(
        f'<S xmlns="{SPS17}"><C><r:I xmlns:r="{RAM21}"/><r:I xmlns:r="{RAM21}"><z/></r:I></C></S>'.encode()
    ).root
    assert path_of(root[0][1]) == "/sps:S/sps:C/ram:I[2]"
    assert path_of(root[0][0]) == "/sps:S/sps:C/ram:I[1]"
    assert path_of(root[0]) == "/sps:S/sps:C"
    assert root.xpath(path_of(root[0][1]), namespaces=PREFIXES) == [root[0][1]]


def test_an_unknown_namespace_is_written_out():
    assert readable(qn("urn:other", "x")) == "{urn:other}x"
    assert readable("plain") == "plain"
    assert path_of(parse(b"<a><!-- c --></a>").root[0]) == "/a/node()"


def test_prefixes_stand_for_one_namespace_each():
    assert len(set(PREFIXES.values())) == len(PREFIXES)
