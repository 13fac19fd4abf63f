"""Documents of every shape with codes of every list: what a round trip changes is exactly what it declares."""

from datetime import date

import pytest
from document_maker import Maker
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.xml.names import RAM21, qn
from gateway.xml.schemas import SchemaName, is_valid
from mappings import load_tables, translate
from mappings.differences import find_differences
from mappings.round_trip import as_text, round_trip

pytestmark = pytest.mark.short

INDEX = load_tables().compile(date(2026, 11, 22))
WAYS = [
    ("ephyto", "traces", "851"),
    ("ephyto", "traces", "657"),
    ("traces", "ephyto", "851"),
    ("national-b", "traces", "636"),
    ("traces", "national-b", "636"),
    ("traces", "national-b", "856"),
    ("ephyto", "national-b", "851"),
]
seeds = st.integers(0, 2**32)
bounded = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize(("source", "target", "kind"), WAYS)
@bounded
@given(seed=seeds)
def test_what_a_round_trip_changes_is_exactly_what_it_declares(source, target, kind, seed):
    trip = round_trip(Maker(seed, INDEX, source, target).document(kind), source=source, target=target, index=INDEX)
    assert trip.exact, as_text(trip)


@pytest.mark.parametrize(("source", "target", "kind"), WAYS)
@bounded
@given(seed=seeds)
def test_without_a_declared_loss_the_normal_form_comes_back(source, target, kind, seed):
    root = Maker(seed, INDEX, source, target, likely=0.12).document(kind)
    before = translate(root, source=source, target=source, index=INDEX)
    there = translate(before.root, source=source, target=target, index=INDEX)
    back = translate(there.root, source=target, target=source, index=INDEX)
    same = etree.tostring(back.root, method="c14n", exclusive=True) == etree.tostring(
        before.root, method="c14n", exclusive=True
    )
    assert same or there.losses
    assert not same or not any(loss.row_id.startswith("structure/") for loss in there.losses)
    assert same is not bool(find_differences(before.root, back.root))


@pytest.mark.parametrize(("source", "target", "kind"), WAYS)
def test_documents_are_varied_and_their_translations_keep_the_shape(source, target, kind):
    """A maker that made nothing would prove nothing."""
    roots = [Maker(seed, INDEX, source, target).document(kind) for seed in range(60)]
    translations = [translate(root, source=source, target=target, index=INDEX) for root in roots]
    if source != "national-b" and kind != "856":  # every code of the one has its own; the other has few lists
        assert any(translation.losses for translation in translations)
    lists = {place.list for translation in translations for place in translation.report}
    assert {"country", "document-type", "status", "unit", "package", "transport-mode"} <= lists
    if kind == "636":
        assert {"ched-purpose", "ched-decision", "ched-type", "party-role", "section-code"} <= lists
    assert len({len(list(root.iter())) for root in roots}) > 20
    names = {etree.QName(each).localname for root in roots for each in root.iter()}
    assert len(names) > 120
    for root, translation in zip(roots, translations, strict=True):
        assert translation.root.findtext(f".//{qn(RAM21, 'TypeCode')}") == root.findtext(f".//{qn(RAM21, 'TypeCode')}")
        normal = translate(root, source=source, target=source, index=INDEX).root
        if is_valid(SchemaName.SPS_TOLERANT, normal):
            assert is_valid(SchemaName.SPS_TOLERANT, translation.root)


def test_the_same_seed_makes_the_same_document():
    made = [etree.tostring(Maker(7, INDEX, "ephyto", "traces").document("851")) for _ in range(2)]
    assert made[0] == made[1]
