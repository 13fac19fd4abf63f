"""A partner with codes of its own, straight at the register: translated in, translated back (Art 37(2), R-37-2)."""

from dataclasses import replace
from datetime import timedelta
from importlib import resources

import pytest
from ched_harness import BODIES, World, authority, ched_pp, decision, element, other
from sqlalchemy import text

from gateway.ched.models import SealedCopy, SealRole, SubmissionKind
from gateway.documents.ched import Coded, Country, read_ched
from gateway.endpoints.traces_common import Asked
from gateway.errors import ExchangeRefused, RulesRefused, SealRefused, TranslationRefused
from gateway.exchange.repeating import kept_report, repeat
from gateway.store import (
    ChedQuery,
    ChedVisibility,
    ched_by_reference,
    ched_content,
    ched_versions,
    find_audit,
    find_evidence,
)
from gateway.store.quarantine_tables import quarantine
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from mappings import load_tables, report_from_json, report_to_json, translate
from mappings.live import LiveTables

SYSTEM = "national-b"
IMPORTER = other("OPNL1001", "operator", "NL", national_registry_number="NL-4711")
POST = authority("AUNL1001", "border-control-post", posts=["NLRTM1"])


@pytest.fixture
def world(store):
    made = World(store, part_signatures="required")
    record = made.record("nl-own", "national", "NL", [IMPORTER, POST], code_system=SYSTEM)
    made.records.append(record)
    return made


def actor(world, body):
    partner = world.partner("nl-own")
    return replace(world.actor(None, "nl-own"), body=partner.traces.by_id()[body["id"]])


def own(world, ched):
    """As the system writes it: IM for the internal market, KG for kilograms, EL for Greece."""
    index = world.context.index.on(world.now.date())
    root = translate(element(ched), source="traces", target=SYSTEM, index=index).root
    return parse(serialise(root)).root


def submit(world, document, body=IMPORTER, kind=SubmissionKind.FOR_DECISION):
    return world.register.submit(actor(world, body), document, kind, world.call(document))


def kept(world, reference):
    with world.store.read() as connection:
        return ched_content(connection, ched_by_reference(connection, reference))


def test_what_is_kept_and_judged_is_in_canonical_codes_and_the_original_beside_it(world):
    document = own(world, ched_pp())
    assert b">IM<" in serialise(document)
    reference = submit(world, document).reference
    parts = kept(world, reference)
    ched = read_ched(parse(parts.content).root)
    assert ched.purposes[0].code.code == "INTERNAL_MARKET"
    assert ched.lines[0].net_weight.unit == "KGM"
    assert parts.original == serialise(document)


def test_the_tables_that_translated_it_are_named_with_each_place(world):
    reference = submit(world, own(world, ched_pp())).reference
    with world.store.read() as connection:
        row = ched_by_reference(connection, reference)
        (version,) = ched_versions(connection, row.id)
        evidence = find_evidence(connection, version.exchange_id)
        report = connection.execute(text("SELECT translation_report FROM exchange_parts")).scalar_one()
    assert version.tables == evidence.tables == world.context.index.version
    assert ("IM", "INTERNAL_MARKET") in {(each.source_code, each.target_code) for each in report_from_json(report)}


def kept_of(world, **options):
    with world.store.read() as connection:
        (message,) = connection.execute(text("SELECT exchange_id FROM ched_versions")).scalars()
        return kept_report(connection, message, **options)


def again(world, kept):
    return repeat(kept, world.partner(kept.partner), world.context.index.at(kept.tables, kept.day))


def test_it_is_translated_again_with_the_tables_of_its_day_row_by_row(world):
    submit(world, own(world, ched_pp()))
    kept = kept_of(world)
    done = again(world, kept)
    assert (done.same, done.same_codes, done.differences, done.reasons) == (True, None, (), ())
    assert len(done.report) == len(report_from_json(kept.report)) > 0

    first, *others = report_from_json(kept.report)
    otherwise = report_to_json((first._replace(row_id="national-b/old", target_code="OLD"), *others))
    done = again(world, replace(kept, report=otherwise))
    assert not done.same
    (changed,) = done.differences
    assert (changed.path, "OLD: national-b/old" in changed.before) == (first.path, True)
    assert any("another row decides" in reason for reason in done.reasons)


def test_the_day_of_one_that_was_held_is_that_of_its_release(world):
    submit(world, own(world, ched_pp()))
    came = kept_of(world).day
    released = came + timedelta(days=3)
    columns = {column.name: "''" for column in quarantine.columns if not column.nullable}
    columns |= {
        "direction": "'in'",
        "state": "'released'",
        "digest": "content",
        "updated_at": f"'{released}T09:00:00+00:00'",
    }
    columns |= {"exchange_id": "version_id"}
    insert = f"INSERT INTO quarantine ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM ched_parts"
    world.store.write(lambda connection: connection.execute(text(insert)))
    assert kept_of(world).day == released


def test_what_came_in_canonical_codes_is_not_translated_again(world):
    document = element(ched_pp())
    world.register.submit(world.actor("importer"), document, SubmissionKind.FOR_DECISION, world.call(document))
    with pytest.raises(ExchangeRefused, match="IMG-6040") as refused:
        kept_of(world)
    assert refused.value.found == "it came in canonical codes"


def test_what_came_in_canonical_codes_names_no_tables(world):
    document = element(ched_pp())
    receipt = world.register.submit(
        world.actor("importer"), document, SubmissionKind.FOR_DECISION, world.call(document)
    )
    with world.store.read() as connection:
        (version,) = ched_versions(connection, ched_by_reference(connection, receipt.reference).id)
        assert version.tables is find_evidence(connection, version.exchange_id).tables is None


def test_the_other_side_reads_canonical_codes_and_the_system_its_own(world):
    reference = submit(world, own(world, ched_pp())).reference
    theirs = world.stored(reference)
    assert (theirs.purposes[0].code.code, theirs.lines[0].net_weight.unit) == ("INTERNAL_MARKET", "KGM")
    given = world.register.read(actor(world, IMPORTER), reference)
    assert given.tables == world.context.index.version
    assert world.register.read(world.actor("importer"), reference).tables == ""
    read = given.content
    assert b">IM<" in read
    assert b'unitCode="KG"' in read
    assert b"INTERNAL_MARKET" not in read


@pytest.mark.parametrize("translated", [True, False])
def test_the_trace_of_a_read_names_the_tables_that_translated_it(world, translated):
    reference = submit(world, own(world, ched_pp())).reference
    reader = actor(world, IMPORTER) if translated else world.actor("importer")
    asked = Asked(world.context, world.call(element(ched_pp()), "getChedCertificate"), None, reader)
    asked.noted_read(world.register.read(reader, reference))
    with world.store.read() as connection:
        trace = find_audit(connection, reference)[-1]
    told = {"masked": False, "body": reader.body.id}
    assert trace.action == "getChedCertificate"
    assert trace.detail == told | ({"tables": world.context.index.version} if translated else {})


def test_a_code_that_no_row_names_is_refused_before_any_rule(world):
    with pytest.raises(TranslationRefused) as refused:
        submit(world, element(ched_pp()))
    assert refused.value.code == "IMG-6001"


def test_rules_are_about_canonical_codes(world):
    """Whoever writes KG gets the findings of KGM, and no other ones."""
    with pytest.raises(RulesRefused) as refused:
        submit(world, own(world, ched_pp(consignor=None)))
    with pytest.raises(RulesRefused) as canonical:
        world.submit(ched_pp(consignor=None))
    assert [each.rule for each in refused.value.findings] == [each.rule for each in canonical.value.findings]


def test_a_draft_is_amended_in_own_codes(world):
    reference = submit(world, own(world, ched_pp()), kind=SubmissionKind.DRAFT).reference
    document = own(world, ched_pp(reference=reference, dispatch_country=Country("GR")))
    assert b">EL<" in serialise(document)
    receipt = world.register.amend(actor(world, IMPORTER), document, world.call(document, "AmendChed"))
    assert receipt.reference == reference
    assert read_ched(parse(kept(world, reference).content).root).dispatch_country.code == "GR"


class TestDecisions:
    """The officer and the authority sign what their system wrote; that is what is verified."""

    def decided(self, world, seals):
        reference = submit(world, own(world, ched_pp())).reference
        document = own(world, replace(world.stored(reference), decision=decision()))
        copies = [make(document) for make in seals]
        call = world.call(document, "SubmitDecision", "ched-control")
        return world.register.decide(actor(world, POST), document, copies, call)

    def test_with_signatures_over_its_own_representation(self, world):
        receipt = self.decided(world, world.signed())
        assert (receipt.status_code, receipt.pending) == ("70", "")
        assert not [each for each in receipt.findings if each.rule.startswith("R-41")]
        assert world.stored(receipt.reference).decision.conclusion[0].code == "ACCEPTABLE_FOR_INTERNAL_MARKET"

    def test_the_operators_signature_holds_for_part_one_in_own_codes(self, world):
        operator = world.copy(SealRole.OPERATOR)
        assert self.decided(world, (*world.signed(), operator)).status_code == "70"

    def test_an_operators_signature_over_another_part_one_does_not(self, world):
        def other_purpose(document):
            purposes = (replace(ched_pp().purposes[0], code=Coded("RE_ENTRY")),)
            sealer = world.sealer(world.member.seal("operator"))
            return SealedCopy(SealRole.OPERATOR, sealer.seal(own(world, ched_pp(purposes=purposes)), at=world.now))

        with pytest.raises(SealRefused, match="IMG-4202"):
            self.decided(world, (*world.signed(), other_purpose))

    def test_signatures_over_the_canonical_representation_are_over_another_document(self, world):
        def canonical(document):
            index = world.context.index.on(world.now.date())
            same = translate(document, source=SYSTEM, target="traces", index=index).root
            sealer = world.sealer(world.member.seal("officer"))
            return SealedCopy(SealRole.OFFICER, sealer.seal(parse(serialise(same)).root, at=world.now))

        with pytest.raises(SealRefused, match="IMG-4202"):
            self.decided(world, (canonical,))


class TestSearches:
    def query(self, **criteria):
        return ChedQuery(visibility=ChedVisibility(), **criteria)

    def found(self, world, **criteria):
        return world.register.find(actor(world, IMPORTER), self.query(**criteria))

    def test_criteria_are_in_own_codes_and_results_too(self, world):
        reference = submit(world, own(world, ched_pp(dispatch_country=Country("GR")))).reference
        (row,) = self.found(world, purposes=("IM",), dispatch_country="EL")
        assert (row.reference, row.dispatch_country) == (reference, "EL")
        assert not self.found(world, purposes=("RE",))

    def test_a_post_is_asked_and_shown_as_the_system_calls_it(self, world, tmp_path):
        head = (
            "# list: border-control-post\n# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
        )
        shipped = resources.files("mappings").joinpath("tables", "list-border-control-post.csv").read_text("utf-8")
        (tmp_path / "list-border-control-post.csv").write_text(f"{shipped}NLRTM1,Rotterdam,,,,\n", "utf-8")
        columns = "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"
        (tmp_path / "map-national-b-border-control-post.csv").write_text(
            f"# system: {SYSTEM}\n# otherwise: refuse\n{head}{columns}R-1,NLRTM1,,both,none,,,,\n", "utf-8"
        )
        world.context = replace(world.context, index=LiveTables(load_tables(None, [tmp_path])))
        world.register = world.open()
        document = own(world, ched_pp())
        assert b">R-1<" in serialise(document)
        reference = submit(world, document).reference
        assert read_ched(parse(kept(world, reference).content).root).post.code == "NLRTM1"
        for asked in ("R-1", "NLRTM"):
            (row,) = self.found(world, post=asked)
            assert (row.reference, row.post_code) == (reference, "R-1")
        assert not self.found(world, post="R-2")

    def test_a_purpose_finds_every_code_that_the_system_calls_so(self, world):
        """FREE_CIRCULATION and INTERNAL_MARKET are one box and one code there."""
        mine = submit(world, own(world, ched_pp())).reference
        purposes = (replace(ched_pp().purposes[0], code=Coded("FREE_CIRCULATION")),)
        theirs = world.submit(ched_pp(purposes=purposes, local_reference="THEIRS")).reference
        found = world.register.find(actor(world, POST), self.query(purposes=("IM",)))
        assert {row.reference for row in found} == {mine, theirs}

    def test_a_criterion_that_is_no_code_of_the_system(self, world):
        with pytest.raises(TranslationRefused) as refused:
            self.found(world, purposes=("INTERNAL_MARKET",))
        assert (refused.value.code, refused.value.where) == ("IMG-6001", "Purpose")

    def test_status_and_dates(self, world):
        reference = submit(world, own(world, ched_pp(dispatch_country=Country("GR")))).reference
        assert world.register.row(actor(world, IMPORTER), reference).dispatch_country == "EL"


class TestThirdCountries:
    """Article 37(2) binds Member States."""

    def reader(self, world, system):
        record = next(each for each in world.records if each["id"] == "xx-system")
        record["code_system"] = system
        return world.actor(None, "xx-system")

    def test_a_system_whose_codes_say_nothing_of_cheds_reads_those_of_traces(self, world):
        reference = world.submit(ched_pp()).reference
        content = world.register.read(self.reader(world, "ephyto"), reference)
        assert content.masked
        assert b"INTERNAL_MARKET" in content.content

    def test_one_whose_codes_do_reads_its_own(self, world):
        reference = world.submit(ched_pp()).reference
        assert b">IM<" in world.register.read(self.reader(world, SYSTEM), reference).content

    def test_a_member_state_without_a_table_is_refused(self, world):
        record = next(each for each in world.records if each["id"] == "nl-own")
        record["code_system"] = "ephyto"
        with pytest.raises(TranslationRefused, match="IMG-6005"):
            submit(world, element(ched_pp()))


def test_a_receipt_comes_again_as_it_came(world):
    document = own(world, ched_pp())
    call = world.call(document)
    first = world.register.submit(actor(world, IMPORTER), document, SubmissionKind.FOR_DECISION, call)
    again = world.register.submit(actor(world, IMPORTER), document, SubmissionKind.FOR_DECISION, call)
    assert first == again


def test_the_bodies_of_these_tests_are_nobody_elses():
    assert not {IMPORTER["id"], POST["id"]} & {each["id"] for each in BODIES.values()}
