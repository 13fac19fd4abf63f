"""A CHED is written whole or not at all, by one of many, and the same message twice is one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway import faultpoints
from gateway.store import (
    ChedLinkRow,
    ChedQuery,
    ChedSeal,
    ChedVisibility,
    Conflict,
    Nonce,
    Outcome,
    RecordedKind,
    Undo,
    allocate_number,
    ched_by_reference,
    ched_content,
    ched_links,
    ched_of_exchange,
    ched_repeat_key,
    ched_seals,
    ched_version_content,
    ched_versions,
    cheds_by_local_reference,
    cheds_linking_to,
    find_audit,
    find_ched_repeat,
    find_cheds,
    find_evidence,
    get_ched,
    list_exchanges,
    new_id,
    open_store,
    pending_cheds,
    read_ched_by_reference,
    record_ched,
)

fork = multiprocessing.get_context("fork")
ALL = ChedVisibility(everything=True)


@pytest.fixture
def record(store):
    """Write one or several in one unit; gives the last result."""

    def recording(*writes):
        def unit(connection):
            return [record_ched(connection, write) for write in writes][-1]

        return store.write(unit)

    return recording


@pytest.fixture
def ask(store):
    def asking(function, *arguments, **named):
        with store.read() as connection:
            return function(connection, *arguments, **named)

    return asking


def test_what_was_written_is_read_to_the_last_field(record, ask, make_ched, make_write, now):
    row = make_ched(
        purpose="INTERNAL_MARKET",
        pending="counter-seal",
        operators=("EORI-1",),
        sources=("KE", "TZ"),
        targets=("NL",),
        origin_countries=("KE", "TZ"),
        phyto_references=('A "quoted" one', "ü"),
        transshipped=True,
        consignor_name="Invented Roses",
        declared_at=now - timedelta(hours=1),
    )
    write = make_write(row, original=b"<own codes/>", laboratory_tests=b"<tests/>")
    assert record(write).kind is RecordedKind.NEW

    stored, parts = ask(read_ched_by_reference, row.reference)
    assert stored == replace(row, seq=stored.seq, version=1, content_id=write.version_id)
    assert (parts.content, parts.original, parts.laboratory_tests) == (b"<content/>", b"<own codes/>", b"<tests/>")
    assert ask(get_ched, row.id) == ask(ched_by_reference, row.reference) == ask(ched_of_exchange, write.version_id)
    assert ask(ched_content, stored) == parts
    evidence = ask(find_evidence, write.version_id)
    assert (evidence.request, evidence.acknowledgement) == (b"<envelope/>", write.evidence.acknowledgement)
    assert evidence.exchange.subject == row.reference
    (entry,) = ask(find_audit, write.version_id)
    assert (entry.actor, entry.action, entry.detail["status"]) == ("nl-system", "submit accepted", "1")


def test_a_change_moves_everything_on_and_keeps_what_it_does_not_bring(record, ask, make_ched, make_write, now):
    row = make_ched(pending="counter-seal")
    first = make_write(row)
    record(first)
    decided = replace(row, status_code="70", pending="", decided_at=now, post_code="", local_reference="")
    second = make_write(decided, content=None, expected_version=1, operation="seal", part="", evidence=None)
    assert record(second).kind is RecordedKind.NEW

    stored = ask(get_ched, row.id)
    assert (stored.version, stored.status_code, stored.content_id) == (2, "70", first.version_id)
    assert ask(ched_content, stored).content == b"<content/>"
    assert ask(ched_version_content, second.version_id) is None
    versions = ask(ched_versions, row.id)
    assert [(v.number, v.status_code, v.part, v.operation, v.exchange_id) for v in versions] == [
        (1, "1", "I", "submit", first.version_id),
        (2, "70", "", "seal", None),
    ]
    for found, query in (
        (1, ChedQuery(visibility=ALL, statuses=("70",))),
        (0, ChedQuery(visibility=ALL, statuses=("1",))),
        (0, ChedQuery(visibility=ALL, post="NLRTM1")),
        (1, ChedQuery(visibility=ALL, post="NLRTM")),
        (1, ChedQuery(visibility=ChedVisibility(posts=("NLRTM1",)), statuses=("70",))),
        (0, ChedQuery(visibility=ChedVisibility(posts=("NLRTM1",)), statuses=("1",))),
    ):
        assert len(ask(find_cheds, query)) == found
    assert ask(cheds_by_local_reference, "local-1") == ()
    assert ask(pending_cheds, limit=5) == ()


def test_two_who_judged_the_same_version_do_not_both_win(store, record, ask, make_ched, make_write):
    row = make_ched()
    record(make_write(row))
    barrier = threading.Barrier(8)

    def decide(status):
        barrier.wait()
        write = make_write(replace(row, status_code=status), f"<{status}/>".encode(), expected_version=1)
        return store.write(lambda c: record_ched(c, write))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(decide, [f"7{number}" for number in range(8)]))
    kinds = [result.kind for result in results]
    assert (kinds.count(RecordedKind.NEW), kinds.count(RecordedKind.CONFLICT)) == (1, 7)
    assert {r.conflict for r in results if r.kind is RecordedKind.CONFLICT} == {Conflict.STATE}
    assert {r.detail for r in results if r.kind is RecordedKind.CONFLICT} == {"version 2"}
    stored = ask(get_ched, row.id)
    assert stored.version == 2
    assert len(ask(ched_versions, row.id)) == 2
    assert len(ask(list_exchanges)) == 2, "nothing of a loser stays"
    (found,) = ask(find_cheds, ChedQuery(visibility=ALL, statuses=tuple(f"7{number}" for number in range(8))))
    assert found.status_code == stored.status_code


def test_the_same_message_is_answered_with_the_first_receipt_while_the_ched_lives(record, ask, make_ched, make_write):
    row = make_ched()
    first = make_write(row)
    record(first)
    again = record(make_write(make_ched()))
    assert (again.kind, again.acknowledgement) == (RecordedKind.REPEAT, first.evidence.acknowledgement)
    assert again.exchange_id == first.version_id
    assert ask(find_ched_repeat, first.evidence.repeat_key) == again
    assert [row.outcome for row in ask(list_exchanges, outcome=Outcome.REPEAT)] == [Outcome.REPEAT]

    cancelled = make_write(
        replace(row, status_code="64"), content=None, expected_version=1, operation="cancel", terminal=True
    )
    cancelled = replace(cancelled, evidence=replace(cancelled.evidence, repeat_key=b"the cancellation"))
    assert record(cancelled).kind is RecordedKind.NEW
    assert ask(find_ched_repeat, first.evidence.repeat_key) is None
    anew = make_write(make_ched(reference="CHEDPP.NL.2026.0000002"))
    anew = replace(anew, evidence=replace(anew.evidence, repeat_key=first.evidence.repeat_key))
    assert record(anew).kind is RecordedKind.NEW
    assert len(ask(find_cheds, ChedQuery(visibility=ALL))) == 2


def test_the_same_message_from_many_at_once_makes_one_ched(store, ask, make_ched, make_write):
    barrier = threading.Barrier(6)

    def send(_):
        barrier.wait()

        def unit(connection):
            number = allocate_number(connection, type="PP", country="NL", year=2026)
            write = make_write(make_ched(number))
            same = replace(write.evidence, repeat_key=b"the same")
            return record_ched(connection, replace(write, evidence=same))

        return store.write(unit)

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(send, range(6)))
    kinds = [result.kind for result in results]
    assert (kinds.count(RecordedKind.NEW), kinds.count(RecordedKind.REPEAT)) == (1, 5)
    assert len({result.acknowledgement for result in results}) == 1
    assert len(ask(find_cheds, ChedQuery(visibility=ALL))) == 1


def test_a_nonce_counts_once_and_a_replay_changes_nothing(record, ask, make_ched, make_write, now):
    nonce = Nonce("wsse", "used", now + timedelta(hours=1))
    first = make_write()
    record(replace(first, evidence=replace(first.evidence, nonces=(nonce,))))
    second = make_write(make_ched(2))
    replayed = record(replace(second, evidence=replace(second.evidence, nonces=(nonce,))))
    assert replayed.kind is RecordedKind.REPLAY
    assert ask(get_ched, second.row.id) is None


@pytest.mark.parametrize("reason", ["there already", "reference taken", "not there", "reference taken by a change"])
def test_what_cannot_stand_is_a_conflict_and_leaves_nothing(record, ask, make_ched, make_write, reason):
    row, other = make_ched(1), make_ched(2)
    record(make_write(row))
    record(make_write(other))
    write, detail = {
        "there already": (make_write(replace(row, reference="CHEDPP.NL.2026.0000009"), b"<b/>"), "version 1"),
        "reference taken": (make_write(make_ched(1), b"<b/>"), "reference taken"),
        "not there": (make_write(make_ched(3), b"<b/>", expected_version=1), "not there"),
        "reference taken by a change": (
            make_write(replace(other, reference=row.reference), b"<b/>", expected_version=1),
            "reference taken",
        ),
    }[reason]
    result = record(write)
    assert (result.kind, result.conflict, result.detail) == (RecordedKind.CONFLICT, Conflict.STATE, detail)
    assert len(ask(list_exchanges)) == 2
    assert ask(ched_by_reference, "CHEDPP.NL.2026.0000009") is None


def test_many_cheds_may_wait_for_their_reference(record, ask, make_ched, make_write):
    for number in (1, 2):
        evidence = make_write(make_ched(number)).evidence
        assert record(make_write(make_ched(number, reference=""), evidence=evidence)).kind is RecordedKind.NEW
    assert ask(ched_by_reference, "") is None
    assert ask(read_ched_by_reference, "") is None
    assert ask(cheds_by_local_reference, "") == ()
    assert len(ask(cheds_by_local_reference, "local-2")) == 1
    assert ask(cheds_by_local_reference, "local-2", partner="another") == ()


def test_a_signature_belongs_to_whom_it_came_from_first(record, ask, make_ched, make_write):
    seals = (ChedSeal("officer", b"<signed/>", '{"ok": true}', b"value"), ChedSeal("authority", b"<sealed/>"))
    row = make_ched(1)
    first = make_write(row, seals=seals)
    assert record(first).kind is RecordedKind.NEW
    with_part_three = make_write(replace(row, status_code="70"), b"<b/>", seals=seals[:1], expected_version=1)
    assert record(with_part_three).kind is RecordedKind.NEW
    stolen = record(make_write(make_ched(2), seals=seals, partner="thief"))
    assert (stolen.kind, stolen.conflict, stolen.detail) == (RecordedKind.CONFLICT, Conflict.SEAL_VALUE, "officer")
    assert ask(ched_seals, row.id) == (
        (first.version_id, ChedSeal("officer", b"<signed/>", '{"ok": true}')),
        (first.version_id, ChedSeal("authority", b"<sealed/>")),
        (with_part_three.version_id, ChedSeal("officer", b"<signed/>", '{"ok": true}')),
    )


def test_a_message_id_names_one_message(record, make_ched, make_write):
    for number, kind in ((1, RecordedKind.NEW), (2, RecordedKind.CONFLICT)):
        write = make_write(make_ched(number))
        result = record(replace(write, evidence=replace(write.evidence, sender_message_id="m-1")))
        assert result.kind is kind
    assert (result.conflict, result.detail) == (Conflict.MESSAGE_ID, "m-1")


def test_a_ched_and_the_one_it_replaces_change_together_or_not_at_all(record, ask, make_ched, make_write):
    old = make_ched(1)
    record(make_write(old))
    new = make_write(make_ched(2), links=(ChedLinkRow("ACW", old.reference),))
    replaced = make_write(
        replace(old, status_code="44"),
        content=None,
        evidence=None,
        expected_version=2,
        operation="replaced",
        links=(ChedLinkRow("subsequent", new.row.reference),),
        terminal=True,
    )
    assert record(new, replaced).conflict is Conflict.STATE
    assert ask(ched_by_reference, new.row.reference) is None
    assert ask(get_ched, old.id).status_code == "1"

    assert record(new, replace(replaced, expected_version=1)).kind is RecordedKind.NEW
    assert ask(get_ched, old.id).status_code == "44"
    assert ask(ched_links, new.row.id) == (ChedLinkRow("ACW", old.reference),)
    ((linking, relation),) = ask(cheds_linking_to, old.reference)
    assert (linking.id, relation) == (new.row.id, "ACW")


def test_numbers_count_for_each_type_country_and_year_and_none_comes_twice(store):
    def allocate(year=2026, **of):
        wanted = {"type": "PP", "country": "NL", "year": year, **of}
        return store.write(lambda c: allocate_number(c, **wanted))

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: allocate(), range(40)))
    assert sorted(numbers) == list(range(1, 41))
    assert (allocate(2027), allocate(country="XI"), allocate(type="A"), allocate()) == (1, 1, 1, 41)

    def undone(connection):
        allocate_number(connection, type="PP", country="NL", year=2026)
        raise Undo(None)

    store.write(undone)
    assert allocate() == 42


def test_what_makes_two_messages_the_same():
    one = {"partner": "nl", "operation": "submit", "body": "B1", "digest": b"d"}
    keys = {ched_repeat_key(**one)} | {
        ched_repeat_key(**{**one, name: value})
        for name, value in {"partner": "be", "operation": "amend", "body": "B2", "digest": b"e"}.items()
    }
    assert len(keys) == 5
    assert ched_repeat_key(**one) == ched_repeat_key(**one)


def test_what_waits_comes_oldest_first_in_pages(record, ask, make_ched, make_write):
    for number in range(1, 6):
        pending = "counter-seal" if number != 3 else ""
        record(make_write(make_ched(number, pending=pending)))
    first = ask(pending_cheds, limit=3)
    rest = ask(pending_cheds, limit=3, after=first[-1].seq)
    assert [row.reference[-1] for row in (*first, *rest)] == ["1", "2", "4", "5"]


@pytest.mark.parametrize(
    ("point", "kept"),
    [("ched.exchange", 1), ("ched.moved", 1), ("ched.recorded", 1), ("commit.before", 1), ("commit.after", 2)],
)
def test_killed_while_it_writes_all_of_it_is_there_or_nothing(store_url, make_ched, make_write, now, point, kept):
    first, second = make_write(make_ched(1)), make_write(make_ched(2), seals=(ChedSeal("officer", b"<a/>"),))

    def work():
        os.setsid()
        with open_store(store_url, exclusive=True) as store:
            store.write(lambda connection: record_ched(connection, first))
            faultpoints._remaining = {point: 1}
            store.write(lambda connection: record_ched(connection, second))

    process = fork.Process(target=work)
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    with open_store(store_url, exclusive=True) as store:
        with store.read() as connection:
            assert len(find_cheds(connection, ChedQuery(visibility=ALL))) == kept
            assert len(ched_versions(connection, second.row.id)) == kept - 1
            assert len(ched_seals(connection, second.row.id)) == kept - 1
        again = replace(
            second,
            version_id=new_id(now),
            evidence=replace(second.evidence, nonces=(Nonce("wsse", "fresh", now + timedelta(hours=1)),)),
        )
        result = store.write(lambda connection: record_ched(connection, again))
        assert result.kind is (RecordedKind.NEW if kept == 1 else RecordedKind.REPEAT)
        assert result.acknowledgement == second.evidence.acknowledgement
