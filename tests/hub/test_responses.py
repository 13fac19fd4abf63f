"""Our answers to what came in: valid in the hub's own schema, and left in our stand-in for who delivered to us."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "adapters"))  # the schema out of the hub's own description

import fake_hub
from polling_harness import NPPO, House, MemoryHub, envelope, poller_of

from gateway.errors import ConfigurationError, HubRefused
from gateway.hub import HubService
from gateway.hub.answering import answer
from gateway.hub.polling import LOCAL
from gateway.hub.responses import response_to
from gateway.ippc import wire
from gateway.store import AnswerState, ImportState, list_imports
from gateway.xml.boundary import parse


@pytest.fixture
def delivered(store):
    """Our stand-in with an envelope for our own country, imported: the house, the stand-in, the import, the poller."""
    house = House(store, NPPO, roles=("hub",))
    service = HubService(store, house.context.directory, own_countries=frozenset({"NL"}))
    service.deliver(house.partner("ar-nppo"), envelope(), now=house.now)
    poller = poller_of(house, MemoryHub(), hub=service)
    poller.run_once(LOCAL)
    with store.read() as connection:
        (row,) = list_imports(connection)
    return house, service, row, poller


@pytest.mark.parametrize("status", [39, 41])
def test_an_answer_to_who_delivered_to_us_waits_for_it_in_our_stand_in(delivered, status):
    house, service, row, poller = delivered
    given = answer(house.context, poller, row, status=status, reason="Live insects found", actor="desk").answer
    sender = house.partner("ar-nppo")
    (header,) = service.headers(sender)
    assert (header.sender, header.to, header.certificate_status) == ("NL", "AR", status)
    assert header.hub_delivery_number == given.number
    assert (given.state, given.said) == (AnswerState.HERE, "PendingDelivery")
    pulled = service.pull(sender, header.hub_delivery_number)
    root = parse(pulled.content).root
    assert root.tag.endswith("}SPSAcknowledgement")
    assert root.findtext(".//{*}StatusCode") == str(status)
    assert "Live insects found" in root.itertext()
    assert row.hub_number in root.itertext()
    assert house.one("SELECT count(*) FROM audit WHERE action = 'hub answer'") == 1
    service.acknowledge(sender, given.number, "DeliveredWithWarnings", "noted", now=house.now)
    again = answer(house.context, poller, row, status=status, reason="Live insects found", actor="desk")
    assert (again.repeated, again.answer.said, again.answer.message) == (True, "DeliveredWithWarnings", "noted")
    assert service.headers(sender) == []


@pytest.mark.parametrize("state", [ImportState.RESPONSE, ImportState.UNREADABLE, ImportState.PULLED])
def test_what_is_no_certificate_is_not_answered(delivered, state):
    house, _, row, poller = delivered
    with pytest.raises(ConfigurationError) as refusal:
        answer(house.context, poller, replace(row, state=state), status=41, reason="", actor="desk")
    assert (refusal.value.code, refusal.value.found) == ("IMG-0126", state)


@pytest.mark.skipif("IMSOC_CONTRACTS" not in os.environ, reason="IMSOC_CONTRACTS names no folder with the contract")
@pytest.mark.parametrize("reason", ["", "Live insects & <soil>"])
def test_what_we_answer_is_valid_in_the_hubs_own_schema(delivered, tmp_path, reason):
    house, _, row, _ = delivered
    header, acknowledgement = response_to(row, status=41, reason=reason, now=house.now)
    schema = fake_hub.hub_schema(tmp_path)
    schema.assertValid(parse(wire.country_response(header, acknowledgement)).root)


def test_an_answer_that_nobody_could_read_is_not_left_for_anybody(delivered):
    """It would be first in the receiver's PULLImportEnvelope for ever."""
    house, service, row, poller = delivered
    with pytest.raises(HubRefused) as refusal:
        answer(house.context, poller, row, status=41, reason="pasted\x01", actor="desk")
    assert refusal.value.code == "IMG-7191"
    assert service.headers(house.partner("ar-nppo")) == []
