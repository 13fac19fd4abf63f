"""Each rule of imsoc-2019 is silent where it is kept and speaks where it alone is broken."""

import json
import os
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from ched_cases import CASES
from ched_factory import CHEDS, CONTAINER, KNOWN, ched, decided, followed
from lxml import etree

from gateway.documents.ched import read_ched, write_ched
from gateway.errors import ConfigurationError, Severity
from gateway.rules import catalogue
from gateway.rules.ched import AskedOf, Treatment, ched_rules, evaluate_ched
from gateway.rules.ched.evaluation import CHECKS
from gateway.rules.ched.loading import read_rules
from gateway.rules.ched.options import options, read_options
from gateway.rules.ched.places import path_of_box
from gateway.xml.names import PREFIXES
from mappings import load_tables

DAY = date(2026, 11, 22)
BOXES = (("I", 35), ("II", 24), ("III", 6))
SPEAKING = {
    rule.id
    for rule in ched_rules().values()
    if rule.treatment is not Treatment.NEVER and rule.asked_of is AskedOf.DOCUMENT
}


def rules_of(document, known=KNOWN, part=None, **asked):
    return [finding.rule for finding in evaluate_ched(document, on=DAY, known=known, part=part, **asked)]


@pytest.mark.parametrize("kind", sorted(CHEDS))
def test_a_good_ched_of_each_kind_breaks_no_rule(kind):
    for document in (ched(kind), decided(kind), followed(kind)):
        assert rules_of(document) == []


@pytest.mark.parametrize("rule", sorted(CASES))
def test_a_rule_speaks_where_it_alone_is_broken(rule):
    case = CASES[rule]
    assert rule not in rules_of(case.keeps, case.known, case.part)
    findings = evaluate_ched(case.breaks, on=DAY, known=case.known, part=case.part)
    assert {finding.rule for finding in findings} == {rule}
    entry = ched_rules()[rule]
    finding = findings[0]
    assert (finding.severity, finding.source) == (entry.severity, entry.source)
    assert case.found
    assert case.found in finding.message


@pytest.mark.parametrize("rule", sorted(CASES))
def test_a_rule_finds_the_same_in_a_document_that_was_sent(rule):
    case = CASES[rule]
    for document, expected in ((case.keeps, set()), (case.breaks, {rule})):
        found = evaluate_ched(sent(document), on=DAY, known=case.known, part=case.part)
        assert {finding.rule for finding in found} & {rule} == expected
        assert expected == set() or {finding.rule for finding in found} == expected


@pytest.mark.parametrize("kind", sorted(CHEDS))
def test_a_good_ched_that_was_sent_breaks_no_rule(kind):
    for document in (ched(kind), decided(kind), followed(kind)):
        assert rules_of(sent(document)) == []


def sent(document):
    """Written and read again."""
    return read_ched(etree.fromstring(etree.tostring(write_ched(document))))


def test_every_rule_that_speaks_has_a_case_and_a_check():
    assert CASES.keys() == SPEAKING
    assert CHECKS.keys() == SPEAKING


def test_every_rule_of_the_requirements_is_classified():
    """Ids of the data dictionary and of the rule catalogue (REGULATION 7, 7.2), whether hard, soft or never asked."""
    named = """
        R-REF R-I1 R-I4 R-I4-NC R-I5 R-I7-EU R-I7-TRANSIT R-I7-SPLIT R-I7-CP R-I7-OTF R-I8-SIGN R-I8-MS R-I8-SUBS
        R-I9-IMSOC R-I9-COMM R-I9-DATE R-I10 R-I11-MS R-I11-MULTI R-I12 R-I13-FERRY R-I13-PP R-I14 R-I16 R-I17-OFF
        R-I19-24 R-I21 R-I22-EXIT R-I26-90 R-I27-LATE R-I27-PP R-I28 R-I29 R-I31-SUBS R-I31-SUM R-I31-FEE R-I34-NET
        R-I34-GROSS R-I35-TRANSIT R-II5-RED R-II6-PEND R-II6-RAND R-II7 R-II8 R-II9 R-II12 R-II15 R-II16-17 R-II17
        R-II18-ANON R-II20 R-II23 R-III4-60 G4-PURPOSE G4-DECISION R-40-1 R-40-2 R-41-1 R-41-2 R-41-3 R-41-4
    """
    assert set(named.split()) <= ched_rules().keys()


HARD = """
    R-REF R-I8-SIGN G4-PURPOSE G4-DECISION R-I5 R-I16 R-I22-EXIT R-I26-90 R-I27-PP R-I28 R-I29 R-I31-SUM R-I34-NET
    R-II9 R-II15 R-II16-17 R-II17 R-III4-60 R-41-1 R-41-2 R-41-4
"""


@pytest.mark.parametrize("rule", HARD.split())
def test_the_hard_rules_of_the_catalogue_refuse(rule):
    assert ched_rules()[rule].severity is Severity.SEVERE


@pytest.mark.parametrize("rule", ["R-I1", "R-I11-MS", "R-I11-MULTI", "R-I12", "R-II5-RED", "R-II6-PEND", "R-II6-RAND"])
def test_the_soft_rules_of_the_catalogue_warn(rule):
    assert ched_rules()[rule].treatment is Treatment.WARN


@pytest.mark.parametrize("rule", ["R-I9-DATE", "R-I13-PP", "R-I27-LATE", "R-I7-OTF", "R-II12", "R-II18-ANON"])
def test_what_may_never_be_asked_has_no_check(rule):
    assert ched_rules()[rule].treatment is Treatment.NEVER
    assert rule not in CHECKS


def test_what_the_law_leaves_open_is_not_asked_for():
    bare = replace(
        CHEDS["PP"].transports_before[0], identification="", scheme=""
    )  # R-I13-PP; the documents of the factory have no date (R-I9-DATE)
    re_entry = ched("PP", transports_before=(bare,), totals=None)
    assert all(not each.issued for each in re_entry.documents)
    assert rules_of(re_entry) == []


def test_every_rule_says_why_and_from_where():
    for rule in ched_rules().values():
        assert rule.reason.endswith("."), rule.id
        assert rule.message.endswith("."), rule.id
        assert "Ann" in rule.source or "Article" in rule.source, rule.id
        assert rule.valid_from == date(2019, 12, 14)
        if rule.box:
            assert f"Box {rule.box}" in rule.message or "Box {box}" in rule.message or "Boxes" in rule.message, rule.id


def test_the_rules_are_in_the_catalogue_that_explain_prints():
    assert ched_rules().items() <= catalogue().items()


GOOD = """part = "I"
valid_from = 2019-12-14
[[rule]]
id = "R-T1"
treatment = "warn"
message = "m"
reason = "r"
source = "s"
"""


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace('"warn"', '"forbid"'),
        GOOD.replace("reason", "why"),
        GOOD.replace('message = "m"\n', ""),
        GOOD.replace("R-T1", "one"),
        GOOD.replace('"I"', '"IV"'),
        GOOD + 'types = ["B"]\n',
        GOOD + 'valid_to = "2026"\n',
        GOOD + GOOD[GOOD.index("[[rule") :],
    ],
)
def test_a_rule_file_that_is_wrong_does_not_load(text):
    with pytest.raises(ConfigurationError, match="IMG-0132"):
        read_rules([text])


def test_a_rule_may_begin_and_end_on_days_of_its_own():
    amended = GOOD[GOOD.index("[[rule") :].replace("R-T1", "R-T1-2026") + "valid_from = 2026-03-01\n"
    rules = read_rules([GOOD + "valid_to = 2026-02-28\n" + amended])
    days = (date(2019, 12, 13), date(2019, 12, 14), date(2026, 2, 28), date(2026, 3, 1))
    assert [[rule.id for rule in rules.values() if rule.valid_on(day)] for day in days] == [
        [],
        ["R-T1"],
        ["R-T1"],
        ["R-T1-2026"],
    ]


def test_a_file_of_options_that_is_wrong_does_not_load():
    with pytest.raises(ConfigurationError, match="IMG-0132"):
        read_options('conform = ["CONFORM"]\n')


def test_the_boxes_of_a_kind_are_those_of_the_regulation():
    """Table 7.1, written once more."""
    purposes = {"A": "20 22 23 25 26", "P": "20 22 23 24 25", "PP": "20 21 22 23 25", "D": "20 21 23"}
    decisions = {"A": "9 11 12 13 15 16", "P": "9 11 12 13 14 16", "PP": "9 10 11 12 16", "D": "9 10 12 16"}
    for table, part, numbers in (
        (options().purpose_boxes, "I", purposes),
        (options().decision_boxes, "II", decisions),
    ):
        allowed = {kind: {box for box, kinds in table.items() if kind in kinds} for kind in numbers}
        assert allowed == {kind: {f"{part}.{number}" for number in text.split()} for kind, text in numbers.items()}


@pytest.mark.skipif("IMSOC_CONTRACTS" not in os.environ, reason="IMSOC_CONTRACTS names no folder of reference files")
def test_the_tables_are_those_of_the_data_dictionary():
    path = Path(os.environ["IMSOC_CONTRACTS"]).parent / "domain" / "data" / "ched_boxes.json"
    if not path.is_file():
        pytest.skip("the data dictionary is not beside the contracts")
    dictionary = json.loads(path.read_text("utf-8"))
    for ours, theirs in (("purpose_boxes", "purpose_boxes_allowed"), ("decision_boxes", "decision_boxes_allowed")):
        table = getattr(options(), ours)
        assert {kind: {box for box, kinds in table.items() if kind in kinds} for kind in CHEDS} == {
            kind: set(boxes) for kind, boxes in dictionary[theirs].items()
        }
    named = re.findall(r"R-[A-Z]+\d+(?:-[A-Z0-9]+)*|R-REF", json.dumps(dictionary["boxes"]))
    assert set(named) <= ched_rules().keys()


def test_the_options_are_codes_of_the_canonical_lists():
    """The rules judge what a translation lets through (R-37-2)."""
    lists = load_tables().lists
    ours = options()
    for name, used in (
        ("ched-purpose", {*ours.purposes, *ours.purpose_access}),
        ("ched-certified-as", {*ours.certified_as, ours.registered_horses}),
        ("ched-conformity", ours.conform | ours.non_conform),
        ("ched-transport-condition", ours.temperatures),
        ("ched-decision", {*ours.decisions, *ours.decision_access}),
        ("ched-free-circulation-destination-type", ours.special_conditions),
        ("ched-not-acceptable-measure", ours.measures),
        ("refusal-reason", ours.reasons),
        ("laboratory-test-motivation", {*ours.motivations, *ours.detaining} - ANNEX_II_ALONE),
    ):
        assert set(used) <= lists[name].codes.keys(), name
    assert ours.uncertain <= lists["ched-purpose"].codes.keys() | lists["ched-decision"].codes.keys()


ANNEX_II_ALONE = {"LATENT_INFECTION_SAMPLING", "TEMPORARY_INCREASE_OF_CONTROLS"}
"""Options of II.6 that no list of TRACES in public has."""


@pytest.mark.parametrize("box", [f"{part}.{number}" for part, last in BOXES for number in range(1, last + 1)])
def test_the_place_of_a_box_is_an_xpath(box):
    path = path_of_box(box).removeprefix(box).strip()
    assert path_of_box(box).startswith(box)
    if path:
        etree.XPath(path, namespaces=PREFIXES)


@pytest.mark.parametrize("kind", sorted(CHEDS))
def test_the_place_of_a_filled_box_is_there_in_the_document(kind):
    document = replace(decided(kind), reference=f"CHED{kind}.NL.2026.0000001", containers=(CONTAINER,))
    tree = etree.ElementTree(write_ched(document))
    own = {"A": "18 33", "P": "14 16 18 19", "PP": "14", "D": "14 18"}[kind]
    filled = f"1 2 4 5 6 7 8 9 10 11 13 17 20 31 32 34 35 {own}"
    for box in [f"I.{number}" for number in filled.split()] + ["II.3", "II.4", "II.5", "II.6", "II.9", "II.21"]:
        path = path_of_box(box, document.lines[0] if box in {"I.11", "I.31"} else None).removeprefix(box)
        assert tree.xpath(path.strip(), namespaces=PREFIXES), box
