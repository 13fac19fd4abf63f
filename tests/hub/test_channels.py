import pytest
from hub_members import directory, header, partner

from gateway.access import partner_from_record
from gateway.errors import HubRefused
from gateway.hub.channels import Routing, route
from gateway.ippc import Forwarding

FORWARD, DELEGATE = "FORWARD", "DELEGATE"


def rule(number, kind, direction, channel="ASW", **more):
    return {"id": number, "rule": kind, "direction": direction, "channel": channel, **more}


def routed(*, out=(), inc=(), sender_id="ar-nppo", **told):
    """The routing of AR's envelope to BE under the sender's and the receiver's rules."""
    sender = partner(sender_id)
    if sender_id == "ar-nppo":
        sender = partner(sender_id, hub={"countries": ["AR"], "rules": list(out)})
    receiver = partner("be-nppo", hub={"countries": ["BE"], "rules": list(inc)})
    return route(
        header(**told), sender=sender, receiver=receiver.hub, recipient="be-nppo", channel_of=directory().channel_of
    )


def asked(*codes):
    return tuple(Forwarding(code) for code in codes)


@pytest.mark.parametrize(
    ("case", "routing"),
    [
        ({}, Routing("be-nppo")),
        ({"out": [rule(1, FORWARD, "OUT")]}, Routing("be-nppo", None, (("ASW", "window"),))),
        ({"inc": [rule(1, FORWARD, "INC")]}, Routing("be-nppo", None, (("ASW", "window"),))),
        ({"out": [rule(1, DELEGATE, "OUT")]}, Routing("window", "ASW")),
        ({"inc": [rule(1, DELEGATE, "INC")]}, Routing("window", "ASW")),
        ({"forwardings": asked("ASW")}, Routing("be-nppo", None, (("ASW", "window"),))),
        # rules of the other direction, of other countries, types and states, and inactive ones
        ({"out": [rule(1, FORWARD, "INC")], "inc": [rule(1, FORWARD, "OUT")]}, Routing("be-nppo")),
        ({"out": [rule(1, FORWARD, "OUT", country="AR")]}, Routing("be-nppo")),
        ({"inc": [rule(1, FORWARD, "INC", country="BE")]}, Routing("be-nppo")),
        ({"inc": [rule(1, FORWARD, "INC", type=657)]}, Routing("be-nppo")),
        ({"inc": [rule(1, DELEGATE, "INC", active=False)]}, Routing("be-nppo")),
        # one copy for each channel, and none for the one that receives
        (
            {"out": [rule(1, FORWARD, "OUT"), rule(2, FORWARD, "OUT", "ARC")], "forwardings": asked("ASW")},
            Routing("be-nppo", None, (("ASW", "window"), ("ARC", "archive"))),
        ),
        ({"inc": [rule(1, FORWARD, "INC"), rule(2, DELEGATE, "INC")]}, Routing("window", "ASW")),
        # the receiver delegates before the sender does, whose channel gets a copy; the lower id first
        (
            {"out": [rule(1, DELEGATE, "OUT", "ARC")], "inc": [rule(9, DELEGATE, "INC")]},
            Routing("window", "ASW", (("ARC", "archive"),)),
        ),
        (
            {"inc": [rule(2, DELEGATE, "INC"), rule(1, DELEGATE, "INC", "ARC")]},
            Routing("archive", "ARC", (("ASW", "window"),)),
        ),
        # what a channel passes on does not come back to it
        ({"inc": [rule(1, DELEGATE, "INC")], "sender_id": "window"}, Routing("be-nppo")),
    ],
)
def test_who_gets_an_envelope(case, routing):
    assert routed(**case) == routing


@pytest.mark.parametrize(
    ("case", "where"),
    [
        ({"forwardings": asked("NONE")}, "Forwardings"),
        ({"forwardings": asked("MUTE")}, "Forwardings"),
        ({"forwardings": asked("")}, "Forwardings"),
        ({"out": [rule(4, FORWARD, "OUT", "NONE")]}, "ChannelRule 4 (OUT)"),
        ({"inc": [rule(5, DELEGATE, "INC", "MUTE")]}, "ChannelRule 5 (INC)"),
    ],
)
def test_a_channel_that_does_not_receive_refuses_the_header(case, where):
    with pytest.raises(HubRefused) as caught:
        routed(**case)
    assert caught.value.code == "IMG-7118"
    assert caught.value.where == where


def test_a_partner_that_is_no_member_has_no_rules():
    stranger = partner_from_record(
        {"id": "no-member", "name": "invented", "kind": "hub", "country": "*", "contracts": ["ippc-hub"]}
    )
    receiver = partner("be-nppo").hub
    found = route(header(), sender=stranger, receiver=receiver, recipient="x", channel_of=directory().channel_of)
    assert found == Routing("x")
