"""Envelopes that are held for want of rows stand in quarantine, and leave it when they are decided again."""

import secrets
from datetime import timedelta
from functools import partial

import pytest
from polling_harness import House, MemoryHub, envelope, poller_of
from test_importing import take

from gateway.errors import Unavailable
from gateway.exchange import Quarantine, ReleaseOutcome
from gateway.exchange.envelope import CONTRACT
from gateway.hub.holding import release_envelope
from gateway.ippc import Envelope
from gateway.store import (
    NewRow,
    QuarantineQuery,
    RowKind,
    TableKey,
    Undo,
    add_rows,
    begin_change,
    find_import,
    gaps_of,
    latest_edition,
    list_quarantine,
    publish_change,
)
from mappings import load_tables
from mappings.live import LiveTables
from mappings.models import MAX_CODE

UNITS = TableKey(RowKind.MAP, "ephyto", "unit")


@pytest.fixture
def house(store):
    made = House(store)
    object.__setattr__(made.context, "index", LiveTables(load_tables(), store, look_every=0))
    return made


@pytest.fixture
def hub():
    return MemoryHub()


@pytest.fixture
def quarantine(house, hub):
    poller = poller_of(house, hub)
    return Quarantine(house.context, {CONTRACT: partial(release_envelope, house.context, poller.decide_again)})


def held_one(house, hub, **changes):
    sent = envelope(**changes)
    content = sent.content.replace(b'unitCode="KGM"', b'unitCode="QQQ"')
    house.later(seconds=1)
    return take(house, hub, hub.put(Envelope(sent.header, content)))


def entries(house):
    with house.store.read() as connection:
        return list_quarantine(connection, QuarantineQuery(oldest_first=True))


def publish(house, release_limit=0):
    row = NewRow(table=UNITS, code="QQQ", canonical="KGM", direction="in", loss="widens", text="as a test says")
    change = house.store.write(lambda c: begin_change(c, at=house.now, author="op"))
    house.store.write(lambda c: add_rows(c, change, [row]))
    with house.store.read() as connection:
        expected = latest_edition(connection)
    day = (house.now - timedelta(days=1)).date().isoformat()
    told = {"at": house.now, "author": "op", "reason": "a row", "kind": "change", "effective_on": day}
    edition = house.store.write(
        lambda c: publish_change(c, change, expected=expected, release_limit=release_limit, **told)
    )
    assert edition is not None


def test_a_held_envelope_is_in_quarantine_with_its_gaps(house, hub, quarantine):
    row = held_one(house, hub)
    (entry,) = entries(house)
    assert (entry.contract, entry.partner, entry.held_in) == ("ippc-hub", "the-hub", row.id)
    assert entry.subject == f"AR/851/{row.certificate_number}"
    assert (entry.status_code, entry.sender_message_id, entry.state) == ("70", row.hub_number, "held")
    with house.store.read() as connection:
        assert {(gap.list, gap.code) for gap in gaps_of(connection, entry.id)} == {("unit", "QQQ")}
    assert "QQQ" in hub.messages[row.hub_number]
    assert quarantine.release(entry.id, actor="op").outcome is ReleaseOutcome.HELD
    assert [each.state for each in entries(house)] == ["held"]


def test_as_many_envelopes_go_as_were_confirmed(house, hub, quarantine):
    rows = [held_one(house, hub) for _ in range(3)]
    publish(house, release_limit=2)
    assert quarantine.release_confirmed() == 2
    assert [entry.state.value for entry in entries(house)] == ["released", "released", "held"]
    with house.store.read() as connection:
        states = [find_import(connection, row.partner, row.hub_number).state.value for row in rows]
    assert states == ["imported", "imported", "held"]
    assert house.one("SELECT count(*) FROM documents") == 2
    assert quarantine.release_confirmed() == 0


def test_a_later_envelope_about_the_same_certificate_is_counted_by_itself(house, hub, quarantine):
    first = held_one(house, hub)
    held_one(house, hub, certificate_number=first.certificate_number, certificate_status=40)
    publish(house, release_limit=1)
    assert quarantine.release_confirmed() == 1
    assert [entry.state.value for entry in entries(house)] == ["released", "held"]


def test_tried_again_by_its_hubs_operator_it_leaves_quarantine_too(house, hub):
    row = held_one(house, hub)
    publish(house)
    poller_of(house, hub).decide_again(row)
    (entry,) = entries(house)
    assert (entry.state, entry.reason) == ("released", "the envelope is imported")
    assert entry.exchange_id


def test_what_is_held_for_another_reason_is_not_in_quarantine(house, hub):
    sent = envelope()
    take(house, hub, hub.put(sent))
    house.later(seconds=1)
    other = sent.content.replace(b"110", b"111")
    row = take(house, hub, hub.put(Envelope(sent.header, other)))
    assert (row.state, row.code) == ("held", "IMG-7001")
    assert entries(house) == ()


def poll(house, hub, poller=None):
    house.later(seconds=600)
    return (poller or poller_of(house, hub)).run_once("the-hub")


def with_unit(unit):
    sent = envelope()
    return Envelope(sent.header, sent.content.replace(b'unitCode="KGM"', f'unitCode="{unit}"'.encode()))


def test_what_is_no_code_holds_up_its_own_envelope_alone(house, hub):
    bad = hub.put(with_unit(secrets.token_hex(2000)))
    good = [hub.put(envelope()) for _ in range(3)]
    done = poll(house, hub)
    assert (done.failure, done.states) == (None, {"held": 1, "imported": 3})
    with house.store.read() as connection:
        row = find_import(connection, "the-hub", bad)
    assert row.code == "IMG-6014"
    assert entries(house) == ()
    assert len(hub.messages[bad]) < 1000
    assert set(good) < set(hub.messages)


def test_a_code_of_the_longest_kind_is_held_and_found(house, hub):
    code = "".join(secrets.choice("ЖÄ𝔘") for _ in range(MAX_CODE))
    hub.put(with_unit(code))
    assert poll(house, hub).states == {"held": 1}
    with house.store.read() as connection:
        assert len(list_quarantine(connection, QuarantineQuery(list="unit", code=code))) == 1


def beyond_the_store(store, monkeypatch, error):
    """The store cannot write about one envelope, whatever it is that it has against it."""
    taken = store.write

    def write(unit):
        try:
            return taken(unit)
        except Undo:
            raise
        except ZeroDivisionError:
            raise error from None

    monkeypatch.setattr(store, "write", write)


@pytest.mark.parametrize("error", [Unavailable("IMG-9001"), RuntimeError("index row size exceeds")])
def test_an_envelope_that_the_store_cannot_take_does_not_hold_up_the_others(house, hub, monkeypatch, error):
    bad, *good = [hub.put(with_unit("QQQ")), hub.put(envelope()), hub.put(envelope())]
    monkeypatch.setattr("gateway.hub.holding.add_hold", lambda *_: 1 / 0)
    beyond_the_store(house.store, monkeypatch, error)
    poller = poller_of(house, hub)
    rounds = [poll(house, hub, poller) for _ in range(2)]
    assert rounds[0].failure is None
    assert rounds[0].states["imported"] == 2
    assert set(good) <= set(hub.messages)
    monkeypatch.undo()
    poll(house, hub, poller)
    with house.store.read() as connection:
        assert find_import(connection, "the-hub", bad).state == "held"
