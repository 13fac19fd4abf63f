"""What TRACES was seen to take is taken here: the captured replies and the submission samples of 2019 (DIGEST 6)."""

import os
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from gateway.documents.ched import Part, read_ched
from gateway.errors import Severity
from gateway.rules.ched import Facts, evaluate_ched
from gateway.xml.names import SPS17
from mappings import load_tables
from mappings.reference import load_reference

pytestmark = pytest.mark.skipif(
    "IMSOC_CONTRACTS" not in os.environ, reason="IMSOC_CONTRACTS names no folder of reference files"
)
FIRST_DAY = date(2019, 12, 14)
TODAY = date(2026, 11, 22)
CAPTURES = ["GetChedResponse_CHEDA.template.xml", "GetChedResponse_CHEDPP.XI.2026.0000064.xml"]
SAMPLES = [
    "CreateAndSubmitChedForDecision-0101-Horse.xml",
    "CreateAndSubmitChedForDecision-0101-Horse-Replacing-CHEDA.ES.2019.0000011.xml",
]


@cache
def known():
    reference = load_reference(load_tables())
    return Facts(posts=reference.posts, languages=reference.languages, access=reference.access, codes=reference.known)


def certificate(name):
    raw = (Path(os.environ["IMSOC_CONTRACTS"]) / "traces-nt" / "ched" / name).read_bytes()
    raw = raw.replace(b"{{CHED_ID}}", b"CHEDA.XI.2026.0000001")  # the capture has a place-holder there
    return read_ched(etree.fromstring(raw).find(f".//{{{SPS17}}}SPSCertificate"))


def found(name, facts, severity, on=TODAY, part=None):
    findings = evaluate_ched(certificate(name), on=on, known=facts, part=part)
    return {(each.rule, each.found) for each in findings if each.severity is severity}


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("part", [Part.I, None])
def test_a_captured_ched_is_not_refused(name, part):
    ched = certificate(name)
    assert ched.lines
    for facts in (Facts(), replace(known(), reference=ched.reference)):
        assert found(name, facts, Severity.SEVERE, part=part) == set()


def test_a_consignor_in_northern_ireland_and_weights_of_zero_are_told_and_taken():
    """XI is a destination and counts as a Member State; the other captured CHED is without any warning."""
    assert found(CAPTURES[0], known(), Severity.WARNING) == {("R-I1", "XI")}
    assert found(CAPTURES[1], known(), Severity.WARNING) == set()


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("on", [FIRST_DAY, TODAY])
def test_a_sample_is_refused_for_what_annex_ii_demands_and_it_has_not(name, on):
    assert found(name, Facts(reference=""), Severity.SEVERE, on) == {("R-I11-M", "")}


@pytest.mark.parametrize("name", SAMPLES)
def test_with_reference_data_a_sample_is_refused_for_what_a_horse_needs_besides(name):
    """The node of 0101 demands, as captured in 2026, identification and gross weight; the samples have neither."""
    findings = evaluate_ched(certificate(name), on=TODAY, known=replace(known(), reference=""))
    severe = {(each.rule, each.message.partition(";")[0]) for each in findings if each.severity is Severity.SEVERE}
    assert severe == {
        ("R-I11-M", "Box I.11: line 1 has no country of origin."),
        ("R-I31-ACCESS", "Box I.31: individual identification number missing in line 1"),
        ("R-I31-ACCESS", "Box I.31: identification system missing in line 1"),
        ("R-I31-ACCESS", "Box I.34: total gross weight missing in the CHED"),
    }


def test_a_country_of_dispatch_in_a_ched_a_warns():
    warned = {rule for rule, _ in found(SAMPLES[0], Facts(), Severity.WARNING)}
    assert warned == {"R-BOX-TYPE", "R-I26-EXIT", "R-I34-GROSS-A"}
    assert {rule for rule, _ in found(SAMPLES[1], Facts(), Severity.WARNING)} == {"R-BOX-TYPE", "R-I34-GROSS-A"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_with_what_it_misses_is_taken(name):
    ched = certificate(name)
    origin = (replace(ched.dispatch_country),)
    completed = replace(ched, lines=tuple(replace(line, origins=origin) for line in ched.lines))
    findings = evaluate_ched(completed, on=FIRST_DAY, known=Facts(reference=""))
    assert not [each for each in findings if each.severity is Severity.SEVERE]


@pytest.mark.parametrize("name", [*CAPTURES, *SAMPLES])
def test_every_code_that_was_seen_is_in_a_list(name):
    assert "R-37-2" not in {rule for rule, _ in found(name, known(), Severity.WARNING)}


def test_before_the_regulation_applied_no_sample_is_judged():
    assert evaluate_ched(certificate(SAMPLES[0]), on=date(2019, 4, 10)) == ()
