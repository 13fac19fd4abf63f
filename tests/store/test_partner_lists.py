"""Code lists of a partner: each edition is kept, and only a change makes one."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gateway.errors import Unavailable
from gateway.store import find_audit, find_partner_list, latest_list, list_versions, partner_lists, save_list


def save(store, rows, at, list_name="TreatmentType", partner="ephyto"):
    digest = hashlib.sha256(rows.encode()).digest()
    return store.write(lambda c: save_list(c, partner, list_name, rows, digest, at))


def test_only_a_change_makes_an_edition_and_none_is_overwritten(store, now):
    later = now + timedelta(days=1)
    assert save(store, '[{"code": "ä"}]', now) == (1, True)
    assert save(store, '[{"code": "ä"}]', later) == (1, False)
    assert save(store, "[]", later) == (2, True)
    assert save(store, '[{"code": "ä"}]', later) == (3, True)
    assert save(store, "[]", now, "Pesticide") == (1, True)
    assert save(store, "[]", now, partner="other") == (1, True)
    with store.read() as connection:
        newest = latest_list(connection, "ephyto", "TreatmentType")
        first = find_partner_list(connection, "ephyto", "TreatmentType", 1)
        versions = list_versions(connection, "ephyto", "TreatmentType")
        every = list_versions(connection, "ephyto")
        audited = find_audit(connection, "ephyto")
    assert (newest.partner, newest.list, newest.version, newest.rows) == (
        "ephyto",
        "TreatmentType",
        3,
        '[{"code": "ä"}]',
    )
    assert (first.fetched_at, first.rows, first.digest) == (now, newest.rows, newest.digest)
    assert [row.version for row in versions] == [1, 2, 3]
    assert [row.list for row in every] == ["Pesticide"] + ["TreatmentType"] * 3
    assert [entry.action for entry in audited] == ["code list saved"] * 4
    assert audited[1].detail == {
        "list": "TreatmentType",
        "version": 2,
        "sha256": hashlib.sha256(b"[]").hexdigest(),
    }


def test_a_list_that_was_never_saved_is_none(store):
    with store.read() as connection:
        assert latest_list(connection, "ephyto", "TreatmentType") is None
        assert find_partner_list(connection, "ephyto", "TreatmentType", 1) is None
        assert list_versions(connection, "ephyto") == ()


def test_of_many_who_save_the_same_edition_one_does(store, now):
    together = threading.Barrier(6)

    def saving(_):
        together.wait(10)
        return save(store, "[1]", now)

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(saving, range(6)))
    assert sorted(results) == [(1, False)] * 5 + [(1, True)]


def test_a_rival_that_is_always_faster_ends_in_try_again(store, now, monkeypatch):
    """The edition that keeps ours out cannot be seen: as if another one came between the look and the insert."""

    class Nothing:
        def fetchone(self):
            return None

    save(store, "[]", now)
    monkeypatch.setattr(partner_lists, "_latest", lambda *_, **__: Nothing())
    with pytest.raises(Unavailable) as refused:
        save(store, "[1]", now)
    assert refused.value.code == "IMG-9001"
