"""A CHED's values and its tree say the same, whichever is made from the other."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
from ched_values import cheds, full
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.documents import normalise_order
from gateway.documents.ched import ChedType, Country, boxes, read_ched, write_ched
from gateway.documents.ched.places import RAM, SPS
from gateway.documents.ched.reading import PARTS
from gateway.xml.canonical import serialise
from gateway.xml.schema_files import SchemaName
from gateway.xml.schemas import validate

_SLOW = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def reread(tree):
    return read_ched(etree.fromstring(serialise(tree)))


@pytest.mark.parametrize("kind", ChedType)
def test_every_box_of_a_full_ched_comes_back(kind):
    ched = full(kind)
    assert reread(write_ched(ched)) == ched


@pytest.mark.parametrize("kind", ChedType)
def test_a_full_ched_is_valid_and_in_un_order(kind):
    tree = write_ched(full(kind))
    validate(SchemaName.SPS_TOLERANT, tree)
    _, findings = normalise_order(tree)
    assert not [finding for finding in findings if finding.rule in {"SPS-ORDER", "SPS-UNKNOWN"}]


@_SLOW
@given(cheds())
def test_any_ched_comes_back_as_it_was_written(ched):
    tree = write_ched(ched)
    assert reread(tree) == ched
    validate(SchemaName.SPS_TOLERANT, tree)


@_SLOW
@given(cheds(), cheds())
def test_any_change_of_any_ched_is_written_into_its_tree(before, after):
    source = etree.fromstring(serialise(write_ched(before)))
    changed = replace(after, source=source)
    untouched = serialise(source)
    assert reread(write_ched(changed)) == after
    assert serialise(source) == untouched


_TAGS = sorted({str(tag) for handlers in PARTS.values() for tag in handlers} | set(map(str, PARTS))) + [
    f"{RAM}{name}"
    for name in (
        "ContentCode",
        "Content",
        "SubjectCode",
        "IncludedSPSClause",
        "ProviderSPSParty",
        "ActualDateTime",
        "IncludedSPSTradeLineItem",
        "SequenceNumeric",
        "NetWeightMeasure",
        "SubordinateSPSCountrySubDivision",
        "FunctionTypeCode",
        "ActivityAuthorizedSPSParty",
        "RelationshipTypeCode",
        "AttachmentBinaryObject",
        "OccurrenceSPSLocation",
        "AffixedSPSSeal",
        "Invented",
    )
]
_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "A",
        "636",
        "76",
        "CAW",
        "ACE",
        "AXG",
        "AVZ",
        "0",
        "1",
        "4",
        "8",
        "42",
        "283",
        "PURPOSE",
        "CHED_TYPE",
        "NaN",
        "-1e9",
        "9" * 50,
        "JOURNEY_LOG",
        "REFUSAL_REASON",
        "LABORATORY_TESTS_COMMODITIES_",
        "DECISION_CONCLUSION",
        "II.18",
        "III.4",
        "PURPOSE_PLACE",
        "LABORATORY_TESTS",
        "YES",
        "CHEDPP.NL.2026.0000001",
        "2026-01-01T00:00:00Z",
    ]
)
_ATTRIBUTES = st.dictionaries(
    st.sampled_from(["schemeID", "name", "listID", "languageID", "uri", "unitCode"]),
    st.sampled_from(["", "ched_purpose", "ched_box", "xsd_datetime", "x_after_bcp", "x_redispatch", "en"])
    | st.sampled_from(["resealed_container_number", "approval_number", "transport_after_bcp"]),
    max_size=2,
)


def _element(tag, text, attributes, children):
    element = etree.Element(tag, attributes)
    element.text = text
    element.extend(children)
    if len(text) == 1:
        element.append(etree.Comment("between"))
        element[-1].tail = text
    return element


_leaves = st.builds(_element, st.sampled_from(_TAGS), _TEXTS, _ATTRIBUTES, st.just([]))
_trees = st.recursive(
    _leaves,
    lambda inner: st.builds(
        _element, st.sampled_from(_TAGS), _TEXTS, _ATTRIBUTES, st.lists(inner, max_size=4).map(deepcopy)
    ),
    max_leaves=25,
)


@st.composite
def _certificates(draw):
    root = etree.Element(f"{SPS}SPSCertificate")
    for part in PARTS:
        element = etree.SubElement(root, part)
        element.extend(deepcopy(draw(st.lists(_trees, max_size=6))))
    return root


@_SLOW
@given(_trees | _certificates())
def test_any_tree_is_read_and_says_the_same_again(tree):
    before = serialise(tree)
    ched = read_ched(tree)
    boxes(ched)
    assert serialise(write_ched(ched)) == before, "an unchanged CHED is written as it was read"
    assert reread(write_ched(replace(ched, source=None))) == ched
    assert serialise(tree) == before


def test_a_huge_ched_is_read_and_changed_in_linear_time():
    tree = write_ched(full(ChedType.PP))
    item = next(tree.iter(f"{RAM}IncludedSPSConsignmentItem"))
    last = item[-1]
    for number in range(3, 1000):
        copy = deepcopy(last)
        copy[0].text = str(number)
        item.append(copy)
    ched = read_ched(tree)
    changed = replace(ched, lines=tuple(replace(each, batch="other") for each in ched.lines))
    assert read_ched(write_ched(changed)) == changed


@pytest.mark.parametrize("blank", ["<ram:ID/>", "<ram:ID> </ram:ID>"])
def test_the_first_value_takes_the_place_of_an_empty_element(blank):
    """Senders leave the ID to TRACES, and write it empty: it is there once afterwards."""
    source = (
        f'<sps:SPSCertificate xmlns:sps="{SPS[1:-1]}" xmlns:ram="{RAM[1:-1]}"><sps:SPSExchangedDocument>'
        f"{blank}<ram:TypeCode>636</ram:TypeCode></sps:SPSExchangedDocument><sps:SPSConsignment>"
        "<ram:ImportSPSCountry><ram:ID/><ram:Name/></ram:ImportSPSCountry></sps:SPSConsignment></sps:SPSCertificate>"
    )
    before = read_ched(etree.fromstring(source))
    root = write_ched(replace(before, reference="CHEDA.NL.2026.0000001", import_country=Country("NL", "Netherlands")))
    assert [each.text for each in root.findall("{*}SPSExchangedDocument/{*}ID")] == ["CHEDA.NL.2026.0000001"]
    assert [each.findtext("{*}ID") for each in root.findall("{*}SPSConsignment/{*}ImportSPSCountry")] == ["NL"]
