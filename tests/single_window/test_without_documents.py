"""A reservation that stands and whose certificate cannot be shown: what its answer says, and what is on record."""

from __future__ import annotations

import json
from io import BytesIO
from zipfile import ZipFile

import pytest
from certex_harness import MRN, Goods

from gateway.errors import Unavailable
from gateway.exchange import evidence_file
from gateway.single_window import service
from gateway.store import find_audit, find_customs_message, record_audit

A = MRN("26XIWITHOUT0000001")


@pytest.fixture
def broken(monkeypatch):
    """No certificate can be shown any more."""

    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(service, "certificate_for_customs", fail)


def facts_of(world, ched):
    """Reserve on a CHED; the audit of that message, and the facts of its evidence."""
    caller = world.caller()
    assert caller.reserve(ched, A, Goods("2"), message_id=f"doc-{ched}").said == "reserved"
    with world.store.read() as connection:
        exchange = find_customs_message(connection, partner="customs-xi", prefix="XI000002", message_id=f"doc-{ched}")
        archive = ZipFile(BytesIO(evidence_file(connection, exchange)))
        return find_audit(connection, exchange), json.loads(archive.read("manifest.json"))["facts"]


def test_an_answer_with_its_certificate_names_the_version(standing):
    audit, facts = facts_of(standing, standing.ched())
    assert len(audit) == 1
    assert facts["version of the CHED in the answer"] == audit[0].detail["content"] != ""


def test_an_answer_without_it_is_on_record_as_one(standing, broken):
    ched = standing.ched()
    audit, facts = facts_of(standing, ched)
    assert [each.action for each in audit] == [
        "processedChedRequest accepted",
        "processedChedRequest without documents",
    ]
    assert audit[1].actor == "customs-xi"
    assert audit[1].detail == {"reference": ched, "error": "RuntimeError", "without_documents": True}
    assert "version of the CHED in the answer" not in facts
    assert facts["documents in the answer"] == "none: they could not be made"


def test_a_store_that_cannot_keep_that_either_changes_no_answer(standing, broken, monkeypatch):
    def fail(connection, **what):
        if what["action"].endswith("without documents"):
            raise Unavailable("IMG-9001")
        record_audit(connection, **what)

    monkeypatch.setattr(service, "record_audit", fail)
    ched = standing.ched()
    answer = standing.caller().reserve(ched, A, Goods("2"))
    assert (answer.said, answer.certificate) == ("reserved", None)
    assert standing.caller().release(ched, A).said == "outcome 01"
