"""A store with documents in the outbox, a clock to turn, and a partner that does as it is told."""

from __future__ import annotations

import hashlib
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from gateway.delivery import DeliveryOutcome, DeliveryResult, DeliverySettings, Worker
from gateway.store import DeliveryTranslation, DocumentKey, Form, Prepared, Submission, new_id, record_submission
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
