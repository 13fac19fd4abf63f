"""The comparison that the proofs rest on: it sees every change, and says where."""

import pytest
from lxml import etree

from gateway.sandbox.samples import certificate
from gateway.xml.boundary import parse
from gateway.xml.names import PREFIXES, RAM21, qn
from mappings.differences import declared, find_differences
from mappings.models import Loss, TranslatedPlace
from mappings.round_trip import RoundTrip, as_text

pytestmark = pytest.mark.short

LINE = "/sps:SPSCertificate/sps:SPSConsignment/ram:IncludedSPSConsignmentItem[1]/ram:IncludedSPSTradeLineItem[{}]"


@pytest.fixture
def pair():
    return [parse(certificate(lines=3)).root for _ in range(2)]


def first(root, path):
    return root.xpath(path, namespaces=PREFIXES)[0]


def seen(before, after):
    return [(each.path, each.before, each.after) for each in find_differences(before, after)]


def test_the_same_document_has_none_whatever_its_prefixes(pair):
    before, _ = pair
    text = etree.tostring(before).replace(b"ram:", b"q:").replace(b"xmlns:ram", b"xmlns:q")
    assert find_differences(before, etree.fromstring(text)) == ()


def test_a_text_and_an_attribute_are_named_with_their_place(pair):
    before, after = pair
    first(after, "//ram:ScientificName[1]").text = "Citrus x"
    first(after, "//ram:NetWeightMeasure").set("unitCode", "TNE")
    assert seen(before, after) == [
        (f"{LINE.format(1)}/ram:ScientificName[1]", "Citrus limon", "Citrus x"),
        (f"{LINE.format(1)}/ram:NetWeightMeasure/@unitCode", "KGM", "TNE"),
    ]
    for path, _, _ in seen(before, after):
        assert first(before, path) is not None


def test_an_element_that_is_missing_or_new_is_whole(pair):
    before, after = pair
    gone = first(after, "//ram:IncludedSPSTradeLineItem[2]")
    gone.getparent().remove(gone)
    (missing,) = find_differences(before, after)
    assert (missing.path, missing.whole, missing.after) == (LINE.format(2), True, "")
    assert "<ram:CommonName>Lemon</ram:CommonName>" in missing.before
    (new,) = find_differences(after, before)
    assert (new.path, new.whole, new.before) == (LINE.format(2), True, "")


def test_a_missing_element_among_changed_ones_is_told_apart_from_them(pair):
    before, after = pair
    gone = first(after, "//ram:IncludedSPSTradeLineItem[1]")
    gone.getparent().remove(gone)
    for element in after.iter(qn(RAM21, "IntendedUse")):
        element.text = "Planting"
    assert [path for path, _, _ in seen(before, after)] == [
        LINE.format(1),
        f"{LINE.format(2)}/ram:IntendedUse[1]",
        f"{LINE.format(3)}/ram:IntendedUse[1]",
    ]


def test_many_elements_are_compared_one_by_one():
    before, after = (parse(certificate(lines=count)).root for count in (110, 111))
    for element in after.iter(qn(RAM21, "IntendedUse")):
        element.text = "Planting"
    found = find_differences(before, after)
    assert len(found) == 111
    assert found[-1].whole


def loss(path):
    return TranslatedPlace(path, "structure", "", "", "structure/x", "1", Loss.NARROWS)


@pytest.mark.parametrize(
    ("place", "text", "whole"),
    [
        (f"{LINE.format(1)}/ram:ScientificName[1]", True, False),
        (LINE.format(1), True, True),
        (f"{LINE.format(1)}/ram:ScientificName[1]/@languageID", False, False),
        (f"{LINE.format(1)}/ram:Scientific", False, False),
        (f"{LINE.format(2)}/ram:ScientificName[1]", False, False),
    ],
)
def test_a_loss_declares_its_place_and_what_is_below(pair, place, text, whole):
    before, after = pair
    first(after, "//ram:ScientificName[1]").text = "Citrus x"
    (changed,) = find_differences(before, after)
    assert (declared(changed, [loss(place)]) is not None) is text
    gone = first(after, "//ram:IncludedSPSTradeLineItem[1]/ram:PhysicalSPSPackage")
    gone.getparent().remove(gone)
    removed = next(each for each in find_differences(before, after) if each.whole)
    assert (declared(removed, [loss(place)]) is not None) is whole
    assert declared(removed, [loss(f"{removed.path}/ram:TypeCode")]) is not None


def test_what_is_not_declared_or_declared_for_nothing_is_said(pair):
    before, after = pair
    first(after, "//ram:ScientificName[1]").text = "Citrus x"
    (changed,) = find_differences(before, after)
    trip = RoundTrip("a", "b", ((changed, None),), (loss(LINE.format(3)),), ())
    assert not trip.exact
    assert trip.undeclared == (changed,)
    assert trip.unneeded == (loss(LINE.format(3)),)
    text = as_text(trip)
    assert "Citrus limon -> Citrus x\n  NOT DECLARED" in text
    assert f"declared, but it came back: {LINE.format(3)} (structure/x)" in text
    assert text.endswith("a -> b -> a: 1 differences, NOT exactly as declared\n")
