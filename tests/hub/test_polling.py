"""Rounds of the poller: resumed, bounded, one at a time, patient with a hub that is down."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from polling_harness import HUB_RECORD, NPPO, SETTINGS, House, MemoryHub, envelope, poller_of
from structlog.testing import capture_logs

from adapters.ippc_hub import CodeList
from gateway.delivery.models import DeliverySettings
from gateway.delivery.settling import backoff
from gateway.errors import ConfigurationError, DeliveryError, Unavailable
from gateway.hub import HubService
from gateway.hub.polling import LOCAL
from gateway.ippc import TrackingState
from gateway.store import find_poller, list_imports


class Failing:
    """Something that fails once, at the n-th call of a function."""

    def __init__(self, function, error, at=1):
        self.function, self.error, self.at, self.calls = function, error, at, 0

    def __call__(self, *arguments, **named):
        self.calls += 1
        if self.calls == self.at:
            raise self.error
        return self.function(*arguments, **named)


@pytest.fixture
def hub():
    return MemoryHub()


@pytest.fixture
def house(store):
    return House(store)


def poller_row(house, partner="the-hub"):
    with house.store.read() as connection:
        return find_poller(connection, partner)


def imports(house):
    with house.store.read() as connection:
        return list_imports(connection, limit=100)


def test_a_round_takes_all_that_waits_in_order_and_then_rests(house, hub):
    hub.put(*(envelope() for _ in range(5)))
    poller = poller_of(house, hub)
    assert poller.due() == ("the-hub",)
    done = poller.run_once("the-hub")
    assert dict(done.states) == {"imported": 5}
    assert hub.acknowledged == sorted(hub.envelopes)
    assert set(hub.states.values()) == {"Delivered"}
    assert poller.due() == ()
    house.later(seconds=29)
    assert poller.due() == ()
    house.later(seconds=2)
    assert poller.due() == ("the-hub",)
    assert not poller.run_once("the-hub").states
    assert len(hub.pulls) == 5


def test_a_batch_is_bounded_and_the_next_follows_at_once(store, hub):
    house = House(store, {**HUB_RECORD, "polling": {"batch": 3}})
    hub.put(*(envelope() for _ in range(5)))
    hub.import_headers = listed = Failing(hub.import_headers, None, at=0)
    poller = poller_of(house, hub)
    first = poller.run_once("the-hub")
    assert (first.states.total(), first.more) == (3, True)
    assert poller.due() == ("the-hub",)
    second = poller.run_once("the-hub")
    assert (second.states.total(), second.more) == (2, False)
    assert poller.due() == ()
    assert listed.calls == 1
    hub.put(envelope())
    assert poller.run_once("the-hub").states.total() == 1
    assert listed.calls == 2


def test_what_a_batch_left_is_listed_anew_when_somebody_else_polled_in_between(store, hub):
    house = House(store, {**HUB_RECORD, "polling": {"batch": 2}})
    hub.put(*(envelope() for _ in range(6)))
    first, second = poller_of(house, hub), poller_of(house, hub)
    for poller in (first, second, first):
        assert poller.run_once("the-hub").states == {"imported": 2}
    assert len(hub.pulls) == len(hub.acknowledged) == 6


def test_a_hub_that_is_down_is_asked_again_after_growing_pauses(house, hub):
    hub.put(envelope())
    hub.down = True
    poller = poller_of(house, hub)
    pauses = []
    for _ in range(4):
        done = poller.run_once("the-hub")
        assert done.failure.code == "IMG-8001"
        row = poller_row(house)
        pauses.append((row.not_before - house.now).total_seconds())
        assert poller.due() == ()
        house.now = row.not_before
    assert pauses == [5, 10, 20, 40]
    assert poller_row(house).failures == 4
    hub.down = False
    assert poller.run_once("the-hub").states == {"imported": 1}
    assert poller_row(house).failures == 0


def test_the_pause_has_an_end_and_is_spread():
    patience = DeliverySettings(backoff_first=timedelta(seconds=5), backoff_max=timedelta(minutes=15))
    assert backoff(50, patience, 1.0) == timedelta(minutes=15)
    assert backoff(50, patience, 0.0) == timedelta(minutes=7.5)


def test_one_envelope_that_cannot_be_pulled_waits_alone(house, hub):
    hub.put(envelope(), envelope(), envelope())
    hub.unpullable = {"HUB-0002"}
    poller = poller_of(house, hub)
    done = poller.run_once("the-hub")
    assert done.states == {"imported": 2}
    assert done.failure is None
    assert len(done.troubled) == 1
    assert done.troubled[0].startswith("HUB-0002: IMG-8006")
    assert poller.run_once("the-hub").troubled == ()
    house.later(seconds=6)
    assert len(poller.run_once("the-hub").troubled) == 1
    hub.unpullable = set()
    house.later(minutes=1)
    assert poller.run_once("the-hub").states == {"imported": 1}
    assert hub.states["HUB-0002"] == "Delivered"


def test_an_envelope_under_another_number_than_asked_for_is_not_taken(house, hub):
    hub.put(envelope())
    wrong = hub.envelopes["HUB-0001"]
    hub.envelopes["HUB-0001"] = replace(wrong, header=replace(wrong.header, hub_delivery_number="HUB-9999"))
    hub.import_headers = lambda _="": (replace(wrong.header, hub_delivery_number="HUB-0001"),)
    done = poller_of(house, hub).run_once("the-hub")
    assert "IMG-8003" in done.troubled[0]
    assert imports(house) == ()


STEPS = {
    "before the pull": ("pull", DeliveryError("IMG-8002"), 0),
    "before the acknowledgement": ("acknowledge", DeliveryError("IMG-8001"), 1),
}


@pytest.mark.parametrize("step", STEPS)
def test_what_was_interrupted_goes_on_where_it_stopped(house, hub, step):
    name, error, kept = STEPS[step]
    hub.put(envelope())
    setattr(hub, name, Failing(getattr(hub, name), error))
    poller = poller_of(house, hub)
    assert poller.run_once("the-hub").failure is error
    assert len(imports(house)) == kept
    assert not hub.acknowledged
    assert poller.run_once("the-hub").states == {"imported": 1}
    (row,) = imports(house)
    assert row.acknowledged_at is not None
    assert hub.acknowledged == ["HUB-0001"]
    assert len(hub.pulls) == 1
    assert house.one("SELECT count(*) FROM exchanges") == 1


def test_our_own_store_or_authority_being_away_decides_nothing(house, hub):
    hub.put(envelope())
    sealer = house.context.sealer
    failing = Failing(sealer.seal, Unavailable("IMG-9003"))
    poller = poller_of(house, hub)
    object.__setattr__(house.context, "sealer", type("Away", (), {"seal": failing})())
    assert poller.run_once("the-hub").failure.code == "IMG-9003"
    (row,) = imports(house)
    assert (row.state, row.verdict) == ("pulled", "")
    assert not hub.acknowledged
    assert poller.run_once("the-hub").states == {"imported": 1}
    assert len(hub.pulls) == 1


def test_an_acknowledgement_whose_answer_was_lost_is_no_trouble(house, hub):
    hub.put(envelope())
    hub.lost_answers = 1
    poller = poller_of(house, hub)
    assert poller.run_once("the-hub").failure.code == "IMG-8002"
    (row,) = imports(house)
    assert row.acknowledged_at is None
    assert hub.states["HUB-0001"] == "Delivered"
    assert poller.run_once("the-hub").states == {"imported": 1}
    assert imports(house)[0].acknowledged_at is not None
    assert hub.acknowledged == ["HUB-0001"]


def test_an_envelope_that_the_hub_forgot_to_settle_is_acknowledged_again_and_not_imported_again(house, hub):
    hub.put(envelope())
    poller = poller_of(house, hub)
    poller.run_once("the-hub")
    hub.states["HUB-0001"] = "PendingDelivery"
    assert poller.run_once("the-hub").states == {"imported": 1}
    assert hub.states["HUB-0001"] == "Delivered"
    assert len(hub.pulls) == 2  # to see that it is the same one
    assert house.one("SELECT count(*) FROM exchanges") == 1


def test_the_lease_keeps_others_out_until_it_ends(house, hub):
    hub.put(envelope())
    first, second = poller_of(house, hub), poller_of(house, hub)
    met = []
    hub.import_headers = lambda _="": met.append((second.due(), second.run_once("the-hub"))) or ()
    first.run_once("the-hub")
    assert met == [((), None)]
    dead = poller_of(house, hub)
    hub.import_headers = Failing(hub.import_headers, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        dead.run_once("the-hub")
    assert second.run_once("the-hub") is not None


def test_of_many_pollers_at_once_none_takes_an_envelope_twice(house, hub):
    hub.put(*(envelope() for _ in range(10)))
    pollers = [poller_of(house, hub, settings=replace(SETTINGS, lease=timedelta(0))) for _ in range(6)]
    start = threading.Barrier(6)
    failures = []

    def poll(poller):
        start.wait()
        try:
            while any(state == "PendingDelivery" for state in hub.states.values()):
                done = poller.run_once("the-hub")
                if done is not None and done.failure is not None:
                    failures.append(done.failure)
        except Exception as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=poll, args=(poller,)) for poller in pollers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for poller in pollers:
        poller.run_once("the-hub")
    assert set(hub.states.values()) == {"Delivered"}
    assert sorted(hub.acknowledged) == sorted(hub.envelopes)
    assert house.one("SELECT count(*) FROM exchanges") == 10
    assert {row.acknowledged_at is None for row in imports(house)} == {False}


def test_it_polls_in_the_background_and_stops_at_a_safe_point(house, hub):
    hub.put(*(envelope() for _ in range(3)))
    poller = poller_of(house, hub)
    poller.start()
    try:
        end = time.monotonic() + 20
        while set(hub.states.values()) != {"Delivered"} and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        assert poller.stop()
    assert set(hub.states.values()) == {"Delivered"}
    assert poller_row(house).lease_owner is None
    hub.put(envelope())
    house.later(minutes=5)
    time.sleep(0.1)
    assert hub.states["HUB-0004"] == "PendingDelivery"


@pytest.mark.parametrize(
    "change", [{"enabled": False}, {"polling": {"enabled": False}}, {"polling": None}], ids=["partner", "off", "none"]
)
def test_who_is_not_polled_is_not_asked(store, hub, change):
    record = {key: value for key, value in {**HUB_RECORD, **change}.items() if value is not None}
    house = House(store, record)
    poller = poller_of(house, hub)
    assert poller.due() == ()
    with pytest.raises(ConfigurationError) as refusal:
        poller.run_once("the-hub")
    assert refusal.value.code == "IMG-0123"


def test_the_log_says_which_lists_changed_in_words(house, hub):
    changed = {CodeList.UNIT_MEASURE: 1, CodeList.PACKAGE_TYPE: 1}
    with capture_logs() as logs:
        poller_of(house, hub, synchronise=lambda *_: changed).run_once("the-hub")
    (polled,) = (entry for entry in logs if entry["event"] == "hub.polled")
    assert polled["lists"] == "PackageType, UnitMeasure"


def test_code_lists_are_fetched_at_their_own_pace(house, hub):
    fetched = []

    def synchronise(_client, _store, partner, now):
        fetched.append((partner, now))
        return {"UnitMeasure": "changed"}

    poller = poller_of(house, hub, synchronise=synchronise)
    assert poller.run_once("the-hub").lists == ("UnitMeasure",)
    house.later(hours=23)
    assert poller.run_once("the-hub").lists == ()
    house.later(hours=2)
    assert poller.run_once("the-hub").lists == ("UnitMeasure",)
    assert len(fetched) == 2


def test_what_waits_here_for_our_own_country_is_imported_as_its_senders(store, hub):
    house = House(store, NPPO, roles=("hub",))
    service = HubService(store, house.context.directory, own_countries=frozenset({"NL"}))
    sent = service.deliver(house.partner("ar-nppo"), envelope(), now=house.now)
    assert sent.tracking == TrackingState.PENDING_DELIVERY
    poller = poller_of(house, hub, hub=service)
    assert poller.due() == (LOCAL,)
    assert poller.run_once(LOCAL).states == {"imported": 1}
    (row,) = imports(house)
    assert (row.partner, row.hub_number, row.verdict) == ("ar-nppo", sent.hub_delivery_number, "delivered")
    assert service.tracking(house.partner("ar-nppo"), sent.hub_delivery_number).tracking == TrackingState.DELIVERED
    assert house.one("SELECT owner_partner FROM documents") == "ar-nppo"
    assert house.verdict(row.exchange_id)["authenticated_by"] == "mutual TLS with who delivered it to us"
    house.later(seconds=5)
    assert poller.due() == ()


def test_a_local_import_that_was_acknowledged_and_not_written_down_is_finished_at_the_next_start(store, hub):
    house = House(store, NPPO, roles=("hub",))
    service = HubService(store, house.context.directory, own_countries=frozenset({"NL"}))
    service.deliver(house.partner("ar-nppo"), envelope(), now=house.now)

    def acknowledge(*arguments, **named):
        service.__class__.acknowledge(service, *arguments, **named)
        raise Unavailable("IMG-9001")

    service.acknowledge = acknowledge
    (troubled,) = poller_of(house, hub, hub=service).run_once(LOCAL).troubled
    assert "IMG-9001" in troubled
    assert imports(house)[0].acknowledged_at is None
    del service.acknowledge
    house.later(minutes=1)
    fresh = poller_of(house, hub, hub=service)
    assert fresh.due() == (LOCAL,)
    fresh.run_once(LOCAL)
    assert imports(house)[0].acknowledged_at is not None
