"""Files are kept whole under a number of their own, and known by the CHEDs that cite them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from gateway.store import (
    NewAttachment,
    Nonce,
    RecordedKind,
    add_attachment,
    attachment_content,
    cheds_citing,
    find_attachment,
    find_attachment_upstream,
    find_audit,
    record_ched,
    set_attachment_upstream,
)
from gateway.store.portions import LARGE


@pytest.fixture
def add(store, now):
    def adding(content=b"%PDF-", *, nonces=(), **changes):
        new = NewAttachment(
            **{"name": "invoice.pdf", "content_type": "application/pdf", "partner": "nl-system", **changes},
            content=content,
        )
        return store.write(lambda c: add_attachment(c, new, at=now, nonces=nonces))

    return adding


@pytest.mark.parametrize("content", [b"", b"%PDF-\x00\xff", bytes(range(256)) * (2 * LARGE // 256) + b"end"])
def test_a_file_comes_back_as_it_went_in(store, add, now, content):
    row = add(content, body="OPERATOR1", upstream="4711")
    with store.read() as connection:
        assert find_attachment(connection, row.document_id) == row
        assert find_attachment_upstream(connection, "4711") == row
        assert attachment_content(connection, row.document_id) == content
        (entry,) = find_audit(connection, f"attachment/{row.document_id}")
    assert (row.size, row.digest, row.created_at) == (len(content), hashlib.sha256(content).digest(), now)
    assert (entry.actor, entry.detail) == ("nl-system", {"body": "OPERATOR1", "size": len(content)})


def test_each_has_a_number_of_its_own(store, add):
    rows = [add() for _ in range(3)]
    assert len({row.document_id for row in rows}) == 3
    with store.read() as connection:
        assert find_attachment(connection, 999) is None
        assert attachment_content(connection, 999) is None
        assert find_attachment_upstream(connection, "") is None


def test_the_number_upstream_may_come_later(store, add):
    row = add()
    assert store.write(lambda c: set_attachment_upstream(c, row.document_id, "12"))
    assert not store.write(lambda c: set_attachment_upstream(c, 999, "13"))
    with store.read() as connection:
        assert find_attachment_upstream(connection, "12").document_id == row.document_id


def test_a_replayed_upload_keeps_nothing(store, add, now):
    nonce = Nonce("wsse", "used", now + timedelta(hours=1))
    first = add(nonces=(nonce,))
    assert add(nonces=(nonce,)).kind is RecordedKind.REPLAY
    with store.read() as connection:
        assert find_attachment(connection, first.document_id + 1) is None


def test_a_file_knows_the_cheds_that_cite_it(store, add, make_ched, make_write):
    row = add()
    for number, cited in ((1, (row.document_id,)), (2, ()), (3, (row.document_id,))):
        write = make_write(make_ched(number), attachments=cited, evidence=None)
        store.write(lambda c, write=write: record_ched(c, write))
    with store.read() as connection:
        assert [found.reference[-1] for found in cheds_citing(connection, row.document_id)] == ["1", "3"]
        assert cheds_citing(connection, 999) == ()
