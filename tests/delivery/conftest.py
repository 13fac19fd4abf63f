"""A store with documents in the outbox, a clock to turn, and a partner that does as it is told."""

from __future__ import annotations

import hashlib
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from gateway.delivery import DeliveryOutcome, DeliveryResult, DeliverySettings, Worker
from gateway.store import (
    ChedRow,
    ChedWrite,
    DeliveryTranslation,
    DocumentKey,
    Form,
    Prepared,
    PushEnd,
    PushKind,
    Submission,
    end_subscription,
    find_subscription,
    new_id,
    open_subscription,
    queue_push,
    record_ched,
    record_submission,
)
from gateway.store.finders import list_deliveries
from gateway.store.partners import save_partner

START = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TRANSLATED = DeliveryTranslation("3@0123456789ab", START.date(), b"d" * 32, "[]")


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def turn(self, **by):
        self.now += timedelta(**by)


class Partner:
    """Adapter of a partner: remembers what it saw, answers from a script, and delivers when the script is over."""

    def __init__(self):
        self.sent = []
        self.asked = []
        self.answers = deque()

    def deliver(self, job):
        self.sent.append((str(job.document.number), job.status_code, job.payload))
        return self._answer()

    def resolve(self, job):
        self.asked.append(str(job.document.number))
        return self._answer()

    def _answer(self):
        answer = self.answers.popleft() if self.answers else DeliveryOutcome.DELIVERED
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, DeliveryResult):
            return answer
        return DeliveryResult(answer, receipt=b"receipt")

    @property
    def numbers(self):
        return [number for number, *_ in self.sent]


class World:
    """Everything that a delivery test touches."""

    def __init__(self, store):
        self.store = store
        self.clock = Clock()
        self.partners = {"nl": Partner(), "de": Partner()}
        self.prepared = []
        self.refuse_to_prepare = None
        self.settings = DeliverySettings(max_attempts=3)
        for name in self.partners:
            store.write(lambda c, name=name: save_partner(c, name, {}, author="op", now=START))
        self.worker = self.make_worker()

    def make_worker(self, **changes):
        options = {"settings": self.settings, "clock": self.clock, "jitter": lambda: 1.0} | changes
        return Worker(self.store, self.partners.__getitem__, self.prepare, **options)

    def prepare(self, job):
        if self.refuse_to_prepare is not None:
            raise self.refuse_to_prepare
        self.prepared.append(job.id)
        payload = f"sealed {job.document.number} {job.status_code} for {job.partner}".encode()
        return Prepared(payload, TRANSLATED)

    def submit(self, number, *, to=("nl",), status="70", after=None):
        content = f"<{number}-{status}/>".encode()
        submission = Submission(
            exchange_id=new_id(self.clock.now),
            partner="ar-example",
            contract="certificate-exchange",
            operation="SubmitCertificate",
            received_at=self.clock.now,
            request=content,
            acknowledgement=b"<ack/>",
            document=DocumentKey("AR", "851", number),
            status_code=status,
            expected_status=after,
            digest=hashlib.sha256(content).digest(),
            content=content,
            form=Form.INLINE,
            deliveries=to,
        )
        self.store.write(lambda c: record_submission(c, submission))
        return submission.exchange_id

    def states(self, **filters):
        with self.store.read() as connection:
            return [row.state.value for row in reversed(list_deliveries(connection, **filters))]

    def row(self, delivery_id):
        with self.store.read() as connection:
            return next(row for row in list_deliveries(connection) if row.id == delivery_id)


@pytest.fixture
def world(store):
    return World(store)


class Followed:
    """A CHED that the partner ``nl`` follows."""

    def __init__(self, world, number):
        self.world = world
        now = world.clock.now
        row = ChedRow(
            id=new_id(now),
            reference=f"CHEDP.NL.2026.{number:07}",
            local_reference=f"L{number}",
            type="P",
            status_code="70",
            partner="nl",
            created_at=now,
            updated_at=now,
            status_changed_at=now,
        )
        write = ChedWrite(
            version_id=new_id(now), row=row, expected_version=None, at=now, operation="test", partner="nl",
            part="I", content=b"<c/>", digest=b"d" * 32,
        )  # fmt: skip
        store = world.store
        store.write(lambda c: record_ched(c, write))
        store.write(lambda c: open_subscription(c, partner="nl", ched_id=row.id, office="NL000396", at=now))
        with store.read() as connection:
            self.subscription = find_subscription(connection, "nl", row.id).id
        self.last = 0

    def change(self, times=1):
        """Queues pushes; gives their ids."""
        for _ in range(times):
            self.last += 1
            content = f"<change of='{self.subscription}'>{self.last}</change>".encode()
            values = {"what": PushKind.LEDGER, "content": content, "at": self.world.clock.now}
            self.world.store.write(lambda c, v=values: queue_push(c, self.subscription, self.last, **v))
        return [f"{self.subscription}-{number}" for number in range(self.last - times + 1, self.last + 1)]

    def stop(self, why=PushEnd.ASKED):
        self.world.store.write(lambda c: end_subscription(c, self.subscription, why, at=self.world.clock.now))


@pytest.fixture
def follow(world):
    """Makes CHEDs that the partner ``nl`` follows, by their number."""
    return lambda number: Followed(world, number)
