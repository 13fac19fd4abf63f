"""What comes by the hub is worth what TLS is worth: it never passes as sealed, nor changes what was."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from exchange_harness import Caller, World, add_partners

from gateway.app import build_application

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))  # the hub in memory of its tests

from polling_harness import HUB_RECORD, House, MemoryHub, envelope, poller_of

from gateway.hub.polling import Poller
from gateway.sandbox.samples import certificate
from gateway.store import upgrade
from gateway.trust import Sealer

VETERINARY = "636"


def veterinary(sealer=None, at=None):
    document = certificate(number="VET-1", type_code=VETERINARY, status="70", export="AR", import_="NL", lines=1)
    document = sealer.seal(document, at=at) if sealer else document
    return envelope(content=document.decode(), certificate_type=int(VETERINARY), certificate_number="VET-1")


@pytest.mark.parametrize("kind", ["hub", "third-country", "national", "traces"])
@pytest.mark.parametrize("roles", [("traces",), ("national",)])
def test_without_a_seal_no_other_type_than_an_ephyto_gets_a_route(store, kind, roles):
    """The settings speak of phytosanitary certificates (R-39-5); any other needs its seal (R-39-2, R-39-3)."""
    record = {**HUB_RECORD, "kind": kind, "document_types": ["*"], "com_informed_on": "2026-01-01"}
    house = House(store, record, roles=roles, phyto_routes=("i", "ii", "iii", "iv"))
    hub = MemoryHub()
    hub.put(veterinary())
    assert poller_of(house, hub).run_once("the-hub").states == {"imported": 1}
    ((route, exchange_id),) = house.rows("SELECT route, exchange_id FROM document_versions")
    assert route is None
    assert "needs a seal that holds" in house.verdict(exchange_id)["route"]


@pytest.mark.parametrize("kind", ["national", "traces"])
def test_a_system_of_the_union_is_not_believed_without_a_seal(store, kind):
    house = House(store, {**HUB_RECORD, "kind": kind}, phyto_routes=("i", "ii", "iii", "iv"))
    hub = MemoryHub()
    hub.put(envelope())
    assert poller_of(house, hub).run_once("the-hub").states == {"imported": 1}
    assert house.one("SELECT route FROM document_versions") is None


def test_a_seal_does_not_vouch_for_another_status_than_was_sealed(store):
    """The same sealed content in an envelope that withdraws it: the withdrawal is the hub's word, and no more."""
    house = House(store, roles=("traces",))
    pem = house.third.certificate_pem.decode()
    anchor = {"name": "root", "certificate_pem": pem, "purposes": ["seal"], "level": "advanced"}
    house.save({**HUB_RECORD, "document_types": ["*"], "anchors": [anchor], "timestamp": "optional"})
    house.later(seconds=2)
    credential = house.third.seal("Organisation")
    sealer = Sealer(credential.key, credential.certificate_der, credential.chain_der)
    issued = veterinary(sealer, house.now)
    hub = MemoryHub()
    hub.put(issued, replace(issued, header=replace(issued.header, certificate_status=40)))
    assert poller_of(house, hub).run_once("the-hub").states == {"imported": 2}
    rows = house.rows("SELECT status_code, route, exchange_id FROM document_versions ORDER BY status_code")
    (withdrawn, no_route, withdrawal), (stands, route, issue) = rows
    assert (withdrawn, no_route, stands, route) == ("40", None, "70", "iii")
    assert house.verdict(issue)["level"] == "advanced"
    assert house.verdict(withdrawal)["level"] == "none"
    assert "its seal is for status 70" in house.verdict(withdrawal)["level_reason"]


@pytest.fixture
def submitted(tmp_path):
    """A certificate that was submitted under its seal, by an authority that is polled too."""
    world, url = World(tmp_path), f"sqlite:///{tmp_path / 'own.db'}"
    upgrade(url)
    record = world.partner(contracts=["certificate-exchange", "ippc-hub"], code_system="ephyto")
    record |= {"delivery": HUB_RECORD["delivery"], "polling": HUB_RECORD["polling"]}
    add_partners(url, [record], world.now)
    gateway = build_application(world.settings(url), clock=lambda: world.now)
    answer = Caller(world, gateway).submit(world.sealed(number="AR-1"), message_id="m-1")
    assert (answer.status, answer.code) == (200, None), answer.raw
    hub = MemoryHub()
    poller = Poller(gateway.context, lambda _: hub, validate=lambda _: ())
    yield gateway.context.store, hub, lambda: poller.run_once(record["id"])
    gateway.close()


@pytest.mark.parametrize(("status", "number"), [("40", "AR-1"), ("44", "AR-1"), ("44", "AR-2"), ("70", "AR-2")])
def test_an_envelope_without_a_seal_changes_nothing_that_was_sealed(submitted, status, number):
    store, hub, poll = submitted
    document = certificate(number=number, status=status, export="AR", import_="NL", lines=1, replaces="AR-1")
    hub.put(envelope(content=document.decode(), certificate_status=int(status), certificate_number=number))
    assert poll().states == {"held": 1}
    with store.read() as connection:
        held = connection.exec_driver_sql("SELECT code FROM hub_imports").scalar_one()
        documents = connection.exec_driver_sql("SELECT number, status_code FROM documents").all()
    assert held == "IMG-7121"
    assert documents == [("AR-1", "70")]
    assert json.dumps(hub.messages).count("IMG-7121") == 1
