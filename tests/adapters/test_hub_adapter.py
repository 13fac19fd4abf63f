"""Sending through a hub: what each answer means, and how a lost one is found again."""

from __future__ import annotations

from datetime import timedelta

import fake_hub
import pytest
from fake_hub import FakeHub

from adapters import DeliveryJob, DeliveryOutcome, open_adapter
from adapters.ippc_hub import IppcHubAdapter
from adapters.ippc_hub.adapter import MAX_NUMBER
from gateway.access import DeliveryTarget
from gateway.errors import DeliveryError, HubRefused
from gateway.ippc import wire
from gateway.ippc.models import Envelope, EnvelopeHeader
from gateway.store import DocumentKey

HEADER = EnvelopeHeader("AR", "NL", 851, 70, "AR-1")


@pytest.fixture
def hub():
    return FakeHub()


@pytest.fixture
def adapter(hub, served):
    return open_adapter(DeliveryTarget("ippc-hub", served(hub), timeout_seconds=1.0), "")


@pytest.fixture
def job(utc_now):
    return DeliveryJob(
        id="d-1",
        partner="hub",
        exchange_id="x",
        document=DocumentKey("AR", "851", "AR-1"),
        status_code="70",
        sender="nl",
        attempt=1,
        deadline=utc_now + timedelta(seconds=20),
        payload=wire.deliver_envelope(Envelope(HEADER, b"<a/>")),
    )


def test_the_hub_takes_it_and_goes_on_with_it(hub, adapter, job):
    result = adapter.deliver(job)
    assert (result.outcome, result.reference, result.tracking) == (
        DeliveryOutcome.TRACKING,
        "HUB-0001",
        "PendingDelivery",
    )
    assert b"DeliverEnvelopeResponse" in result.receipt
    assert hub.envelopes["HUB-0001"].content == "<a/>"
    assert isinstance(adapter.adapter, IppcHubAdapter)


@pytest.mark.parametrize(
    ("changes", "outcome", "code", "reference"),
    [
        ({"HUBTrackingInfo": "PendingDelivery"}, DeliveryOutcome.TRACKING, "", "HUB-0001"),
        ({"HUBTrackingInfo": None}, DeliveryOutcome.TRACKING, "", "HUB-0001"),
        ({"HUBTrackingInfo": "Delivered"}, DeliveryOutcome.DELIVERED, "", "HUB-0001"),
        ({"HUBTrackingInfo": "DeliveredWithWarnings"}, DeliveryOutcome.DELIVERED, "", "HUB-0001"),
        ({"HUBTrackingInfo": "DeliveredNotReadable"}, DeliveryOutcome.REFUSED, "IMG-8015", "HUB-0001"),
        ({"HUBTrackingInfo": "FailedDelivery"}, DeliveryOutcome.REFUSED, "IMG-8014", "HUB-0001"),
        (
            {"HUBTrackingInfo": "FailedDelivery", "hubDeliveryNumber": None},
            DeliveryOutcome.REFUSED,
            "IMG-8014",
            "",
        ),
        (
            {"HUBTrackingInfo": "FailedDelivery", **dict.fromkeys(fake_hub.FIELDS)},
            DeliveryOutcome.REFUSED,
            "IMG-8014",
            "HUB-0001",
        ),
        ({"NPPOCertificateNumber": "  AR-1\n"}, DeliveryOutcome.TRACKING, "", "HUB-0001"),
    ],
)
def test_what_an_answer_means(hub, adapter, job, changes, outcome, code, reference):
    fake_hub.header_with(hubDeliveryErrorMessage="in its own words", **changes)(hub, "DeliverEnvelope")
    result = adapter.deliver(job)
    assert (result.outcome, result.code, result.reference) == (outcome, code, reference)
    assert result.detail == "in its own words"


@pytest.mark.parametrize(
    "changes",
    [
        {"hubDeliveryNumber": "9" * (MAX_NUMBER + 1)},
        {"hubDeliveryNumber": None},
        {"HUBTrackingInfo": "EnvelopeNotExists"},
        {"HUBTrackingInfo": "OnItsWay"},
        {"NPPOCertificateNumber": "AR-2"},
        {"From": "UY"},
        {"To": "BE"},
        {"CertificateType": "657"},
        {"CertificateStatus": "40"},
        {"HUBTrackingInfo": "FailedDelivery", "NPPOCertificateNumber": "AR-2"},
        {"HUBTrackingInfo": "Delivered", "NPPOCertificateNumber": "AR-2"},
    ],
)
def test_an_answer_that_says_nothing_about_this_certificate(hub, adapter, job, changes):
    fake_hub.header_with(**changes)(hub, "DeliverEnvelope")
    result = adapter.deliver(job)
    assert (result.outcome, result.code, result.reference) == (DeliveryOutcome.UNKNOWN, "IMG-8003", "")


def test_an_answer_without_a_header_is_no_answer(hub, adapter, job):
    fake_hub.header_with(CertificateType="many")(hub, "DeliverEnvelope")
    with pytest.raises(HubRefused):
        adapter.deliver(job)


@pytest.mark.parametrize(
    ("lie", "outcome", "code"),
    [
        (fake_hub.fault("database is away"), DeliveryOutcome.LATER, "IMG-8006"),
        (fake_hub.fault("Unmarshalling Error", "Client"), DeliveryOutcome.REFUSED, "IMG-8006"),
        (fake_hub.fault("IMG-3001: order | retry never"), DeliveryOutcome.REFUSED, "IMG-3001"),
        (fake_hub.fault("IMG-9001: busy | retry later"), DeliveryOutcome.LATER, "IMG-9001"),
        (fake_hub.fault("IMG-2101: no grant | retry after-change"), DeliveryOutcome.LATER, "IMG-2101"),
        (fake_hub.page(403), DeliveryOutcome.UNREACHABLE, "IMG-8004"),
        (fake_hub.fault("forbidden", status=403), DeliveryOutcome.UNREACHABLE, "IMG-8004"),
    ],
)
def test_what_a_refusal_means(hub, adapter, job, lie, outcome, code):
    hub.lies["DeliverEnvelope"].append(lie)
    result = adapter.deliver(job)
    assert (result.outcome, result.code, result.reference) == (outcome, code, "")


@pytest.mark.parametrize(
    ("lie", "code"), [(fake_hub.lost, "IMG-8002"), (fake_hub.slow(1.3), "IMG-8002"), (fake_hub.page(502), "IMG-8003")]
)
def test_a_lost_answer_is_found_under_delivery_and_nothing_is_sent_again(hub, adapter, job, lie, code):
    hub.put(NPPOCertificateNumber="AR-0")
    hub.lies["DeliverEnvelope"].append(lie)
    with pytest.raises(DeliveryError) as caught:
        adapter.deliver(job)
    assert caught.value.code == code
    result = adapter.resolve(job)
    assert (result.outcome, result.reference, result.tracking) == (
        DeliveryOutcome.TRACKING,
        "HUB-0002",
        "PendingDelivery",
    )
    assert len(hub.calls("DeliverEnvelope")) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"From": "UY"},
        {"To": "BE"},
        {"CertificateType": "657"},
        {"CertificateStatus": "40"},
        {"NPPOCertificateNumber": "AR-2"},
        {"state": "Delivered"},
    ],
)
def test_what_is_not_under_delivery_is_absent(hub, adapter, job, other):
    hub.put(**other)
    assert adapter.resolve(job).outcome is DeliveryOutcome.ABSENT


@pytest.mark.parametrize(
    ("lie", "code"),
    [(fake_hub.lost, "IMG-8002"), (fake_hub.page(403), "IMG-8004"), (fake_hub.fault("no"), "IMG-8006")],
)
def test_as_long_as_nobody_says_it_stays_unknown(hub, adapter, job, lie, code):
    hub.lies["GetUnderDeliveryEnvelope"].append(lie)
    result = adapter.resolve(job)
    assert (result.outcome, result.code) == (DeliveryOutcome.UNKNOWN, code)


def test_of_two_that_look_alike_the_later_is_ours(hub, adapter, job):
    hub.put()
    number = hub.put()
    assert adapter.resolve(job).reference == number
