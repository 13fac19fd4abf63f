"""Envelopes that came for us: stored before anybody looks inside, decided once, finished when the hub knows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gateway.store import (
    DocumentKey,
    Form,
    ImportState,
    ImportVerdict,
    Undo,
    add_import,
    decide_import,
    find_audit,
    find_document,
    find_evidence,
    find_import,
    find_version,
    get_import,
    import_envelope_bytes,
    list_imports,
    mark_acknowledged,
    new_id,
    record_submission,
    unfinished_imports,
)

DECIDED = [
    (ImportState.IMPORTED, ImportVerdict.DELIVERED),
    (ImportState.RESPONSE, ImportVerdict.DELIVERED),
    (ImportState.HELD, ImportVerdict.WARNINGS),
    (ImportState.UNREADABLE, ImportVerdict.FAILED),
]


@pytest.fixture
def pulled(store, make_import):
    """Imports of these numbers, in this order; returns their ids."""

    def pulling(*numbers, **changes):
        ids = []
        for number in numbers:
            new = make_import(number, **changes)
            assert store.write(lambda c, new=new: add_import(c, new))
            ids.append(new.id)
        return ids

    return pulling


@pytest.fixture
def decide(store, now):
    def deciding(import_id, state=ImportState.IMPORTED, verdict=ImportVerdict.DELIVERED, **more):
        return store.write(lambda c: decide_import(c, import_id, state=state, verdict=verdict, now=now, **more))

    return deciding


def acknowledge(store, import_id, now):
    return store.write(lambda c: mark_acknowledged(c, import_id, now))


def test_an_envelope_is_kept_as_it_came_and_undecided(store, make_import, now):
    new = make_import("H-1", envelope=b"\x00\xff as received")
    assert store.write(lambda c: add_import(c, new))
    with store.read() as connection:
        found = find_import(connection, "ephyto", "H-1")
        assert get_import(connection, new.id) == found
        assert import_envelope_bytes(connection, new.id) == b"\x00\xff as received"
        assert find_import(connection, "other", "H-1") is None
        assert get_import(connection, "none") is None
        assert import_envelope_bytes(connection, "none") is None
    assert (found.state, found.verdict, found.message, found.code) == (ImportState.PULLED, ImportVerdict.NONE, "", "")
    assert (found.from_country, found.to_country, found.certificate_number) == ("AR", "NL", "AR-H-1")
    assert (found.certificate_type, found.certificate_status) == (851, 70)
    assert (found.exchange_id, found.received_at, found.acknowledged_at) == (None, now, None)


def test_the_same_number_again_keeps_what_was_there(store, make_import):
    first, again, elsewhere = make_import("H-1"), make_import("H-1", envelope=b"x"), make_import("H-1", partner="other")
    assert [store.write(lambda c, new=new: add_import(c, new)) for new in (first, again, elsewhere)] == [
        True,
        False,
        True,
    ]
    with store.read() as connection:
        assert find_import(connection, "ephyto", "H-1").id == first.id
        assert import_envelope_bytes(connection, again.id) is None
        assert import_envelope_bytes(connection, elsewhere.id) == elsewhere.envelope


@pytest.mark.parametrize(("state", "verdict"), DECIDED)
def test_a_decision_is_written_with_its_reason_and_an_audit_line(store, pulled, decide, now, state, verdict):
    (import_id,) = pulled("H-1")
    assert decide(import_id, state, verdict, message="told so", code="IMG-6001")
    with store.read() as connection:
        found = get_import(connection, import_id)
        (entry,) = find_audit(connection, import_id)
    assert (found.state, found.verdict, found.message, found.code) == (state, verdict, "told so", "IMG-6001")
    assert (entry.at, entry.actor, entry.action) == (now, "ephyto", f"hub import {state.value}")
    assert entry.detail == {"number": "H-1", "verdict": verdict.value, "code": "IMG-6001", "exchange": None}


@pytest.mark.parametrize(("state", "verdict"), DECIDED)
def test_what_was_imported_stays_so_and_what_was_held_may_be_decided_again(store, pulled, decide, state, verdict):
    (import_id,) = pulled("H-1")
    decide(import_id, state, verdict)
    assert decide(import_id) is not state.final
    with store.read() as connection:
        assert get_import(connection, import_id).state is (state if state.final else ImportState.IMPORTED)
        assert len(find_audit(connection, import_id)) == (1 if state.final else 2)


def test_an_unknown_import_is_not_decided_and_not_acknowledged(store, decide, now):
    assert not decide("none")
    assert not acknowledge(store, "none", now)


def test_the_decision_and_what_it_became_are_one(store, pulled, decide, make_submission, now):
    """A document without a seal, in the form of an envelope, from its bytes to its evidence."""
    (import_id,) = pulled("H-1")
    submission = make_submission(
        "AR-H-1",
        form=Form.ENVELOPE,
        partner="ephyto",
        contract="ippc-hub",
        operation="PULLSingleImportEnvelope",
        sender_message_id="H-1",
        nonces=(),
        seal_value=None,
        route=None,
    )

    def take(connection):
        recorded = record_submission(connection, submission)
        decided = decide_import(
            connection,
            import_id,
            state=ImportState.IMPORTED,
            verdict=ImportVerdict.DELIVERED,
            exchange_id=recorded.exchange_id,
            now=now,
        )
        if not decided:
            raise Undo(None)
        return recorded

    taken = store.write(take)
    with store.read() as connection:
        found = find_import(connection, "ephyto", "H-1")
        document = find_document(connection, DocumentKey("AR", "851", "AR-H-1"))
        version = find_version(connection, document)
        evidence = find_evidence(connection, found.exchange_id)
    assert found.exchange_id == taken.exchange_id == document.version_id
    assert (version.form, version.route) == (Form.ENVELOPE, None)
    assert (evidence.parts.seal_verdict, evidence.parts.certificates) == (None, None)
    assert evidence.request == submission.request

    other = make_submission("AR-H-2", form=Form.ENVELOPE)
    submission = other
    assert store.write(take) is None
    with store.read() as connection:
        assert find_document(connection, other.document) is None


def test_an_import_that_became_an_exchange_needs_that_exchange(decide, pulled):
    (import_id,) = pulled("H-1")
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        decide(import_id, exchange_id="none")


def test_what_the_hub_does_not_know_the_end_of_is_unfinished_oldest_first(store, pulled, decide, now):
    ids = [new_id(now + timedelta(seconds=second)) for second in range(4)]
    for import_id, number in zip(ids, "abcd", strict=True):
        pulled(number, id=import_id)
    pulled("e", partner="other")
    for import_id in ids[:2]:
        decide(import_id)
    acknowledge(store, ids[0], now)

    def unfinished(limit, **page):
        with store.read() as connection:
            return [row.hub_number for row in unfinished_imports(connection, "ephyto", limit, **page)]

    assert unfinished(9) == ["b", "c", "d"]
    assert unfinished(2) == ["b", "c"]
    assert unfinished(2, after=ids[2]) == ["d"]


def test_an_acknowledgement_is_marked_once_with_the_verdict_that_was_told(store, pulled, decide, now):
    (import_id,) = pulled("H-1")
    decide(import_id, ImportState.HELD, ImportVerdict.WARNINGS)
    later = now + timedelta(minutes=1)
    assert acknowledge(store, import_id, later)
    assert not acknowledge(store, import_id, later + timedelta(minutes=1))
    assert decide(import_id)
    with store.read() as connection:
        assert get_import(connection, import_id).acknowledged_at == later
        told = find_audit(connection, import_id)[1]
    assert (told.action, told.detail) == ("hub import acknowledged", {"number": "H-1", "verdict": "warnings"})


def test_nothing_undecided_is_acknowledged(store, pulled, now):
    (import_id,) = pulled("H-1")
    with pytest.raises(Exception, match="ck_hub_imports_acknowledged"):
        acknowledge(store, import_id, now)
    with store.read() as connection:
        assert get_import(connection, import_id).acknowledged_at is None


@pytest.mark.parametrize(
    ("state", "verdict"), [(ImportState.IMPORTED, ImportVerdict.NONE), (ImportState.PULLED, ImportVerdict.DELIVERED)]
)
def test_a_decision_has_a_verdict_and_a_verdict_a_decision(pulled, decide, state, verdict):
    (import_id,) = pulled("H-1")
    with pytest.raises(Exception, match="ck_hub_imports_decided"):
        decide(import_id, state, verdict)


def test_imports_are_listed_newest_first_by_what_one_looks_for(store, pulled, decide, now):
    ids = [new_id(now + timedelta(seconds=second)) for second in range(3)]
    for import_id, (partner, number) in zip(ids, [("ephyto", "1"), ("ephyto", "2"), ("other", "1")], strict=True):
        pulled(number, id=import_id, partner=partner)
    decide(ids[1], ImportState.HELD, ImportVerdict.WARNINGS)

    def listed(**filters):
        with store.read() as connection:
            return [row.id for row in list_imports(connection, **filters)]

    assert listed() == ids[::-1]
    assert listed(partner="ephyto") == [ids[1], ids[0]]
    assert listed(state=ImportState.HELD) == [ids[1]]
    assert listed(hub_number="1") == [ids[2], ids[0]]
    assert listed(limit=1) == [ids[2]]
    assert listed(before=ids[2], limit=1) == [ids[1]]


def test_of_many_pollers_with_the_same_envelope_one_adds_and_one_decides_it(store, make_import, now):
    together = threading.Barrier(6)

    def take(_):
        together.wait(10)
        new = make_import("H-1")
        added = store.write(lambda c: add_import(c, new))
        with store.read() as connection:
            import_id = find_import(connection, "ephyto", "H-1").id
        together.wait(10)
        decided = store.write(
            lambda c: decide_import(c, import_id, state=ImportState.IMPORTED, verdict=ImportVerdict.DELIVERED, now=now)
        )
        return added, decided

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(take, range(6)))
    assert [sum(column) for column in zip(*results, strict=True)] == [1, 1]
