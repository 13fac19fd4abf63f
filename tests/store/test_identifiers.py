from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.identifiers import from_text, idempotency_key, new_id, nonce_hash, to_text

ZONES = st.just(UTC) | st.just(timezone(timedelta(hours=-3)))
# hypothesis takes its bounds naive.
FIRST, LAST = datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("9000-01-01")
MOMENTS = st.datetimes(min_value=FIRST, max_value=LAST, timezones=ZONES)


@given(MOMENTS, MOMENTS)
def test_stored_times_come_back_and_sort_as_time(one, other):
    assert from_text(to_text(one)) == one
    assert (to_text(one) < to_text(other)) == (one < other)
    assert len(to_text(one)) == 32


def test_a_naive_time_is_not_stored():
    with pytest.raises(ValueError, match="aware"):
        to_text(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


def test_ids_are_ulids():
    # The time part of 01ARYZ6S41... is the specification's own example: 1469918176385 ms.
    made = new_id(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1469918176385), lambda n: b"\xff" * n)
    assert made == "01ARYZ6S41" + "Z" * 16


@given(MOMENTS, st.integers(1, 10**6))
def test_ids_sort_by_time(moment, later):
    assert new_id(moment) < new_id(moment + timedelta(milliseconds=later))


def test_every_part_of_the_idempotency_key_counts_and_parts_do_not_run_together():
    base = {
        "partner": "p",
        "contract": "c",
        "issuer_country": "AR",
        "type_code": "851",
        "number": "1",
        "status_code": "70",
        "digest": b"d",
    }
    variants = [base] + [base | {name: value * 2} for name, value in base.items()]
    variants.append(base | {"type_code": "85", "number": "11"})
    assert len({idempotency_key(**variant) for variant in variants}) == len(variants)


def test_a_nonce_belongs_to_its_partner_and_kind():
    assert (
        len(
            {nonce_hash("a", "k", "v"), nonce_hash("b", "k", "v"), nonce_hash("a", "l", "v"), nonce_hash("a", "k", "w")}
        )
        == 4
    )
