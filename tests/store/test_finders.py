from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.store import DocumentKey, Refusal, new_id, record_refusal, record_submission
from gateway.store.finders import (
    DocumentQuery,
    Visibility,
    changed_documents,
    find_document,
    find_evidence,
    find_exchange_by_message_id,
    find_version,
    find_version_parts,
    list_deliveries,
    list_exchanges,
)
from gateway.store.partners import save_partner
from gateway.store.records import DeliveryState, Outcome
from gateway.store.upkeep import counts, purge_nonces


def submit(store, submission):
    return store.write(lambda connection: record_submission(connection, submission))


@pytest.fixture
def five(store, make_submission, now):
    """Documents 0 to 4, a minute apart: even ones AR>NL of type 851, odd ones BR>DE of type 657."""
    for number in range(5):
        even = number % 2 == 0
        key = DocumentKey("AR" if even else "BR", "851" if even else "657", str(number))
        received = now + timedelta(minutes=number)
        submit(
            store,
            make_submission(
                str(number),
                f"<c{number}/>".encode(),
                document=key,
                partner="ar-example" if even else "br-example",
                import_country="NL" if even else "DE",
                received_at=received,
                exchange_id=new_id(received),
            ),
        )
    return store


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, "01234"),
        ({"type_codes": ("657",)}, "13"),
        ({"status_codes": ("40",)}, ""),
        ({"issuer_country": "AR", "import_country": "NL"}, "024"),
        ({"import_country": "FR"}, ""),
        ({"visibility": Visibility(partner="ar-example")}, "024"),
        ({"visibility": Visibility(partner="nobody")}, ""),
        ({"visibility": Visibility(partner="de", country_pairs=((None, "DE"),))}, "13"),
        (
            {"visibility": Visibility(partner="x", country_pairs=(("AR", None), ("BR", "DE")), type_codes=("657",))},
            "13",
        ),
        ({"visibility": Visibility(partner="ar-example", country_pairs=((None, None),))}, "01234"),
    ],
)
def test_a_search_finds_what_is_asked_for_and_may_be_seen(five, changes, found):
    query = DocumentQuery(**{"visibility": None} | changes)
    with five.read() as connection:
        documents, more = changed_documents(connection, query)
    assert "".join(document.key.number for document in documents) == found
    assert not more


def test_a_search_is_read_page_by_page(five, now):
    pages = []
    with five.read() as connection:
        for offset in (0, 2):
            query = DocumentQuery(visibility=None, changed_since=now + timedelta(minutes=1), limit=2, offset=offset)
            documents, more = changed_documents(connection, query)
            pages.append(("".join(document.key.number for document in documents), more))
    assert pages == [("12", True), ("34", False)]


def test_exchanges_are_listed_newest_first_with_filters(five, now):
    def numbers(**filters):
        with five.read() as connection:
            return "".join(row.subject[-1] for row in list_exchanges(connection, **filters))

    assert numbers() == "43210"
    assert numbers(limit=2) == "43"
    with five.read() as connection:
        last = list_exchanges(connection, limit=2)[-1].id
    assert numbers(before=last) == "210"
    assert numbers(partner="br-example") == "31"
    assert numbers(subject="BR/657/3") == "3"
    assert numbers(since=now + timedelta(minutes=3)) == "43"
    assert numbers(outcome=Outcome.REFUSED) == ""


def test_a_message_id_leads_to_the_accepted_exchange_of_that_partner(store, make_submission, now):
    refusal = Refusal(
        exchange_id=new_id(now),
        partner="ar-example",
        contract="c",
        operation="o",
        received_at=now,
        request=b"",
        error_code="IMG-3001",
        sender_message_id="m-1",
    )
    store.write(lambda connection: record_refusal(connection, refusal))

    def found(partner, message_id):
        with store.read() as connection:
            row = find_exchange_by_message_id(connection, partner, message_id)
            return row and row.id

    assert found("ar-example", "m-1") == refusal.exchange_id
    accepted = make_submission(sender_message_id="m-1")
    submit(store, accepted)
    assert found("ar-example", "m-1") == accepted.exchange_id
    submit(store, make_submission(sender_message_id="m-2"))
    assert found("ar-example", "m-2") == accepted.exchange_id
    assert found("br-example", "m-1") is None
    assert found("ar-example", "m-3") is None


def test_what_is_not_there_is_none(store, make_submission):
    submission = make_submission()
    submit(store, submission)
    with store.read() as connection:
        document = find_document(connection, submission.document)
        assert find_document(connection, DocumentKey("AR", "851", "none")) is None
        assert find_version(connection, document, "40") is None
        assert find_version_parts(connection, "none") is None
        assert find_evidence(connection, "none") is None


def test_deliveries_are_listed_with_filters(store, make_submission, now):
    for partner in ("de", "nl"):
        store.write(lambda c, partner=partner: save_partner(c, partner, {}, author="op", now=now))
    submit(store, make_submission("1", deliveries=("nl", "de")))
    submit(store, make_submission("2", b"<b/>", deliveries=("nl",)))

    def listed(**filters):
        with store.read() as connection:
            return [(row.seq, row.partner) for row in list_deliveries(connection, **filters)]

    assert listed() == [(3, "nl"), (2, "de"), (1, "nl")]
    assert listed(partner="nl", limit=1) == [(3, "nl")]
    assert listed(before=3, partner="nl") == [(1, "nl")]
    assert listed(state=DeliveryState.DELIVERED) == []
    assert len(listed(state=DeliveryState.PENDING)) == 3


def test_counts_tell_how_much_there_is(five, now):
    with five.read() as connection:
        total = counts(connection)
    assert (total.documents, total.exchanges[Outcome.ACCEPTED], total.nonces) == (5, 5, 5)
    assert (total.partners, total.oldest_open_delivery, total.lanes_paused) == (0, None, 0)


def test_expired_nonces_are_purged_in_small_portions(five, make_submission, now):
    def purge(at, limit=1_000):
        return five.write(lambda connection: purge_nonces(connection, at, limit=limit))

    assert purge(now + timedelta(minutes=59)) == 0
    assert [purge(now + timedelta(hours=2), limit=3) for _ in range(3)] == [3, 2, 0]
