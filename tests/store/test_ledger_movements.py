"""Movements of the quantity ledger: lines, allocations and entries move together."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from multiprocessing import get_context
from zipfile import ZipFile

import pytest
from store_ledgers import LRN, NOW, A, B, Ledgers, fresh_id, later, line, movement

from gateway import faultpoints
from gateway.cli.messages import describe
from gateway.exchange import evidence_file
from gateway.store import (
    MAX_QUANTA,
    AllocationState,
    Conflict,
    CustomsMessage,
    CustomsReport,
    Declaration,
    DeclarationType,
    EntryKind,
    LastEvent,
    LedgerChange,
    Nonce,
    Outcome,
    RecordedKind,
    apply_change,
    entries_of,
    find_audit,
    find_customs_message,
    find_evidence,
    find_exchange,
    freeze_ledger,
    get_ched,
    last_event,
    list_exchanges,
    lock_ledger,
    open_ledger,
    open_store,
    read_ledger,
    record_ched,
    record_customs_message,
    report_document,
    reports_of,
)

fork = get_context("fork")


def entries(ledgers, reference, **page):
    with ledgers.store.read() as connection:
        return entries_of(connection, ledgers.state(reference).ched_id, **page)


def test_a_ledger_opens_with_what_is_certified_and_once(ledgers):
    reference = ledgers.open(1, line(1), line(2, 5, code="0103", unit="H87", dimension="count"), line(3, 0))
    state = ledgers.state(reference)
    assert (state.version, state.frozen, state.status_code, state.type) == (1, "", "70", "PP")
    assert [(each.number, each.available, each.unit) for each in state.lines] == [
        (1, 1_000, "KGM"),
        (2, 5, "H87"),
        (3, 0, "KGM"),
    ]
    ledgers.store.write(lambda c: open_ledger(c, state.ched_id, [line(4)], NOW))
    assert ledgers.state(reference) == state
    assert [(each.kind, each.line, each.quanta, each.reason) for each in entries(ledgers, reference)] == [
        ("certified", 1, 1_000, "opened"),
        ("certified", 2, 5, "opened"),
    ]


def test_a_hold_is_there_with_all_that_was_declared(ledgers):
    reference = ledgers.open()
    about = {"message_id": "m1", "prefix": "XI", "exchange_id": "E1", "actor": "ann", "reason": "why"}
    assert ledgers.move(reference, movement("reserved", 400, quantity="0.0004", unit="GRM"), at=later(5), **about) == 2
    state = ledgers.state(reference)
    assert ledgers.position(reference) == (600, 0, 400, 0)
    (held,) = state.allocations
    assert (held.declaration, held.goods_item, held.line, held.state) == (A, 1, 1, AllocationState.RESERVED)
    assert (held.quanta, held.quantity, held.unit, held.class_code) == (400, "0.0004", "GRM", "040100")
    assert (held.office, held.partner, held.event_at, held.seq) == ("XI000002", "customs-xi", NOW, 1)
    entry = entries(ledgers, reference)[-1]
    assert (entry.version, entry.at, entry.partner, entry.event_at) == (2, later(5), "customs-xi", NOW)
    assert {name: getattr(entry, name) for name in about} == about
    assert (entry.kind, entry.declaration, entry.goods_item, entry.quantity) == (EntryKind.RESERVED, A, 1, "0.0004")


def test_a_replacement_gives_back_first_and_comes_last(ledgers):
    reference = ledgers.open()
    ledgers.move(reference, movement("reserved", 900))
    ledgers.move(reference, movement("reserved", 100, B))
    ledgers.move(reference, movement("returned", 900), movement("reserved", 850, quantity="0.85"))
    assert ledgers.position(reference) == (50, 0, 950, 0)
    assert [each.declaration for each in ledgers.state(reference).allocations] == [B, A]
    assert [each.version for each in entries(ledgers, reference)] == [1, 2, 3, 4, 4]


def test_a_clearance_turns_the_hold_and_keeps_what_was_declared(ledgers):
    reference = ledgers.open()
    ledgers.move(reference, movement("reserved", 400, quantity="0.4", unit="KGM", office="XI000001"))
    ledgers.move(reference, movement("consumed", 400, quantity="", unit="", class_code="", event_at=later(60)))
    assert ledgers.position(reference) == (600, 0, 0, 400)
    (taken,) = ledgers.state(reference).allocations
    assert (taken.state, taken.quantity, taken.unit, taken.class_code) == ("consumed", "0.4", "KGM", "040100")
    assert (taken.office, taken.event_at) == ("XI000002", later(60))
    entry = entries(ledgers, reference)[-1]
    assert (entry.kind, entry.quantity, entry.unit, entry.class_code) == ("consumed", "0.4", "KGM", "040100")


def test_an_intervention_writes_off_without_a_hold_and_takes_it_back(ledgers):
    reference = ledgers.open()
    ledgers.move(reference, movement("consumed", 300))
    assert ledgers.position(reference) == (700, 0, 0, 300)
    assert entries(ledgers, reference)[-1].kind is EntryKind.FORCED
    ledgers.move(reference, movement("reversed", 300))
    assert ledgers.position(reference) == (1_000, 0, 0, 0)
    assert ledgers.state(reference).allocations == ()


def test_another_ched_draws_and_gives_back(ledgers):
    reference = ledgers.open()
    ledgers.move(reference, movement("carried", 250, None, other="CHEDPP.NL.2026.0000002"))
    assert ledgers.position(reference) == (750, 250, 0, 0)
    assert entries(ledgers, reference)[-1].other == "CHEDPP.NL.2026.0000002"
    ledgers.move(reference, movement("released", 50, None))
    assert ledgers.position(reference) == (800, 200, 0, 0)


def test_an_lrn_is_another_declaration_than_the_mrn_with_its_characters(ledgers):
    reference = ledgers.open()
    ledgers.move(reference, movement("reserved", 1), movement("reserved", 2, LRN))
    ledgers.move(reference, movement("returned", 2, LRN))
    assert [each.declaration.type for each in ledgers.state(reference).allocations] == ["MRN"]


def test_the_same_item_holds_on_several_lines_and_several_items_on_one(ledgers):
    reference = ledgers.open(1, line(1), line(2))
    ledgers.move(reference, *(movement("reserved", 10, line=at, goods_item=item) for at in (1, 2) for item in (1, 2)))
    assert ledgers.position(reference, 2) == (980, 0, 20, 0)
    assert len(ledgers.state(reference).allocations) == 4


def test_the_newest_time_of_a_declaration_outlives_its_hold(ledgers):
    reference = ledgers.open()
    ledgers.move(reference, movement("reserved", 1, event_at=later(2)), movement("reserved", 1, B, event_at=later(9)))
    ledgers.move(reference, movement("returned", 1, event_at=later(1)))
    chid = ledgers.state(reference).ched_id
    with ledgers.store.read() as connection:
        assert last_event(connection, chid, A) == LastEvent(later(2), "customs-xi")
        assert last_event(connection, chid, LRN) is None
        assert last_event(connection, chid, Declaration(DeclarationType.MRN, "")) is None


def test_entries_come_in_pages(ledgers):
    reference = ledgers.open()
    for _ in range(3):
        ledgers.move(reference, movement("reserved", 1))
        ledgers.move(reference, movement("returned", 1))
    first = entries(ledgers, reference, limit=4)
    rest = entries(ledgers, reference, after=first[-1].seq)
    assert [each.kind for each in first + rest] == ["certified", *("reserved", "returned") * 3]


@pytest.mark.parametrize(
    "wrong",
    [
        movement("returned", 400),
        movement("returned", 300),
        movement("returned", 400, B),
        movement("returned", 400, LRN),
        movement("returned", 400, goods_item=2),
        movement("reversed", 400),
        movement("consumed", 400, event_at=None),
    ],
)
def test_what_does_not_stand_is_not_taken_away_and_nothing_moves(ledgers, wrong):
    reference = ledgers.open()
    ledgers.move(reference, movement("reserved", 400))
    if wrong == movement("returned", 400):
        ledgers.move(reference, movement("consumed", 400))
    before = ledgers.state(reference)
    with pytest.raises(ValueError, match=r"nothing of|has a time"):
        ledgers.move(reference, movement("reserved", 1, B), wrong)
    assert ledgers.state(reference) == before


def test_nothing_moves_where_no_ledger_is_open(ledgers, store):
    write = ledgers.make(1)
    store.write(lambda connection: record_ched(connection, write))
    state = ledgers.state(write.row.reference)
    assert (state.version, state.lines, state.allocations) == (0, (), ())
    with pytest.raises(ValueError, match="no ledger"):
        ledgers.move(write.row.reference, movement("reserved", 1))


def test_a_ched_that_is_not_there_has_no_ledger(store):
    with store.read() as connection:
        assert read_ledger(connection, "CHEDP.XI.2026.9999999") is None
        assert read_ledger(connection, "") is None
    assert store.write(lambda connection: lock_ledger(connection, "")) is None


def test_the_largest_quantity_is_exact(ledgers):
    reference = ledgers.open(1, line(1, MAX_QUANTA))
    ledgers.move(reference, movement("reserved", MAX_QUANTA - 1), movement("consumed", 1, B))
    assert ledgers.position(reference) == (0, 0, MAX_QUANTA - 1, 1)


def test_a_frozen_ledger_says_why_until_it_is_thawed(ledgers, store):
    reference = ledgers.open(1)
    chid = ledgers.state(reference).ched_id

    def freeze(why):
        return store.write(lambda c: freeze_ledger(c, chid, why, at=NOW, actor="ann"))

    assert freeze("replaced") is True
    assert ledgers.state(reference).frozen == "replaced"
    assert freeze("") is True
    assert (ledgers.state(reference).frozen, ledgers.state(reference).version) == ("", 3)
    assert freeze("") is False
    assert freeze("court order") is True
    assert freeze("court order") is False
    assert freeze("court") is True
    assert (ledgers.state(reference).frozen, ledgers.state(reference).version) == ("court order; court", 5)
    with store.read() as connection:
        assert [(each.action, dict(each.detail)) for each in find_audit(connection, chid)] == [
            ("ledger frozen", {"why": "replaced"}),
            ("ledger thawed", {}),
            ("ledger frozen", {"why": "court order"}),
            ("ledger frozen", {"why": "court"}),
        ]
    assert store.write(lambda c: freeze_ledger(c, "nobody", "why", at=NOW, actor="ann")) is False


def test_a_document_is_reported_once_per_code(ledgers, store):
    reference = ledgers.open()
    chid = ledgers.state(reference).ched_id
    first = CustomsReport(ched_id=chid, document=A.number, type_code="", office="XI000002", at=NOW, exchange_id="E1")

    def report(**changes):
        return store.write(lambda c: report_document(c, replace(first, **changes)))

    assert [report(), report(office="other"), report(type_code="N830")] == [True, False, True]
    with store.read() as connection:
        assert reports_of(connection, chid) == [first, replace(first, type_code="N830")]
        assert reports_of(connection, "nobody") == []


def customs_message(**changes):
    values = {
        "exchange_id": fresh_id(),
        "partner": "customs-xi",
        "contract": "customs-certex-ched",
        "operation": "reserve",
        "received_at": NOW,
        "subject": "CHEDPP.NL.2026.0000001",
        "prefix": "XI000002",
        "message_id": "m1",
        "request": b"<request/>",
        "acknowledgement": b"<answer/>",
        "content_id": "V1",
        "nonces": (Nonce("wsse", fresh_id(), NOW + timedelta(hours=1)),),
        "transport": {"address": "192.0.2.1"},
        "detail": {"result": "1"},
    }
    return CustomsMessage(**{**values, **changes})


def reserve(ledgers, reference, message, quanta=100):
    """As the service does: lock, move, keep the message last."""

    def unit(connection):
        state = lock_ledger(connection, reference)
        moves = [movement("returned", each.quanta) for each in state.allocations]
        change = LedgerChange(
            ched_id=state.ched_id,
            at=NOW,
            partner=message.partner,
            exchange_id=message.exchange_id,
            movements=(*moves, movement("reserved", quanta)),
        )
        apply_change(connection, change)
        return record_customs_message(connection, message)

    return ledgers.store.write(unit)


def test_a_message_is_kept_with_its_answer_and_what_it_moved(ledgers, store):
    reference, message = ledgers.open(), customs_message()
    recorded = reserve(ledgers, reference, message)
    assert recorded.kind is RecordedKind.NEW
    assert (recorded.exchange_id, recorded.acknowledgement) == (message.exchange_id, b"<answer/>")
    with store.read() as connection:
        kept = find_evidence(connection, message.exchange_id)
        assert find_customs_message(connection, partner="customs-xi", prefix="XI000002", message_id="m1") == (
            message.exchange_id
        )
    assert (kept.request, kept.acknowledgement, kept.exchange.outcome) == (
        b"<request/>",
        b"<answer/>",
        Outcome.ACCEPTED,
    )
    assert (kept.exchange.subject, kept.exchange.sender_message_id) == (message.subject, "XI000002/m1")
    (audited,) = kept.audit
    assert (audited.action, dict(audited.detail)) == (
        "reserve accepted",
        {"reference": message.subject, "content": "V1", "result": "1"},
    )
    assert entries(ledgers, reference)[-1].exchange_id == message.exchange_id


def test_its_evidence_says_what_came_and_what_was_answered(ledgers, store):
    reference, message = ledgers.open(), customs_message()
    reserve(ledgers, reference, message)
    with store.read() as connection:
        archive = ZipFile(BytesIO(evidence_file(connection, message.exchange_id)))
    assert archive.read("request.xml") == b"<request/>"
    assert archive.read("acknowledgement.xml") == b"<answer/>"
    facts = json.loads(archive.read("manifest.json"))["facts"]
    assert (facts["document"], facts["partner"]) == (message.subject, "customs-xi")
    assert facts["version of the CHED in the answer"] == "V1"
    data, view = describe(store, message.exchange_id)
    assert (data["subject"], data["operation"]) == (message.subject, "reserve")
    assert view is not None


def test_a_message_id_moves_a_ledger_once(ledgers, store):
    """Whatever the second one asks for, all of it is undone, and the caller learns which was the first."""
    reference, first = ledgers.open(), customs_message()
    reserve(ledgers, reference, first)
    before = ledgers.state(reference)
    again = reserve(ledgers, reference, customs_message(request=b"<other/>"), quanta=200)
    assert (again.kind, again.conflict, again.exchange_id) == (
        RecordedKind.CONFLICT,
        Conflict.MESSAGE_ID,
        first.exchange_id,
    )
    assert again.detail == "XI000002/m1"
    assert ledgers.state(reference) == before
    with store.read() as connection:
        assert len(list_exchanges(connection, partner="customs-xi")) == 1


@pytest.mark.parametrize("changes", [{"partner": "customs-nl"}, {"prefix": "XI000001"}, {"message_id": "m2"}])
def test_a_message_id_belongs_to_a_partner_and_its_prefix(ledgers, store, changes):
    reference = ledgers.open()
    reserve(ledgers, reference, customs_message())
    second = customs_message(**changes)
    assert reserve(ledgers, reference, second, quanta=200).kind is RecordedKind.NEW
    with store.read() as connection:
        assert find_exchange(connection, second.exchange_id).partner == second.partner
    assert ledgers.position(reference) == (800, 0, 200, 0)


def test_a_nonce_of_before_undoes_all_of_it(ledgers, store):
    reference, first = ledgers.open(), customs_message()
    reserve(ledgers, reference, first)
    again = reserve(ledgers, reference, customs_message(message_id="m2", nonces=first.nonces), quanta=200)
    assert (again.kind, again.detail) == (RecordedKind.REPLAY, "wsse")
    assert ledgers.position(reference) == (900, 0, 100, 0)
    with store.read() as connection:
        assert find_customs_message(connection, partner="customs-xi", prefix="XI000002", message_id="m2") is None


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        ("ledger.locked", False),
        ("ledger.moved", False),
        ("ledger.recorded", False),
        ("commit.before", False),
        ("commit.after", True),
    ],
)
def test_killed_while_it_moves_all_of_it_is_there_or_nothing(store_url, make_ched, make_write, point, kept):
    message = customs_message()

    def ledgers_of(store):
        return Ledgers(store, lambda number, **changes: make_write(make_ched(number, **changes)))

    with open_store(store_url, exclusive=True) as store:
        reference = ledgers_of(store).open()

    def work():
        os.setsid()
        with open_store(store_url, exclusive=True) as store:
            faultpoints._remaining = {point: 1}
            reserve(ledgers_of(store), reference, message)

    process = fork.Process(target=work)
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    with open_store(store_url, exclusive=True) as store:
        ledgers = ledgers_of(store)
        state = ledgers.state(reference)
        assert (state.version, len(state.allocations)) == ((2, 1) if kept else (1, 0))
        assert ledgers.position(reference) == ((900, 0, 100, 0) if kept else (1_000, 0, 0, 0))
        with store.read() as connection:
            assert (find_evidence(connection, message.exchange_id) is not None) is kept
            assert get_ched(connection, state.ched_id).status_code == "70"
