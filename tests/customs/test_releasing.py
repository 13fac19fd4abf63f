"""Which conclusions let goods be released, for every one that the tables have."""

import csv
from pathlib import Path

import pytest

from gateway.customs.releasing import RELEASING, lets_release

pytestmark = pytest.mark.short

LIST = Path(__file__).parents[2] / "mappings" / "tables" / "list-ched-decision.csv"
HELD_BACK = {
    "ACCEPTABLE_FOR_TRANSHIPMENT",
    "ACCEPTABLE_FOR_TRANSFER",
    "ACCEPTABLE_FOR_ONWARD_TRAVEL",
    "ACCEPTABLE_FOR_TRANSIT",
    "ACCEPTABLE_FOR_NON_FREE_CIRCULATION",
    "ACCEPTABLE_FOR_SPECIFIC_WAREHOUSE",
    "NOT_ACCEPTABLE",
}


def conclusions():
    lines = [line for line in LIST.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {row["code"] for row in csv.DictReader(lines)}


def test_every_conclusion_of_the_list_is_decided_upon():
    assert conclusions() == RELEASING | HELD_BACK
    assert not RELEASING & HELD_BACK


@pytest.mark.parametrize("code", sorted(RELEASING))
def test_goods_are_released_under_a_validated_ched_alone(code):
    assert lets_release("70", code)
    assert not any(lets_release(status, code) for status in ("1", "41", "97", "122", "44", "64"))


@pytest.mark.parametrize("code", [*sorted(HELD_BACK), "", "ACCEPTABLE", "acceptable_for_internal_market"])
def test_nothing_is_released_on_any_other(code):
    assert not lets_release("70", code)
