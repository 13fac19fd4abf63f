"""What a partner's system has no codes for waits for rows, and is sent once they are there."""

from datetime import timedelta

import pytest
from quarantine_harness import Keeper

from gateway.delivery import DeliveryOutcome, DeliveryResult, Worker
from gateway.exchange import ReleaseOutcome, payload_for
from gateway.exchange.delivering import hold_delivery
from gateway.sandbox.samples import certificate
from gateway.store import NewRow, RowKind, TableKey, list_deliveries
from gateway.store.outbox import resend

PACKAGES = TableKey(RowKind.MAP, "national-b", "package")


class Sent:
    """The adapter of the partner."""

    def __init__(self):
        self.payloads = []

    def deliver(self, job):
        self.payloads.append(job.payload)
        return DeliveryResult(DeliveryOutcome.DELIVERED, receipt=b"<receipt/>")

    resolve = deliver


class Sender(Keeper):
    def __init__(self, world, gateway):
        super().__init__(world, gateway)
        self.sent = Sent()
        self.worker = Worker(
            self.store,
            lambda _: self.sent,
            lambda job: payload_for(self.context, job),
            hold=lambda *told: hold_delivery(self.context, *told),
            clock=lambda: world.now,
        )

    def states(self):
        with self.store.read() as connection:
            return [(row.state.value, row.code) for row in reversed(list_deliveries(connection))]


def sender_of(world, opened, policy):
    target = {"adapter": "certificate-exchange", "address": "http://127.0.0.1:9/", "import_countries": ["NL"]}
    grants = {"kind": "national", "document_types": ["*"], "country_pairs": ["*>NL"], "code_system": "national-b"}
    records = (world.partner(), world.partner("nl", **grants, delivery=target, untranslatable=policy))
    made = Sender(world, opened(*records))
    made.publish(row("OLD-CRATE", valid_from="", valid_to="2020-12-31"))
    return made


@pytest.fixture
def sender(world, opened):
    return sender_of(world, opened, "quarantine")


def submit(world, sender, number="AR-1", **arguments):
    document = certificate(lines=1, number=number, **arguments).replace(b"<ram:TypeCode>BX<", b"<ram:TypeCode>FB<")
    assert sender.caller.submit(world.sealed(document)).status == 200
    world.now += timedelta(seconds=1)


def row(code="CRATE", valid_from="2021-01-01", valid_to=""):
    return NewRow(
        table=PACKAGES,
        code=code,
        canonical="FB",
        direction="out",
        loss="widens",
        valid_from=valid_from,
        valid_to=valid_to,
        text="as a test says",
    )


def test_it_is_held_with_its_gaps_and_sent_when_it_is_released(world, sender):
    submit(world, sender)
    sender.worker.run_once()
    (entry,) = sender.held()
    assert (entry.direction, entry.partner, entry.subject, entry.operation) == (
        "out", "nl", "AR/851/AR-1", "certificate-exchange",
    )  # fmt: skip
    (gap,) = sender.gaps(entry.id)
    assert (gap.source, gap.target, gap.list, gap.code) == ("traces", "national-b", "package", "FB")
    assert sender.states() == [("failed", "IMG-6003")]
    assert sender.caller.about("GetCertificateStatus", "AR-1").body.find("{*}Quarantine") is None
    sender.publish(row(), release_limit=1)
    assert sender.quarantine.release_confirmed() == 1
    assert sender.states()[0][0] == "pending"
    sender.worker.run_once()
    assert sender.states()[0][0] == "delivered"
    (payload,) = sender.sent.payloads
    assert b">CRATE<" in payload
    (left,) = sender.held()
    assert (left.state, left.exchange_id) == ("released", entry.transport["exchange"])


def test_without_the_row_it_stays(world, sender):
    submit(world, sender)
    sender.worker.run_once()
    (entry,) = sender.held()
    assert sender.quarantine.release(entry.id, actor="op").outcome is ReleaseOutcome.HELD
    assert sender.states() == [("failed", "IMG-6003")]


def test_what_an_operator_sends_by_hand_leaves_quarantine(world, sender):
    submit(world, sender)
    sender.worker.run_once()
    (entry,) = sender.held()
    sender.publish(row())
    sender.store.write(lambda c: resend(c, entry.held_in, actor="op", now=world.now, afresh=True))
    sender.worker.run_once()
    assert sender.quarantine.release(entry.id, actor="op").outcome is ReleaseOutcome.GONE
    (left,) = sender.held()
    assert left.state == "superseded"
    assert len(sender.sent.payloads) == 1


def test_tried_again_in_vain_it_is_held_once(world, sender):
    submit(world, sender)
    sender.worker.run_once()
    (entry,) = sender.held()
    world.now += timedelta(seconds=1)
    sender.store.write(lambda c: resend(c, entry.held_in, actor="op", now=world.now, afresh=True))
    sender.worker.run_once()
    assert [each.state.value for each in sender.held()] == ["superseded", "held"]


def test_with_the_policy_to_refuse_it_fails_and_an_operator_decides(world, opened):
    sender = sender_of(world, opened, "refuse")
    submit(world, sender)
    sender.worker.run_once()
    assert (sender.states(), sender.held()) == ([("failed", "IMG-6003")], ())
