"""Several processes, and processes that die: what is promised holds for each of them."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time

import pytest

from gateway import faultpoints
from gateway.errors import ConfigurationError
from gateway.store import RecordedKind, add_envelopes, envelope_content, find_audit, open_store, record_submission
from gateway.store.finders import find_evidence
from gateway.store.partners import save_partner
from gateway.store.records import DeliveryState, Outcome
from gateway.store.upkeep import counts

fork = multiprocessing.get_context("fork")

IN_THE_UNIT = (
    "submission.nonce",
    "submission.exchange",
    "submission.document",
    "submission.version",
    "submission.outbox",
    "submission.recorded",
    "commit.before",
)


def in_child(function, *arguments):
    """Run in a process group of its own, so that a fault point takes nobody else with it."""

    def alone():
        os.setsid()
        function(*arguments)

    process = fork.Process(target=alone)
    process.start()
    return process


def submit(store, submission):
    return store.write(lambda connection: record_submission(connection, submission))


def test_sixteen_processes_with_the_same_message_get_one_answer(pg_url, make_submission):
    barrier, results = fork.Barrier(16), fork.Queue()

    def send(submission):
        with open_store(pg_url, exclusive=True) as store:
            barrier.wait(timeout=30)
            recorded = submit(store, submission)
        results.put((recorded.kind, recorded.exchange_id, recorded.acknowledgement))

    processes = [in_child(send, make_submission(sender_message_id="m-1")) for _ in range(16)]
    answers = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()

    kinds = [kind for kind, *_ in answers]
    assert (kinds.count(RecordedKind.NEW), kinds.count(RecordedKind.REPEAT)) == (1, 15)
    assert len({tuple(rest) for _, *rest in answers}) == 1
    with open_store(pg_url, exclusive=False) as store, store.read() as connection:
        total = counts(connection)
    assert (total.documents, total.exchanges[Outcome.ACCEPTED], total.nonces) == (1, 1, 16)


@pytest.mark.parametrize("point", [*IN_THE_UNIT, "commit.after"])
def test_killed_at_any_step_nothing_is_half_and_nothing_acknowledged_is_lost(store_url, make_submission, now, point):
    first, second = make_submission("1", deliveries=("nl",)), make_submission("2", b"<b/>", deliveries=("nl",))
    first_done = fork.Event()

    def work():
        with open_store(store_url, exclusive=True) as store:
            store.write(lambda connection: save_partner(connection, "nl", {}, author="op", now=now))
            submit(store, first)
            first_done.set()
            faultpoints._remaining = {point: 1}
            submit(store, second)

    process = in_child(work)
    process.join(30)

    assert process.exitcode == -signal.SIGKILL
    assert first_done.is_set()
    with open_store(store_url, exclusive=True) as store:
        kept = 1 if point in IN_THE_UNIT else 2
        with store.read() as connection:
            total = counts(connection)
        assert (total.documents, total.nonces, total.deliveries[DeliveryState.PENDING]) == (kept, kept, kept)
        again = make_submission("2", b"<b/>", deliveries=("nl",))
        assert submit(store, again).kind is (RecordedKind.NEW if kept == 1 else RecordedKind.REPEAT)
        with store.read() as connection:
            assert counts(connection).documents == 2
            assert find_evidence(connection, first.exchange_id).acknowledgement == first.acknowledgement


@pytest.mark.parametrize(("point", "kept"), [("commit.before", False), ("commit.after", True)])
def test_killed_while_it_keeps_an_envelope_all_of_it_is_there_or_nothing(store_url, make_envelope, now, point, kept):
    new = make_envelope("1"), make_envelope("1-copy", recipient="channel", channel="CH")

    def work():
        with open_store(store_url, exclusive=True) as store:
            faultpoints._remaining = {point: 1}
            store.write(lambda connection: add_envelopes(connection, new, actor="ar-nppo", now=now))

    process = in_child(work)
    process.join(30)

    assert process.exitcode == -signal.SIGKILL
    with open_store(store_url, exclusive=True) as store:
        with store.read() as connection:
            found = [envelope_content(connection, envelope.number) == new[0].content for envelope in new]
            audited = [len(find_audit(connection, envelope.number)) for envelope in new]
        assert (found, audited) == ([kept] * 2, [int(kept)] * 2)
        again = store.write(lambda connection: add_envelopes(connection, new, actor="ar-nppo", now=now))
        assert again.repeated is kept


def test_killed_at_random_every_acknowledged_message_is_there_once(store_url, make_submission):
    chance = random.Random(2019_1715)
    for round_number in range(3):
        receiving, sending = fork.Pipe(duplex=False)

        def work(sending=sending, round_number=round_number):
            with open_store(store_url, exclusive=True) as store:
                for number in range(100_000):
                    submission = make_submission(f"{round_number}-{number}", f"<c{round_number}-{number}/>".encode())
                    submit(store, submission)
                    sending.send((submission.exchange_id, submission.acknowledgement))

        process = in_child(work)
        sending.close()
        acknowledged = [receiving.recv()]
        time.sleep(chance.uniform(0.0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        try:
            while True:
                acknowledged.append(receiving.recv())
        except EOFError:
            pass

        with open_store(store_url, exclusive=True) as store, store.read() as connection:
            for exchange_id, acknowledgement in acknowledged:
                assert find_evidence(connection, exchange_id).acknowledgement == acknowledgement
            total = counts(connection)
        assert total.documents == total.exchanges[Outcome.ACCEPTED] == total.nonces


def test_a_second_process_does_not_start_and_hears_which_one_is_there(sqlite_url):
    ready, leave = fork.Event(), fork.Event()

    def serve():
        with open_store(sqlite_url, exclusive=True):
            ready.set()
            leave.wait(30)

    process = in_child(serve)
    assert ready.wait(30)
    with pytest.raises(ConfigurationError) as refused:
        open_store(sqlite_url, exclusive=True)
    assert (refused.value.code, refused.value.found) == ("IMG-0110", f"process {process.pid}")
    with open_store(sqlite_url, exclusive=False, read_only=True) as beside, beside.read() as connection:
        assert counts(connection).documents == 0
    leave.set()
    process.join()
    open_store(sqlite_url, exclusive=True).close()


def test_the_lock_of_a_killed_process_heals_by_itself(sqlite_url):
    ready = fork.Event()

    def serve():
        store = open_store(sqlite_url, exclusive=True)
        ready.set()
        time.sleep(60)
        store.close()

    process = in_child(serve)
    assert ready.wait(30)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    open_store(sqlite_url, exclusive=True).close()


def test_an_operator_may_write_beside_the_serving_process(sqlite_url, make_submission, now):
    with open_store(sqlite_url, exclusive=True) as serving:
        process = in_child(_add_partner, sqlite_url, now)
        for number in range(50):
            submit(serving, make_submission(str(number), f"<c{number}/>".encode()))
        process.join(30)
        assert process.exitcode == 0
        with serving.read() as connection:
            total = counts(connection)
    assert (total.partners, total.documents) == (1, 50)


def _add_partner(url, now):
    with open_store(url, exclusive=False) as store:
        store.write(lambda connection: save_partner(connection, "nl", {}, author="op", now=now))


def test_a_fault_point_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="names no fault point"):
        faultpoints._armed("submission.nowhere:2")
    assert faultpoints._armed("commit.before:2") == {"commit.before": 2}
    assert faultpoints._armed("") == {}
