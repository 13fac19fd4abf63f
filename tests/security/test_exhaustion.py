"""Messages that are small and want to cost much: each must cost about as little as it weighs.

The bounds are CPU seconds of this thread, several times what the attack costs where it is held off, and a small part
of what it cost before.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from itertools import chain

import pytest

from gateway.errors import SchemaInvalid, XmlRefused
from gateway.sandbox.samples import certificate
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.limits import DEFAULT_LIMITS, Limits
from gateway.xml.schemas import SchemaName, explain, is_valid, validate

INCLUSIVE = b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = b"http://www.w3.org/2001/10/xml-exc-c14n#"


@contextmanager
def at_most(seconds):
    start = time.thread_time()
    yield
    assert time.thread_time() - start < seconds


@pytest.mark.parametrize("node", ["<!-- -->", "<?a b?>"])
@pytest.mark.parametrize("place", ["<a>{}</a>", "{}<a/>", "<a/>{}"])
def test_comments_and_instructions_count_as_nodes(node, place):
    """Three million comments in 24 MB took 500 MB of memory from a stranger's message."""
    limits = Limits(max_elements=1_000)
    parse(place.format(node * 999).encode(), limits=limits)
    with pytest.raises(XmlRefused) as refusal:
        parse(place.format(node * 1_001).encode(), limits=limits)
    assert refusal.value.code == "IMG-1005"


def of_wrong_parts(count):
    """A certificate with many items that each lack what the schema asks for: one error and one long path for each."""
    text = certificate(lines=1).decode()
    (item,) = re.findall(r"<ram:IncludedSPSConsignmentItem>.*</ram:IncludedSPSConsignmentItem>", text, re.DOTALL)
    return text.replace(item, item + "<ram:IncludedSPSConsignmentItem/>" * count).encode()


def test_a_hundred_thousand_schema_breaches_cost_as_much_as_the_first():
    """libxml2 writes a path for each, and counts the siblings each time: a minute of CPU for 3 MB."""
    root = parse(of_wrong_parts(100_000)).root
    with at_most(3), pytest.raises(SchemaInvalid) as refusal:
        validate(SchemaName.SPS_STRICT, root, explained=True)
    assert refusal.value.code == "IMG-3001"
    assert "child element is missing" in refusal.value.message


def test_a_long_certificate_is_judged_as_before():
    good = certificate(lines=1_200)
    assert is_valid(SchemaName.SPS_STRICT, parse(good).root)
    bad = good.replace(b"</sps:SPSCertificate>", b"<sps:Strange/></sps:SPSCertificate>")
    with pytest.raises(SchemaInvalid) as refusal:
        validate(SchemaName.SPS_STRICT, parse(bad).root)
    assert refusal.value.found == "sps:Strange"
    assert explain(SchemaName.SPS_STRICT, parse(bad).root, allow_slow=False).found == "sps:Strange"


def crowded(inside, count, namespaces=235):
    declared = " ".join(f'xmlns:q{number}="u:{number}"' for number in range(namespaces))
    return parse(f"<a {declared}>{inside * count}</a>".encode()).root


@pytest.mark.parametrize(
    ("algorithm", "prefixes"), [(C14n.INCLUSIVE, ()), (C14n.INCLUSIVE_11, ()), (C14n.EXCLUSIVE, ("q1", "q2") * 32)]
)
def test_canonicalisation_does_not_multiply_elements_by_namespaces(algorithm, prefixes):
    """libxml2 looks up each namespace in scope at each element: 1 MB cost 45 seconds."""
    root = crowded("<b/>", 200_000)
    with at_most(2), pytest.raises(XmlRefused) as refusal:
        canonicalise(root, algorithm=algorithm, inclusive_prefixes=prefixes)
    assert refusal.value.code == "IMG-1014"


def test_what_honest_documents_hold_is_canonicalised():
    for algorithm in C14n:
        canonicalise(crowded("<b/>", 100_000, namespaces=30), algorithm=algorithm)
        canonicalise(crowded("<b/>", 1_000, namespaces=235), algorithm=algorithm)
    assert len(list(chain(parse(certificate(lines=50)).root.iter()))) < DEFAULT_LIMITS.max_elements


def in_place_of_parameters(document, name, old, new):
    """Gives one algorithm of the seal, the first of its name, another URI and content."""
    pattern = rb"<ds:%s Algorithm=\"[^\"]*\"\s*(?:/>|></ds:%s>)" % (name, name)
    changed, count = re.subn(pattern, b'<ds:%s Algorithm="%s">%s</ds:%s>' % (name, old, new, name), document, count=1)
    assert count == 1
    return changed


def test_parameters_of_a_digest_are_refused_before_anything_is_computed(world, caller):
    """Schema-valid filling of ds:DigestMethod inside SignedInfo was canonicalised before the signature was checked."""
    filled = in_place_of_parameters(
        world.sealed(), b"DigestMethod", b"http://www.w3.org/2001/04/xmlenc#sha256", b"<a/>" * 100_000
    )
    filled = in_place_of_parameters(filled, b"CanonicalizationMethod", INCLUSIVE, b"")
    with at_most(2):
        assert caller.submit(filled).code == "IMG-4005"


@pytest.mark.parametrize(
    "prefixes",
    [b" ".join(b"p%x" % number for number in range(100_000)), b"p" * 300, b"a:b", b"<x>".replace(b"<", b"&lt;")],
)
def test_a_prefix_list_is_a_short_list_of_prefixes(world, caller, prefixes):
    """Each prefix is made known to libxml2, which never forgets a name."""
    listed = b'<ec:InclusiveNamespaces xmlns:ec="%s" PrefixList="%s"/>' % (EXCLUSIVE, prefixes)
    document = in_place_of_parameters(world.sealed(), b"CanonicalizationMethod", EXCLUSIVE, listed)
    with at_most(1):
        assert caller.submit(document).code == "IMG-4005"
