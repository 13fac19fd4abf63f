"""Canonical forms and standalone bytes, against xmllint where it is there."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.errors import XmlRefused
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise, serialise

pytestmark = pytest.mark.short

DOCUMENT = (
    b'<e:env xmlns:e="urn:e" xmlns:u="urn:unused"><a xmlns="urn:a" b="2" a="1">x<!-- c --><p:c xmlns:p="urn:p">'
    b"&#13;&lt;</p:c><![CDATA[&]]></a>tail</e:env>"
)


def test_the_exclusive_form_does_not_depend_on_the_envelope():
    inner = parse(DOCUMENT).root[0]
    moved = parse(serialise(inner)).root
    for algorithm in (C14n.EXCLUSIVE, C14n.EXCLUSIVE_WITH_COMMENTS):
        assert canonicalise(inner, algorithm=algorithm) == canonicalise(moved, algorithm=algorithm)
    assert canonicalise(inner, algorithm=C14n.EXCLUSIVE) == (
        b'<a xmlns="urn:a" a="1" b="2">x<p:c xmlns:p="urn:p">&#xD;&lt;</p:c>&amp;</a>'
    )


def test_the_inclusive_form_renders_namespaces_of_ancestors():
    inner = parse(DOCUMENT).root[0]
    for algorithm in (C14n.INCLUSIVE, C14n.INCLUSIVE_11):
        form = canonicalise(inner, algorithm=algorithm)
        assert form.startswith(b'<a xmlns="urn:a" xmlns:e="urn:e" xmlns:u="urn:unused" a="1"')
    assert b"<!-- c -->" in canonicalise(inner, algorithm=C14n.INCLUSIVE_WITH_COMMENTS)
    assert b"<!-- c -->" not in canonicalise(inner, algorithm=C14n.INCLUSIVE)


def test_a_prefix_list_makes_single_prefixes_inclusive():
    inner = parse(DOCUMENT).root[0]
    form = canonicalise(inner, algorithm=C14n.EXCLUSIVE, inclusive_prefixes=["u"])
    assert b'xmlns:u="urn:unused"' in form
    assert b'xmlns:e="urn:e"' not in form


def test_the_default_namespace_can_be_in_a_prefix_list():
    inner = parse(b'<e xmlns="urn:d" xmlns:p="urn:p"><p:a/></e>').root[0]
    assert canonicalise(inner, algorithm=C14n.EXCLUSIVE) == b'<p:a xmlns:p="urn:p"></p:a>'
    listed = canonicalise(inner, algorithm=C14n.EXCLUSIVE, inclusive_prefixes=["#default"])
    assert listed == b'<p:a xmlns="urn:d" xmlns:p="urn:p"></p:a>'


def test_a_prefix_list_holds_for_a_tree_from_another_thread():
    with ThreadPoolExecutor(max_workers=1) as other:
        root = other.submit(parse, b'<e xmlns:onlythere="urn:x"><a/></e>').result().root
    form = canonicalise(root[0], algorithm=C14n.EXCLUSIVE, inclusive_prefixes=["onlythere"])
    assert form == b'<a xmlns:onlythere="urn:x"></a>'


@pytest.mark.parametrize("function", [lambda node: canonicalise(node, algorithm=C14n.EXCLUSIVE), serialise])
@pytest.mark.parametrize("raw", [b"<a><!-- c --></a>", b"<a><?p i?></a>"])
def test_a_node_that_is_no_element_is_refused_instead_of_ending_the_process(function, raw):
    with pytest.raises(XmlRefused) as caught:
        function(parse(raw).root[0])
    assert caught.value.code == "IMG-1014"


def test_an_inherited_xml_attribute_is_refused_where_it_would_have_to_be_rendered():
    inner = parse(b'<a xml:lang="en"><b/></a>').root[0]
    with pytest.raises(XmlRefused) as caught:
        canonicalise(inner, algorithm=C14n.INCLUSIVE)
    assert caught.value.code == "IMG-1014"
    assert canonicalise(inner, algorithm=C14n.EXCLUSIVE) == b"<b></b>"


def test_standalone_bytes_keep_prefixes_and_leave_the_tail():
    inner = parse(b'<e xmlns:q="urn:q"><a v="q:x"><q:b/></a>tail</e>').root[0]
    assert serialise(inner) == b'<a xmlns:q="urn:q" v="q:x"><q:b/></a>'


@pytest.mark.skipif(shutil.which("xmllint") is None, reason="xmllint is not installed")
@pytest.mark.parametrize(
    ("option", "algorithm"),
    [
        ("--c14n", C14n.INCLUSIVE_WITH_COMMENTS),
        ("--c14n11", C14n.INCLUSIVE_11_WITH_COMMENTS),
        ("--exc-c14n", C14n.EXCLUSIVE_WITH_COMMENTS),
    ],
)
def test_xmllint_makes_the_same_form(option, algorithm, tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(DOCUMENT)
    ran = subprocess.run(["xmllint", option, str(path)], capture_output=True, check=True)
    assert ran.stdout.rstrip(b"\n") == canonicalise(parse(DOCUMENT).root, algorithm=algorithm)
