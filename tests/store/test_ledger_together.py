"""Many at once on one CHED: nothing is sold twice, nobody fails, everybody gets a turn."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from store_ledgers import NOW, Ledgers, line, movement

from gateway.store import (
    CustomsMessage,
    Declaration,
    DeclarationType,
    LedgerChange,
    RecordedKind,
    apply_change,
    check_ledgers,
    entries_of,
    freeze_ledger,
    lock_ledger,
    new_id,
    open_ledger,
    open_store,
    read_ledger_content,
    record_ched,
    record_customs_message,
)

fork = multiprocessing.get_context("fork")
CLIENTS = 16
ROUNDS = 6
CERTIFIED = 40
"""Far less than all of them want together."""


def declaration(client):
    return Declaration(DeclarationType.MRN, f"26XI{client:04}")


def reserve(store, reference, client, number, quanta):
    """What the service does for a reservation: judged on the locked ledger, refused where there is too little."""

    def unit(connection):
        state = lock_ledger(connection, reference)
        mine = [each for each in state.allocations if each.declaration == declaration(client)]
        back = tuple(movement("returned", each.quanta, each.declaration) for each in mine)
        room = state.lines[0].available + sum(each.quanta for each in mine)
        take = (movement("reserved", quanta, declaration(client)),) if quanta <= room else ()
        exchange_id = new_id(NOW)
        if back or take:
            partner = f"customs-{client}"
            apply_change(
                connection, LedgerChange(ched_id=state.ched_id, at=NOW, partner=partner, movements=(*back, *take))
            )
        message = CustomsMessage(
            exchange_id=exchange_id,
            partner=f"customs-{client}",
            contract="customs-certex-ched",
            operation="reserve",
            received_at=NOW,
            subject=reference,
            prefix="XI",
            message_id=f"{client}-{number}",
            request=b"<a/>",
            acknowledgement=b"<b/>",
        )
        return record_customs_message(connection, message).kind, bool(take)

    return store.write(unit)


def client_of(store, reference, client):
    """One customs office: it wants more each time."""
    return [reserve(store, reference, client, number, 1 + (client + number) % 7) for number in range(ROUNDS)]


def judged(store, reference, answers):
    """Every answer is one, and what was promised last is what stands."""
    assert all(kind is RecordedKind.NEW for rounds in answers.values() for kind, _ in rounds)
    assert {taken for rounds in answers.values() for _, taken in rounds} == {True, False}
    with store.read() as connection:
        state = read_ledger_content(connection, reference)[0]
        moved = entries_of(connection, state.ched_id, limit=10_000)
        assert check_ledgers(connection)[1] == []
    holds = {each.declaration: each.quanta for each in state.allocations}
    for client, rounds in answers.items():
        wanted = 1 + (client + ROUNDS - 1) % 7
        assert holds.get(declaration(client)) == (wanted if rounds[-1][1] else None)
    assert sum(holds.values()) == state.lines[0].reserved <= CERTIFIED
    left = CERTIFIED
    for entry in moved[1:]:
        left += entry.quanta if entry.kind == "returned" else -entry.quanta
        assert left >= 0


def test_threads_on_one_ched_never_oversell_and_none_fails(ledgers, store):
    reference = ledgers.open(1, line(1, CERTIFIED))
    with ThreadPoolExecutor(CLIENTS) as pool:
        rounds = pool.map(lambda client: client_of(store, reference, client), range(CLIENTS))
        answers = dict(enumerate(rounds))
    judged(store, reference, answers)


def test_processes_on_one_ched_never_oversell_and_none_fails(pg_url, make_ched, make_write):
    with open_store(pg_url, exclusive=True) as store:
        reference = Ledgers(store, lambda number, **changes: make_write(make_ched(number, **changes))).open(
            1, line(1, CERTIFIED)
        )
    barrier, results = fork.Barrier(CLIENTS), fork.Queue()

    def work(client):
        with open_store(pg_url, exclusive=True) as store:
            barrier.wait(timeout=60)
            results.put((client, client_of(store, reference, client)))

    processes = [fork.Process(target=work, args=(client,)) for client in range(CLIENTS)]
    for process in processes:
        process.start()
    answers = dict(results.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    with open_store(pg_url, exclusive=True) as store:
        judged(store, reference, answers)


def test_one_message_in_several_hands_moves_once(ledgers, store):
    reference = ledgers.open(1, line(1, CERTIFIED))
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: _same(store, reference), range(CLIENTS)))
    assert sorted(kind for kind, _ in answers) == ["conflict"] * (CLIENTS - 1) + ["new"]
    (first,) = {exchange_id for _, exchange_id in answers}
    assert ledgers.position(reference) == (CERTIFIED - 5, 0, 5, 0)
    with store.read() as connection:
        moved = entries_of(connection, ledgers.state(reference).ched_id)
    assert [each.exchange_id for each in moved] == ["", first]


def _same(store, reference):
    def unit(connection):
        state = lock_ledger(connection, reference)
        exchange_id = new_id(NOW)
        back = tuple(movement("returned", each.quanta, each.declaration) for each in state.allocations)
        moves = (*back, movement("reserved", 5, declaration(1)))
        change = LedgerChange(ched_id=state.ched_id, at=NOW, partner="xi", exchange_id=exchange_id, movements=moves)
        apply_change(connection, change)
        return record_customs_message(
            connection,
            CustomsMessage(
                exchange_id=exchange_id,
                partner="xi",
                contract="customs-certex-ched",
                operation="reserve",
                received_at=NOW,
                subject=reference,
                prefix="XI",
                message_id="m",
                request=b"<a/>",
                acknowledgement=b"<b/>",
            ),
        )

    recorded = store.write(unit)
    return recorded.kind.value, recorded.exchange_id


def test_many_open_one_ledger_once(ledgers, store):
    write = ledgers.make(1, status_code="70")
    store.write(lambda connection: record_ched(connection, write))

    def unit(connection):
        lock_ledger(connection, write.row.reference)
        open_ledger(connection, write.row.id, [line(1, CERTIFIED)], NOW)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda _: store.write(unit), range(CLIENTS)))
    assert ledgers.position(write.row.reference) == (CERTIFIED, 0, 0, 0)
    with store.read() as connection:
        assert len(entries_of(connection, write.row.id)) == 1


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_reservation_waits_for_the_cancellation_and_sees_it(ledgers, store, make_write):
    """The status and the ledger move together: after the commit of the one the other finds it."""
    reference = ledgers.open(1, line(1, CERTIFIED))
    with store.read() as connection:
        row = read_ledger_content(connection, reference)[1]
    cancelled = make_write(replace(row, status_code="64"), expected_version=row.version, content=None)
    written, asked, seen = threading.Event(), threading.Event(), []

    def cancel(connection):
        record_ched(connection, cancelled)
        freeze_ledger(connection, row.id, "cancelled", at=NOW, actor="")
        written.set()
        assert asked.wait(30)

    def look(connection):
        asked.set()
        seen.append(lock_ledger(connection, reference))

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(store.write, cancel)
        assert written.wait(30)
        second = pool.submit(store.write, look)
        first.result(30)
        second.result(30)
    (state,) = seen
    assert (state.status_code, state.frozen, state.version) == ("64", "cancelled", 2)


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_what_refers_to_a_ched_does_not_wait_for_its_ledger(ledgers, store):
    """A link, a version, a report of another unit of work: an INSERT with a foreign key to the locked row."""
    reference = ledgers.open(1, line(1, CERTIFIED))
    chid = ledgers.state(reference).ched_id
    locked, inserted = threading.Event(), threading.Event()

    def hold(connection):
        lock_ledger(connection, reference)
        locked.set()
        assert inserted.wait(30)

    def link(connection):
        driver = connection.connection.driver_connection
        driver.execute("SET LOCAL lock_timeout = '5s'")
        driver.execute("INSERT INTO ched_links (ched_id, relation, reference) VALUES (%s, 'ACW', 'other')", (chid,))

    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(store.write, hold)
        assert locked.wait(30)
        try:
            pool.submit(store.write, link).result(30)
        finally:
            inserted.set()
        holding.result(30)
