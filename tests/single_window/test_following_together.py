"""Families of CHEDs never hold more than the first of them certified: in any order, and at the same time."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from following_harness import KILOGRAM, Desk

from gateway.errors import ChedRefused, CustomsRefused
from gateway.single_window.operating import freeze_ched, release_holds, thaw_ched
from gateway.store import Declaration, DeclarationType, carried_between, check_ledgers
from gateway.store import store as store_module

WHOLE = 500


@pytest.fixture
def desk(store):
    return Desk(store)


STEPS = (
    *("reserve", "settle", "split", "decide") * 2,
    *("replace", "force", "amend", "delete", "release", "freeze", "thaw"),
)


class Family:
    """CHEDs that all come from one, and what can be sold under their numbers together.

    Args:
        desk: where they are.
        seed: of what happens to them.
        shrinks: whether a replacement may certify less than what it replaces.
    """

    def __init__(self, desk, seed, *, shrinks=False):
        self.desk = desk
        self.random = random.Random(seed)
        self.shrinks = shrinks
        self.quantities = {}
        self.successor = {}
        self.waiting = []
        self.holds = []
        self.consumed = []
        self.mrns = 0
        self.done = Counter()
        root = desk.validated(WHOLE)
        self.quantities[root] = WHOLE

    @property
    def open(self):
        return [each for each in self.quantities if self.desk.ledger(each).version]

    def step(self):
        name = self.random.choice(STEPS)
        if getattr(self, name)():
            self.done[name] += 1

    def reserve(self):
        reference, number = self.random.choice(self.open), self._mrn()
        if self.desk.reserve(reference, number, self.random.randint(1, 200)) == "":
            self.holds.append((reference, number))
            return True
        return False

    def settle(self):
        if not self.holds:
            return False
        hold = self._taken_from(self.holds)
        information = self.random.choice(("01", "02"))
        assert self.desk.clear(*hold, information) in {"01", "04"}
        if information == "01":
            self.consumed.append(hold)
        return True

    def release(self):
        if not self.holds:
            return False
        reference, number = self._taken_from(self.holds)
        held = Declaration(DeclarationType.MRN, number)
        self._operate(release_holds, reference, held, reason="lost")
        return True

    def force(self):
        reference, number = self.random.choice(self.open), self._mrn()
        if not self._intervene(reference, number, "ForceWriteOff", self.random.randint(1, 200)):
            return False
        self.consumed.append((reference, number))
        return True

    def amend(self):
        if not self.consumed:
            return False
        return self._intervene(*self.random.choice(self.consumed), "AmendWriteOff", self.random.randint(1, 200))

    def delete(self):
        return bool(self.consumed) and self._intervene(*self._taken_from(self.consumed), "DeleteWriteOff")

    def freeze(self):
        return bool(self._operate(freeze_ched, self.random.choice(self.open), "looked into"))

    def thaw(self):
        frozen = [each for each in self.open if self.desk.ledger(each).frozen]
        return bool(frozen) and bool(self._operate(thaw_ched, self.random.choice(frozen), ""))

    def replace(self):
        old = self.random.choice([each for each in self.quantities if each not in self.successor])
        whole = self.quantities[old]
        self._enter(self.random.randint(whole // 2 + 1, whole) if self.shrinks else whole, ("ACW", old))
        self.successor[old] = self.waiting[-1]
        self.waiting = [each for each in self.waiting if each != old]
        return True

    def split(self):
        parent = self.random.choice([each for each in self.quantities if each not in self.successor])
        self._enter(self.random.randint(1, self.quantities[parent]), ("AXG", parent))
        return True

    def decide(self):
        if not self.waiting:
            return False
        self.desk.decide(self._taken_from(self.waiting))
        return True

    def _enter(self, quantity, cites):
        reference = self.desk.certify(quantity, cites=(cites,))
        self.quantities[reference] = quantity
        self.waiting.append(reference)

    def _mrn(self):
        self.mrns += 1
        return f"24NL{self.mrns}"

    def _taken_from(self, several):
        return several.pop(self.random.randrange(len(several)))

    def _intervene(self, reference, number, kind, quantity=0):
        try:
            assert self.desk.intervene(reference, number, kind, quantity) in {"01", "04"}
        except CustomsRefused as refused:
            if refused.code != "IMG-7410":
                raise
            return False
        return True

    def _operate(self, what, *arguments, **more):
        return self.desk.store.write(lambda c: what(c, *arguments, actor="operator", at=self.desk.now, **more))

    def sellable(self):
        """Kilograms: held and consumed under every number, and what each that nothing took the place of has left."""
        total = 0
        for reference in self.quantities:
            ledger = self.desk.ledger(reference)
            for line in ledger.lines:
                total += line.reserved + line.consumed
                if not self._is_replaced(reference):
                    total += line.available
        return total / KILOGRAM

    def check_carried(self):
        """A successor carries all that was taken before it, or has nothing left and has sold nothing."""
        for old, new in self.successor.items():
            if self.desk.ledger(old).version and self.desk.ledger(new).version:
                _, *taken, _ = self.desk.line(old)
                with self.desk.store.read() as connection:
                    carried = sum(carried_between(connection, self.desk.ledger(new).ched_id, old).values()) / KILOGRAM
                _, _, reserved, consumed, available = self.desk.line(new)
                assert carried == sum(taken) or (reserved, consumed, available) == (0, 0, 0)

    def _is_replaced(self, reference):
        heir = self.successor.get(reference)
        return heir is not None and (self.desk.ledger(heir).version > 0 or self._is_replaced(heir))


def adds_up(desk):
    with desk.store.read() as connection:
        checked, troubles = check_ledgers(connection)
    assert len(checked) > 2
    assert troubles == []


@pytest.mark.parametrize("seed", range(4))
def test_a_family_never_holds_more_than_its_first_certified(desk, seed):
    family = Family(desk, seed)
    for number in range(60):
        family.step()
        assert family.sellable() == WHOLE, f"seed {seed}, step {number}"
        family.check_carried()
    adds_up(desk)
    assert family.done.keys() >= {"force", "amend", "freeze", "thaw"}


@pytest.mark.parametrize("seed", range(4, 7))
def test_replacements_by_less_never_sell_more_than_is_there(desk, seed):
    family = Family(desk, seed, shrinks=True)
    for number in range(60):
        family.step()
        assert family.sellable() <= WHOLE, f"seed {seed}, step {number}"
        family.check_carried()
    adds_up(desk)


def together(*jobs):
    """Run all at once; the first error of any is raised."""
    ready = threading.Barrier(len(jobs))
    errors = []

    def run(job):
        ready.wait()
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if errors:
        raise errors[0]


@pytest.fixture
def deadlocks(monkeypatch):
    """Deadlocks that PostgreSQL broke; there are to be none, though each would be tried again."""
    found = []
    judge = store_module._is_rival

    def noted(error):
        rival = judge(error)
        if rival:
            found.append(error)
        return rival

    monkeypatch.setattr(store_module, "_is_rival", noted)
    return found


class TestAtTheSameTime:
    def test_holds_end_while_the_successor_is_validated(self, desk, deadlocks):
        for turn in range(6):
            old = desk.validated(WHOLE)
            numbers = [f"24NL{turn}X{each}" for each in range(6)]
            for number in numbers:
                assert desk.reserve(old, number, 50) == ""
            new = desk.certify(WHOLE, cites=(("ACW", old),))
            reasons = []

            def ends(which, old=old, numbers=numbers):
                for place, number in enumerate(numbers[which::2]):
                    assert desk.clear(old, number, ("01", "02")[(place + which) % 2]) in {"01", "04"}

            def reserves(new=new, turn=turn, reasons=reasons):
                reasons.extend(desk.reserve(new, f"25NL{turn}X{each}", 90) for each in range(5))

            together(lambda new=new: desk.decide(new), lambda: ends(0), lambda: ends(1), reserves)
            assert set(reasons) <= {"", "04", "05"}
            used = desk.line(old)[2] + desk.line(old)[3]
            assert desk.line(new)[1] == used
            with desk.store.read() as connection:
                ledger = desk.ledger(new)
                assert sum(carried_between(connection, ledger.ched_id, old).values()) == used * KILOGRAM
        assert deadlocks == []

    def test_parts_are_validated_while_their_parent_is_reserved_on(self, desk, deadlocks):
        for turn in range(4):
            parent = desk.validated(WHOLE)
            parts = [desk.certify(120, cites=(("AXG", parent),)) for _ in range(4)]

            def reserves(which, parent=parent, turn=turn):
                for each in range(3):
                    assert desk.reserve(parent, f"24NL{turn}X{which}X{each}", 60) in {"", "05"}

            decisions = [lambda part=part: self._decide(desk, part) for part in parts]
            together(*decisions, lambda: reserves(0), lambda: reserves(1))
            whole = desk.line(parent)
            drawn = 0
            for part in parts:
                certified, carried, reserved, consumed, _ = desk.line(part)
                assert (certified, reserved, consumed) == (120, 0, 0)
                assert bool(carried) == bool(desk.ledger(part).frozen)
                drawn += certified - carried
            assert whole[1] == drawn
            assert sum(whole[1:]) == WHOLE
        assert deadlocks == []

    def test_a_part_and_a_successor_of_one_parent(self, desk, deadlocks):
        for turn in range(4):
            parent = desk.validated(WHOLE)
            assert desk.reserve(parent, f"24NL{turn}", 200) == ""
            part = desk.certify(150, cites=(("AXG", parent),))
            successor = desk.certify(WHOLE, cites=(("ACW", parent),))
            together(
                lambda part=part: self._decide(desk, part),
                lambda successor=successor: self._decide(desk, successor),
                lambda parent=parent, turn=turn: desk.give_back(parent, f"24NL{turn}"),
            )
            assert desk.line(part) == (150, 0, 0, 0, 150)
            assert desk.line(successor) == (WHOLE, 150, 0, 0, 350)
        assert deadlocks == []

    @staticmethod
    def _decide(desk, reference):
        """Somebody else may have written II.24 of the CHED meanwhile: then once more."""
        try:
            desk.decide(reference)
        except ChedRefused as refused:
            if refused.code != "IMG-7206":
                raise
            desk.decide(reference)
