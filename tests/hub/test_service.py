import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hub_members import directory, envelope, header, partner, records

from gateway.errors import HubRefused
from gateway.hub import MAX_PULL, MAX_PULL_BYTES, HubService
from gateway.hub.service import NO_REASON
from gateway.ippc import Envelope, EnvelopeHeader, Forwarding, TrackingState
from gateway.store import find_audit, find_evidence, list_exchanges, save_partner

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
AR, BE, HUB = partner("ar-nppo"), partner("be-nppo"), partner("the-hub")


@pytest.fixture
def hub(store):
    def save(connection):
        for record in records():
            save_partner(connection, record["id"], record, author="test", now=NOW)

    store.write(save)
    return HubService(store, directory(), own_countries=frozenset({"NL"}), instance="national")


def deliver(hub, caller=AR, /, *, operation="DeliverEnvelope", **told):
    return hub.deliver(caller, envelope(**told), now=NOW, detail={"method": "test"}, operation=operation)


def refusal_of(function, *args, **kwargs):
    with pytest.raises(HubRefused) as caught:
        function(*args, **kwargs)
    return caught.value.code


def test_an_envelope_waits_until_its_receiver_acknowledges_it(hub):
    sent = deliver(hub, content="<certificate>Ærø €</certificate>\r\n")
    assert sent == header(hub_delivery_number=sent.hub_delivery_number, tracking="PendingDelivery")
    number = sent.hub_delivery_number
    assert hub.headers(BE) == hub.under_delivery(AR) == [sent]
    for _ in range(2):
        assert hub.pull(BE, number) == Envelope(sent, "<certificate>Ærø €</certificate>\r\n".encode())
        assert hub.pull_all(BE) == [hub.pull(BE, number)]
    assert hub.acknowledge(BE, number, "DeliveredWithWarnings", "no place of issue", now=NOW) == "DeliveredWithWarnings"
    done = replace(sent, tracking="DeliveredWithWarnings", error_message="no place of issue")
    assert hub.tracking(AR, number) == hub.tracking(BE, number) == done
    assert hub.headers(BE) == hub.pull_all(BE) == hub.under_delivery(AR) == []


def test_what_was_acknowledged_is_neither_given_out_nor_acknowledged_again(hub):
    number = deliver(hub).hub_delivery_number
    hub.acknowledge(BE, number, "Delivered", now=NOW)
    for state in ("Delivered", "DeliveredNotReadable"):
        assert refusal_of(hub.acknowledge, BE, number, state, now=NOW) == "IMG-7102"
    assert refusal_of(hub.pull, BE, number) == "IMG-7102"
    assert hub.tracking(AR, number).tracking == "Delivered"


def test_only_one_of_many_who_acknowledge_at_once_is_heard(hub):
    number = deliver(hub).hub_delivery_number
    heard, start = [], threading.Barrier(6)

    def acknowledge(message):
        start.wait()
        try:
            hub.acknowledge(BE, number, "DeliveredWithWarnings", message, now=NOW)
        except HubRefused as error:
            heard.append(error.code)
        else:
            heard.append(message)

    threads = [threading.Thread(target=acknowledge, args=(f"reader {each}",)) for each in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard.count("IMG-7102") == 5
    assert hub.tracking(AR, number).error_message in heard


def test_a_number_of_somebody_else_is_answered_like_one_that_is_not_there(hub):
    number = deliver(hub).hub_delivery_number
    for caller, asked in ((BE, "no such number"), (partner("stranger"), number), (HUB, number), (None, number)):
        assert hub.tracking(caller, asked) == EnvelopeHeader("", "", 0, 0, "", asked, TrackingState.ENVELOPE_NOT_EXISTS)
        assert refusal_of(hub.pull, caller, asked) == "IMG-7101"
        assert refusal_of(hub.acknowledge, caller, asked, "Delivered", now=NOW) == "IMG-7101"
    assert refusal_of(hub.pull, AR, number) == "IMG-7101"
    assert refusal_of(hub.acknowledge, AR, number, "Delivered", now=NOW) == "IMG-7101"


def test_a_refused_header_is_an_answer_and_recorded_as_a_refusal(hub, store):
    told = {"to": "FR", "hub_delivery_number": "wish", "forwardings": (Forwarding("ASW"),)}
    refused = hub.deliver(AR, envelope(**told), now=NOW, request=b"<request/>", operation="DeliverPhytoEnvelope")
    assert refused.tracking == "FailedDelivery"
    assert refused.error_message.startswith("IMG-7113: The receiving country is not active | where To | found FR")
    assert refused == header(
        **{**told, "hub_delivery_number": ""}, tracking="FailedDelivery", error_message=refused.error_message
    )
    assert hub.under_delivery(AR) == []
    with store.read() as connection:
        (row,) = list_exchanges(connection)
        assert (row.partner, row.contract, row.operation) == ("ar-nppo", "ippc-hub", "DeliverPhytoEnvelope")
        assert (row.error_code, row.subject) == ("IMG-7113", "AR/851/AR-2026-1")
        assert find_evidence(connection, row.id).request == b"<request/>"


def test_what_a_refused_header_says_is_kept_in_bounded_length(hub, store):
    huge = "x" * 100_000
    refused = deliver(hub, sender=huge, to=huge, certificate_number=huge, hub_delivery_number=huge)
    assert refused.tracking == "FailedDelivery"
    assert len(refused.error_message) < 500
    with store.read() as connection:
        (row,) = list_exchanges(connection)
    assert len(row.subject) < 120


def test_an_objection_counts_after_the_header(hub):
    objection = HubRefused("IMG-7117", "the content says so")
    refused = hub.deliver(AR, envelope(), now=NOW, objection=objection)
    assert refused.error_message.startswith("IMG-7117: the content says so")
    refused = hub.deliver(AR, envelope(to="FR"), now=NOW, objection=objection)
    assert refused.error_message.startswith("IMG-7113")
    assert hub.under_delivery(AR) == []


def test_the_same_envelope_again_adds_nothing_while_the_first_one_waits(hub):
    first = deliver(hub)
    assert deliver(hub) == first
    others = [
        deliver(hub, certificate_status=40),
        deliver(hub, content="<certificate>2</certificate>"),
        deliver(hub, content=None),
        deliver(hub, certificate_number="AR-2026-2"),
    ]
    assert len({each.hub_delivery_number for each in [first, *others]}) == 5
    hub.acknowledge(BE, first.hub_delivery_number, "Delivered", now=NOW)
    assert deliver(hub).hub_delivery_number != first.hub_delivery_number


def test_a_senders_own_number_and_state_are_not_believed(hub):
    sent = deliver(hub, hub_delivery_number="mine", tracking="Delivered", error_message="all fine")
    assert sent.hub_delivery_number != "mine"
    assert (sent.tracking, sent.error_message) == ("PendingDelivery", "")


def test_no_content_stays_no_content(hub):
    number = deliver(hub, content=None).hub_delivery_number
    assert hub.pull(BE, number).content is None
    number = deliver(hub, content="").hub_delivery_number
    assert not hub.pull(BE, number).content


def test_headers_of_one_country_of_many(hub):
    sender = partner("be-nppo", country_pairs=["BE>*"])
    for country in ("AR", "UY"):
        deliver(hub, sender, sender="BE", to=country)
    assert [each.to for each in hub.headers(AR)] == ["AR", "UY"]
    assert [each.to for each in hub.headers(AR, "UY")] == ["UY"]
    assert hub.headers(AR, "BE") == []
    assert [each.to for each in hub.headers(AR, "")] == ["AR", "UY"]
    assert [each.to for each in hub.headers(AR, limit=1)] == ["AR"]


def test_pulling_all_is_bounded_by_number(hub):
    for number in range(MAX_PULL + 1):
        deliver(hub, certificate_number=f"AR-{number}")
    pulled = hub.pull_all(BE)
    assert [each.header.certificate_number for each in pulled] == [f"AR-{number}" for number in range(MAX_PULL)]
    for each in pulled:
        hub.acknowledge(BE, each.header.hub_delivery_number, "Delivered", now=NOW)
    assert [each.header.certificate_number for each in hub.pull_all(BE)] == [f"AR-{MAX_PULL}"]


def test_pulling_all_is_bounded_by_size_and_never_empty(hub):
    large = "x" * (MAX_PULL_BYTES + 1)
    for number, content in enumerate((large, "small", "x" * MAX_PULL_BYTES)):
        deliver(hub, certificate_number=f"AR-{number}", content=content)
    for expected in (["AR-0"], ["AR-1"], ["AR-2"]):
        pulled = hub.pull_all(BE)
        assert [each.header.certificate_number for each in pulled] == expected
        hub.acknowledge(BE, pulled[0].header.hub_delivery_number, "Delivered", now=NOW)


def test_a_copy_for_a_channel_lives_by_itself(hub):
    window = partner("window")
    sent = deliver(hub, forwardings=(Forwarding("ASW"), Forwarding("ASW")))
    (forwarding,) = sent.forwardings
    assert forwarding.code == "ASW"
    assert forwarding.hub_delivery_number not in ("", sent.hub_delivery_number)
    assert hub.under_delivery(AR) == [sent], "a copy is not under delivery for itself"
    (copy,) = hub.pull_all(window)
    assert copy == Envelope(
        header(hub_delivery_number=forwarding.hub_delivery_number, tracking="PendingDelivery"), b"<certificate/>"
    )
    hub.acknowledge(window, forwarding.hub_delivery_number, "DeliveredNotReadable", "no screen", now=NOW)
    assert hub.tracking(AR, forwarding.hub_delivery_number).error_message == "no screen"
    assert hub.tracking(AR, sent.hub_delivery_number) == sent
    assert hub.headers(BE) == [replace(sent, forwardings=())], "forwardings are the sender's business"


def test_a_delegated_envelope_waits_for_the_channel_alone(store):
    rules = [{"id": 1, "rule": "DELEGATE", "direction": "INC", "channel": "ASW"}]
    hub = HubService(store, directory(be_nppo={"hub": {"countries": ["BE"], "rules": rules}}))
    sent = deliver(hub)
    assert sent.forwardings == (Forwarding("ASW", sent.hub_delivery_number),)
    assert hub.headers(BE) == []
    assert refusal_of(hub.pull, BE, sent.hub_delivery_number) == "IMG-7101"
    assert hub.pull(partner("window"), sent.hub_delivery_number).content == b"<certificate/>"


def test_envelopes_for_our_own_countries_wait_for_this_instance(hub, store):
    sent = deliver(hub, to="NL")
    assert hub.headers(None) == [sent]
    assert hub.pull(None, sent.hub_delivery_number).content == b"<certificate/>"
    assert hub.tracking(None, sent.hub_delivery_number) == sent
    hub.acknowledge(None, sent.hub_delivery_number, "Delivered", now=NOW)
    assert hub.tracking(AR, sent.hub_delivery_number).tracking == "Delivered"
    with store.read() as connection:
        entries = find_audit(connection, sent.hub_delivery_number)
    assert {(entry.actor, entry.action) for entry in entries} == {
        ("ar-nppo", "envelope added"),
        ("national", "envelope Delivered"),
    }


def test_a_hubs_own_number_is_kept_and_its_repeats_are_known_after_the_end(hub):
    pushed = {"sender": "CL", "to": "NL", "hub_delivery_number": "HUB-1"}
    sent = deliver(hub, HUB, **pushed)
    assert sent.hub_delivery_number == "HUB-1"
    assert deliver(hub, HUB, **pushed) == sent
    hub.acknowledge(None, "HUB-1", "Delivered", now=NOW)
    again = deliver(hub, HUB, **pushed)
    assert (again.hub_delivery_number, again.tracking) == ("HUB-1", "Delivered")
    assert hub.headers(None) == []


@pytest.mark.parametrize("number", ["", " HUB-1", "x" * 101])
def test_a_hubs_number_that_cannot_be_one_is_replaced(hub, number):
    sent = deliver(hub, HUB, sender="CL", to="NL", hub_delivery_number=number)
    assert sent.hub_delivery_number not in ("", number)
    assert hub.tracking(HUB, sent.hub_delivery_number) == sent


def test_a_hubs_number_that_is_taken_is_replaced_and_kept_in_the_audit(hub, store):
    taken = deliver(hub).hub_delivery_number
    sent = deliver(hub, HUB, sender="CL", to="NL", hub_delivery_number=taken)
    assert sent.hub_delivery_number != taken
    with store.read() as connection:
        (entry,) = find_audit(connection, sent.hub_delivery_number)
    assert entry.detail["number given"] == taken
    assert hub.pull(BE, taken).header.sender == "AR"


def test_a_country_response_goes_back_to_the_issuer(hub):
    told = {"sender": "BE", "to": "AR", "certificate_status": 41, "content": "<acknowledgement/>"}
    assert deliver(hub, BE, **told).tracking == "FailedDelivery"
    sent = deliver(hub, BE, operation="DeliverCountryResponseEnvelope", **told)
    assert sent.tracking == "PendingDelivery"
    assert hub.headers(AR) == [sent]


@pytest.mark.parametrize(
    ("state", "kept"), [("DeliveredWithWarnings", NO_REASON), ("DeliveredNotReadable", NO_REASON), ("Delivered", " ")]
)
def test_an_acknowledgement_without_its_reason_says_that_there_is_none(hub, state, kept):
    sent = deliver(hub)
    hub.acknowledge(BE, sent.hub_delivery_number, state, " ", now=NOW)
    assert hub.tracking(AR, sent.hub_delivery_number).error_message == kept


def test_an_update_from_the_receiver_is_an_acknowledgement(hub):
    sent = deliver(hub)
    unread = replace(sent, tracking="DeliveredNotReadable", error_message="x" * 3_000)
    assert refusal_of(hub.set_tracking, AR, unread, now=NOW) == "IMG-7103"
    assert refusal_of(hub.set_tracking, partner("stranger"), unread, now=NOW) == "IMG-7101"
    for wrong in ("PendingDelivery", "FailedDelivery", "EnvelopeNotExists", ""):
        assert refusal_of(hub.set_tracking, BE, replace(sent, tracking=wrong), now=NOW) == "IMG-7103"
    hub.set_tracking(BE, unread, now=NOW)
    told = hub.tracking(AR, sent.hub_delivery_number)
    assert told.tracking == "DeliveredNotReadable"
    assert len(told.error_message) == 2_000
    assert refusal_of(hub.set_tracking, BE, unread, now=NOW) == "IMG-7102"


def test_who_takes_part(hub):
    assert [each.country for each in hub.active_nppos()] == ["AR", "BE", "NL", "UY"]
    assert [each.code for each in hub.channels()] == ["ARC", "ASW", "MUTE"]
    assert hub.profile(AR).country == "AR"
    assert refusal_of(hub.profile, HUB) == "IMG-7104"
