"""What evaluate_ched makes of CHEDs: parts, drafts, dates, reference data, and what may never refuse."""

from dataclasses import replace
from datetime import date

import pytest
from ched_cases import CASES
from ched_factory import CHEDS, KNOWN, REFUSAL, ched, decided, measure, purpose

from gateway.documents.ched import Coded, Part
from gateway.errors import Severity
from gateway.rules.ched import Facts, evaluate_ched
from gateway.rules.ched.evaluation import MAX_FINDINGS_PER_RULE
from mappings import load_tables
from mappings.models import Grade
from mappings.reference import KnownCodes

DAY = date(2026, 11, 22)


def rules_of(document, known=KNOWN, part=None):
    return [finding.rule for finding in evaluate_ched(document, on=DAY, known=known, part=part)]


def test_before_the_regulation_applied_there_was_no_rule():
    empty = replace(CHEDS["A"], type=None, lines=(), purposes=())
    assert evaluate_ched(empty, on=date(2019, 12, 13)) == ()
    assert evaluate_ched(empty, on=date(2019, 12, 14)) != ()


def test_a_finding_names_the_box_and_the_place():
    (finding,) = evaluate_ched(CASES["R-I11-M"].breaks, on=DAY, known=KNOWN)
    assert finding.path == (
        "I.11 /sps:SPSCertificate/sps:SPSConsignment/ram:IncludedSPSConsignmentItem"
        "/ram:IncludedSPSTradeLineItem[ram:SequenceNumeric='1']/ram:OriginSPSCountry"
    )
    (other,) = evaluate_ched(CASES["R-I14-M"].breaks, on=DAY, known=KNOWN)
    assert other.path == "I.14 /sps:SPSCertificate/sps:SPSConsignment/ram:ExportSPSCountry"


def test_five_broken_rules_are_five_findings():
    broken = ched("P", consignor=None, arrival="", dispatch_country=CHEDS["A"].dispatch_country, certified_as=())
    broken = replace(broken, conformity=Coded(""))
    assert rules_of(broken) == ["R-I1-M", "R-I10-M", "R-I14-M", "R-I18-M", "R-I19-M"]


def test_a_draft_is_told_and_not_refused_and_asked_for_part_one_alone():
    incomplete = replace(decided("P", documentary_result=Coded("")), arrival="", consignor=None)
    findings = evaluate_ched(incomplete, on=DAY, known=KNOWN, draft=True)
    assert [finding.rule for finding in findings] == ["R-I1-M", "R-I10-M"]
    assert {finding.severity for finding in findings} == {Severity.WARNING}


def test_a_part_is_asked_for_its_own_boxes():
    broken = replace(decided("P", documentary_result=Coded("")), arrival="")
    assert rules_of(broken, part=Part.I) == ["R-I10-M"]
    assert rules_of(broken, part=Part.II) == ["R-II3-M"]
    assert rules_of(broken, part=Part.III) == ["R-III5-M"]


def test_a_decision_in_progress_need_not_be_complete():
    in_progress = decided("P", conclusion=(), documentary_result=Coded(""), officer=None)
    assert rules_of(in_progress) == []
    assert rules_of(in_progress, part=Part.II) == ["G4-DECISION"]
    assert rules_of(ched("P"), part=Part.II) == ["G4-DECISION"]


def test_horses_are_admitted_from_the_day_of_the_decision():
    """Strictly less than 90 days; the notified arrival counts as long as nobody has decided."""
    stay = replace(CASES["R-I26-90"].breaks, decision=decided("A").decision)
    later = replace(
        stay.decision, conclusion=(Coded("ACCEPTABLE_FOR_TEMPORARY_IMPORT"),), signed="2026-11-25T08:00:00Z"
    )
    assert rules_of(replace(stay, decision=later), part=Part.II) == []
    assert rules_of(replace(stay, decision=replace(later, signed="2026-11-24T23:00:00Z")), part=Part.II) == ["R-I26-90"]


def test_sixty_days_run_after_a_refusal_alone():
    late = CASES["R-III4-60"].breaks
    accepted = replace(late.decision, conclusion=(Coded("ACCEPTABLE_FOR_TRANSIT"),))
    assert rules_of(replace(late, decision=accepted)) == []


def test_the_gross_weight_is_asked_where_reference_data_ask_it():
    light = CASES["R-I34-GROSS-A"].breaks
    known = replace(KNOWN, access=type(KNOWN.access)({"TOTAL_GROSS_WEIGHT_ACCESS": "MANDATORY"}))
    assert rules_of(light, known) == ["R-I31-ACCESS"]
    assert rules_of(light, replace(known, access=type(KNOWN.access)({"TOTAL_GROSS_WEIGHT_ACCESS": "OPTIONAL"}))) == []


@pytest.mark.parametrize(
    ("attribute", "rule", "change"),
    [
        ("CERTIFIED_AS_ACCESS", "R-I18-M", {"certified_as": ()}),
        ("GOODS_COMPLIANCE_ACCESS", "R-I19-M", {"conformity": Coded("")}),
        ("DISPATCH_COUNTRY_ACCESS", "R-I14-M", {"dispatch_country": CHEDS["A"].dispatch_country}),
    ],
)
def test_reference_data_can_free_a_commodity_of_a_box(attribute, rule, change):
    free = replace(KNOWN, access=type(KNOWN.access)({attribute: "NOT_AVAILABLE"}))
    assert rules_of(ched("P", **change)) == [rule]
    assert rules_of(ched("P", **change), free) == []


def test_a_box_that_one_commodity_has_may_be_filled():
    two = {("03048100", "SEAL_CONTAINER_ACCESS"): "OPTIONAL", ("03048910", "SEAL_CONTAINER_ACCESS"): "DISABLED"}
    sealed = CASES["R-I31-NOT-ASKED"].breaks
    assert rules_of(sealed, replace(KNOWN, access=type(KNOWN.access)(two))) == []


@pytest.mark.parametrize(
    ("post", "problem"),
    [
        ("NLZZZ9", "is not in the list of posts"),
        ("NLOLD1", "is not active on 2026-11-22"),
        ("NLPLA1", "is not designated for a CHED-A; it is designated for PP"),
    ],
)
def test_a_post_must_exist_be_active_and_take_the_goods(post, problem):
    elsewhere = ched("A", post=replace(CHEDS["A"].post, code=post))
    (finding,) = evaluate_ched(elsewhere, on=DAY, known=KNOWN)
    assert finding.message == f"Box I.5: the post {post} {problem}."
    assert evaluate_ched(elsewhere, on=DAY) == ()


@pytest.mark.parametrize(
    ("reference", "allocated", "said"),
    [
        ("CHEDP.NL.2026.0000001", "", "leave the box empty"),
        ("CHEDP.NL.2026.0000001", "CHEDP.NL.2026.0000002", "CHEDP.NL.2026.0000002"),
        ("CHEDA.NL.2026.0000001", None, "that of a CHED-A"),
        ("CHEDP-1", None, "has not the form"),
    ],
)
def test_a_reference_is_the_one_that_traces_gave(reference, allocated, said):
    (finding,) = evaluate_ched(ched("P", reference=reference), on=DAY, known=replace(KNOWN, reference=allocated))
    assert (finding.rule, said in finding.message) == ("R-REF", True)


def test_the_reference_that_traces_gave_is_right():
    given = "CHEDP.NL.2026.0000001"
    assert rules_of(ched("P", reference=given), replace(KNOWN, reference=given)) == []
    assert rules_of(ched("P", reference=given), replace(KNOWN, reference=None)) == []


@pytest.mark.parametrize("scheme", ["", "authority_activity_id"])
def test_a_signatory_is_compared_by_numbers_of_one_scheme(scheme):
    broken = CASES["R-I8-SIGN"].breaks
    signatory = replace(broken.declaration.party, scheme=scheme)
    assert rules_of(replace(broken, declaration=replace(broken.declaration, party=signatory))) == []


def test_zero_without_a_unit_is_no_statement():
    """A captured CHED-A has a net weight of 0 in its totals, and none in its lines."""
    nothing = replace(CHEDS["A"].totals, net_weight=measure(0, ""))
    assert rules_of(ched("A", totals=nothing)) == []


def test_what_many_lines_lack_is_counted_not_listed():
    lines = tuple(replace(CHEDS["D"].lines[0], number=number, origins=()) for number in range(1, 31))
    findings = evaluate_ched(ched("D", lines=lines, totals=None), on=DAY)
    missing = [finding for finding in findings if finding.rule == "R-I11-M"]
    assert len(missing) == MAX_FINDINGS_PER_RULE
    assert missing[-1].message.endswith("(10 more places)")


def test_nothing_known_asks_nothing_that_needs_it():
    unknown = ched("P", post=replace(CHEDS["P"].post, code="NLZZZ9"), language="xx", reference="CHEDP.NL.2026.0000001")
    assert evaluate_ched(unknown, on=DAY, known=Facts()) == ()


UNKNOWN = (Coded("NOBODY_KNOWS"),)


@pytest.mark.parametrize(
    ("document", "box", "place", "name"),
    [
        (ched("P", certified_as=UNKNOWN), "I.18", "Box I.18", "ched-certified-as"),
        (ched("P", purposes=(purpose("NOBODY_KNOWS"),)), "I.20", "Boxes I.20 to I.26", "ched-purpose"),
        (decided("P", **{**REFUSAL, "measures": UNKNOWN}), "II.16", "Box II.16", "ched-not-acceptable-measure"),
        (decided("P", **{**REFUSAL, "refusal_reasons": UNKNOWN}), "II.17", "Box II.17", "refusal-reason"),
    ],
)
def test_a_code_of_no_list_is_told_with_its_box_and_list(document, box, place, name):
    (finding,) = (each for each in evaluate_ched(document, on=DAY, known=KNOWN) if each.rule == "R-37-2")
    assert (finding.severity, finding.found) == (Severity.WARNING, "NOBODY_KNOWS")
    assert finding.message.startswith(f"{place}: code NOBODY_KNOWS is not in the list {name};")
    assert finding.path.startswith(f"{box} /sps:SPSCertificate")
    own = Part.I if box.startswith("I.") else Part.II
    asked = {part: rules_of(document, part=part) for part in Part}
    assert {part for part, rules in asked.items() if "R-37-2" in rules} == {own}
    assert "R-37-2" not in rules_of(document, known=replace(KNOWN, codes=None))


def test_a_code_is_known_while_its_list_has_it():
    code = load_tables().lists["ched-purpose"].codes["RE_ENTRY"]
    ended = replace(code, valid_from=date(2026, 1, 1), valid_to=date(2026, 6, 30))
    doubtful = replace(code, code="DOUBTFUL", grade=Grade.UNVERIFIED)
    code_list = replace(load_tables().lists["ched-purpose"], codes={"RE_ENTRY": ended, "DOUBTFUL": doubtful})
    codes = KnownCodes({"ched-purpose": code_list})
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1))
    assert [codes.knows("ched-purpose", "RE_ENTRY", day) for day in days] == [False, True, True, False]
    assert codes.knows("no-such-list", "RE_ENTRY", DAY) is None
    assert codes.knows("ched-purpose", "DOUBTFUL", DAY) is False
    assert KnownCodes({"ched-purpose": code_list}, allow_unconfirmed=True).knows("ched-purpose", "DOUBTFUL", DAY)
    document = ched("P", purposes=(purpose("RE_ENTRY"),))
    assert "R-37-2" not in rules_of(document)
    assert "R-37-2" not in rules_of(document, known=replace(KNOWN, codes=KnownCodes({})))
    assert "R-37-2" in rules_of(document, known=replace(KNOWN, codes=codes))


@pytest.mark.parametrize("code", ["ACCEPTABLE_FOR_NON_FREE_CIRCULATION", "ACCEPTABLE_IF_CHANNELED"])
def test_a_code_whose_box_is_inferred_is_not_refused_for_its_kind(code):
    """National mappers have both for food and feed, and nothing public says which box they are."""
    conclusion = (Coded(code),)
    assert "R-II9-TYPE" not in rules_of(decided("D", conclusion=conclusion))


@pytest.mark.parametrize(
    ("attribute", "document"),
    [
        ("PLACE_OF_DESTINATION_ACCESS", ched("P", destination=None)),
        ("DATE_OF_ARRIVAL_ACCESS", ched("P", arrival="")),
        ("MEANS_OF_TRANSPORT_ACCESS", ched("P", transports_before=())),
        ("MEANS_OF_TRANSPORT_DETAILS_ACCESS", CASES["R-I13-ID"].breaks),
        ("CHECK_DOCUMENTARY_ACCESS", CASES["R-II3-M"].breaks),
        ("CHECK_IDENTITY_ACCESS", CASES["R-II4-M"].breaks),
        ("CHECK_PHYSICAL_ACCESS", CASES["R-II5-M"].breaks),
        ("CHECK_WELFARE_ACCESS", CASES["R-II7-M"].breaks),
        ("CHECK_IMPACT_TRANSPORT_ANIMALS_ACCESS", CASES["R-II8-M"].breaks),
    ],
)
def test_a_box_that_the_goods_do_not_have_is_not_missing(attribute, document):
    assert len(rules_of(document)) == 1
    assert len(rules_of(document, replace(KNOWN, access=type(KNOWN.access)({attribute: "MANDATORY"})))) == 1
    assert rules_of(document, replace(KNOWN, access=type(KNOWN.access)({attribute: "OPTIONAL"}))) == []


@pytest.mark.parametrize(("agency", "broken"), [("ec_sante_traces", []), ("UK", ["G10-COUNTRY"]), ("KE", [])])
def test_an_agency_that_issued_a_document_is_no_wrong_country(agency, broken):
    document = replace(CHEDS["D"].documents[0], country=agency)
    assert rules_of(ched("D", documents=(document,))) == broken
