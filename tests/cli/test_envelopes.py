"""What waits at our hub, and what is known about a hub's number."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

import gateway.store
from gateway.cli.desk import ExitCode
from gateway.cli.envelopes import _age
from gateway.config import Settings
from gateway.store import NewEnvelope, add_envelopes, open_store, settle_envelope

ONE = NewEnvelope(
    number="HUB-1",
    partner="ar-nppo",
    recipient="be-nppo",
    from_country="AR",
    to_country="BE",
    certificate_type=851,
    certificate_status=70,
    certificate_number="AR-1",
    content=b"<a/>",
)


@pytest.fixture
def envelopes(trial):
    """Three that wait, one for ourselves, and one that was acknowledged."""
    now = datetime.now(UTC)
    every = (
        (ONE, timedelta(days=3, hours=2)),
        (replace(ONE, number="HUB-2", certificate_number="AR-2", content=b"<bb/>"), timedelta(minutes=7)),
        (replace(ONE, number="HUB-3", recipient="", to_country="NL"), timedelta(hours=5, minutes=1)),
        (replace(ONE, number="HUB-4"), timedelta(hours=1)),
    )
    store = open_store(Settings.load(trial / "imsoc.toml").store.url, exclusive=False)
    for new, age in every:
        store.write(lambda c, new=new, age=age: add_envelopes(c, [new], actor="ar-nppo", now=now - age))
    settled = {"expected": "PendingDelivery", "state": "DeliveredWithWarnings", "message": "two remarks"}
    store.write(lambda c: settle_envelope(c, "HUB-4", **settled, actor="be-nppo", now=now))
    store.close()


def test_what_waits_is_counted_for_each_receiver_and_listed_the_oldest_first(imsoc, envelopes):
    said = imsoc.json("hub", "waiting")
    seen = [(row["receiver"], row["country"], row["envelopes"], row["bytes"], row["age"]) for row in said["receivers"]]
    assert seen == [("be-nppo", "BE", 2, 9, "3 d 2 h"), ("this instance", "NL", 1, 4, "5 h 1 min")]
    assert [(row["number"], row["sender"], row["age"]) for row in said["envelopes"]] == [
        ("HUB-1", "ar-nppo", "3 d 2 h"),
        ("HUB-2", "ar-nppo", "7 min"),
        ("HUB-3", "ar-nppo", "5 h 1 min"),
    ]
    shown = imsoc("hub", "waiting").stdout
    assert all(word in shown for word in ("be-nppo", "HUB-1", "851 AR-2", "3 d 2 h", "this instance"))


def test_one_receiver_and_a_few(imsoc, envelopes):
    said = imsoc.json("hub", "waiting", "--receiver", "be-nppo", "--limit", "1")
    assert [row["receiver"] for row in said["receivers"]] == ["be-nppo"]
    assert [row["number"] for row in said["envelopes"]] == ["HUB-1"]
    assert "and 1 more" in imsoc("hub", "waiting", "--receiver", "be-nppo", "--limit", "1").stdout
    said = imsoc.json("hub", "waiting", "--receiver", "this instance")
    assert [row["number"] for row in said["envelopes"]] == ["HUB-3"]


def test_nothing_waits(imsoc, trial):
    assert imsoc.json("hub", "waiting") == {"receivers": [], "envelopes": []}
    assert "nothing waits" in imsoc("hub", "waiting").stdout


def test_a_number_is_explained(imsoc, envelopes):
    said = imsoc.json("explain", "HUB-1")
    assert (said["kind"], said["here"]["state"], said["here"]["age"]) == ("envelope", "PendingDelivery", "3 d 2 h")
    assert (said["imports"], "sent" in said) == ([], False)
    said = imsoc.json("explain", "HUB-4")["here"]
    assert (said["state"], said["message"]) == ("DeliveredWithWarnings", "two remarks")
    assert said["settled_at"]
    assert "two remarks" in imsoc("explain", "HUB-4").stdout


def test_a_number_that_we_were_given_is_explained(imsoc, trial, monkeypatch):
    now = datetime.now(UTC)
    row = SimpleNamespace(delivery_id="01D", partner="the-hub", state="Delivered", message="", settled_at=now)
    monkeypatch.setattr(gateway.store, "find_tracking", lambda _connection, number: row if number == "HUB-9" else None)
    said = imsoc.json("explain", "HUB-9")
    assert (said["kind"], said["sent"]["delivery"], said["sent"]["state"]) == ("envelope", "01D", "Delivered")
    assert "imsoc hub sent" in imsoc("explain", "HUB-9").stdout


def test_a_number_that_nobody_here_knows(imsoc, envelopes):
    error = imsoc.json("explain", "HUB-7777", code=ExitCode.USAGE)["error"]
    assert (error["code"], "number" in error["found"]) == ("IMG-0105", True)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=-5), "0 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=23, minutes=59), "23 h 59 min"),
        (timedelta(days=1), "1 d 0 h"),
    ],
)
def test_an_age_has_two_units(span, said):
    assert _age(span) == said
