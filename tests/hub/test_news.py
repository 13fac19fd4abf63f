import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hub_members import directory, header, partner, records

from gateway.errors import HubRefused
from gateway.hub import HubService, news
from gateway.store import (
    DeliveryState,
    DocumentKey,
    Form,
    Submission,
    find_deliveries,
    find_tracking,
    new_id,
    record_submission,
    record_tracking,
    save_partner,
)
from gateway.store.outbox import acquire_lane, claim_next, settle
from gateway.store.outbox_records import Settlement

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
HUB = partner("the-hub")


@pytest.fixture
def sent(store):
    """A delivery of ours that the hub took under H-1; returns how it stands."""
    exchange = new_id(NOW)
    submission = Submission(
        exchange_id=exchange,
        partner="be-nppo",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=NOW,
        request=b"<request/>",
        acknowledgement=b"<acknowledgement/>",
        document=DocumentKey("BE", "851", "1"),
        status_code="70",
        expected_status=None,
        digest=hashlib.sha256(b"<content/>").digest(),
        content=b"<content/>",
        form=Form.INLINE,
        deliveries=("the-hub",),
    )
    taken = Settlement(
        state=DeliveryState.TRACKING,
        failures=0,
        next_attempt_at=LATER,
        lane_failures=0,
        lane_not_before=NOW,
        reference="H-1",
        tracking="PendingDelivery",
    )

    def send(connection):
        for record in records():
            save_partner(connection, record["id"], record, author="test", now=NOW)
        record_submission(connection, submission)
        fence = acquire_lane(connection, "the-hub", owner="test", now=NOW, until=LATER)
        claimed = claim_next(connection, "the-hub", fence=fence, now=NOW, until=LATER)
        assert settle(connection, claimed, taken, now=NOW)

    store.write(send)

    def delivery():
        with store.read() as connection:
            return find_deliveries(connection, exchange)[0], find_tracking(connection, "H-1", partner="the-hub")

    return delivery


@pytest.fixture
def hub(store):
    return HubService(store, directory())


def told(state, message="", number="H-1"):
    return header(hub_delivery_number=number, tracking=state, error_message=message)


@pytest.mark.parametrize(
    ("state", "delivery", "code"),
    [
        ("Delivered", DeliveryState.DELIVERED, ""),
        ("DeliveredWithWarnings", DeliveryState.DELIVERED, ""),
        ("DeliveredNotReadable", DeliveryState.REFUSED, "IMG-8015"),
        ("FailedDelivery", DeliveryState.REFUSED, "IMG-8014"),
    ],
)
def test_a_hubs_last_word_ends_our_delivery(hub, sent, state, delivery, code):
    hub.set_tracking(HUB, told(state, "so it is"), now=NOW)
    row, tracking = sent()
    assert (row.state, row.code, row.detail) == (delivery, code, "so it is")
    assert (tracking.state, tracking.message, tracking.settled_at) == (state, "so it is", NOW)
    hub.set_tracking(HUB, told(state, "once more"), now=LATER)
    assert sent()[1].message == "so it is"
    other = "Delivered" if state != "Delivered" else "FailedDelivery"
    with pytest.raises(HubRefused) as caught:
        hub.set_tracking(HUB, told(other), now=LATER)
    assert caught.value.code == "IMG-7102"


def test_that_it_still_waits_is_noted_and_ends_nothing(hub, sent):
    hub.set_tracking(HUB, told("PendingDelivery", "x" * 3_000), now=NOW)
    row, tracking = sent()
    assert row.state is DeliveryState.TRACKING
    assert len(tracking.message) == 2_000
    assert (tracking.checked_at, tracking.next_check_at, tracking.settled_at) == (NOW, LATER, None)


@pytest.mark.parametrize(
    ("caller", "news_", "code"),
    [
        (HUB, told("Delivered", number="H-2"), "IMG-7101"),
        (partner("the-hub", id="other-hub"), told("Delivered"), "IMG-7101"),
        (partner("be-nppo"), told("Delivered"), "IMG-7101"),
        (HUB, told("EnvelopeNotExists"), "IMG-7103"),
        (HUB, told("delivered"), "IMG-7103"),
    ],
)
def test_what_is_not_heard(hub, sent, caller, news_, code):
    with pytest.raises(HubRefused) as caught:
        hub.set_tracking(caller, news_, now=NOW)
    assert caught.value.code == code
    assert sent()[0].state is DeliveryState.TRACKING


@pytest.mark.parametrize("same", [True, False])
def test_whoever_was_faster_is_believed(hub, sent, monkeypatch, same):
    def beaten(connection, delivery_id, **said):
        faster = said if same else {**said, "state": "FailedDelivery", "final": DeliveryState.REFUSED}
        assert record_tracking(connection, delivery_id, **faster)
        return record_tracking(connection, delivery_id, **said)

    monkeypatch.setattr(news, "record_tracking", beaten)
    if same:
        hub.set_tracking(HUB, told("Delivered"), now=NOW)
        assert sent()[0].state is DeliveryState.DELIVERED
    else:
        with pytest.raises(HubRefused) as caught:
            hub.set_tracking(HUB, told("Delivered"), now=NOW)
        assert caught.value.code == "IMG-7102"
