"""Box II.23 shows what customs reported, and nothing that was signed changes for it (docs/adr/0020)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pypdfium2
import pytest
from ched_harness import arrival, element, report_customs
from following_harness import Desk, power_cut

from gateway.documents.ched import AccompanyingDocument, Coded, read_ched
from gateway.errors import ChedRefused
from gateway.pdf import ChedPdf
from gateway.store import (
    ChedQuery,
    ChedVisibility,
    Period,
    ched_by_reference,
    ched_content,
    ched_versions,
)
from gateway.xml.boundary import parse
from gateway.xml.schemas import SchemaName, validate

OWN = AccompanyingDocument(Coded("960", "Customs document"), "ACE", "24NLT1")


@pytest.fixture
def desk(store):
    return Desk(store)


@pytest.fixture
def cleared(desk):
    """A validated CHED of which customs released goods, twice."""
    reference = desk.validated()
    for number in ("24NL1", "24NL2"):
        assert desk.reserve(reference, number, 100) == ""
        assert desk.clear(reference, number) == "01"
    return reference


def shown(desk, reference, name="commission"):
    return [each.number for each in desk.stored(reference, name).customs_documents]


def stored(desk, reference):
    with desk.store.read() as connection:
        row = ched_by_reference(connection, reference)
        return row, ched_content(connection, row).content, ched_versions(connection, row.id)


def updated_since(desk, moment):
    query = ChedQuery(visibility=ChedVisibility(everything=True), updated=Period(moment, moment + timedelta(days=1)))
    return [row.reference for row in desk.register.find(desk.actor("commission"), query)]


class TestShown:
    def test_after_the_documents_of_the_ched_in_the_order_of_their_report(self, desk):
        reference = desk.certify(customs_documents=(OWN,))
        desk.decide(reference)
        for number in ("24NL9", "24NL1"):
            desk.reserve(reference, number, 10)
            desk.clear(reference, number)
        assert shown(desk, reference) == ["24NLT1", "24NL9", "24NL1"]
        document = desk.stored(reference).customs_documents[1]
        assert (document.type.code, document.relation, document.information) == ("960", "ACE", "")
        validate(SchemaName.SPS_TOLERANT, element(desk.stored(reference)))

    def test_with_the_write_off_and_not_before(self, desk):
        reference = desk.validated()
        desk.reserve(reference, "24NL1", 100)
        assert shown(desk, reference) == []
        with power_cut(desk):
            desk.clear(reference, "24NL1")
        assert shown(desk, reference) == []
        desk.give_back(reference, "24NL1")
        assert shown(desk, reference) == []

    def test_with_an_intervention_and_no_longer_when_that_is_taken_back(self, desk):
        reference = desk.validated()
        assert desk.intervene(reference, "24NL1", "ForceWriteOff", 10) == "01"
        assert shown(desk, reference) == ["24NL1"]
        at = desk.now
        assert desk.intervene(reference, "24NL1", "DeleteWriteOff") == "01"
        assert shown(desk, reference) == []
        assert updated_since(desk, at) == [reference]

    def test_a_document_that_the_ched_names_itself_is_shown_once(self, desk):
        reference = desk.certify(customs_documents=(replace(OWN, number="24 nl1"),))
        desk.decide(reference)
        desk.reserve(reference, "24NL1", 10)
        desk.clear(reference, "24NL1")
        assert shown(desk, reference) == ["24 nl1"]

    def test_in_the_printed_ched(self, desk, cleared):
        desk.render = ChedPdf(lambda: desk.now, None)
        printed = pypdfium2.PdfDocument(desk.open().pdf(desk.actor("post"), cleared, signed=False))
        text = "".join(page.get_textpage().get_text_range() for page in printed)
        assert "24NL1" in text
        assert "24NL2" in text

    def test_in_the_copy_that_customs_get(self, desk, cleared):
        certificate = read_ched(parse(desk.read_out(cleared).certificate).root)
        assert [each.number for each in certificate.customs_documents] == ["24NL1", "24NL2"]
        desk.reserve(cleared, "24NL3", 1)
        assert shown(desk, cleared) == ["24NL1", "24NL2"]

    def test_in_the_copy_for_a_reader_without_personal_data(self, desk, cleared):
        actor = desk.actor(None, "xx-system")
        content = desk.register.read(actor, cleared)
        assert content.masked
        assert [each.number for each in read_ched(parse(content.content).root).customs_documents] == ["24NL1", "24NL2"]

    def test_no_more_than_a_ched_may_hold_the_newest_and_a_note(self, desk):
        reference = desk.certify(customs_documents=(OWN,))
        desk.decide(reference)
        report_customs(desk.store, reference, [f"24NL{number}" for number in range(520)], desk.now)
        found = desk.stored(reference).customs_documents
        assert [each.number for each in found[1:]] == [f"24NL{number}" for number in range(21, 520)]
        assert [each.information for each in found if each.information] == ["Earlier customs documents are not shown"]
        assert found[1].information
        desk.follow_up(reference, "local")
        report_customs(desk.store, reference, ["24NL520"], desk.now)
        assert shown(desk, reference)[-1] == "24NL520"


class TestUntouched:
    def test_the_stored_document_and_its_versions(self, desk):
        reference = desk.validated()
        row, content, versions = stored(desk, reference)
        desk.reserve(reference, "24NL1", 100)
        desk.clear(reference, "24NL1")
        after = stored(desk, reference)
        assert after[1:] == (content, versions)
        assert after[0] == replace(row, updated_at=desk.now)

    def test_a_copy_under_a_seal_shows_what_was_sealed(self, desk):
        reference = desk.certify()
        desk.decide(reference, seals=desk.signed())
        actor = desk.actor("post")
        sealed = desk.register.sealed_xml(actor, reference)
        desk.reserve(reference, "24NL1", 100)
        desk.clear(reference, "24NL1")
        assert shown(desk, reference) == ["24NL1"]
        assert desk.register.sealed_xml(actor, reference) == sealed
        assert b"24NL1" not in sealed

    def test_a_seal_that_is_made_after_a_report_neither_shows_it_nor_turns_the_moment_back(self, desk):
        reference = desk.certify()
        officer, authority = desk.signed()

        def last(document):
            copy = authority(document)
            desk.stamping = False
            return copy

        desk.decide(reference, seals=(officer, last))
        stale, content, _ = stored(desk, reference)
        assert stale.pending == "counter-seal"
        desk.reserve(reference, "24NL1", 100)
        desk.clear(reference, "24NL1")
        desk.stamping = True
        sealed = desk.register._seals.sealed(stale, content)
        row = stored(desk, reference)[0]
        assert (row.signed, row.updated_at) == (True, desk.now)
        assert b"24NL1" not in sealed

    def test_one_of_which_nothing_was_reported_is_given_byte_by_byte(self, desk):
        reference = desk.validated()
        assert desk.register.read(desk.actor("post"), reference).content == stored(desk, reference)[1]


class TestUpdated:
    def test_a_search_by_update_finds_it_and_the_copy_says_when(self, desk):
        reference = desk.validated()
        desk.reserve(reference, "24NL1", 100)
        desk.now += timedelta(hours=1)
        at = desk.now
        assert updated_since(desk, at) == []
        desk.clear(reference, "24NL1")
        assert updated_since(desk, at) == [reference]
        row = desk.register.row(desk.actor("post"), reference)
        assert at < row.updated_at == desk.now
        assert desk.stored(reference).updated == desk.now.isoformat(timespec="milliseconds")


class TestSentBack:
    def test_a_follow_up_that_hands_back_what_was_shown_is_taken_and_doubles_nothing(self, desk, cleared):
        assert [each.number for each in desk.stored(cleared).customs_documents] == ["24NL1", "24NL2"]
        receipt = desk.follow_up(cleared, "local")
        assert receipt.status_code == "70"
        assert shown(desk, cleared) == ["24NL1", "24NL2"]
        assert b"24NL1" not in stored(desk, cleared)[1]

    def test_one_that_was_read_before_the_last_report_is_taken_too(self, desk, cleared):
        early = replace(desk.stored(cleared), follow_up=arrival())
        desk.reserve(cleared, "24NL3", 1)
        desk.clear(cleared, "24NL3")
        document = element(early)
        call = desk.call(document, "SubmitFollowUp")
        assert desk.register.follow_up(desk.actor("local"), document, (), call).status_code == "70"
        assert shown(desk, cleared) == ["24NL1", "24NL2", "24NL3"]

    def test_another_change_of_the_box_is_refused_as_ever(self, desk, cleared):
        added = (*desk.stored(cleared).customs_documents, OWN)
        with pytest.raises(ChedRefused) as refused:
            desk.follow_up(cleared, "local", customs_documents=added)
        assert (refused.value.code, refused.value.found) == ("IMG-7213", "another value in II.23")

    def test_a_document_of_the_ched_cannot_be_left_out_because_customs_reported_it_too(self, desk):
        reference = desk.certify(customs_documents=(replace(OWN, number="24NL1"),))
        desk.decide(reference)
        desk.reserve(reference, "24NL1", 10)
        desk.clear(reference, "24NL1")
        with pytest.raises(ChedRefused) as refused:
            desk.follow_up(reference, "local", customs_documents=())
        assert refused.value.code == "IMG-7213"
        desk.follow_up(reference, "local")
        assert shown(desk, reference) == ["24NL1"]
