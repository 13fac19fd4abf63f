"""The CHEDs that name a certificate in box I.9."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.store import ChedDocument, cheds_accompanied_by, get_ched, record_ched

HEALTH = ChedDocument("IE/2026/1", "636", "IE")
PHYTO = ChedDocument("EC.2026.7", "851", "EC")


@pytest.fixture
def add(store, make_ched, make_write):
    def add(number, *documents, **changes):
        write = make_write(make_ched(number, documents=documents, **changes))
        assert store.write(lambda connection: record_ched(connection, write)).kind == "new"
        return write

    return add


def ask(store, number, **limit):
    with store.read() as connection:
        return [row.reference[-1] for row in cheds_accompanied_by(connection, number, **limit)]


def test_by_number_newest_first(store, add):
    add(1, HEALTH, PHYTO)
    add(2, replace(HEALTH, country=""), replace(PHYTO, type_code="853"))
    add(3)
    assert ask(store, "IE/2026/1") == ask(store, "EC.2026.7") == ["2", "1"]
    assert ask(store, "IE/2026/1", limit=1) == ["2"]
    assert ask(store, "IE/2026") == ask(store, "") == []


def test_a_later_write_says_what_it_names_now(store, add, make_write):
    first = add(1, HEALTH)
    row = replace(first.row, documents=(PHYTO,))
    again = make_write(row, expected_version=1, content=b"<other/>")
    assert store.write(lambda connection: record_ched(connection, again)).kind == "new"
    with store.read() as connection:
        assert get_ched(connection, row.id).documents == (PHYTO,)
    assert (ask(store, HEALTH.number), ask(store, PHYTO.number)) == ([], ["1"])
