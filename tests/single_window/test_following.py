"""CHED status and ledger follow each other (docs/adr/0020): every rule, on both databases, whole or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ched_harness import ched_pp, decision
from following_harness import CN, KILOGRAM, Desk, power_cut

from gateway.ched.models import SubmissionKind
from gateway.errors import CustomsRefused, Unavailable
from gateway.single_window import moving
from gateway.single_window.operating import freeze_ched, release_holds, thaw_ched
from gateway.store import (
    Declaration,
    DeclarationType,
    EntryKind,
    LedgerChange,
    LedgerLineRow,
    Movement,
    apply_change,
    find_audit,
    freeze_ledger,
    open_ledger,
)


@pytest.fixture
def desk(store):
    return Desk(store)


def thaw(desk, reference):
    return desk.store.write(lambda connection: thaw_ched(connection, reference, "", actor="operator", at=desk.now))


def freeze(desk, reference, why):
    return desk.store.write(lambda connection: freeze_ched(connection, reference, why, actor="operator", at=desk.now))


def freezing(desk, reference):
    """What the audit tells of a ledger: (frozen or thawed, why)."""
    with desk.store.read() as connection:
        found = find_audit(connection, desk.ledger(reference).ched_id)
    return [(each.action, each.detail.get("why")) for each in found if each.action.startswith("ledger ")]


class TestOpening:
    def test_a_validated_ched_has_its_ledger_in_the_same_unit_of_work(self, desk):
        reference = desk.certify(lines=((1, 500, CN), (3, 40, CN)))
        assert desk.ledger(reference).version == 0
        with power_cut(desk):
            desk.decide(reference)
        desk.decide(reference)
        assert desk.ledger(reference).version == 1
        assert desk.line(reference) == (500, 0, 0, 0, 500)
        assert desk.line(reference, 3) == (40, 0, 0, 0, 40)
        assert desk.entries(reference) == [("certified", 1, 500, ""), ("certified", 3, 40, "")]

    @pytest.mark.parametrize("code", ["NOT_ACCEPTABLE", "ACCEPTABLE_FOR_TRANSIT"])
    def test_another_decision_opens_one_from_which_only_parts_draw(self, desk, code):
        reference = desk.certify()
        with power_cut(desk):
            desk.decide(reference, code=code)
        desk.decide(reference, code=code)
        assert desk.line(reference) == (500, 0, 0, 0, 500)
        assert desk.reserve(reference, "24NL1", 1) == "04"
        assert desk.line(reference) == (500, 0, 0, 0, 500)

    def test_goods_that_arrive_are_opened_then(self, desk):
        reference = desk.certify()
        desk.decide(reference, code="ACCEPTABLE_FOR_ONWARD_TRANSPORTATION")
        assert desk.reserve(reference, "24NL1", 1) == "04"
        desk.follow_up(reference, "local")
        assert desk.line(reference) == (500, 0, 0, 0, 500)
        assert desk.reserve(reference, "24NL1", 1) == ""

    def test_one_decided_where_it_is_entered(self, desk):
        whole = replace(desk.oranges(500), decision=decision())
        with power_cut(desk):
            desk.submit(whole, "post", SubmissionKind.DECISION_IN_PROGRESS)
        made = desk.submit(whole, "post", SubmissionKind.DECISION_IN_PROGRESS)
        assert desk.line(made.reference) == (500, 0, 0, 0, 500)

    def test_one_that_replaces_and_is_decided_at_once(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        whole = replace(desk.oranges(500, (("ACW", old),)), decision=decision())
        with power_cut(desk):
            desk.submit(whole, "post", SubmissionKind.DECISION_IN_PROGRESS)
        new = desk.submit(whole, "post", SubmissionKind.DECISION_IN_PROGRESS).reference
        assert desk.stored(old).status_code == "44"
        assert desk.line(new) == (500, 200, 0, 0, 300)

    def test_one_from_before_there_were_ledgers_is_opened_by_its_first_reservation(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        with desk.unfollowed():
            new = desk.validated(cites=(("ACW", old),))
        assert desk.ledger(new).version == 0
        assert desk.reserve(new, "24NL2", 301) == "05"
        assert desk.line(new) == (500, 200, 0, 0, 300)
        assert desk.reserve(new, "24NL2", 300) == ""

    def test_one_that_is_not_opened_after_all_is_told_as_busy(self, desk, monkeypatch):
        reference = desk.validated()
        monkeypatch.setattr(moving, "is_missing", lambda _state: True)
        before = desk.everything()
        with pytest.raises(Unavailable) as refused:
            desk.reserve(reference, "24NL1", 1)
        assert refused.value.code == "IMG-9001"
        assert desk.everything() == before

    def test_a_ledger_is_told_of_with_its_ched(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        new = desk.certify(cites=(("ACW", old),))
        desk.told.changes.clear()
        desk.decide(new)
        ids = {desk.ledger(each).ched_id: each for each in (old, new)}
        assert [(ids[each], what) for each, what in desk.told.changes] == [(new, "ledger"), (new, "status")]


class TestFrozenByStatus:
    @pytest.fixture
    def replaced(self, desk):
        old = desk.validated()
        assert desk.reserve(old, "24NL1", 200) == desk.reserve(old, "24NL2", 100) == ""
        new = desk.certify(cites=(("ACW", old),))
        assert desk.stored(old).status_code == "44"
        return old, new

    def test_holds_stay_and_nothing_new_is_reserved(self, desk, replaced):
        old, _ = replaced
        assert desk.line(old) == (500, 0, 300, 0, 200)
        assert desk.reserve(old, "24NL3", 1) == "04"
        assert desk.reserve(old, "24NL1", 1) == "04"
        assert desk.line(old) == (500, 0, 300, 0, 200)

    def test_a_hold_is_cleared_with_outcome_04_and_given_back_with_01(self, desk, replaced):
        old, _ = replaced
        assert desk.clear(old, "24NL1") == "04"
        assert desk.give_back(old, "24NL2") == "01"
        assert desk.line(old) == (500, 0, 0, 200, 300)

    def test_a_refused_part_freezes_the_whole(self, desk):
        parent = desk.validated()
        assert desk.reserve(parent, "24NL1", 200) == ""
        part = desk.certify(100, cites=(("AXG", parent),))
        with power_cut(desk):
            desk.decide(part, code="NOT_ACCEPTABLE")
        desk.decide(part, code="NOT_ACCEPTABLE")
        assert desk.stored(parent).status_code == "122"
        assert desk.line(part) == (100, 0, 0, 0, 100)
        assert desk.reserve(part, "24NL2", 1) == "04"
        assert desk.line(parent) == (500, 100, 200, 0, 200)
        assert desk.reserve(parent, "24NL2", 1) == "04"
        assert desk.clear(parent, "24NL1") == "04"

    def test_a_ched_that_ends_with_a_ledger_is_frozen(self, desk):
        reference = desk.certify()
        line = LedgerLineRow(number=1, code=CN, unit="KGM", dimension="weight", certified=KILOGRAM)
        desk.locked(reference, lambda connection, state: open_ledger(connection, state.ched_id, (line,), desk.now))
        with power_cut(desk):
            desk.cancel(reference)
        desk.cancel(reference)
        assert desk.ledger(reference).frozen == "the CHED ended: status 64"


class TestReplacement:
    def test_the_successor_carries_what_is_held_and_consumed(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        desk.reserve(old, "24NL2", 100)
        desk.clear(old, "24NL2")
        new = desk.certify(cites=(("ACW", old),))
        with power_cut(desk):
            desk.decide(new)
        desk.decide(new)
        assert desk.line(new) == (500, 300, 0, 0, 200)
        assert desk.entries(new, "carried") == [("carried", 1, 300, old)]
        assert desk.ledger(new).frozen == ""
        assert desk.reserve(new, "24NL3", 201) == "05"
        assert desk.reserve(new, "24NL3", 200) == ""

    def test_what_is_given_back_on_the_old_one_is_free_on_the_new_one(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        new = desk.validated(cites=(("ACW", old),))
        assert desk.reserve(new, "24NL2", 301) == "05"
        with power_cut(desk):
            desk.give_back(old, "24NL1")
        desk.told.changes.clear()
        assert desk.give_back(old, "24NL1") == "01"
        assert desk.line(new) == (500, 0, 0, 0, 500)
        assert desk.entries(new, "released") == [("released", 1, 200, old)]
        assert (desk.ledger(new).ched_id, "ledger") in desk.told.changes
        assert desk.reserve(new, "24NL2", 301) == ""

    def test_what_is_cleared_on_the_old_one_stays_carried(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        new = desk.validated(cites=(("ACW", old),))
        assert desk.clear(old, "24NL1") == "04"
        assert desk.line(new) == (500, 200, 0, 0, 300)
        assert desk.entries(new, "carried", "released") == [("carried", 1, 200, old)]

    def test_an_operators_release_counts_too(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        new = desk.validated(cites=(("ACW", old),))
        mrn = Declaration(DeclarationType.MRN, "24NL1")
        desk.store.write(
            lambda connection: release_holds(connection, old, mrn, actor="operator", reason="lost", at=desk.now)
        )
        assert desk.line(new) == (500, 0, 0, 0, 500)

    def test_an_intervention_on_the_old_one_counts_both_ways(self, desk):
        old = desk.validated()
        new = desk.validated(cites=(("ACW", old),))
        assert desk.intervene(old, "24NL1", "ForceWriteOff", 120) == "04"
        assert desk.line(new) == (500, 120, 0, 0, 380)
        assert desk.intervene(old, "24NL1", "AmendWriteOff", 150) == "04"
        assert desk.line(new) == (500, 150, 0, 0, 350)
        assert desk.intervene(old, "24NL1", "DeleteWriteOff") == "04"
        assert desk.line(new) == (500, 0, 0, 0, 500)
        assert desk.ledger(new).frozen == ""

    def test_a_force_for_which_the_successor_has_no_room_is_refused(self, desk):
        old = desk.validated()
        new = desk.validated(cites=(("ACW", old),))
        desk.reserve(new, "24NL1", 450)
        before = desk.everything()
        with pytest.raises(CustomsRefused) as refused:
            desk.intervene(old, "24NL2", "ForceWriteOff", 120)
        assert refused.value.code == "IMG-7410"
        assert refused.value.found == f"70 KGM of line 1 of {old} have no room on {new}"
        assert desk.everything() == before
        assert desk.intervene(old, "24NL2", "ForceWriteOff", 50) == "04"
        with pytest.raises(CustomsRefused):
            desk.intervene(old, "24NL2", "AmendWriteOff", 51)
        assert desk.intervene(old, "24NL2", "AmendWriteOff", 20) == "04"
        assert desk.line(old) == (500, 0, 0, 20, 480)
        assert desk.line(new) == (500, 20, 450, 0, 30)
        assert desk.ledger(new).frozen == ""

    def test_a_force_for_which_the_last_of_a_chain_has_no_room_is_refused(self, desk):
        first = desk.validated()
        second = desk.validated(cites=(("ACW", first),))
        third = desk.validated(cites=(("ACW", second),))
        desk.reserve(third, "24NL1", 450)
        with pytest.raises(CustomsRefused) as refused:
            desk.intervene(first, "24NL2", "ForceWriteOff", 120)
        assert refused.value.found == f"70 KGM of line 1 of {second} have no room on {third}"
        assert [desk.line(each)[1] for each in (second, third)] == [0, 0]

    def test_a_correction_downwards_is_made_where_not_all_had_room(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 300)
        desk.clear(old, "24NL1")
        desk.reserve(old, "24NL2", 50)
        new = desk.validated(250, cites=(("ACW", old),))
        assert desk.clear(old, "24NL2") == "04"
        assert desk.intervene(old, "24NL1", "AmendWriteOff", 280) == "04"
        with pytest.raises(CustomsRefused):
            desk.intervene(old, "24NL1", "AmendWriteOff", 281)
        assert desk.line(new) == (250, 250, 0, 0, 0)
        assert desk.intervene(old, "24NL1", "AmendWriteOff", 100) == "04"
        assert desk.line(new) == (250, 150, 0, 0, 100)

    def test_a_thawed_successor_carries_what_it_had_no_room_for(self, desk):
        """As a ledger may stand that was moved before an intervention of that kind was refused."""
        old, new = self._oversold(desk)
        thaw(desk, new)
        assert desk.line(new) == (500, 50, 450, 0, 0)
        assert desk.ledger(new).frozen == f"70 KGM of line 1 of {old} have no room on {new}"
        desk.give_back(new, "24NL1")
        assert desk.reserve(new, "24NL3", 1) == "04"
        with power_cut(desk):
            thaw(desk, new)
        thaw(desk, new)
        assert desk.ledger(new).frozen == ""
        assert desk.line(new) == (500, 120, 0, 0, 380)
        assert desk.reserve(new, "24NL3", 381) == "05"
        assert desk.reserve(new, "24NL3", 380) == ""

    def test_what_a_thaw_carries_is_carried_on_by_those_after_it(self, desk):
        _, new = self._oversold(desk)
        last = desk.validated(cites=(("ACW", new),))
        assert desk.line(last) == (500, 500, 0, 0, 0)
        desk.locked(
            last, lambda connection, state: freeze_ledger(connection, state.ched_id, "x", at=desk.now, actor="o")
        )
        desk.give_back(new, "24NL1")
        assert desk.line(last) == (500, 50, 0, 0, 450)
        thaw(desk, last)
        assert desk.line(new) == (500, 120, 0, 0, 380)
        assert desk.line(last) == (500, 120, 0, 0, 380)
        assert desk.ledger(last).frozen == ""

    @staticmethod
    def _oversold(desk):
        """120 consumed and 450 reserved of 500, under two numbers."""
        old = desk.validated()
        new = desk.validated(cites=(("ACW", old),))
        desk.reserve(new, "24NL1", 450)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gateway.single_window.moving.pass_on", lambda *_: ())
            assert desk.intervene(old, "24NL2", "ForceWriteOff", 120) == "04"

        def carried_in_part(connection, state):
            move = Movement(kind=EntryKind.CARRIED, line=1, quanta=50 * KILOGRAM, other=old)
            apply_change(
                connection,
                LedgerChange(ched_id=state.ched_id, at=desk.now, partner="", reason="as it was", movements=(move,)),
            )
            freeze_ledger(connection, state.ched_id, "70 KGM have no room here", at=desk.now, actor="")

        desk.locked(new, carried_in_part)
        assert desk.line(new) == (500, 50, 450, 0, 0)
        return old, new

    def test_more_than_the_successor_certifies_freezes_it_with_the_reason(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        desk.reserve(old, "24NL2", 100)
        new = desk.validated(250, cites=(("ACW", old),))
        assert desk.ledger(new).frozen == f"50 KGM of line 1 of {old} have no room on {new}"
        assert desk.reserve(new, "24NL3", 1) == "04"
        thaw(desk, new)
        assert desk.reserve(new, "24NL3", 1) == "05", "thawed, it has nothing left all the same"
        desk.give_back(old, "24NL2")
        assert desk.line(new) == (250, 200, 0, 0, 50)

    def test_goods_that_the_successor_has_not_freeze_it(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        new = desk.validated(500, cites=(("ACW", old),), code="08052110")
        assert desk.ledger(new).frozen == f"200 KGM of line 1 of {old} have no room on {new}"
        assert desk.line(new) == (500, 0, 0, 0, 500)
        assert desk.reserve(new, "24NL3", 1, code="08052110") == "04"
        thaw(desk, new)
        assert desk.clear(old, "24NL1") == "04"
        assert desk.ledger(new).frozen == "", "the operator has looked at these"
        assert desk.reserve(new, "24NL3", 500, code="08052110") == ""

    def test_the_line_of_the_same_number_first_then_any_of_the_same_goods(self, desk):
        old = desk.validated(lines=((1, 100, CN), (2, 100, CN), (3, 50, "08052110")))
        for line, number, code in ((1, "24NL1", CN), (2, "24NL2", CN), (3, "24NL3", "08052110")):
            assert desk.reserve(old, number, 50, line=line, code=code) == ""
        new = desk.validated(cites=(("ACW", old),), lines=((2, 60, CN), (4, 100, CN), (9, 50, "08052110")))
        assert [desk.line(new, each)[1] for each in (2, 4, 9)] == [60, 40, 50]
        assert desk.ledger(new).frozen == ""

    def test_a_chain_passes_everything_on(self, desk):
        first = desk.validated()
        desk.reserve(first, "24NL1", 200)
        second = desk.validated(cites=(("ACW", first),))
        desk.reserve(second, "24NL2", 100)
        third = desk.validated(cites=(("ACW", second),))
        assert desk.line(third) == (500, 300, 0, 0, 200)
        with power_cut(desk):
            desk.give_back(first, "24NL1")
        desk.give_back(first, "24NL1")
        assert [desk.line(each)[1] for each in (second, third)] == [0, 100]
        desk.give_back(second, "24NL2")
        assert desk.line(third) == (500, 0, 0, 0, 500)

    def test_one_between_that_was_never_validated_is_passed_by(self, desk):
        first = desk.validated()
        desk.reserve(first, "24NL1", 200)
        second = desk.certify(cites=(("ACW", first),))
        third = desk.validated(cites=(("ACW", second),))
        assert desk.line(third) == (500, 200, 0, 0, 300)
        desk.give_back(first, "24NL1")
        assert desk.line(third) == (500, 0, 0, 0, 500)

    def test_one_for_two(self, desk):
        first, second = desk.validated(300), desk.validated(200)
        desk.reserve(first, "24NL1", 30)
        desk.reserve(second, "24NL2", 20)
        both = desk.validated(500, cites=(("ACW", first), ("ACW", second)))
        assert desk.line(both) == (500, 50, 0, 0, 450)
        desk.give_back(second, "24NL2")
        assert desk.line(both) == (500, 30, 0, 0, 470)


class TestSplit:
    def test_a_part_draws_from_its_parent(self, desk):
        parent = desk.validated()
        part = desk.certify(120, cites=(("AXG", parent),))
        assert desk.line(parent) == (500, 0, 0, 0, 500)
        with power_cut(desk):
            desk.decide(part)
        desk.told.changes.clear()
        desk.decide(part)
        assert desk.line(part) == (120, 0, 0, 0, 120)
        assert desk.line(parent) == (500, 120, 0, 0, 380)
        assert desk.entries(parent, "carried") == [("carried", 1, 120, part)]
        assert (desk.ledger(parent).ched_id, "ledger") in desk.told.changes
        assert desk.reserve(parent, "24NL1", 381) == "05"
        assert desk.reserve(part, "24NL2", 120) == ""

    def test_a_parent_that_has_not_that_much_left_freezes_the_part(self, desk):
        parent = desk.validated()
        desk.reserve(parent, "24NL1", 450)
        part = desk.certify(120, cites=(("AXG", parent),))
        with power_cut(desk):
            desk.decide(part)
        desk.decide(part)
        assert desk.line(parent) == (500, 50, 450, 0, 0)
        assert desk.line(part) == (120, 70, 0, 0, 50)
        assert desk.ledger(part).frozen == f"70 KGM of line 1 of {part} are not left on {parent}"
        assert desk.reserve(part, "24NL2", 1) == "04"

    def test_a_thawed_part_draws_again_and_never_more_than_there_is(self, desk):
        parent = desk.validated()
        desk.reserve(parent, "24NL1", 430)
        desk.reserve(parent, "24NL2", 20)
        part = desk.validated(120, cites=(("AXG", parent),))
        desk.give_back(parent, "24NL2")
        assert desk.line(part)[1] == 70, "nothing comes by itself"
        with power_cut(desk):
            thaw(desk, part)
        thaw(desk, part)
        assert desk.line(part) == (120, 50, 0, 0, 70)
        assert desk.line(parent) == (500, 70, 430, 0, 0)
        assert desk.reserve(part, "24NL3", 71) == "05"
        assert desk.reserve(part, "24NL3", 70) == ""
        with pytest.raises(CustomsRefused) as refused:
            thaw(desk, part)
        assert refused.value.code == "IMG-7413"

    def test_goods_that_the_parent_has_not_freeze_the_part(self, desk):
        parent = desk.validated()
        part = desk.validated(120, cites=(("AXG", parent),), code="08052110")
        assert desk.line(parent) == (500, 0, 0, 0, 500)
        assert desk.line(part) == (120, 0, 0, 0, 120)
        assert desk.ledger(part).frozen == f"120 KGM of line 1 of {part} are not left on {parent}"

    def test_a_parent_that_is_decided_later_gives_then(self, desk):
        parent = desk.certify()
        first, second = (desk.validated(each, cites=(("AXG", parent),)) for each in (120, 80))
        desk.reserve(first, "24NL1", 100)
        assert desk.ledger(first).frozen == desk.ledger(second).frozen == ""
        with power_cut(desk):
            desk.decide(parent)
        desk.decide(parent)
        assert desk.line(parent) == (500, 200, 0, 0, 300)
        assert desk.line(first) == (120, 0, 100, 0, 20)
        assert desk.entries(parent, "carried") == [("carried", 1, 120, first), ("carried", 1, 80, second)]

    def test_parts_of_more_than_the_whole_freeze_it_when_it_is_decided(self, desk):
        parent = desk.certify(150)
        first, second = (desk.validated(each, cites=(("AXG", parent),)) for each in (120, 80))
        desk.reserve(second, "24NL1", 70)
        desk.decide(parent)
        assert desk.line(parent) == (150, 150, 0, 0, 0)
        assert desk.line(first) == (120, 0, 0, 0, 120)
        assert desk.line(second) == (80, 10, 70, 0, 0), "as much as it has not sold yet"
        assert desk.ledger(parent).frozen == f"50 KGM of line 1 of {second} are not left on {parent}"

    def test_a_subsequent_ched_of_goods_on_their_way_takes_them_along(self, desk):
        parent = desk.certify()
        desk.decide(parent, code="ACCEPTABLE_FOR_ONWARD_TRANSPORTATION")
        follows = desk.validated(cites=(("AXG", parent),))
        desk.follow_up(parent, "local")
        assert desk.line(parent) == (500, 500, 0, 0, 0)
        assert desk.reserve(parent, "24NL1", 1) == "05"
        assert desk.reserve(follows, "24NL1", 500) == ""

    def test_a_part_of_a_replaced_parent_draws_from_its_successor(self, desk):
        parent = desk.validated()
        part = desk.certify(120, cites=(("AXG", parent),))
        successor = desk.validated(cites=(("ACW", parent),))
        desk.decide(part)
        assert desk.line(successor) == (500, 120, 0, 0, 380)
        assert desk.entries(successor, "carried") == [("carried", 1, 120, part)]
        assert desk.line(parent) == (500, 0, 0, 0, 500)
        desk.give_back(parent, "24NL1")
        assert desk.line(successor) == (500, 120, 0, 0, 380)

    def test_what_parts_have_drawn_goes_to_the_successor(self, desk):
        parent = desk.validated()
        part = desk.validated(120, cites=(("AXG", parent),))
        successor = desk.validated(cites=(("ACW", parent),))
        assert desk.line(successor) == (500, 120, 0, 0, 380)
        assert desk.entries(successor, "carried") == [("carried", 1, 120, parent)]
        again = desk.validated(120, cites=(("ACW", part),))
        assert desk.line(successor) == (500, 120, 0, 0, 380)
        assert desk.line(again) == (120, 0, 0, 0, 120)

    def test_a_replaced_part_draws_once_when_the_parent_comes_late(self, desk):
        parent = desk.certify()
        part = desk.validated(120, cites=(("AXG", parent),))
        desk.reserve(part, "24NL1", 20)
        again = desk.validated(100, cites=(("ACW", part),))
        desk.decide(parent)
        assert desk.entries(parent, "carried") == [("carried", 1, 100, again)]
        assert desk.line(again) == (100, 20, 0, 0, 80)

    def test_a_part_that_was_corrected_before_it_was_decided_draws(self, desk):
        parent = desk.validated()
        part = desk.certify(120, cites=(("AXG", parent),))
        corrected = desk.validated(100, cites=(("ACW", part),))
        assert desk.entries(parent, "carried") == [("carried", 1, 100, corrected)]

    def test_a_part_of_a_part_draws_from_above_until_its_parent_is_decided(self, desk):
        whole = desk.validated()
        parent = desk.certify(300, cites=(("AXG", whole),))
        part = desk.validated(120, cites=(("AXG", parent),))
        assert desk.line(whole) == (500, 120, 0, 0, 380)
        with power_cut(desk):
            desk.decide(parent)
        desk.decide(parent)
        assert desk.line(whole) == (500, 300, 0, 0, 200)
        assert desk.line(parent) == (300, 120, 0, 0, 180)
        assert desk.line(part) == (120, 0, 0, 0, 120)
        assert desk.entries(whole, "carried", "released") == [
            ("carried", 1, 120, part),
            ("released", 1, 120, part),
            ("carried", 1, 120, parent),
            ("carried", 1, 180, parent),
        ]

    def test_a_part_of_a_part_that_waits_draws_from_the_whole_as_soon_as_it_has_a_ledger(self, desk):
        whole = desk.certify()
        parent = desk.certify(300, cites=(("AXG", whole),))
        part = desk.validated(120, cites=(("AXG", parent),))
        desk.decide(whole)
        assert desk.line(whole) == (500, 120, 0, 0, 380)
        desk.decide(parent)
        assert desk.line(whole) == (500, 300, 0, 0, 200)
        assert desk.line(parent) == (300, 120, 0, 0, 180)
        assert desk.line(part) == (120, 0, 0, 0, 120)

    def test_what_a_part_of_a_part_drew_counts_for_each_that_comes_between(self, desk):
        whole = desk.validated()
        middle = desk.certify(400, cites=(("AXG", whole),))
        parent = desk.certify(300, cites=(("AXG", middle),))
        part = desk.validated(120, cites=(("AXG", parent),))
        desk.decide(middle)
        desk.decide(parent)
        assert desk.line(whole) == (500, 400, 0, 0, 100)
        assert desk.line(middle) == (400, 300, 0, 0, 100)
        assert desk.line(parent) == (300, 120, 0, 0, 180)
        assert desk.line(part) == (120, 0, 0, 0, 120)

    @pytest.mark.parametrize("which", ["whole", "part"])
    def test_what_a_part_drew_counts_for_its_parent_though_one_was_replaced_since(self, desk, which):
        whole = desk.validated()
        parent = desk.certify(300, cites=(("AXG", whole),))
        part = desk.validated(120, cites=(("AXG", parent),))
        if which == "whole":
            whole = desk.validated(cites=(("ACW", whole),))
        else:
            part = desk.validated(120, cites=(("ACW", part),))
        desk.decide(parent)
        assert desk.line(whole) == (500, 300, 0, 0, 200)
        assert desk.line(parent) == (300, 120, 0, 0, 180)
        assert desk.line(part) == (120, 0, 0, 0, 120)

    def test_a_part_of_a_successor_that_waits_draws_from_what_that_replaces(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 450)
        new = desk.certify(cites=(("ACW", old),))
        part = desk.validated(120, cites=(("AXG", new),))
        assert desk.line(old) == (500, 50, 450, 0, 0)
        assert desk.line(part) == (120, 70, 0, 0, 50)
        desk.decide(new)
        assert desk.line(new) == (500, 500, 0, 0, 0)
        assert desk.line(part) == (120, 70, 0, 0, 50)

    def test_a_part_of_two_draws_from_both(self, desk):
        first, second = desk.validated(100), desk.validated(100)
        part = desk.validated(150, cites=(("AXG", first), ("AXG", second)))
        assert [desk.line(each)[1] for each in (first, second)] == [100, 50]
        assert desk.line(part) == (150, 0, 0, 0, 150)
        assert desk.ledger(part).frozen == ""

    def test_a_part_of_a_parent_that_was_replaced_draws_again_from_its_successor(self, desk):
        parent = desk.validated()
        desk.reserve(parent, "24NL1", 450)
        part = desk.validated(120, cites=(("AXG", parent),))
        successor = desk.validated(cites=(("ACW", parent),))
        assert desk.line(part) == (120, 70, 0, 0, 50)
        desk.give_back(parent, "24NL1")
        thaw(desk, part)
        assert desk.line(part) == (120, 0, 0, 0, 120)
        assert desk.line(successor) == (500, 120, 0, 0, 380)

    def test_what_a_part_draws_again_is_free_on_its_successor(self, desk):
        parent = desk.validated()
        desk.reserve(parent, "24NL1", 450)
        part = desk.validated(120, cites=(("AXG", parent),))
        again = desk.validated(120, cites=(("ACW", part),))
        assert desk.line(again) == (120, 70, 0, 0, 50)
        desk.give_back(parent, "24NL1")
        thaw(desk, part)
        assert desk.line(again) == (120, 0, 0, 0, 120)
        assert desk.line(parent) == (500, 120, 0, 0, 380)

    def test_refused_goods_are_drawn_before_their_whole_is_thawed(self, desk):
        parent = desk.validated()
        desk.reserve(parent, "24NL1", 450)
        post = replace(ched_pp().post, code="NLAMS4", city="Amsterdam", name="Another post")
        goods = replace(desk.oranges(100, (("AXG", parent),)), post=post)
        refused = desk.submit(goods, "importer").reference
        desk.decide(refused, "other post", code="NOT_ACCEPTABLE")
        assert desk.ledger(parent).frozen
        desk.give_back(parent, "24NL1")
        assert desk.line(parent) == (500, 50, 0, 0, 450)
        with power_cut(desk):
            thaw(desk, parent)
        thaw(desk, parent)
        assert desk.line(parent) == (500, 100, 0, 0, 400)
        assert desk.line(refused) == (100, 0, 0, 0, 100)
        assert desk.reserve(refused, "24NL2", 1) == "04"


class TestReasons:
    """Why a ledger is frozen is never lost: an operator who thaws his own freeze sees what else there is."""

    def test_each_reason_is_added_once(self, desk):
        reference = desk.validated()
        for why in ("counted", "lost papers", "counted", "count"):
            freeze(desk, reference, why)
        assert desk.ledger(reference).frozen == "counted; lost papers; count"
        audited = [("ledger frozen", why) for why in ("counted", "lost papers", "count")]
        assert freezing(desk, reference) == audited

    def test_what_the_gateway_finds_is_added_to_what_an_operator_said(self, desk):
        reference = desk.certify()
        line = LedgerLineRow(number=1, code=CN, unit="KGM", dimension="weight", certified=KILOGRAM)
        desk.locked(reference, lambda connection, state: open_ledger(connection, state.ched_id, (line,), desk.now))
        freeze(desk, reference, "counted")
        desk.cancel(reference)
        assert desk.ledger(reference).frozen == "counted; the CHED ended: status 64"

    def test_what_has_no_place_any_more_is_in_the_audit(self, desk):
        reference = desk.validated()
        reasons = [f"{number} " + "x" * 490 for number in range(5)]
        for why in (*reasons, "the last"):
            freeze(desk, reference, why)
        assert len(desk.ledger(reference).frozen) == 2_000
        assert freezing(desk, reference)[-2:] == [("ledger frozen", reasons[-1]), ("ledger frozen", "the last")]

    def test_an_operator_adds_to_what_the_gateway_found(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 300)
        new = desk.validated(250, cites=(("ACW", old),))
        found = f"50 KGM of line 1 of {old} have no room on {new}"
        was = freeze(desk, new, "counted")
        assert (was.was, was.now) == (found, f"{found}; counted")
        assert desk.ledger(new).frozen == f"{found}; counted"
        done = thaw(desk, new)
        assert (done.was, done.now) == (f"{found}; counted", "")
