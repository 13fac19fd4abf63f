"""What customs look up, by its meaning: whichever face it is asked through (test_customs_rest.py)."""

from __future__ import annotations

import csv
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from certex_harness import LRN, MRN, Goods, line
from lookup_harness import Desk, certificate, cited, fresh, granted, partner
from sqlalchemy import text

from gateway.errors import AccessDenied, ChedRefused, CustomsRefused, GatewayError, TranslationRefused
from gateway.single_window import lookups, service
from gateway.single_window.access import customs_actor
from gateway.single_window.lookup_models import (
    ByCertificate,
    ByDeclaration,
    ByDocument,
    ByReference,
    NamedCode,
    Position,
)
from gateway.store import (
    DeclarationType,
    EntryKind,
    LedgerChange,
    Movement,
    apply_change,
    ched_by_reference,
    find_audit,
    freeze_ledger,
    lock_ledger,
)
from gateway.store.statements import Statement
from mappings import load_tables
from mappings.live import LiveTables

TABLES = Path(__file__).parents[2] / "mappings" / "tables"
UNKNOWN = "CHEDP.XI.2026.9999999"


@pytest.fixture
def desk(standing):
    return Desk(standing)


def table(name):
    lines = [row for row in (TABLES / name).read_text("utf-8").splitlines() if not row.startswith("#")]
    return list(csv.DictReader(lines))


def refused(desk, question, **options):
    with pytest.raises(GatewayError) as caught:
        desk.ask(question, **options)
    return caught.value


def references(answer):
    return [each.reference for each in answer.cheds]


class TestReference:
    """A CHED by box I.2: whether it is valid, for what, and how much of it is left."""

    def test_the_ledger_is_that_of_certex(self, standing, desk):
        ched = standing.ched(line(), line(2, "0102", pieces="7"))
        caller, other = standing.caller(), standing.caller("customs-xi-other")
        standing.later(seconds=1)
        assert caller.reserve(ched, MRN("26XILEDGER1"), Goods("0.002", "TNE")).said == "reserved"
        standing.later(seconds=1)
        assert other.reserve(ched, LRN("LEDGER2"), Goods("3", "H87", "0102", "2", "2", volume=True)).said == "reserved"
        standing.later(seconds=1)
        assert caller.release(ched, "26XILEDGER1").said == "outcome 01"
        (found,) = desk.ask(ByReference(ched)).cheds
        shown = caller.read(ched)
        positions = {each.number: each.position for each in found.lines}
        assert [
            (str(number), each.unit, each.available) for number, each in positions.items()
        ] == [(each.line, each.unit, each.quantity) for each in shown.available]  # fmt: skip
        assert positions[1].consumed == "2"
        assert positions[2].reserved == "3"
        stands = {
            (each.declaration_type, each.declaration, str(each.goods_item), str(each.line), each.quantity, each.unit)
            for each in found.allocations
        }
        assert stands == {
            (each.kind, each.number, each.item, each.line, each.quantity, each.unit)
            for each in (*shown.reserved, *shown.consumed)
        }
        assert {each.state for each in found.allocations} == {"reserved", "consumed"}
        assert found.valid
        assert not found.not_valid_because
        assert (found.purpose, found.conclusion) == ("INTERNAL_MARKET", "ACCEPTABLE_FOR_INTERNAL_MARKET")
        assert found.ledger_version == 4

    def test_without_a_ledger_its_lines_are_all_there(self, standing, desk):
        ched = standing.ched(line(weight="12.5"), status="1")
        (found,) = desk.ask(ByReference(ched)).cheds
        (shown,) = found.lines
        assert (shown.position.certified, shown.position.available, shown.position.carried) == ("12.5", "12.5", "0")
        assert (found.ledger_version, found.allocations) == (0, ())

    def test_a_line_without_a_quantity_is_goods_without_a_position(self, standing, desk):
        ched = standing.ched(line(), line(2, weight=""))
        (found,) = desk.ask(ByReference(ched)).cheds
        assert [(each.number, each.position is None) for each in found.lines] == [(1, False), (2, True)]
        assert found.lines[0].descriptions == ("Invented goods",)

    @pytest.mark.parametrize("status", ["1", "42", "41", "122", "44", "64", "97", "146", "124", "35", "99"])
    def test_any_status_but_validated_is_not_valid(self, standing, desk, status):
        ched = standing.ched()
        standing.set_status(ched, status)
        (found,) = desk.ask(ByReference(ched)).cheds
        assert not found.valid
        assert found.not_valid_because.startswith(f"its status is {status} (")
        assert found.status.code == status
        assert found.status.name

    def test_a_frozen_ledger_is_not_valid_and_why_it_is_frozen_is_not_told(self, standing, desk):
        ched = standing.ched()
        standing.caller().reserve(ched, MRN("26XIFROZEN"), Goods())

        def freeze(connection):
            row = ched_by_reference(connection, ched)
            return freeze_ledger(connection, row.id, "a secret of the operator", at=standing.now, actor="test")

        assert standing.store.write(freeze)
        (found,) = desk.ask(ByReference(ched)).cheds
        assert not found.valid
        assert found.not_valid_because == "its ledger is frozen"
        assert "secret" not in repr(found)

    def test_what_was_taken_back_was_not_reported(self, standing, desk):
        caller, ched = standing.caller("customs-xi"), standing.ched()
        for said in (
            caller.reserve(ched, MRN("26XITAKENBACK"), Goods("5")).said,
            caller.release(ched, "26XITAKENBACK").said,
        ):
            assert said in {"reserved", "outcome 01"}
        (found,) = desk.ask(ByDeclaration(DeclarationType.MRN, "26XITAKENBACK")).cheds
        assert found.because == ("consumed", "reported")
        assert caller.intervene(ched, "26XITAKENBACK", "DeleteWriteOff").said == "outcome 01"
        assert desk.ask(ByDeclaration(DeclarationType.MRN, "26XITAKENBACK")).cheds == ()
        (found,) = desk.ask(ByReference(ched)).cheds
        assert "26XITAKENBACK" not in [each.number for each in found.customs_documents]

    def test_box_ii_23_has_what_customs_reported_and_what_stands_in_the_document(self, standing, desk):
        document = cited("960-DOC-1", "960", relation="ACE")
        ched = standing.ched(customs_documents=(document, replace(document, number="26XIREPORTED")))
        caller = standing.caller()
        caller.reserve(ched, MRN("26XIREPORTED"), Goods())
        standing.later(seconds=1)
        caller.release(ched, "26XIREPORTED")
        (found,) = desk.ask(ByReference(ched)).cheds
        shown = [(each.number, each.code, each.office, each.reported_at) for each in found.customs_documents]
        (reported, written) = shown
        assert reported[:3] == ("26XIREPORTED", "N853", "XI000002")
        assert timedelta(0) <= standing.now - reported[3] <= timedelta(seconds=2)
        assert written == ("960-DOC-1", "", "", None)

    def test_no_name_of_an_operator_or_person_is_shown(self, standing, desk):
        answer = repr(desk.ask(ByReference(standing.ched())))
        for name in ("Invented importer", "Invented exporter", "A. N. Invented", "declarant@example.org"):
            assert name not in answer

    @pytest.mark.parametrize("status", ["47", "55", ""], ids=["a draft", "deleted", "not there"])
    def test_what_was_never_submitted_is_not_there(self, standing, desk, status):
        ched = standing.ched(status=status) if status else UNKNOWN
        error = refused(desk, ByReference(ched))
        assert isinstance(error, ChedRefused)
        assert (error.code, error.found, error.subject) == ("IMG-7201", ched, ched)

    def test_a_ched_of_other_countries_is_refused_and_not_unknown(self, standing, desk):
        ched = standing.ched()
        for question in (ByReference(ched), ByDocument("N853", ched), ByDocument("C640", ched)):
            error = refused(desk, question, by=partner(countries=("FR",)))
            assert isinstance(error, AccessDenied)
            assert error.code == "IMG-2110"

    def test_a_partner_that_is_no_customs_system_asks_nothing(self):
        with pytest.raises(AccessDenied) as caught:
            customs_actor(SimpleNamespace(partner=partner(countries=None)))
        assert caught.value.code == "IMG-2113"


class TestDocumentCode:
    """Data element 12 03: a code and a number."""

    @pytest.mark.parametrize(("code", "kind"), [("C640", "A"), ("N853", "P"), ("C085", "PP"), ("C678", "D")])
    def test_the_code_of_a_ched_gives_it(self, standing, desk, code, kind):
        ched = standing.ched(type_=kind)
        answer = desk.ask(ByDocument(code, ched))
        assert references(answer) == [ched]
        assert answer.cheds[0].because == ("asked",)
        assert answer.cheds[0].document_code == code
        assert answer.question.document == NamedCode(code, f"CHED-{kind}")
        assert answer.question.reference == ched

    @pytest.mark.parametrize("code", ["C640", "C085", "C678"])
    def test_the_type_must_agree(self, standing, desk, code):
        error = refused(desk, ByDocument(code, standing.ched(type_="P")))
        assert isinstance(error, CustomsRefused)
        assert (error.code, error.expected[-4:]) == ("IMG-7408", code)

    def test_a_ched_that_is_not_there(self, desk):
        assert refused(desk, ByDocument("N853", UNKNOWN)).code == "IMG-7201"

    @pytest.mark.parametrize(
        "row", [each for each in table("map-customs-customs-document-kind.csv") if each["canonical"] != "CERTIFICATE"],
        ids=lambda row: row["code"],
    )  # fmt: skip
    def test_exemptions_and_other_documents_are_told_for_what_they_are(self, desk, row):
        name = next(each["name"] for each in table("list-customs-document-code.csv") if each["code"] == row["code"])
        error = refused(desk, ByDocument(row["code"], "1"))
        assert (error.code, error.found) == ("IMG-7421", f"{row['code']}: {name}")

    def test_every_code_of_the_list_is_a_ched_a_certificate_or_refused(self, desk):
        """None falls through to "unknown"."""
        kinds = {}
        for each in table("list-customs-document-code.csv"):
            try:
                answer = desk.ask(ByDocument(each["code"], UNKNOWN))
            except GatewayError as error:
                kinds.setdefault(error.code, set()).add(each["code"])
            else:
                assert answer.cheds == answer.certificates == ()
                kinds.setdefault("certificate", set()).add(each["code"])
        assert kinds.pop("IMG-7201") == {"C640", "N853", "C085", "C678"}
        assert kinds.pop("certificate") == {"N851", "N852", "C657", "C687", "C688"}
        assert set(kinds) == {"IMG-7421"}

    def test_a_transport_document_is_not_looked_up(self, desk):
        error = refused(desk, ByDocument("N705", "BL-1"))
        assert (error.code, error.found) == ("IMG-7421", "N705: Bill of lading")

    @pytest.mark.parametrize("code", ["CHED-P", "c640", "Phytosanitary", "P", "851", "C6400"])
    def test_names_and_nearly_codes_are_unknown(self, standing, desk, code):
        assert refused(desk, ByDocument(code, standing.ched())).code == "IMG-7420"

    def test_an_unconfirmed_row_is_not_used(self, desk):
        error = refused(desk, ByDocument("N830", "1"))
        assert isinstance(error, TranslationRefused)
        assert error.code == "IMG-6004"

    def test_a_phytosanitary_certificate_and_who_cites_it(self, standing, desk):
        number = fresh("ZA/851/2026")
        certificate(standing, number)
        certificate(standing, number, type_code="657")
        ched = standing.ched(type_="PP", documents=(cited(number),))
        standing.ched(type_="PP", documents=(cited(number, "657"),))
        answer = desk.ask(ByDocument("N851", number))
        assert [(each.type, each.number, each.status.code) for each in answer.certificates] == [("851", number, "70")]
        assert references(answer) == [ched]
        (found,) = answer.cheds
        assert found.because == ("cited",)
        assert [(each.type.code, each.country) for each in found.citations] == [("851", "ZA")]
        assert (answer.question.type, answer.question.document.name) == ("851", "Phytosanitary certificate")

    @pytest.mark.parametrize("code", ["N852", "C657", "C687", "C688"])
    def test_a_certificate_whose_code_fits_several_types(self, standing, desk, code):
        number = fresh()
        ched = standing.ched(type_="D", documents=(cited(number, "856"),))
        certificate(standing, number, type_code="853")
        answer = desk.ask(ByDocument(code, number))
        assert (references(answer), [each.type for each in answer.certificates]) == ([ched], ["853"])
        assert answer.question.type == ""


class TestNationalCodes:
    """The partner's own codes by its system's tables, those of the Union beside them."""

    @pytest.mark.parametrize(
        ("system", "code", "kind"),
        [
            ("italy-adm", "03CV", "D"),
            ("italy-adm", "C678", "D"),
            ("uk-customs", "9115", "PP"),
            ("uk-customs", "C633", "PP"),
            ("uk-customs", "N002", "PP"),
            ("uk-customs", "C673", "P"),
            ("uk-customs", "N851", "PP"),
            ("uk-customs", "N852", "D"),
            ("germany-atlas", "N853", "P"),
            ("ipaffs", "CVEDA", "A"),
        ],
    )
    def test_an_alias_gives_the_ched(self, standing, desk, system, code, kind):
        ched = standing.ched(type_=kind)
        answer = desk.ask(ByDocument(code, ched), by=partner(system))
        assert references(answer) == [ched]
        assert answer.question.document.code == code
        other = standing.ched(type_="A" if kind != "A" else "P")
        assert refused(desk, ByDocument(code, other), by=partner(system)).code == "IMG-7408"

    @pytest.mark.parametrize(("system", "code"), [("uk-customs", "C085"), ("ipaffs", "CHEDPP"), ("italy-adm", "C085")])
    def test_the_answer_names_the_code_that_this_system_has(self, standing, desk, system, code):
        (found,) = desk.ask(ByReference(standing.ched(type_="PP")), by=partner(system)).cheds
        assert found.document_code == code

    @pytest.mark.parametrize(
        ("system", "code", "found"),
        [
            ("italy-adm", "07YY", "07YY: No phytosanitary certificate needed"),
            ("uk-customs", "9HCG", "9HCG: UK code without a CHED"),
            ("uk-customs", "Y900", "Y900: Not CITES"),
            ("germany-atlas", "C644", "C644: Certificate of inspection for organic products (COI)"),
        ],
    )
    def test_exemptions_of_a_country_and_of_the_union(self, desk, system, code, found):
        error = refused(desk, ByDocument(code, "1"), by=partner(system))
        assert (error.code, error.found) == ("IMG-7421", found)

    @pytest.mark.parametrize(
        ("system", "code"), [("traces", "03CV"), ("traces", "9115"), ("italy-adm", "9115"), ("uk-customs", "07YY")]
    )
    def test_codes_of_other_countries_are_unknown(self, desk, system, code):
        assert refused(desk, ByDocument(code, UNKNOWN), by=partner(system)).code == "IMG-7420"

    def test_a_certificate_by_the_unions_code(self, standing, desk):
        number = fresh()
        ched = standing.ched(documents=(cited(number),))
        assert references(desk.ask(ByDocument("N851", number), by=partner("italy-adm"))) == [ched]

    def test_an_unconfirmed_code_is_refused_until_somebody_confirms_it(self, standing):
        ched = standing.ched(type_="P")
        asked = ByDocument("3LNA", ched)
        context = standing.application.context
        assert refused(Desk(standing), asked, by=partner("germany-atlas")).code == "IMG-6004"
        confirmed = LiveTables(load_tables(), context.store, allow_unconfirmed=True)
        desk = Desk(standing, replace(context, index=confirmed))
        assert references(desk.ask(asked, by=partner("germany-atlas"))) == [ched]
        animals = ByDocument("3LNA", standing.ched(type_="A"))
        assert refused(desk, animals, by=partner("germany-atlas")).code == "IMG-6002"


class TestUkReferences:
    """``GBCHD2025.1234567`` says no type: the code beside it does."""

    UK = partner("uk-customs", countries=("XI", "GB"))

    @pytest.fixture
    def ched(self, standing):
        number = fresh("")[-5:]
        return standing.ched(type_="PP", reference=f"CHEDPP.GB.2025.77{number}", country="GB")

    def test_it_is_read_by_the_code(self, desk, ched):
        declared = f"GBCHD2025.{ched[-7:]}"
        answer = desk.ask(ByDocument("9115", declared), by=self.UK)
        assert references(answer) == [ched]
        assert (answer.question.number, answer.question.reference) == (declared, ched)
        assert answer.cheds[0].valid
        assert refused(desk, ByDocument("C640", declared), by=self.UK).found == ched.replace("CHEDPP", "CHEDA")

    @pytest.mark.parametrize("mark", ["R", "V"])
    def test_a_part_of_a_split_ched_is_never_answered_by_the_whole(self, desk, ched, mark):
        answer = desk.ask(ByDocument("C085", f"GBCHD2025.{ched[-7:]}{mark}"), by=self.UK)
        assert answer.question.split_mark == mark
        assert not answer.cheds[0].valid
        assert f"({mark})" in answer.cheds[0].not_valid_because

    def test_the_form_decides_between_ched_and_certificate(self, standing, desk, ched):
        number = fresh()
        standing.ched(documents=(cited(number),))
        by_ched = desk.ask(ByDocument("N851", f"GBCHD2025.{ched[-7:]}"), by=self.UK)
        assert by_ched.cheds[0].because == ("asked",)
        by_number = desk.ask(ByDocument("N851", number), by=self.UK)
        assert by_number.cheds[0].because == ("cited",)
        assert by_number.question.type == "851"

    def test_other_systems_do_not_write_so(self, desk, ched):
        error = refused(desk, ByDocument("C085", f"GBCHD2025.{ched[-7:]}"), by=partner(countries=("GB",)))
        assert error.code == "IMG-7201"


class TestCertificate:
    """By its number, whoever issued it."""

    def test_every_issuer_and_type_unless_one_is_named(self, standing, desk):
        number = fresh()
        for issuer, type_code in (("ZA", "851"), ("ZA", "657"), ("AR", "851")):
            certificate(standing, number, issuer=issuer, type_code=type_code)
        cheds = [standing.ched(documents=(cited(number, kind, country),))
                 for country, kind in (("ZA", "851"), ("ZA", "657"), ("AR", "851"))]  # fmt: skip

        def seen(country="", type_code=""):
            answer = desk.ask(ByCertificate(number, country, type_code))
            return [(each.issuer_country, each.type) for each in answer.certificates], references(answer)

        assert seen() == ([("AR", "851"), ("ZA", "657"), ("ZA", "851")], cheds)
        assert seen("ZA") == ([("ZA", "657"), ("ZA", "851")], cheds[:2])
        assert seen("", "851") == ([("AR", "851"), ("ZA", "851")], [cheds[0], cheds[2]])
        assert seen("ZA", "657") == ([("ZA", "657")], [cheds[1]])
        assert seen("BR") == ([], [])

    def test_what_became_of_it(self, standing, desk):
        old, new = fresh(), fresh()
        certificate(standing, old)
        standing.later(seconds=1)
        certificate(standing, new, replaces=old)
        (found,) = desk.ask(ByCertificate(old)).certificates
        assert (found.status.code, found.replaced_by) == ("44", new)
        standing.later(seconds=1)
        certificate(standing, new, status="40", before="70")
        (found,) = desk.ask(ByCertificate(new)).certificates
        assert (found.status.code, found.replaced_by) == ("40", "")
        assert [each.status_code for each in found.versions] == ["70", "40"]
        assert (found.changed_at, found.import_country) == (standing.now, "XI")

    def test_what_may_not_be_seen_is_counted_and_never_an_empty_answer(self, standing, desk):
        number = fresh()
        certificate(standing, number, importer="FR")
        assert refused(desk, ByCertificate(number)).code == "IMG-2110"
        abroad = standing.ched(country="FR", documents=(cited(number),))
        assert refused(desk, ByCertificate(number)).code == "IMG-2110"
        here = standing.ched(documents=(cited(number),))
        answer = desk.ask(ByCertificate(number))
        assert (references(answer), answer.certificates, answer.page.withheld) == ([here], (), 2)
        answer = desk.ask(ByCertificate(number), by=partner(countries=("XI", "FR")))
        assert references(answer) == sorted([here, abroad])
        assert (len(answer.certificates), answer.page.withheld) == (1, 0)

    def test_a_grant_for_exchanges_shows_a_certificate_too(self, standing, desk):
        number = fresh()
        certificate(standing, number, importer="FR")
        for pairs, types, sees in ((["ZA>FR"], ["851"], True), (["ZA>FR"], ["657"], False), (["AR>*"], ["*"], False)):
            by = partner(**granted(*pairs, types=types))
            if sees:
                assert len(desk.ask(ByCertificate(number), by=by).certificates) == 1
            else:
                assert refused(desk, ByCertificate(number), by=by).code == "IMG-2110"

    def test_a_certificate_for_nobody_knows_where_is_shown_to_those_who_may_see_all(self, standing, desk):
        number = fresh()
        certificate(standing, number, importer=None)
        assert refused(desk, ByCertificate(number)).code == "IMG-2110"
        assert len(desk.ask(ByCertificate(number), by=partner(countries=("*",))).certificates) == 1

    def test_drafts_cite_nothing(self, standing, desk):
        number = fresh()
        standing.ched(status="47", documents=(cited(number),))
        answer = desk.ask(ByCertificate(number))
        assert (answer.cheds, answer.page.withheld) == ((), 0)

    def test_page_by_page(self, standing, desk):
        number = fresh()
        cheds = sorted(standing.ched(documents=(cited(number),)) for _ in range(5))
        pages = [desk.ask(ByCertificate(number), limit=2, offset=offset) for offset in (0, 2, 4, 6)]
        assert [references(page) for page in pages] == [cheds[:2], cheds[2:4], cheds[4:], []]
        assert [page.page.more for page in pages] == [True, True, False, False]
        assert {(page.page.limit, page.page.offset) for page in pages} == {(2, 0), (2, 2), (2, 4), (2, 6)}

    def test_a_number_that_says_nothing_is_refused(self, standing, desk, monkeypatch):
        number = fresh()
        monkeypatch.setattr(lookups, "MAX_CITING", 2)
        standing.ched(documents=(cited(number),))
        assert len(desk.ask(ByCertificate(number)).cheds) == 1
        standing.ched(documents=(cited(number),))
        assert refused(desk, ByCertificate(number)).code == "IMG-7422"

    def test_a_number_of_too_many_certificates_is_refused(self, standing, desk, monkeypatch):
        number = fresh()
        monkeypatch.setattr(lookups, "MAX_SAME", 2)
        certificate(standing, number)
        assert len(desk.ask(ByCertificate(number)).certificates) == 1
        certificate(standing, number, issuer="AR")
        assert refused(desk, ByCertificate(number)).code == "IMG-7422"


class TestDeclaration:
    """Which documents stand behind it."""

    @pytest.fixture
    def mrn(self):
        return fresh("26XI").replace("-", "")

    def test_everything_that_stands_for_it_and_nothing_of_others(self, standing, desk, mrn):
        caller = standing.caller()
        held, taken, both, other = (standing.ched(line(), line(2)) for _ in range(4))
        caller.reserve(held, MRN(mrn), Goods("5"))
        for ched in (taken, both):
            caller.reserve(ched, MRN(mrn), Goods("7"))
            standing.later(seconds=1)
            caller.release(ched, mrn)
        caller.reserve(other, MRN(f"{mrn}2"), Goods("1"))
        answer = desk.ask(ByDeclaration(DeclarationType.MRN, mrn))
        assert {each.reference: each.because for each in answer.cheds} == {
            held: ("reserved",),
            taken: ("consumed", "reported"),
            both: ("consumed", "reported"),
        }
        assert {each.document_code for each in answer.cheds} == {"N853"}
        assert {each.status.code for each in answer.cheds} == {"70"}
        assert answer.cheds[0].lines[0].position.available == "995"
        assert (answer.question.declaration_type, answer.question.number) == ("MRN", mrn)

    def test_an_mrn_is_not_the_lrn_of_the_same_characters(self, standing, desk, mrn):
        caller = standing.caller()
        by_mrn, by_lrn = standing.ched(), standing.ched()
        caller.reserve(by_mrn, MRN(mrn), Goods())
        caller.reserve(by_lrn, LRN(mrn), Goods())
        assert references(desk.ask(ByDeclaration(DeclarationType.MRN, mrn))) == [by_mrn]
        assert references(desk.ask(ByDeclaration(DeclarationType.LRN, mrn))) == [by_lrn]

    def test_what_is_given_back_does_not_stand(self, standing, desk, mrn):
        caller = standing.caller()
        ched = standing.ched()
        caller.reserve(ched, MRN(mrn), Goods())
        standing.later(seconds=1)
        caller.delete(ched, mrn)
        answer = desk.ask(ByDeclaration(DeclarationType.MRN, mrn))
        assert (answer.cheds, answer.page.withheld, answer.page.more) == ((), 0, False)

    def test_cheds_of_other_countries_are_counted_or_all_is_refused(self, standing, desk, mrn):
        other = standing.caller("customs-fr")
        abroad = standing.ched(country="FR")
        assert other.reserve(abroad, MRN(mrn), Goods()).said == "reserved"
        assert refused(desk, ByDeclaration(DeclarationType.MRN, mrn)).code == "IMG-2110"
        here = standing.ched(country="XI", destination=None)
        third = standing.caller("customs-xi-other")
        third.reserve(here, MRN(mrn), Goods())
        answer = desk.ask(ByDeclaration(DeclarationType.MRN, mrn))
        assert (references(answer), answer.page.withheld) == ([here], 1)

    def test_what_is_not_on_the_page_costs_no_question_each(self, standing, desk, mrn, monkeypatch):
        caller, asked = standing.caller(), []
        run, here = Statement.__call__, threading.get_ident()

        def counted(statement, connection, /, **values):
            if threading.get_ident() == here:
                asked.append(statement)
            return run(statement, connection, **values)

        def cost():
            del asked[:]
            assert len(desk.ask(ByDeclaration(DeclarationType.MRN, mrn), limit=1).cheds) == 1
            return len(asked)

        monkeypatch.setattr(Statement, "__call__", counted)
        caller.reserve(standing.ched(), MRN(mrn), Goods("5"))
        one = cost()
        for _ in range(4):
            caller.reserve(standing.ched(), MRN(mrn), Goods("5"))
        assert cost() < one + 4  # the tables may be looked at again in any of them

    def test_a_part_never_looks_like_all(self, standing, desk, mrn, monkeypatch):
        monkeypatch.setattr(lookups, "MAX_ROWS", 2)
        caller = standing.caller()
        ched = standing.ched()
        caller.reserve(ched, MRN(mrn), Goods())
        assert references(desk.ask(ByDeclaration(DeclarationType.MRN, mrn))) == [ched]
        standing.later(seconds=1)
        caller.reserve(ched, MRN(mrn), Goods(), Goods(item="2"))
        assert refused(desk, ByDeclaration(DeclarationType.MRN, mrn)).code == "IMG-7422"


WRONG = [
    (ByReference(""), "reference"),
    (ByReference(" CHEDP.XI.2026.0000001"), "reference"),
    (ByReference("x" * 129), "reference"),
    (ByReference("a\nb"), "reference"),
    (ByDocument("", "1"), "code"),
    (ByDocument("N 853", "1"), "code"),
    (ByDocument("N" * 33, "1"), "code"),
    (ByDocument("N853", "\x00"), "number"),
    (ByCertificate(""), "number"),
    (ByCertificate("1", "ZAF"), "country"),
    (ByCertificate("1", "za"), "country"),
    (ByCertificate("1", "", "8-51"), "type"),
    (ByDeclaration(DeclarationType.LRN, "x "), "number"),
]


class TestWrongQuestions:
    @pytest.mark.parametrize(("question", "where"), WRONG, ids=lambda value: repr(value)[:60])
    def test_what_no_document_is_found_by(self, desk, question, where):
        error = refused(desk, question)
        assert (error.code, error.where) == ("IMG-7422", where)

    @pytest.mark.parametrize(("limit", "offset", "where"), [(0, 0, "limit"), (101, 0, "limit"), (-1, 0, "limit"),
                                                           (1, -1, "offset"), (1, 10_001, "offset")])  # fmt: skip
    def test_pages_have_bounds(self, desk, limit, offset, where):
        error = refused(desk, ByCertificate("1"), limit=limit, offset=offset)
        assert (error.code, error.where) == ("IMG-7422", where)


class TestOneMoment:
    """What happens while an answer is put together is in all of it or in none of it."""

    @pytest.fixture
    def cleared(self, standing, monkeypatch):
        """A CHED of which a declaration holds some, and which is cleared between two looks of the next answer."""
        ched, caller = standing.ched(), standing.caller()
        caller.reserve(ched, MRN("26XIINST1"), Goods("600"))
        standing.later(seconds=1)

        def between(module, name):
            look = getattr(module, name)

            def after(connection, ched_id):
                monkeypatch.undo()
                assert caller.release(ched, "26XIINST1").said == "outcome 01"
                return look(connection, ched_id)

            monkeypatch.setattr(module, name, after)
            return ched, caller

        return between

    def test_a_clearance_between_two_looks_of_a_lookup(self, desk, cleared):
        ched, _ = cleared(lookups, "find_reports")

        def seen():
            (found,) = desk.ask(ByReference(ched)).cheds
            return [each.state for each in found.allocations], [each.number for each in found.customs_documents]

        assert seen() == (["reserved"], [])
        assert seen() == (["consumed"], ["26XIINST1"])

    def test_a_clearance_between_two_looks_of_certex(self, cleared):
        ched, caller = cleared(service, "find_reports")

        def seen():
            shown = caller.read(ched)
            return len(shown.reserved), "26XIINST1" in "".join(shown.certificate.itertext())

        assert seen() == (1, False)
        assert seen() == (0, True)


class TestTrace:
    def count(self, world):
        with world.store.read() as connection:
            return connection.execute(text("SELECT count(*) FROM audit")).scalar()

    def test_each_answer_leaves_one(self, standing, desk):
        ched = standing.ched()
        before = self.count(standing)
        desk.ask(ByReference(ched))
        assert self.count(standing) == before + 1
        with standing.store.read() as connection:
            entry = find_audit(connection, ched)[-1]
        assert (entry.actor, entry.action) == ("customs-asking", "ByReference")
        assert entry.detail == {"cheds": [ched], "withheld": 0}


def test_a_position_adds_up_also_where_a_successor_carries_some(standing, desk):
    """certified = available + reserved + consumed + carried."""
    old = standing.ched(line(weight="10"))
    standing.caller().reserve(old, MRN(fresh("26XI").replace("-", "")), Goods("4"))

    def carry(connection):
        state = lock_ledger(connection, old)
        moved = Movement(kind=EntryKind.CARRIED, line=1, quanta=3 * 10**9, other=UNKNOWN)
        change = LedgerChange(ched_id=state.ched_id, at=standing.now, partner="a-test", movements=(moved,))
        return apply_change(connection, change)

    standing.store.write(carry)
    (found,) = desk.ask(ByReference(old)).cheds
    (shown,) = found.lines
    assert shown.position == Position(
        unit="KGM", certified="10", available="3", reserved="4", consumed="0", carried="3"
    )
