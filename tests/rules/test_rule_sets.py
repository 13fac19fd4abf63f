"""Each rule speaks when its breach is there and is silent on the full example; the sets are dated data."""

import os
from datetime import date
from pathlib import Path

import pytest
from lxml import etree
from rule_breaches import BREACHES, CONSIGNMENT, DOCUMENT, LINE, drop, note, of_document, of_line, re_export, write

from gateway.errors import ConfigurationError, Severity
from gateway.rules import MAX_FINDINGS_PER_RULE, catalogue, evaluate, rule_sets
from gateway.rules.compiling import STATUSES
from gateway.rules.loading import read_rule_sets
from gateway.sandbox.samples import Example, certificate, example
from gateway.xml.names import PREFIXES, RAM21, qn
from mappings import load_tables, translate

DAY = date(2026, 11, 22)


def rules_of(root, rule_set="ephyto", on=DAY):
    return {finding.rule for finding in evaluate(root, rule_set, on=on)}


@pytest.fixture
def root():
    return etree.fromstring(example())


def test_the_full_example_breaks_no_rule(root):
    assert evaluate(root, "ephyto", on=DAY) == ()
    assert evaluate(etree.fromstring(certificate(lines=3)), "ephyto", on=DAY) == ()


@pytest.mark.parametrize("rule", sorted(BREACHES))
def test_a_breach_is_found_at_its_place(root, rule):
    BREACHES[rule](root)
    found = [finding for finding in evaluate(root, "ephyto", on=DAY) if finding.rule == rule]
    assert found
    entry = catalogue()[rule]
    assert (found[0].severity, found[0].source) == (entry.severity, entry.source)
    assert found[0].path.startswith("/sps:SPSCertificate")


def test_every_rule_has_a_breach_above():
    assert BREACHES.keys() == {rule.id for rule_set in rule_sets().values() for rule in rule_set.rules}


def test_a_missing_place_is_named_below_the_element_that_lacks_it(root):
    BREACHES["EPHYTO-EXPORTER"](root)
    (finding,) = evaluate(root, "ephyto", on=DAY)
    assert finding.path == "/sps:SPSCertificate/sps:SPSConsignment/ram:ConsignorSPSParty/ram:Name"


def test_inside_an_envelope_the_path_begins_at_the_certificate(root):
    envelope = etree.Element("Envelope")
    envelope.append(root)
    BREACHES["SPS-QUANTITY"](root)
    (finding,) = evaluate(root, "ephyto", on=DAY)
    assert finding.path.startswith("/sps:SPSCertificate/")
    assert finding.found == "-1"


def test_tomorrow_is_not_the_future_because_offsets_reach_14_hours(root):
    write(f"{DOCUMENT}/ram:IssueDateTime/*", "2026-11-23T09:00:00+14:00")(root)
    assert not rules_of(root)


@pytest.mark.parametrize("written", ["2026-13-45", "2026-02-30T10:00:00Z", "2026-04-31", "2026-00-10", "2026-01-00"])
def test_a_day_that_no_calendar_has_is_no_future(root, written):
    write(f"{DOCUMENT}/ram:IssueDateTime/*", written)(root)
    drop(f"{DOCUMENT}/{note('ADRD')}")(root)
    (finding,) = evaluate(root, "ephyto", on=DAY)
    assert (finding.rule, finding.found) == ("SPS-ISSUE-DATE-FORM", written)


@pytest.mark.parametrize("written", ["2026-02-28", "2024-02-29T10:00:00+00:00", "2026-01-31 10:00", "2026-04-30"])
def test_a_day_of_the_calendar_is_one(root, written):
    write(f"{DOCUMENT}/ram:IssueDateTime/*", written)(root)
    drop(f"{DOCUMENT}/{note('ADRD')}")(root)
    assert not rules_of(root)


def test_what_was_found_is_said_of_a_date_too(root):
    BREACHES["SPS-ISSUE-FUTURE"](root)
    (finding,) = evaluate(root, "ephyto", on=DAY)
    assert finding.found == "2026-11-24T00:00:00Z"


def test_a_withdrawal_needs_its_identity_and_not_its_content(root):
    write(f"{DOCUMENT}/ram:StatusCode", "40")(root)
    drop(f"{LINE}/ram:ScientificName", f"{CONSIGNMENT}/ram:ConsignorSPSParty/ram:Name")(root)
    assert not rules_of(root)
    BREACHES["SPS-NUMBER"](root)
    assert rules_of(root) == {"SPS-NUMBER"}


def test_a_re_export_that_answers_every_box_breaks_no_rule(root):
    re_export(root)
    assert evaluate(root, "ephyto", on=DAY) == ()


def test_a_first_certificate_is_not_asked_for_the_boxes_of_a_re_export(root):
    drop(f"{LINE}/ram:AdditionalInformationSPSNote[starts-with(ram:Subject,'RPC')]")(root)
    assert not rules_of(root)


@pytest.mark.parametrize("status", ["70", "39", "41", "44"])
def test_every_status_of_a_valid_certificate_asks_for_its_content(root, status):
    write(f"{DOCUMENT}/ram:StatusCode", status)(root)
    drop(LINE)(root)
    assert rules_of(root) == {"SPS-LINE"}


def test_a_withdrawal_may_be_as_small_as_its_number_and_its_countries(root):
    write(f"{DOCUMENT}/ram:StatusCode", "40")(root)
    kept = {qn(RAM21, name) for name in ("ID", "TypeCode", "StatusCode", "IssueDateTime", "IssuerSPSParty")}
    document, consignment = root
    for element in [*document, *consignment]:
        countries = {qn(RAM21, "ExportSPSCountry"), qn(RAM21, "ImportSPSCountry")}
        if element.tag not in kept | countries:
            element.getparent().remove(element)
    assert not rules_of(root)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (write(f"{LINE}/ram:ScientificName", "not applicable"), set()),
        (write(f"{LINE}/ram:ScientificName", "x Citrofortunella"), set()),
        (of_document("ADDIEDL", "May 1, 2 and 5, 2030"), set()),
        (of_document("ADDIEDL", "20300501"), {"EPHYTO-INSPECTION-FUTURE"}),
        (write(f"({LINE}/ram:PhysicalSPSPackage)[1]/ram:TypeCode", "VO"), set()),
        (of_line("OQV", "12"), {"EPHYTO-OTHER-QUANTITY"}),
        (of_document("ADRP", ""), {"EPHYTO-DECLARATION-EMPTY"}),
    ],
)
def test_what_people_write_is_judged_as_they_mean_it(root, change, broken):
    change(root)
    assert rules_of(root) == broken


def test_a_treatment_in_free_words_is_not_asked_for_figures():
    assert b"TTFT" in certificate(lines=1)
    assert not rules_of(etree.fromstring(certificate(lines=1)))


def test_a_replacement_that_cites_another_is_named_by_reference_or_by_note(root):
    drop(f"{DOCUMENT}/{note('ADRPN')}")(root)
    write(f"{DOCUMENT}/ram:ReferenceSPSReferencedDocument/ram:RelationshipTypeCode", "ACW")(root)
    assert not rules_of(root)


@pytest.mark.skipif("IMSOC_CONTRACTS" not in os.environ, reason="IMSOC_CONTRACTS names no folder of reference files")
def test_the_full_certificate_of_the_reference_has_nothing_severe():
    raw = (Path(os.environ["IMSOC_CONTRACTS"]) / "ippc-hub" / "ephyto-full-feature.xml").read_bytes()
    found = evaluate(etree.fromstring(raw), "ephyto", on=DAY)
    assert {(finding.rule, finding.severity) for finding in found} == {
        ("EPHYTO-COMMODITY-CLASS", Severity.INFO),
    }


def test_the_traces_form_of_a_certificate_breaks_no_rule_either(root):
    for subject in root.findall(f".//{qn(RAM21, 'Subject')}"):
        subject.tag = qn(RAM21, "SubjectCode")
    first_line = root.xpath(LINE, namespaces=PREFIXES)[0]
    for line in root.xpath(LINE, namespaces=PREFIXES):
        number = line[0]
        number.text = str(int(number.text) + 1)
    totals = etree.Element(qn(RAM21, "IncludedSPSTradeLineItem"))
    etree.SubElement(totals, qn(RAM21, "SequenceNumeric")).text = "0"
    etree.SubElement(totals, qn(RAM21, "Description")).text = "Consignment totals and summary"
    first_line.addprevious(totals)
    assert not rules_of(root)


@pytest.mark.parametrize("raw", [example(), certificate(lines=3)], ids=["full", "plain"])
def test_what_the_translation_to_traces_makes_of_a_certificate_breaks_no_rule(raw):
    index = load_tables().compile(DAY)
    translated = translate(etree.fromstring(raw), source="ephyto", target="traces", index=index)
    assert evaluate(translated.root, "ephyto", on=DAY) == ()


def test_another_kind_of_certificate_has_the_general_rules_alone():
    root = etree.fromstring(example(Example.VETERINARY))
    severe = {finding.rule for finding in evaluate(root, "sps-general", on=DAY) if finding.severity is Severity.SEVERE}
    assert not severe
    assert "EPHYTO-TYPE" in rules_of(root)


def test_many_breaches_of_one_rule_are_counted_not_listed():
    root = etree.fromstring(certificate(lines=MAX_FINDINGS_PER_RULE + 5))
    for name in root.findall(f".//{qn(RAM21, 'ScientificName')}"):
        name.text = None
    found = evaluate(root, "ephyto", on=DAY)
    assert len(found) == MAX_FINDINGS_PER_RULE
    assert found[-1].message.endswith("(5 more places)")


def test_a_rule_holds_from_its_first_to_its_last_day(monkeypatch, root):
    sets = read_rule_sets(
        {
            "dated": 'title = "t"\n[[rule]]\nid = "T-ONE"\nseverity = "INFO"\nkind = "breach"\nselect = "self::*"\n'
            'message = "m"\nreason = "r"\nsource = "s"\nvalid_from = 2030-01-01\nvalid_to = 2030-12-31\n'
        }
    )
    monkeypatch.setattr("gateway.rules.compiling.rule_sets", lambda: sets)
    days = [date(2029, 12, 31), date(2030, 1, 1), date(2030, 12, 31), date(2031, 1, 1)]
    assert [bool(evaluate(root, "dated", on=day)) for day in days] == [False, True, True, False]


GOOD = """title = "t"
[[rule]]
id = "T-ONE"
severity = "INFO"
kind = "breach"
select = "x"
message = "m"
reason = "r"
source = "s"
"""


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace('"INFO"', '"FATAL"'),
        GOOD.replace('"breach"', '"guess"'),
        GOOD.replace("reason", "why"),
        GOOD + 'about = "taste"\n',
        GOOD.replace('message = "m"\n', ""),
        GOOD.replace("T-ONE", "one"),
        GOOD + GOOD.partition("\n")[2],
        GOOD.replace("\n", '\nincludes = ["nowhere"]\n', 1),
    ],
)
def test_a_rule_file_that_is_wrong_does_not_load(text):
    with pytest.raises(ConfigurationError, match="IMG-0132"):
        read_rule_sets({"bad": text})


def test_a_path_that_is_no_xpath_names_its_rule(monkeypatch, root):
    sets = read_rule_sets({"bad": GOOD.replace('"x"', '"x[["')})
    monkeypatch.setattr("gateway.rules.compiling.rule_sets", lambda: sets)
    with pytest.raises(ConfigurationError, match="IMG-0132") as refused:
        evaluate(root, "bad", on=DAY)
    assert refused.value.where == "T-ONE"


def test_an_unknown_rule_set_is_refused(root):
    with pytest.raises(ConfigurationError, match="IMG-0132"):
        evaluate(root, "astrology", on=DAY)


def test_every_rule_says_why_and_from_where():
    assert set(rule_sets()) == {"sps-general", "ephyto"}
    for rule in catalogue().values():
        assert rule.reason.endswith("."), rule.id
        assert rule.source, rule.id


def test_the_statuses_are_those_of_the_mapping_table():
    lines = (Path(__file__).parents[2] / "mappings" / "tables" / "list-status.csv").read_text("utf-8").splitlines()
    codes = [line.split(",")[0] for line in lines if line[0].isdigit() and ",unverified," not in line]
    assert sorted(codes) == sorted(STATUSES.split())
