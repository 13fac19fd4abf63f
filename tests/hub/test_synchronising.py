"""Code lists of a hub: every edition is kept, and what changed is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from adapters.ippc_hub import CodeList, HubFault
from gateway.errors import DeliveryError
from gateway.hub.synchronising import synchronise_lists
from gateway.store import latest_list, list_versions, save_partner

HUB = "http://ephyto.ippc.int/"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


class Lists:
    """Ten lists; what is not set has one entry."""

    def __init__(self):
        self.items = {}
        self.asked = []

    def code_list(self, which, /):
        self.asked.append(which)
        given = self.items.get(which, [item(which, "1")])
        if isinstance(given, Exception):
            raise given
        return etree.fromstring(
            f'<h:{which.operation}Response xmlns:h="{HUB}">{"".join(given)}</h:{which.operation}Response>'
        )


def item(which, code, text="Invented", *, active="true", changed="2026-01-01T00:00:00Z"):
    return (
        f"<h:{which}><active>{active}</active><code>{code}</code><lang>en</lang><lastModified>{changed}</lastModified>"
        f"<name>{text}</name></h:{which}>"
    )


@pytest.fixture
def lists():
    return Lists()


@pytest.fixture
def fetch(store, lists):
    store.write(lambda c: save_partner(c, "hub", {}, author="op", now=NOW))
    return lambda at=NOW: synchronise_lists(lists, store, "hub", at)


def editions(store, which):
    with store.read() as connection:
        return [row.version for row in list_versions(connection, "hub", which)]


def test_the_first_edition_of_each_list_is_all_new(store, lists, fetch):
    drifts = fetch()
    assert lists.asked == list(CodeList)
    assert set(drifts) == set(CodeList)
    assert all(len(drift.added) == 1 and not drift.removed for drift in drifts.values())
    with store.read() as connection:
        newest = latest_list(connection, "hub", "IntendedUse")
    assert (newest.version, newest.fetched_at) == (1, NOW)
    (row,) = json.loads(newest.rows)
    assert (row["code"], row["name"], row["active"]) == ("1", "Invented", "true")


def test_a_list_that_says_the_same_makes_no_edition(store, lists, fetch):
    lists.items[CodeList.INTENDED_USE] = [item("IntendedUse", "1"), item("IntendedUse", "2")]
    fetch()
    lists.items[CodeList.INTENDED_USE].reverse()
    assert fetch(NOW + timedelta(days=1)) == {}
    assert editions(store, "IntendedUse") == [1]


def test_what_changed_is_told_and_the_older_edition_stays(store, lists, fetch):
    use = CodeList.INTENDED_USE
    lists.items[use] = [item(use, "1"), item(use, "2"), item(use, "3"), item(use, "4")]
    fetch()
    lists.items[use] = [item(use, "1"), item(use, "2", "Other"), item(use, "3", active="false"), item(use, "5")]
    drifts = fetch(NOW + timedelta(days=1))
    assert list(drifts) == ["IntendedUse"]
    drift = drifts[use]
    assert [row["code"] for row in drift.added] == ["5"]
    assert [row["code"] for row in drift.removed] == ["4"]
    assert [row["code"] for row in drift.retired] == ["3"]
    assert [(change.old["name"], change.new["name"]) for change in drift.changed] == [("Invented", "Other")]
    assert editions(store, "IntendedUse") == [1, 2]


def test_a_list_that_is_suddenly_empty_or_refused_stays_and_others_go_on(store, lists, fetch):
    fetch()
    lists.items[CodeList.TREATMENT_TYPE] = []
    lists.items[CodeList.INTENDED_USE] = HubFault("no such list", sender=False)
    lists.items[CodeList.STATEMENT] = [item("Statement", "2")]
    assert list(fetch(NOW + timedelta(days=1))) == ["Statement"]
    assert editions(store, "TreatmentType") == [1]
    assert editions(store, "IntendedUse") == [1]
    assert editions(store, "Statement") == [1, 2]


def test_a_list_that_was_always_empty_is_no_drift(lists, fetch):
    lists.items[CodeList.PESTICIDE] = []
    assert "Pesticide" not in fetch()
    assert "Pesticide" not in fetch(NOW + timedelta(days=1))


def test_items_of_another_list_are_left_behind(store, lists, fetch):
    lists.items[CodeList.CONDITION] = [item("Statement", "2"), item("Condition", "1")]
    assert [row["code"] for row in fetch()["Condition"].added] == ["1"]


def test_a_hub_that_does_not_answer_ends_it_and_what_came_before_is_kept(store, lists, fetch):
    lists.items[CodeList.INTENDED_USE] = DeliveryError("IMG-8002")
    with pytest.raises(DeliveryError):
        fetch()
    assert editions(store, "TreatmentType") == [1]
    assert lists.asked == [CodeList.TREATMENT_TYPE, CodeList.ADDITIONAL_DECLARATION, CodeList.INTENDED_USE]
