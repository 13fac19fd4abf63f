"""References (I.2) and temporary local ids (I.3)."""

from datetime import UTC, datetime

import pytest

from gateway.ched.references import ChedReference, local_reference, read_reference, url_of
from gateway.documents.ched import ChedType


@pytest.mark.parametrize(
    ("text", "kind", "country", "number"),
    [
        ("CHEDPP.XI.2026.0000064", ChedType.PP, "XI", 64),
        ("CHEDA.ES.2019.0000011", ChedType.A, "ES", 11),
        ("CHEDP.NL.2026.9999999", ChedType.P, "NL", 9_999_999),
        ("CHEDD.DE.2026.0000001", ChedType.D, "DE", 1),
    ],
)
def test_a_reference_is_read_and_written(text, kind, country, number):
    reference = read_reference(text)
    assert (reference.type, reference.country, reference.number) == (kind, country, number)
    assert str(reference) == text


@pytest.mark.parametrize(
    "text", ["", "CHED.NL.2026.0000001", "CHEDA.NL.2026.1", "CHEDX.NL.2026.0000001", "cheda.nl.2026.0000001",
             "CHEDA.NL.2026.0000001 ", "CHEDA.NL.2026.00000010", "CHEDA.NL.٢٠٢٦.0000001"],
)  # fmt: skip
def test_anything_else_is_none(text):
    assert read_reference(text) is None


def test_a_local_reference_is_never_taken_for_a_reference():
    at = datetime(2026, 11, 20, tzinfo=UTC)
    made = local_reference("NL", at, "01JCZZZZZZZZZZZZZZZZZZZZZZ")
    assert made == "NL-20261120-ZZZZZZZZZZZZ"
    assert read_reference(made) is None
    assert local_reference("", at, "ABC").startswith("XX-")


def test_the_electronic_version_has_the_portals_address():
    reference = str(ChedReference(ChedType.A, "NL", 2026, 7))
    assert (
        url_of("https://t.invalid/tracesnt/", reference) == f"https://t.invalid/tracesnt/certificate/ched/{reference}"
    )
