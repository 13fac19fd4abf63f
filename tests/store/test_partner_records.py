from __future__ import annotations

import json
from datetime import timedelta

import pytest

from gateway.errors import ConfigurationError
from gateway.store.finders import find_audit
from gateway.store.partners import find_partner, list_partners, partners_edition, save_partner


def save(store, partner, record, **options):
    return store.write(lambda connection: save_partner(connection, partner, record, author="op", **options))


def test_each_edition_replaces_the_last_and_stays_in_the_audit(store, now):
    save(store, "nl", {"name": "één"}, now=now)
    saved = save(store, "nl", {"name": "twee"}, now=now + timedelta(days=1), expected_version=1)

    assert saved.version == 2
    with store.read() as connection:
        assert find_partner(connection, "nl") == saved
        history = find_audit(connection, "nl")
    assert [entry.detail for entry in history] == [
        {"version": 1, "record": {"name": "één"}},
        {"version": 2, "record": {"name": "twee"}},
    ]


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_a_change_made_meanwhile_is_not_overwritten(store, now, expected):
    save(store, "nl", {"name": "a"}, now=now)
    save(store, "nl", {"name": "b"}, now=now)
    with pytest.raises(ConfigurationError) as refused:
        save(store, "nl", {"name": "c"}, now=now, expected_version=expected)
    assert refused.value.code == "IMG-0112"
    with store.read() as connection:
        assert find_partner(connection, "nl").record == {"name": "b"}


def test_a_change_of_a_record_that_is_not_there_is_refused(store, now):
    with pytest.raises(ConfigurationError):
        save(store, "nl", {}, now=now, expected_version=1)
    assert save(store, "nl", {}, now=now, expected_version=0).version == 1


def test_the_edition_grows_with_every_change(store, now):
    editions = []
    for partner in ("a", "b", "a"):
        save(store, partner, json.loads("{}"), now=now)
        with store.read() as connection:
            editions.append(partners_edition(connection))
            listed = [row.id for row in list_partners(connection)]
    assert editions == [1, 2, 3]
    assert listed == ["a", "b"]
