from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery import DeliverySettings
from gateway.delivery.settling import backoff

SETTINGS = DeliverySettings(backoff_first=timedelta(seconds=1), backoff_max=timedelta(hours=1))


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_pauses_stay_between_half_and_all_of_the_doubling_and_under_the_cap(failures, jitter):
    full = min(timedelta(seconds=2 ** min(failures - 1, 20)), SETTINGS.backoff_max)
    assert full / 2 <= backoff(failures, SETTINGS, jitter) <= full


def test_the_first_pauses():
    assert [backoff(n, SETTINGS, 1.0).total_seconds() for n in (1, 2, 3, 13)] == [1, 2, 4, 3600]
    assert backoff(1, SETTINGS, 0.0).total_seconds() == 0.5
