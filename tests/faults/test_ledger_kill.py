"""kill -9 under customs systems that reserve 1,000 times: the ledger is what its replies said, and never half.

Four offices of three systems work at the same time, some of it on one CHED, so that a kill meets several messages on
their way. A request whose reply was lost may have happened or not: a read tells, and the whole of it stands or nothing.
That is how a customs system has to work (a reservation is never sent again blindly), and so do those of this test.

20 kills in `make test`, on each database; IMSOC_FAULTS=200 kills as often as there is time for, with a seed of the day.
IMSOC_FAULTS_SEED repeats a run.
"""

from __future__ import annotations

import http.client
import os
import random
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "ched"))
sys.path.insert(0, str(Path(__file__).parents[1] / "single_window"))

from certex_harness import ACTION, MRN, PATH, Answer, Caller, Goods, ched_of, know, line, partner_records, write_of

from gateway.faultpoints import FAULT_POINTS
from gateway.store import check_ledgers, open_store, record_ched

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("IMSOC_FAULTS", "20"))
SEED = int(os.environ.get("IMSOC_FAULTS_SEED", time.time_ns() if KILLS > 20 else 2022_2399))
RESERVATIONS = 1000
CHEDS = 40
"""A reply holds the whole ledger of its CHED, so the declarations are shared out over several. On the first of them all
offices meet again and again."""
DESKS = (("customs-xi", "XI000002"), ("customs-xi", "XI000014"), ("customs-xi-tonnes", "XI000101"),
         ("customs-xi-other", "XI000077"))  # fmt: skip
"""Who works at the same time: (partner, office)."""
POINTS = tuple(point for point in FAULT_POINTS if point.startswith("ledger."))
LIVES = (
    "",
    "commit.after",
    "ledger.recorded",
    "",
    "commit.before",
    "ledger.moved",
    "",
    "commit.after",
    "ledger.locked",
)
"""How the gateway dies, again and again in this order: at a random moment, or at a point that it reaches. At
``commit.after`` what it would have answered is lost, and has happened."""
LONGEST_LIFE = 0.6
"""Seconds from readiness to the kill at a random moment."""
PATIENCE = 120
"""Seconds until a gateway that is killed again and again has answered a read at last."""

WRONG = {
    "movements of a message that is not kept": "SELECT e.seq FROM ledger_entries e LEFT JOIN exchanges x "
    "ON x.id = e.exchange_id WHERE e.kind <> 'certified' AND x.id IS NULL",
    "a message that is kept without its answer": "SELECT x.id FROM exchanges x LEFT JOIN exchange_parts p "
    "ON p.exchange_id = x.id WHERE x.outcome = 'accepted' AND (p.exchange_id IS NULL OR p.acknowledgement IS NULL)",
    "a message without its line in the audit": "SELECT x.id FROM exchanges x LEFT JOIN audit a ON a.subject = x.id "
    "WHERE x.outcome = 'accepted' AND a.seq IS NULL",
}


class Now:
    """The clock of the world, for a `Caller`."""

    @property
    def now(self):
        return datetime.now(UTC)


class Lost(Exception):
    """No reply came, or not all of one."""


class Office(Caller):
    """An office that keeps its own books: what each of its declarations holds and has consumed."""

    def __init__(self, instance, partner="customs-xi", office="XI000002"):
        super().__init__(Now(), partner, office=office)
        self.instance = instance
        self.held, self.consumed = {}, {}
        self.lost = []
        """For each reply to a message that moves and was lost, the life of the gateway in which it was sent, and the
        CHED."""
        self.had_happened = 0

    def post(self, envelope, request):
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{ACTION}{request}"'}
        try:
            with closing(self._connection()) as connection:
                self.life = self.instance.starts
                connection.request("POST", PATH, envelope, headers)
                reply = connection.getresponse()
                if "Content-Length" not in reply.headers:  # http.client takes headers that were cut off for whole ones
                    raise Lost
                return Answer(reply.status, reply.read())
        except (OSError, http.client.HTTPException) as error:
            raise Lost from error

    def _connection(self):
        """Connected: while nobody listens nothing is sent, and so nothing can be lost."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            connection = http.client.HTTPConnection("127.0.0.1", self.instance.port, timeout=30)
            try:
                connection.connect()
            except OSError:
                time.sleep(0.01)
                continue
            return connection
        pytest.fail(f"nobody listens:\n{self.instance.log.read_text()[-2000:]}")

    def stands(self, reference, number):
        """What a read tells of a declaration, (held, consumed), asked until there is an answer."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                answer = self.read(reference)
            except Lost:
                time.sleep(0.02)
                continue
            assert answer.said == "read"
            return answer.held_by(number), answer.consumed_by(number)
        pytest.fail(f"no read was answered:\n{self.instance.log.read_text()[-2000:]}")

    def make(self, reference, number, goods):
        """Reserve until it is certain that it is reserved; a lost reply is looked into, never sent again blindly."""
        whole = {("MRN", each.item, each.line): (each.quantity, each.unit) for each in goods}
        while True:
            try:
                answer = self.reserve(reference, MRN(number), *goods)
                assert (answer.said, answer.held_by(number)) == ("reserved", whole)
                break
            except Lost:
                self.lost.append((self.life, reference))
                held, consumed = self.stands(reference, number)
                assert (held, consumed) in (({}, {}), (whole, {})), "half"
                if held:
                    self.had_happened += 1
                    break
        self.held[reference, number] = whole

    def settle(self, reference, number, information):
        """Release (01) or delete (02), in the same way."""
        whole = self.held.pop((reference, number))
        after = ({}, whole) if information == "01" else ({}, {})
        while True:
            try:
                assert self.clear(reference, number, information).said == "outcome 01"
                break
            except Lost:
                self.lost.append((self.life, reference))
                stands = self.stands(reference, number)
                assert stands in ((whole, {}), after), "half"
                if stands == after:
                    self.had_happened += 1
                    break
        if information == "01":
            self.consumed[reference, number] = whole

    def work(self, references, chance, count):
        """Distinct declarations of two goods items on two lines; a few are released or deleted soon after.

        Every fifth is on the CHED of all offices, and does not stay.
        """
        common, *own = references
        for number in range(count):
            meets = number % 5 == 0
            reference, declaration = common if meets else own[number % len(own)], f"26{self.office}{number:08}"
            first = Goods(f"{chance.randint(1, 9)}.{chance.randint(1, 9)}")
            self.make(reference, declaration, (first, Goods(str(number + 1), "GRM", "0402", "2", "2")))
            if meets or number % 7 == 0:
                self.settle(reference, declaration, chance.choice(["01", "02", "02"]))


def prepare(world, make_instance, url=""):
    """A gateway with CHEDs and customs that does not run yet; their references."""
    gateway = make_instance("gateway-c", "traces", url=url)
    references = [f"CHEDP.XI.2026.{number:07}" for number in range(1, CHEDS + 1)]
    now = datetime.now(UTC)
    with open_store(gateway.url, exclusive=True) as store:
        know(store, partner_records(world.folder), now)
        for reference in references:
            made = ched_of(reference, (line(1, weight="10000"), line(2, "0402", "10000")))
            store.write(lambda connection, made=made: record_ched(connection, write_of(made, now)))
    return gateway, references


def compare(gateway, offices, references):
    """Every ledger is what the replies said, and adds up."""
    kept = {"held": {}, "consumed": {}}
    for reference in references:
        answer = offices[0].read(reference)
        for name, allocations in (("held", answer.reserved), ("consumed", answer.consumed)):
            for each in allocations:
                book = kept[name].setdefault((reference, each.number), {})
                assert (each.kind, each.item, each.line) not in book
                book[each.kind, each.item, each.line] = (each.quantity, each.unit)
    for name, book in kept.items():
        assert book == {key: goods for office in offices for key, goods in getattr(office, name).items()}
    gateway.kill()
    for wrong, sql in WRONG.items():
        assert gateway.rows(sql) == [], wrong
    with open_store(gateway.url, exclusive=True) as store, store.read() as connection:
        checked, troubles = check_ledgers(connection)
        assert troubles == []
        assert len(checked) == len(references)


class Killing:
    """Starts the gateway and kills it as `LIVES` says, again and again, until the block ends."""

    def __init__(self, gateway, chance, kills):
        self.gateway, self.chance, self.kills = gateway, chance, kills
        self.done = 0
        self.over = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def run(self):
        try:
            while self.done < self.kills and not self.over.is_set():
                if point := LIVES[self.done % len(LIVES)]:
                    self.gateway.launch(f"{point}:{self.chance.randint(6, 30)}")
                    ended = self.gateway.died_of_its_fault_point(3)
                else:
                    self.gateway.start()
                    ended = self.over.wait(self.chance.uniform(0.05, LONGEST_LIFE))
                if self.over.is_set():
                    break
                if not ended:
                    self.gateway.kill()
                self.done += 1
            if self.gateway.process.wait(0) is not None:
                self.gateway.start()
        except BaseException as error:  # noqa: BLE001 - reported by the test
            self.failure = error


def kill_while_they_reserve(gateway, references, *, seed=SEED):
    offices, chance = [Office(gateway, *desk) for desk in DESKS], random.Random(seed)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails: IMSOC_FAULTS_SEED repeats it
    with Killing(gateway, chance, KILLS) as killing, ThreadPoolExecutor(len(offices)) as pool:
        works = [
            pool.submit(office.work, references, random.Random(seed + place), RESERVATIONS // len(offices))
            for place, office in enumerate(offices, start=1)
        ]
        for each in works:
            each.result()
    assert killing.failure is None
    lost = [each for office in offices for each in office.lost]
    had_happened = sum(office.had_happened for office in offices)
    assert len(lost) > had_happened > 0, "no kill ever met a message, before its commit and after"
    lives = defaultdict(list)
    for life, reference in lost:
        lives[life].append(reference)
    together = [each for each in lives.values() if len(each) > 1]
    assert together, "no kill ever met two messages"
    assert [each for each in together if len(set(each)) < len(each)], "no kill ever met two messages on one CHED"
    assert [each for each in together if len(set(each)) > 1], "no kill ever met messages on two CHEDs"
    compare(gateway, offices, references)
    print(  # noqa: T201
        f"{killing.done} kills, {len(together)} of them with several messages on their way, {len(lost)} lost replies, "
        f"{had_happened} of them had happened"
    )


def test_killed_again_and_again_during_1000_reservations(make_instance, world):
    kill_while_they_reserve(*prepare(world, make_instance))


def test_killed_again_and_again_during_1000_reservations_on_postgresql(make_instance, world, pg_url):
    kill_while_they_reserve(*prepare(world, make_instance, pg_url))


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point_nothing_of_it_has_happened(make_instance, world, point):
    """The points are inside the unit of work: what died there never was."""
    gateway, references = prepare(world, make_instance)
    office = Office(gateway)
    goods = (Goods("1.5"), Goods("7", "GRM", "0402", "2", "2"))
    gateway.start()
    office.make(references[0], "BEFORE", goods)
    gateway.kill()
    for act in (
        lambda: office.reserve(references[0], MRN("FATAL"), *goods),
        lambda: office.reserve(references[0], MRN("BEFORE"), goods[0]),
        lambda: office.release(references[0], "BEFORE"),
        lambda: office.delete(references[0], "BEFORE"),
    ):
        gateway.start(f"{point}:1")
        with pytest.raises(Lost):
            act()
        assert gateway.died_of_its_fault_point()
        gateway.start()
        assert office.stands(references[0], "FATAL") == ({}, {})
        assert office.stands(references[0], "BEFORE") == (office.held[references[0], "BEFORE"], {})
        gateway.kill()
    gateway.start()
    office.settle(references[0], "BEFORE", "01")
    compare(gateway, [office], references[:1])
