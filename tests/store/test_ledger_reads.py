"""Looks into the quantity ledger, and what each of them costs when there is much of it."""

from __future__ import annotations

from dataclasses import replace

from store_ledgers import LRN, NOW, A, B, line, movement

from gateway.store import (
    CustomsReport,
    DeclarationType,
    allocations_by_declaration,
    ched_by_reference,
    ched_reads,
    cheds_by_references,
    freeze_ledger,
    lock_ledger,
    read_ched_by_reference,
    read_ledger,
    read_ledger_content,
    record_ched,
    report_document,
    reports_by_document,
)


def test_the_ledger_comes_with_its_ched_and_document(ledgers, store):
    reference = ledgers.open(1, line(2, 7), line(1))
    ledgers.move(reference, movement("reserved", 3), movement("consumed", 2, B, line=2))
    with store.read() as connection:
        state, row, content = read_ledger_content(connection, reference)
        assert state == read_ledger(connection, reference)
        assert (row, content) == (
            read_ched_by_reference(connection, reference)[0],
            read_ched_by_reference(connection, reference)[1].content,
        )
        assert [each.number for each in state.lines] == [1, 2]
        assert read_ledger_content(connection, "CHEDP.XI.2026.9999999") is None
        assert read_ledger_content(connection, "") is None
    assert store.write(lambda connection: lock_ledger(connection, reference)) == state


def test_a_ched_without_a_ledger_is_read(ledgers, store):
    write = ledgers.make(1)
    store.write(lambda connection: record_ched(connection, write))
    with store.read() as connection:
        state, row, content = read_ledger_content(connection, write.row.reference)
    assert (state.version, state.lines, state.frozen) == (0, (), "")
    assert (row.id, state.status_code, content) == (write.row.id, "1", b"<content/>")


def test_texts_come_back_as_they_were(ledgers):
    """They go through JSON on their way."""
    odd = 'a "quoted" \\ one,\n[ü, 貨物] \U0001f4a7'
    reference = ledgers.open(1, line(1, unit=odd, code=odd))
    ledgers.move(reference, movement("reserved", 1, unit=odd, office=odd), partner=odd)
    state = ledgers.state(reference)
    assert (state.lines[0].unit, state.lines[0].code) == (odd, odd)
    assert (state.allocations[0].unit, state.allocations[0].office, state.allocations[0].partner) == (odd,) * 3


def test_which_cheds_stand_behind_a_declaration(ledgers, store):
    first, second, third = (ledgers.open(number) for number in (1, 2, 3))
    ledgers.move(first, movement("reserved", 1), movement("reserved", 2, goods_item=2))
    ledgers.move(second, movement("consumed", 3), movement("reserved", 4, B), movement("reserved", 5, LRN))
    ledgers.move(third, movement("reserved", 6))
    ledgers.move(third, movement("returned", 6))

    def ask(number, kind=DeclarationType.MRN, **limit):
        with store.read() as connection:
            found = allocations_by_declaration(connection, number, type=kind, **limit)
        return sorted((reference[-1], row.declaration.type, row.state, row.quanta) for reference, row in found)

    of_mrn = [("1", "MRN", "reserved", 1), ("1", "MRN", "reserved", 2), ("2", "MRN", "consumed", 3)]
    assert ask(A.number) == of_mrn
    assert ask(A.number, DeclarationType.LRN) == [("2", "LRN", "reserved", 5)]
    assert len(ask(A.number, limit=2)) == 2
    assert ask("nothing") == []


def test_for_which_cheds_a_document_was_reported(ledgers, store):
    first, second = (ledgers.open(number) for number in (1, 2))
    report = CustomsReport(ched_id="", document=A.number, type_code="N830", office="XI000002", at=NOW, exchange_id="E")
    for reference in (first, second):
        kept = replace(report, ched_id=ledgers.state(reference).ched_id)
        store.write(lambda connection, kept=kept: report_document(connection, kept))
        ledgers.move(reference, movement("consumed", 1))
    with store.read() as connection:
        assert sorted(reference for reference, _ in reports_by_document(connection, A.number)) == [first, second]
        assert len(reports_by_document(connection, A.number, limit=1)) == 1
        assert reports_by_document(connection, B.number) == []
    ledgers.move(first, movement("reversed", 1))
    with store.read() as connection:
        assert [reference for reference, _ in reports_by_document(connection, A.number)] == [second]


def test_a_status_waits_for_the_movement_and_the_movement_for_it(ledgers, store, make_write):
    """Who locked the ledger has the CHED: its next version comes after."""
    reference = ledgers.open()
    with store.read() as connection:
        row = read_ledger_content(connection, reference)[1]
    cancelled = make_write(replace(row, status_code="64"), expected_version=row.version, content=None)

    def both(connection):
        assert lock_ledger(connection, reference).status_code == "70"
        record_ched(connection, cancelled)
        freeze_ledger(connection, row.id, "cancelled", at=NOW, actor="")
        return lock_ledger(connection, reference)

    state = store.write(both)
    assert (state.status_code, state.frozen) == ("64", "cancelled")
    assert ledgers.state(reference) == state


def test_cheds_by_their_references(ledgers, store, monkeypatch):
    monkeypatch.setattr(ched_reads, "_AT_ONCE", 2)
    known = [ledgers.open(number) for number in (4, 1, 3, 2, 5)]
    with store.read() as connection:
        found = list(cheds_by_references(connection, [*known, "CHEDP.XI.2026.9999999", "", known[0]]))
        assert found == [ched_by_reference(connection, reference) for reference in sorted(known)]
        assert list(cheds_by_references(connection, [])) == []
