"""Envelopes and hubs that cost more than they should, or stop the poller."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))  # the hub in memory of its tests

from polling_harness import House, MemoryHub, envelope, poller_of

from gateway.hub import responses
from gateway.xml.names import ACK17, RAM21


@pytest.fixture
def house(store):
    return House(store)


@pytest.fixture
def hub():
    return MemoryHub()


def answer(inside):
    return (
        f'<ack:SPSAcknowledgement xmlns:ack="{ACK17}" xmlns:ram="{RAM21}"><ack:SPSAcknowledgementDocument>'
        f"<ram:StatusCode>41</ram:StatusCode>{inside}</ack:SPSAcknowledgementDocument></ack:SPSAcknowledgement>"
    )


def test_an_answer_with_countless_references_does_not_hold_up_every_writer(house, hub, monkeypatch):
    asked = []
    find = responses.find_tracking
    monkeypatch.setattr(responses, "find_tracking", lambda *given, **more: asked.append(given) or find(*given, **more))
    reference = "<ram:ReferenceSPSReferencedDocument><ram:ID>1</ram:ID></ram:ReferenceSPSReferencedDocument>"
    hub.put(envelope(content=answer(reference * 1000)))
    assert poller_of(house, hub).run_once("the-hub").states == {"response": 1}
    assert len(asked) == responses.MAX_REFERENCES


def test_reasons_of_an_answer_do_not_fill_the_audit(house, hub):
    hub.put(envelope(content=answer(f"<ram:ReasonInformation>{'x' * 10_000}</ram:ReasonInformation>" * 100)))
    assert poller_of(house, hub).run_once("the-hub").states == {"response": 1}
    assert house.one("SELECT max(length(detail)) FROM audit") < responses.MAX_REASONS * 2_500
