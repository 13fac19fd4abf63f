"""One message, one effect; and nothing half (ARCHITECTURE section 4, "Same message twice, one effect")."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from gateway.store import (
    Conflict,
    DocumentKey,
    Nonce,
    RecordedKind,
    Refusal,
    new_id,
    record_read,
    record_refusal,
    record_submission,
)
from gateway.store.finders import (
    DocumentQuery,
    changed_documents,
    find_audit,
    find_document,
    find_evidence,
    find_exchange,
    find_version,
    find_versions,
    list_deliveries,
    list_exchanges,
)
from gateway.store.partners import save_partner
from gateway.store.records import Outcome
from gateway.store.upkeep import counts


def submit(store, submission):
    return store.write(lambda connection: record_submission(connection, submission))


def everything(store):
    with store.read() as connection:
        return counts(connection)


def test_a_new_message_is_stored_whole(store, make_submission, now):
    store.write(lambda connection: save_partner(connection, "nl", {"id": "nl"}, author="op", now=now))
    submission = make_submission(
        deliveries=("nl",),
        sender_message_id="m-1",
        translated=b"<t/>",
        timestamp_token=b"token",
        transport={"address": "192.0.2.1"},
    )

    recorded = submit(store, submission)

    assert recorded.kind is RecordedKind.NEW
    assert recorded.exchange_id == submission.exchange_id
    with store.read() as connection:
        evidence = find_evidence(connection, submission.exchange_id)
    assert evidence.request == submission.request
    assert evidence.acknowledgement == submission.acknowledgement
    assert evidence.parts.content == submission.content
    assert evidence.parts.translated == b"<t/>"
    assert evidence.parts.timestamp_token == b"token"
    assert evidence.exchange.transport == {"address": "192.0.2.1"}
    assert evidence.exchange.received_at == now
    assert evidence.document.key == submission.document
    assert evidence.document.owner_partner == "ar-example"
    assert evidence.version.digest == submission.digest
    assert [row.partner for row, _ in evidence.deliveries] == ["nl"]
    assert [entry.action for entry in evidence.audit] == ["SubmitCertificate accepted"]


def test_a_repeat_returns_the_recorded_bytes_and_uses_up_its_nonce(store, make_submission):
    first = make_submission()
    submit(store, first)
    again = make_submission()

    recorded = submit(store, again)

    assert recorded.kind is RecordedKind.REPEAT
    assert (recorded.exchange_id, recorded.acknowledgement) == (first.exchange_id, first.acknowledgement)
    with store.read() as connection:
        assert find_exchange(connection, again.exchange_id).repeat_of == first.exchange_id
    replayed = submit(store, make_submission(nonces=again.nonces))
    assert (replayed.kind, replayed.detail) == (RecordedKind.REPLAY, "wsse")


def test_a_replay_leaves_nothing(store, make_submission):
    first = make_submission()
    submit(store, first)
    before = everything(store)

    fresh = Nonce("message-id", "urn:uuid:1", first.nonces[0].expires_at)
    replayed = make_submission("other", b"<other/>", nonces=(fresh, *first.nonces))

    assert submit(store, replayed).kind is RecordedKind.REPLAY
    assert everything(store) == before


def test_the_same_nonce_from_another_partner_is_another_nonce(store, make_submission):
    first = make_submission()
    submit(store, first)
    other = make_submission("other", b"<other/>", nonces=first.nonces, partner="br-example")
    assert submit(store, other).kind is RecordedKind.NEW


@pytest.mark.parametrize(
    ("conflict", "changes"),
    [
        (Conflict.VERSION, {"content": b"<changed/>"}),
        (Conflict.OWNER, {"partner": "br-example", "content": b"<changed/>"}),
        (Conflict.SEAL_VALUE, {"number": "2026-2", "partner": "br-example", "seal_value": b"seal"}),
        (Conflict.MESSAGE_ID, {"number": "2026-2", "content": b"<other/>", "sender_message_id": "m-1"}),
        (Conflict.STATE, {"status_code": "40", "expected_status": "71", "content": b"<withdrawn/>"}),
        (Conflict.STATE, {"number": "none", "status_code": "40", "expected_status": "70", "content": b"<gone/>"}),
        (Conflict.REPLACED, {"number": "2026-2", "content": b"<new/>", "replaces": DocumentKey("AR", "851", "none")}),
    ],
)
def test_a_conflict_says_what_and_leaves_nothing(store, make_submission, conflict, changes):
    submit(store, make_submission(sender_message_id="m-1", seal_value=b"seal"))
    before = everything(store)

    recorded = submit(store, make_submission(**changes))

    assert (recorded.kind, recorded.conflict) == (RecordedKind.CONFLICT, conflict)
    assert everything(store) == before


def test_another_partners_document_cannot_be_replaced(store, make_submission):
    first = make_submission()
    submit(store, first)
    theft = make_submission("2026-2", b"<new/>", partner="br-example", replaces=first.document)
    assert submit(store, theft).conflict is Conflict.REPLACED


def test_a_seal_value_seen_again_from_the_same_partner_returns_the_recorded_outcome(store, make_submission):
    first = make_submission()
    submit(store, first)
    elsewhere = make_submission(contract="delivery-service")

    recorded = submit(store, elsewhere)

    assert recorded.kind is RecordedKind.REPEAT
    assert (recorded.exchange_id, recorded.contract) == (first.exchange_id, "certificate-exchange")
    with store.read() as connection:
        kept = find_evidence(connection, elsewhere.exchange_id)
    assert (kept.exchange.outcome, kept.exchange.repeat_of) == (Outcome.REPEAT, first.exchange_id)
    assert kept.acknowledgement is None


def test_a_document_without_a_seal_value_repeats_over_another_contract_too(store, make_submission):
    first = make_submission(seal_value=None)
    submit(store, first)
    recorded = submit(store, make_submission(seal_value=None, contract="delivery-service"))
    assert (recorded.kind, recorded.exchange_id) == (RecordedKind.REPEAT, first.exchange_id)


def test_withdrawal_keeps_history(store, make_submission, now):
    submit(store, make_submission())
    later = now + timedelta(hours=1)
    withdrawal = make_submission(
        content=b"<withdrawn/>", status_code="40", expected_status="70", received_at=later, import_country=None
    )

    assert submit(store, withdrawal).kind is RecordedKind.NEW

    with store.read() as connection:
        document = find_document(connection, withdrawal.document)
        assert (document.status_code, document.changed_at, document.import_country) == ("40", later, "NL")
        assert [version.status_code for version in find_versions(connection, document.id)] == ["70", "40"]
        assert find_version(connection, document).exchange_id == withdrawal.exchange_id
        assert find_version(connection, document, "70").exchange_id == document.id


def test_a_version_cannot_come_back(store, make_submission):
    submit(store, make_submission())
    submit(store, make_submission(content=b"<withdrawn/>", status_code="40", expected_status="70"))
    back = make_submission(content=b"<again/>", status_code="70", expected_status="40")
    assert submit(store, back).conflict is Conflict.VERSION


def test_a_replacement_marks_what_it_replaces_once(store, make_submission):
    first = make_submission()
    submit(store, first)
    replacement = make_submission("2026-2", b"<new/>", replaces=first.document, replaces_expected="70")

    assert submit(store, replacement).kind is RecordedKind.NEW

    with store.read() as connection:
        (version,) = find_versions(connection, first.exchange_id)
    assert version.replaced_by == replacement.exchange_id
    again = make_submission("2026-3", b"<newer/>", replaces=first.document, replaces_expected="70")
    assert submit(store, again).conflict is Conflict.REPLACED


def test_of_two_transitions_judged_for_the_same_state_one_wins(store, make_submission):
    submit(store, make_submission())
    rivals = [
        make_submission(content=f"<{status}/>".encode(), status_code=status, expected_status="70")
        for status in ("40", "44")
    ]
    with ThreadPoolExecutor(2) as pool:
        recorded = list(pool.map(partial(submit, store), rivals))
    assert sorted(result.kind for result in recorded) == [RecordedKind.CONFLICT, RecordedKind.NEW]
    assert {result.conflict for result in recorded} == {None, Conflict.STATE}


def test_sixteen_at_once_have_one_effect_and_one_answer(store, make_submission):
    same = [make_submission(sender_message_id="m-1") for _ in range(16)]
    start = threading.Barrier(16)

    def send(submission):
        start.wait()
        return submit(store, submission)

    with ThreadPoolExecutor(16) as pool:
        recorded = list(pool.map(send, same))

    assert sorted(result.kind for result in recorded) == [RecordedKind.NEW] + [RecordedKind.REPEAT] * 15
    assert len({(result.exchange_id, result.acknowledgement) for result in recorded}) == 1
    total = everything(store)
    assert (total.documents, total.exchanges[Outcome.ACCEPTED], total.nonces) == (1, 1, 16)


def test_a_refusal_is_kept_with_its_reason(store, now):
    refusal = Refusal(
        exchange_id=new_id(now),
        partner="ar-example",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=now,
        request=b"<bad/>",
        error_code="IMG-3001",
        error_detail={"where": "/a"},
        nonces=(Nonce("wsse", "n", now + timedelta(hours=1)),),
        sender_message_id="m-9",
    )
    assert store.write(lambda connection: record_refusal(connection, refusal)).kind is RecordedKind.NEW
    with store.read() as connection:
        kept = find_evidence(connection, refusal.exchange_id)
    assert (kept.exchange.error_code, kept.exchange.error_detail) == ("IMG-3001", {"where": "/a"})
    assert (kept.request, kept.acknowledgement, kept.version) == (b"<bad/>", None, None)
    again = store.write(lambda connection: record_refusal(connection, refusal))
    assert again.kind is RecordedKind.REPLAY


def test_a_refused_message_may_come_again_under_its_id_and_be_accepted(store, make_submission, now):
    refusal = Refusal(
        exchange_id=new_id(now),
        partner="ar-example",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=now,
        request=b"<unmapped/>",
        error_code="IMG-3001",
        sender_message_id="m-1",
    )
    store.write(lambda connection: record_refusal(connection, refusal))
    assert submit(store, make_submission(sender_message_id="m-1")).kind is RecordedKind.NEW


def test_reading_leaves_an_audit_line_and_uses_up_its_nonce(store, now):
    def read(connection):
        nonce = Nonce("wsse", "r", now + timedelta(hours=1))
        return record_read(
            connection, partner="nl", operation="GetCertificate", subject="AR/851/1", at=now, nonces=(nonce,)
        )

    assert store.write(read).kind is RecordedKind.NEW
    assert store.write(read).kind is RecordedKind.REPLAY
    with store.read() as connection:
        (entry,) = find_audit(connection, "AR/851/1")
    assert (entry.actor, entry.action, entry.at) == ("nl", "GetCertificate", now)


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_the_audit_cannot_be_changed(store, make_submission, statement):
    submit(store, make_submission())
    with pytest.raises(Exception, match="append only"):
        store.write(lambda connection: connection.exec_driver_sql(statement))


def test_a_delivery_to_a_partner_that_is_not_there_undoes_everything(store, make_submission):
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        submit(store, make_submission(deliveries=("nobody",)))
    total = everything(store)
    assert (total.documents, total.exchanges[Outcome.ACCEPTED], total.nonces) == (0, 0, 0)
    with store.read() as connection:
        assert list_deliveries(connection) == ()
        assert list_exchanges(connection) == ()
        assert changed_documents(connection, DocumentQuery(visibility=None)) == ((), False)
