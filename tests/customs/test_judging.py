"""The ledger's word on reservations, clearances and interventions, without a store (DIGEST 7.5)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gateway.customs.codes import agrees, subheading
from gateway.customs.judging import force, give_back, judge_reservation, take_back, write_off
from gateway.customs.lines import lines_of
from gateway.customs.requests import (
    ClearanceOutcome,
    DeclaredItem,
    DeclaredQuantity,
    FailureReason,
    Reservation,
)
from gateway.documents.ched import Ched, ChedClass, ChedLine
from gateway.documents.parts import Measure
from gateway.store import (
    AllocationRow,
    AllocationState,
    Declaration,
    DeclarationType,
    EntryKind,
    LedgerLineRow,
    LedgerState,
)

pytestmark = pytest.mark.short

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
A = Declaration(DeclarationType.MRN, "26XX00000000000A01")
B = Declaration(DeclarationType.MRN, "26XX00000000000B01")
KG = 10**9


def line(number=1, code="0401", unit="KGM", dimension="weight", certified=1000 * KG, **changes):
    return LedgerLineRow(number=number, code=code, unit=unit, dimension=dimension, certified=certified, **changes)


def state(*lines, allocations=(), status="70", conclusion="ACCEPTABLE_FOR_INTERNAL_MARKET", frozen="", version=1):
    return LedgerState(
        ched_id="C", reference="CHEDP.XX.2026.0000001", status_code=status, conclusion=conclusion,
        type="P", content_id="V", version=version,
        frozen=frozen, lines=lines or (line(),), allocations=tuple(allocations),
    )  # fmt: skip


def row(declaration=A, quanta=100 * KG, state=AllocationState.RESERVED, goods_item=1, line=1):
    return AllocationRow(
        declaration=declaration, goods_item=goods_item, line=line, state=state, quanta=quanta, quantity="100",
        unit="KGM", class_code="040100", office="XX000001", partner="xx-customs", event_at=AT,
    )  # fmt: skip


def item(quantity="10", unit="KGM", goods_item=1, line=1, code="040100", volume=None):
    weight = None if quantity is None else DeclaredQuantity(quantity, unit)
    return DeclaredItem(goods_item, line, code, weight, volume)


def reservation(*items, declaration=A, **changes):
    return Reservation(declaration, items or (item(),), "XX000001", AT, **changes)


def kinds(movements):
    return [(each.kind.value, each.quanta) for each in movements]


def test_a_reservation_moves_its_quanta_as_they_were_declared():
    decision = judge_reservation(state(), reservation(item("0.000002", "TNE", code="0401")))
    assert decision.made
    (movement,) = decision.movements
    assert (movement.kind, movement.quanta, movement.quantity, movement.unit) == (
        EntryKind.RESERVED, 2_000_000, "0.000002", "TNE",
    )  # fmt: skip
    assert (movement.class_code, movement.office, movement.event_at) == ("040100", "XX000001", AT)


def test_a_second_reservation_replaces_the_first():
    held = state(line(reserved=100 * KG), allocations=[row()])
    decision = judge_reservation(held, reservation(item("1000")))
    assert decision.made
    assert kinds(decision.movements) == [("returned", 100 * KG), ("reserved", 1000 * KG)]


def test_what_others_hold_is_not_there():
    held = state(line(reserved=100 * KG), allocations=[row(B)])
    assert judge_reservation(held, reservation(item("900"))).made
    decision = judge_reservation(held, reservation(item("900.000000001")))
    assert (decision.reason, decision.goods_item, decision.line, decision.movements) == (
        FailureReason.QUANTITY,
        1,
        1,
        (),
    )


def test_too_much_gives_the_old_hold_back():
    held = state(line(reserved=100 * KG), allocations=[row()])
    decision = judge_reservation(held, reservation(item("1000.001")))
    assert decision.reason is FailureReason.QUANTITY
    assert kinds(decision.movements) == [("returned", 100 * KG)]


REFUSED = [
    (item(line=999), FailureReason.LINE, None),
    (item(line=0), FailureReason.LINE, None),
    (item(code="99999999"), FailureReason.CODE, 1),
    (item(code="04"), FailureReason.CODE, 1),
    (item(unit="H87"), FailureReason.UNIT, 1),
    (item(unit="KGMP"), FailureReason.UNIT, 1),
    (item(unit=""), FailureReason.UNIT, 1),
    (item("0"), FailureReason.NOT_VALID, 1),
    (item("-1"), FailureReason.NOT_VALID, 1),
    (item("0.0000000001"), FailureReason.NOT_VALID, 1),
    (item(None), FailureReason.NOT_VALID, 1),
    (item("1e3"), FailureReason.NOT_VALID, 1),
]


@pytest.mark.parametrize(("wrong", "reason", "number"), REFUSED)
def test_every_other_refusal_keeps_the_old_hold(wrong, reason, number):
    held = state(line(reserved=100 * KG), allocations=[row()])
    decision = judge_reservation(held, reservation(wrong))
    assert (decision.reason, decision.goods_item, decision.line, decision.movements) == (reason, 1, number, ())


def test_quantities_are_judged_last_because_they_alone_take_the_old_hold_away():
    held = state(line(reserved=100 * KG), allocations=[row()])
    decision = judge_reservation(held, reservation(item("99999"), item(goods_item=2, code="9999")))
    assert (decision.reason, decision.goods_item, decision.movements) == (FailureReason.CODE, 2, ())


def test_items_on_one_line_count_together():
    decision = judge_reservation(state(), reservation(item("600"), item("600", goods_item=2)))
    assert (decision.reason, decision.goods_item, decision.line) == (FailureReason.QUANTITY, 2, 1)


def test_only_what_is_validated_and_not_frozen_can_be_reserved():
    for wrong in (state(status="1"), state(status="44"), state(frozen="because")):
        decision = judge_reservation(wrong, reservation(item(line=999)))
        assert (decision.reason, decision.goods_item, decision.line) == (FailureReason.STATUS, None, None)


def test_a_declaration_that_has_consumed_reserves_no_more():
    done = state(line(consumed=100 * KG), allocations=[row(state=AllocationState.CONSUMED)])
    assert judge_reservation(done, reservation()).reason is FailureReason.WRITTEN_OFF
    lrn = Declaration(DeclarationType.LRN, A.number)
    assert judge_reservation(done, reservation(declaration=lrn)).made  # an LRN is another declaration


def test_a_missing_unit_is_tonnes_only_where_the_record_says_so():
    asked = reservation(item("0.001", ""), absent_unit_is_tonne=True)
    (movement,) = judge_reservation(state(), asked).movements
    assert (movement.quanta, movement.unit) == (KG, "TNE")
    pieces = DeclaredQuantity("1", "")
    only_volume = reservation(item(None, volume=pieces), absent_unit_is_tonne=True)
    animals = state(line(code="0102", unit="H87", dimension="count"))
    assert judge_reservation(state(), only_volume).reason is FailureReason.UNIT
    assert judge_reservation(animals, replace(only_volume, items=(item(None, code="0102", volume=pieces),))).reason is (
        FailureReason.UNIT
    )


def test_of_weight_and_volume_the_one_that_fits_counts():
    animals = state(line(code="0102", unit="H87", dimension="count", certified=2_000_000))
    both = item("350", "KGM", code="010221", volume=DeclaredQuantity("1", "NAR"))
    (movement,) = judge_reservation(animals, reservation(both)).movements
    assert (movement.quanta, movement.unit, movement.class_code) == (1_000_000, "NAR", "010221")


def test_clearances():
    held = state(line(reserved=100 * KG), allocations=[row()])
    own = held.allocations
    settled = write_off(held, own, "XX000002", AT)
    assert (settled.outcome, kinds(settled.movements)) == (ClearanceOutcome.DONE, [("consumed", 100 * KG)])
    assert settled.movements[0].office == "XX000002"
    settled = give_back(held, own, "XX000002", AT)
    assert (settled.outcome, kinds(settled.movements)) == (ClearanceOutcome.DONE, [("returned", 100 * KG)])
    consumed = (row(state=AllocationState.CONSUMED),)
    for judge in (write_off, give_back):
        assert judge(held, (), "XX000002", AT) == judge(held, (), "XX000002", AT)
        assert judge(held, (), "XX000002", AT).outcome is ClearanceOutcome.NO_RECORD
        assert judge(held, consumed, "XX000002", AT).outcome is ClearanceOutcome.CONSUMED
        assert judge(held, consumed, "XX000002", AT).movements == ()


def test_a_clearance_of_a_ched_that_is_not_validated_any_more_is_done_and_says_so():
    replaced = state(line(reserved=100 * KG), allocations=[row()], status="44")
    assert write_off(replaced, replaced.allocations, "X", AT).outcome is ClearanceOutcome.DONE_STATUS_CHANGED
    assert give_back(replaced, replaced.allocations, "X", AT).outcome is ClearanceOutcome.DONE


def test_a_forced_write_off_takes_the_place_of_the_one_before():
    done = state(line(consumed=100 * KG), allocations=[row(state=AllocationState.CONSUMED)])
    decision = force(done, reservation(item("1000")))
    assert kinds(decision.movements) == [("reversed", 100 * KG), ("forced", 1000 * KG)]
    assert force(done, reservation(item("1001"))).movements == ()
    assert kinds(take_back(done.allocations, "X", AT)) == [("reversed", 100 * KG)]


@pytest.mark.parametrize(
    ("declared", "certified", "fits"),
    [("0401", "0401", True), ("040110", "0401", True), ("0401", "040110", False), ("0402", "0401", False),
     ("", "0401", False), ("0401", "", False), ("0401x", "0401", False), ("٠٤٠١", "٠٤٠١", False)],
)  # fmt: skip
def test_a_code_agrees_when_it_begins_with_the_lines(declared, certified, fits):
    assert agrees(declared, certified) is fits


@pytest.mark.parametrize(("declared", "shown"), [("0102", "010200"), ("040100", "040100"), ("0401101000", "040110")])
def test_a_code_is_shown_with_six_digits(declared, shown):
    assert subheading(declared) == shown


def certified(number=1, code="0401", weight=None, volume=None):
    classes = (ChedClass("CN", code),) if code is not None else ()
    return ChedLine(number, net_weight=weight, net_volume=volume, classes=classes)


def kg(value):
    return Measure(Decimal(value), "KGM")


def pieces(value):
    return Measure(Decimal(value), "H87")


def test_what_a_ched_certifies():
    ched = Ched(
        lines=(
            certified(0, weight=kg("9999")),
            certified(1, weight=kg("1000"), volume=pieces("3")),
            certified(2, "0102", Measure(Decimal(0), ""), pieces("2")),
            certified(3, weight=Measure(Decimal(5), "")),
            certified(4, None, kg("5")),
            certified(5, "abc", kg("5")),
            certified(6),
            certified(1, weight=kg("7")),
            certified(None, weight=kg("7")),
            certified(7, "04 01", Measure(Decimal("0.5"), "TNE")),
        )
    )
    assert [(each.number, each.code, each.unit, each.dimension, each.certified) for each in lines_of(ched)] == [
        (1, "0401", "KGM", "weight", 1000 * KG),
        (2, "0102", "H87", "count", 2_000_000),
        (7, "0401", "TNE", "weight", 500 * KG),
    ]
