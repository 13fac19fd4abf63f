"""Which line stands for which: nothing twice, the same number first, whatever the order of the lines."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from gateway.customs.carrying import allotted, grown, is_known_goods, same_goods
from gateway.store import LedgerLineRow

pytestmark = pytest.mark.short


def line(number, code="08051022", dimension="weight"):
    return LedgerLineRow(number=number, code=code, unit="KGM", dimension=dimension, certified=100)


def numbers(shares):
    return sorted((each.wanting.number, each.giving.number, each.quanta) for each in shares)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (line(2), True),
        (line(1, code="0805102200"), False),
        (line(1, code="0805"), False),
        (line(1, dimension="count"), False),
    ],
)
def test_the_same_goods_are_of_the_same_code_and_dimension(other, same):
    assert same_goods(line(1), other) is same
    assert is_known_goods(line(1), (other,)) is same


def test_its_own_number_first_and_never_what_another_line_of_that_number_needs():
    wanting = ((line(1), 80), (line(2), 50))
    giving = ((line(2), 60), (line(3), 40), (line(1), 30))
    for some, others in itertools.product(itertools.permutations(wanting), itertools.permutations(giving)):
        shares, rest = allotted(some, others)
        assert {(1, 1, 30), (2, 2, 50)} <= set(numbers(shares))
        assert sum(quanta for wanted, _, quanta in numbers(shares) if wanted == 1) == 80
        assert rest == ()


def test_what_finds_no_room_is_left():
    shares, rest = allotted(((line(1), 80), (line(2, "0101"), 5)), ((line(1), 30), (line(4), 20)))
    assert numbers(shares) == [(1, 1, 30), (1, 4, 20)]
    assert [(each.number, quanta) for each, quanta in rest] == [(1, 30), (2, 5)]


def test_nothing_is_allotted_twice_or_lost():
    dice = random.Random(6)
    for _ in range(300):
        wanting = [(line(number, dice.choice(("0805", "0101"))), dice.randint(0, 50)) for number in range(1, 5)]
        giving = [(line(number, dice.choice(("0805", "0101"))), dice.randint(0, 50)) for number in range(1, 6)]
        shares, rest = allotted(wanting, giving)
        left = {each.number: quanta for each, quanta in rest}
        for each, quanta in wanting:
            placed = sum(share.quanta for share in shares if share.wanting is each)
            assert placed + left.get(each.number, 0) == quanta
            assert not left.get(each.number) or all(
                sum(share.quanta for share in shares if share.giving is other) == room
                for other, room in giving
                if same_goods(each, other)
            )
        for other, room in giving:
            assert sum(share.quanta for share in shares if share.giving is other) <= room
        assert all(share.quanta > 0 and same_goods(share.wanting, share.giving) for share in shares)


def test_more_is_taken_of_goods_when_it_is_on_all_their_lines_together():
    before = (replace(line(1), reserved=30), replace(line(2), consumed=20), replace(line(3, code="0102"), carried=10))
    moved = (replace(line(1), reserved=20), replace(line(2), carried=30), replace(line(3, code="0102"), consumed=11))
    assert grown(before, before) == grown(moved[:2], before[:2]) == ()
    assert grown(before, moved) == moved[2:]
    more = (replace(line(1), reserved=31), *before[1:])
    assert grown(before, more) == more[:2], "each line of these goods"
