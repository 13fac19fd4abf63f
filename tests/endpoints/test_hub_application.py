"""The whole application: what is delivered for us is taken over, and another hub is polled, in the background."""

import time
from datetime import UTC, datetime

import pytest
from hub_callers import HubCaller, HubWorld, envelope, fingerprint
from hub_server import Server

from gateway.app import build_application
from gateway.config import DeliverySettings, HubSettings
from gateway.errors import ConfigurationError
from gateway.ippc import wire
from gateway.sandbox.pki import write
from gateway.sandbox.samples import certificate
from gateway.store import list_exchanges, list_imports, open_store, save_partner

PATIENCE = 30


def state_of(caller, number):
    """The tracking state, once it is no longer pending."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        told = caller(wire.single("GetEnvelopeTrackingInfo", number))
        if told.state != "PendingDelivery":
            return told
        time.sleep(0.1)
    pytest.fail(f"{number} waits for more than {PATIENCE} s")


def test_an_envelope_for_a_country_of_ours_becomes_a_certificate_of_the_exchange(hub_world, sqlite_url):
    gateway = hub_world.open(sqlite_url, clock=lambda: datetime.now(UTC), delivery=DeliverySettings(in_process=True))
    try:
        caller = HubCaller(hub_world, gateway)
        content = certificate(number="AR-1", import_="NL").decode()
        good = caller(wire.deliver_envelope(envelope("AR-1", content, to="NL"))).number
        blank = caller(wire.deliver_envelope(envelope("AR-2", " ", to="NL"))).number
        assert state_of(caller, good).state in {"Delivered", "DeliveredWithWarnings"}
        assert state_of(caller, blank).state == "DeliveredNotReadable"
        with gateway.context.store.read() as connection:
            (taken,) = [row for row in list_exchanges(connection, limit=10) if row.outcome == "accepted"]
    finally:
        gateway.close()
    assert taken.partner == "ar-nppo"


def test_without_a_country_of_its_own_nothing_is_taken_over(hub_world, sqlite_url):
    gateway = hub_world.open(sqlite_url, hub=HubSettings())
    answer = HubCaller(hub_world, gateway)(wire.deliver_envelope(envelope(to="NL")))
    assert answer.state == "FailedDelivery"
    gateway.close()


def test_a_partner_that_claims_a_country_of_ours_is_refused_at_start(hub_world, sqlite_url):
    hub_world.add_members(sqlite_url)
    with pytest.raises(ConfigurationError) as caught:
        build_application(hub_world.settings(sqlite_url, hub=HubSettings(countries=("BE",))))
    assert caught.value.code == "IMG-0125"
    assert "be-nppo" in caught.value.found


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    """A hub elsewhere, with TLS of its own."""
    running = Server(tmp_path_factory.mktemp("remote"), tls=True)
    yield running
    running.stop()


def test_another_hub_is_polled_and_acknowledged_in_the_background(remote, sqlite_url, tmp_path):
    world = HubWorld(tmp_path, now=remote.world.now)
    key_file = write(tmp_path, "be", remote.world.clients["be-nppo"])
    with open_store(sqlite_url, exclusive=True) as store:
        record = {
            "id": "the-hub",
            "name": "A hub elsewhere",
            "kind": "hub",
            "country": "*",
            "contracts": ["ippc-hub"],
            "document_types": ["851"],
            "country_pairs": ["*>BE"],
            "code_system": "ephyto",
            "authentication": {"client_certificates": [fingerprint(world.clients["stranger"])]},
            "delivery": {
                "adapter": "ippc-hub",
                "address": remote.address,
                "ca": str(remote.folder / "ca.pem"),
                "client_certificate": str(key_file[0]),
                "client_key": str(key_file[1]),
                "import_countries": ["AR"],
            },
            "polling": {"interval_seconds": 1, "lists_hours": 0},
        }
        store.write(lambda connection: save_partner(connection, "the-hub", record, author="test", now=world.now))
    sender = remote.session(remote.world.clients["ar-nppo"])
    content = certificate(number="AR-77", import_="BE").decode()
    caller = RemoteCaller(remote, sender)
    number = caller(wire.deliver_envelope(envelope("AR-77", content))).number
    settings = world.settings(sqlite_url, roles=("national",), delivery=DeliverySettings(in_process=True))
    gateway = build_application(settings)
    try:
        told = state_of(caller, number)
        with gateway.context.store.read() as connection:
            (row,) = list_imports(connection, limit=10)
    finally:
        gateway.close()
    assert told.state in {"Delivered", "DeliveredWithWarnings"}
    assert (row.partner, row.hub_number) == ("the-hub", number)
    assert row.exchange_id


class RemoteCaller:
    """A caller over HTTP."""

    def __init__(self, remote, session):
        self.remote = remote
        self.session = session

    def __call__(self, body):
        return self.remote.answer(self.session, body)
