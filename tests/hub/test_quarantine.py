"""Envelopes that are held for want of rows stand in quarantine, and leave it when they are decided again."""

from datetime import timedelta
from functools import partial

import pytest
from polling_harness import House, MemoryHub, envelope, poller_of
from test_importing import take

from gateway.exchange import Quarantine, ReleaseOutcome
from gateway.exchange.envelope import CONTRACT
from gateway.hub.holding import release_envelope
from gateway.ippc import Envelope
from gateway.store import (
    NewRow,
    QuarantineQuery,
    RowKind,
    TableKey,
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
