"""Whatever stands in a CHED, evaluate_ched answers with findings: no value and no tree makes it raise."""

from dataclasses import fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum

from ched_factory import ASKING_ALL, CHEDS, CONTAINER, KNOWN, REDISPATCH, REFUSAL, followed
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.documents.ched import Part, read_ched
from gateway.errors import MAX_FOUND, Severity
from gateway.rules.ched import ched_rules, evaluate_ched
from gateway.xml.names import RAM21, SPS17, UDT21

DAY = date(2026, 11, 22)
FULL = {
    kind: replace(
        followed(kind, decision=REFUSAL if kind in "AP" else {}, redispatch=REDISPATCH),
        containers=(CONTAINER,),
        transports_after=CHEDS[kind].transports_before,
        transporter=CHEDS[kind].operator,
    )
    for kind in CHEDS
}
TEXTS = [
    *["", " ", "{found}", "{0}", "}{", "%s", "\0", "\u0660\u0661", "x" * 5000, "-0", "1e9", "NaN", "9" * 40, "."],
    *["9999-12-31T23:59:59Z", "0001-01-01", "2026-02-30", "2026-13-01T00:00:00", "T", "2026-11-22T00:00:00+99:99"],
    *["CHEDPP.NL.2026.0000001", "TRANSFER", "NOT_ACCEPTABLE", "ACW", "AXG", "XI", "EL", "REDUCED", "PENDING"],
]
NUMBERS = [Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-Infinity", "1E+999999", "-1E-999999", "0", "-7")]
EXPECTED_PARTS = [None, Part.I, Part.II, Part.III]


def scrambled(value, random):
    """A value of the same shape with other things in it."""
    if is_dataclass(value):
        named = {each.name: getattr(value, each.name) for each in fields(value) if each.name != "source"}
        optional = {each.name for each in fields(value) if each.default is None}
        return replace(
            value,
            **{
                name: None if name in optional and random.random() < 0.1 else scrambled(inner, random)
                for name, inner in named.items()
            },
        )
    if isinstance(value, tuple):
        inner = tuple(scrambled(each, random) for each in value)
        return random.choice([inner, inner, inner, (), inner * 2])
    if isinstance(value, Decimal):
        return random.choice([value, *NUMBERS])
    if isinstance(value, str) and not isinstance(value, Enum):
        return value if random.random() < 0.6 else random.choice(TEXTS)
    return value


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(sorted(FULL)), random=st.randoms(use_true_random=False), text=st.text(max_size=30))
def test_no_value_makes_the_rules_raise(kind, random, text):
    document = scrambled(FULL[kind], random)
    document = replace(document, reference=text, arrival=random.choice([text, document.arrival]))
    for part in EXPECTED_PARTS:
        for known in (KNOWN, replace(ASKING_ALL, previous=FULL[kind])):
            for finding in evaluate_ched(document, on=DAY, known=known, part=part):
                assert finding.severity is ched_rules()[finding.rule].severity
                assert len(finding.found) <= MAX_FOUND


NAMES = [
    *["IncludedSPSTradeLineItem", "SequenceNumeric", "NetWeightMeasure", "PhysicalSPSPackage", "ItemQuantity", "ID"],
    *["IncludedSPSNote", "SubjectCode", "ContentCode", "SignatorySPSAuthentication", "TypeCode", "IncludedSPSClause"],
    *["Content", "OriginSPSCountry", "ConsignorSPSParty", "UnloadingBaseportSPSLocation", "Name", "RoleCode"],
    *["MainCarriageSPSTransportMovement", "ModeCode", "AvailabilityDueDateTime", "IncludedSPSConsignmentItem"],
]
TREES = st.recursive(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "1", "4", "0", "PURPOSE", "CHED_TYPE", "P", "-1", "XI"])),
    lambda inner: st.tuples(st.sampled_from(NAMES), st.lists(inner, max_size=5)),
    max_leaves=30,
)


def grown(parent, tree):
    name, inside = tree
    element = etree.SubElement(parent, f"{{{RAM21}}}{name}")
    if isinstance(inside, str):
        element.text = inside
        return
    for each in inside:
        grown(element, each)


@settings(max_examples=60, deadline=None)
@given(document=st.lists(TREES, max_size=8), consignment=st.lists(TREES, max_size=8))
def test_no_tree_makes_the_rules_raise(document, consignment):
    root = etree.Element(f"{{{SPS17}}}SPSCertificate", nsmap={"ram": RAM21, "udt": UDT21})
    for name, trees in (("SPSExchangedDocument", document), ("SPSConsignment", consignment)):
        part = etree.SubElement(root, f"{{{SPS17}}}{name}")
        for tree in trees:
            grown(part, tree)
    found = evaluate_ched(read_ched(root), on=DAY, known=KNOWN)
    assert any(finding.severity is Severity.SEVERE for finding in found)
