"""Quantities as whole quanta: exact both ways, never an exponent, never more than was certified."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.customs.quantities import exact_quanta, number_of, plain, quanta_below, quantity_of
from gateway.customs.units import unit_of
from gateway.store import MAX_QUANTA
from mappings import load_tables

pytestmark = pytest.mark.short

DECIMAL_UNITS = (
    "MGM",
    "GRM",
    "KGM",
    "DTN",
    "TNE",
    "MLT",
    "LTR",
    "HLT",
    "MTQ",
    "H87",
    "NAR",
    "CEN",
    "MIL",
    "MTR",
    "MTK",
)


@pytest.mark.parametrize(
    ("text", "unit", "quanta"),
    [
        ("0.001", "KGM", 1_000_000),
        ("1", "GRM", 1_000_000),
        ("0.000001", "TNE", 1_000_000),
        ("0.01", "DTN", 1_000_000_000),
        ("1", "KTN", 10**15),
        ("5", "CTM", 1_000_000),
        ("1", "H87", 1_000_000),
        ("1", "NAR", 1_000_000),
        ("0.5", "DZN", 6_000_000),
        ("1", "KGMP", 1_000_000),
        ("9999999999999999", "TNE", 9_999_999_999_999_999 * 10**12),
    ],
)
def test_a_quantity_is_so_many_quanta(text, unit, quanta):
    assert exact_quanta(Decimal(text), unit) == quanta


@pytest.mark.parametrize(("text", "unit"), [("0.0000001", "GRM"), ("0.0000000000001", "TNE"), ("0.0000001", "KGMP")])
def test_what_is_finer_than_a_quantum_is_not_counted(text, unit):
    assert exact_quanta(Decimal(text), unit) is None


@given(st.integers(0, MAX_QUANTA), st.sampled_from(DECIMAL_UNITS))
def test_there_and_back(quanta, unit):
    text = quantity_of(quanta, unit)
    assert "e" not in text.lower()
    assert exact_quanta(number_of(text), unit) == quanta


@given(st.integers(0, MAX_QUANTA))
def test_in_dozens_never_more_is_shown_than_there_is(quanta):
    shown = Decimal(quantity_of(quanta, "DZN")) * unit_of("DZN").quanta
    assert quanta - Decimal("0.001") < shown <= quanta


@pytest.mark.parametrize(
    ("text", "shown"),
    [("600", "600"), ("0.0020", "0.002"), ("1000.000", "1000"), ("0.000002", "0.000002"), ("1E+3", "1000"),
     ("1E-7", "0.0000001"), ("-0.0", "0"), ("0", "0"), ("00.50", "0.5"), ("-1.50", "-1.5")],
)  # fmt: skip
def test_numbers_are_written_plainly(text, shown):
    assert plain(Decimal(text)) == shown


@pytest.mark.parametrize("text", ["", "1e3", "1,5", "NaN", "INF", "1 000", "٣", "0x10", "1.2.3", "+", ".", "9" * 101])
def test_what_is_no_decimal_is_no_number(text):
    assert number_of(text) is None


@pytest.mark.parametrize("text", ["1", "+1", "-1", "1.", ".5", "0001.500"])
def test_every_form_of_an_xs_decimal_is_a_number(text):
    assert number_of(text) == Decimal(text)


@pytest.mark.parametrize(
    ("value", "unit", "quanta"),
    [
        ("1000", "KGM", 10**12),
        ("0.0000005", "GRM", 0),
        ("-3", "KGM", 0),
        ("1E+90", "TNE", MAX_QUANTA),
        ("1E+500", "TNE", MAX_QUANTA),
        ("Infinity", "TNE", MAX_QUANTA),
        ("1E-500", "TNE", 0),
        ("NaN", "KGM", 0),
        ("1.23456789012345", "GRM", 1_234_567),
    ],
)
def test_a_certified_quantity_is_never_rounded_up(value, unit, quanta):
    assert quanta_below(Decimal(value), unit, MAX_QUANTA) == quanta


def test_units_convert_within_their_dimension_only():
    assert {unit_of(each).dimension for each in ("GRM", "KGM", "TNE", "DTN", "MGM", "CTM")} == {"weight"}
    assert {unit_of(each).dimension for each in ("H87", "NAR", "C62", "MIL")} == {"count"}
    assert {unit_of(each).dimension for each in ("LTR", "MTQ", "HLT")} == {"volume"}
    dimensions = [
        unit_of(each).dimension for each in ("KGM", "H87", "LTR", "MTR", "MTK", "PR", "KGMP", "LPA", "KSD", "NCL")
    ]
    assert len(set(dimensions)) == len(dimensions)
    assert unit_of("NPR") == unit_of("PR")


def test_every_unit_of_customs_counts_as_something():
    units = load_tables().own_lists["customs", "unit"].codes
    known = {code for code in units if not unit_of(code).dimension.startswith("unit:")}
    assert known == {
        "KGM", "GRM", "TNE", "DTN", "NAR", "LTR", "HLT", "MTQ", "MTK", "MTR", "CEN", "MIL", "CTM",
    }  # fmt: skip
    assert units.keys() - known == {"NPR", "LPA", "KSD", "KGMP", "ASVX", "TNEE", "NCL", "DAP", "EUR"}
