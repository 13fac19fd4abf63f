"""normalise_order: any order in, UN order out, every difference a finding, the input untouched."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.documents import SpsCertificate, normalise_order
from gateway.documents.order import MAX_FINDINGS
from gateway.errors import SchemaInvalid, Severity
from gateway.sandbox.samples import Example, certificate, example
from gateway.xml.names import ACK17, DS, RAM21, XSI, qn
from gateway.xml.schemas import SchemaName, is_valid


def canonical(root: etree._Element) -> bytes:
    """Without white space between elements, which means nothing here."""
    parser = etree.XMLParser(remove_blank_text=True, remove_comments=True)
    return etree.tostring(etree.fromstring(etree.tostring(root), parser), method="c14n", exclusive=True)


def shuffled(root: etree._Element, seed: int) -> etree._Element:
    """The same document with the children of every element in another order, those of one name in their own."""
    order = random.Random(seed)
    for element in root.iter("*"):
        children = list(element)
        names = [child.tag for child in children]
        order.shuffle(names)
        waiting = {name: [child for child in children if child.tag == name] for name in set(names)}
        for child in children:
            element.remove(child)
        element.extend(waiting[name].pop(0) for name in names)
    return root


@pytest.mark.parametrize("which", Example)
def test_a_document_in_order_is_copied_as_it_is(which):
    root = etree.fromstring(example(which))
    ordered, findings = normalise_order(root)
    assert {finding.rule for finding in findings} <= {"SPS-EMPTY"}
    if not findings:
        assert canonical(ordered) == canonical(root)
    assert ordered is not root


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_every_order_comes_back_to_the_same_document(seed):
    raw = example(Example.EPHYTO)
    ordered, findings = normalise_order(shuffled(etree.fromstring(raw), seed))
    assert is_valid(SchemaName.SPS_STRICT, ordered)
    assert canonical(ordered) == canonical(etree.fromstring(raw))
    assert {finding.rule for finding in findings} == {"SPS-ORDER"}
    assert all(finding.severity is Severity.WARNING and finding.path and finding.expected for finding in findings)


def changed(old: str, new: str) -> etree._Element:
    raw = certificate(lines=1).decode()
    assert old in raw
    return etree.fromstring(raw.replace(old, new, 1))


def only(root: etree._Element, rule: str):
    ordered, findings = normalise_order(root)
    assert [finding.rule for finding in findings] == [rule]
    assert is_valid(SchemaName.SPS_TOLERANT, ordered)
    return ordered, findings[0]


def test_bare_text_in_a_date_becomes_a_date_string():
    root = changed(
        "<ram:IssueDateTime><udt:DateTimeString>2026-09-14T13:32:00+00:00</udt:DateTimeString>",
        "<ram:IssueDateTime>2021-09-10",
    )
    ordered, finding = only(root, "SPS-BARE-DATE")
    assert finding.found == "2021-09-10"
    assert SpsCertificate(ordered).issued.text == "2021-09-10"


def test_the_word_null_reads_as_missing():
    ordered, finding = only(changed("<ram:Name>Rotterdam<", "<ram:Name> NULL <"), "SPS-NULL")
    assert finding.path.endswith("ram:UnloadingBaseportSPSLocation/ram:Name")
    assert b"NULL" not in etree.tostring(ordered)


def test_an_empty_element_reads_as_missing_and_takes_its_empty_parents_along():
    ordered, finding = only(changed("<ram:Name>Packing house 12<", "<ram:Name><"), "SPS-EMPTY")
    assert finding.severity is Severity.INFO
    assert ordered.find(".//{*}ExaminationSPSEvent") is None


def test_a_name_without_its_namespace_is_read_under_its_own():
    root = changed("<ram:AffixedSPSSeal><ram:ID>SEAL-1</ram:ID>", "<ram:AffixedSPSSeal><ID>SEAL-1</ID>")
    ordered, finding = only(root, "SPS-NAMESPACE")
    assert finding.found == "ID"
    assert ordered.findtext(f".//{qn(RAM21, 'AffixedSPSSeal')}/{qn(RAM21, 'ID')}") == "SEAL-1"


def test_an_unknown_element_is_left_out_and_said():
    ordered, finding = only(
        changed("<sps:SPSConsignment>", "<sps:SPSConsignment><ram:Owner>x</ram:Owner>"), "SPS-UNKNOWN"
    )
    assert finding.found == "ram:Owner"
    assert ordered.find(".//{*}Owner") is None


def test_an_element_of_another_namespace_is_no_element_of_ours():
    root = changed("<ram:ID>AR-EX", '<e:ID xmlns:e="urn:evil">FORGED</e:ID><ram:ID>AR-EX')
    ordered, _ = only(root, "SPS-UNKNOWN")
    assert SpsCertificate(ordered).number.startswith("AR-EX")


def test_markup_inside_a_value_is_not_read_and_its_surrounding_text_is():
    ordered, _ = only(changed("<ram:Name>Rotterdam<", "<ram:Name>Rot<b>no</b>ter<!-- -->dam<"), "SPS-UNKNOWN")
    assert ordered.findtext(".//{*}UnloadingBaseportSPSLocation/{*}Name") == "Rotterdam"


def test_attributes_stay_and_those_of_schema_instances_go():
    root = changed(
        '<ram:NetWeightMeasure unitCode="KGM">',
        f'<ram:NetWeightMeasure unitCode="KGM" odd="1" xmlns:xsi="{XSI}" xsi:nil="false">',
    )
    ordered, findings = normalise_order(root)
    assert findings == ()
    assert dict(ordered.find(".//{*}NetWeightMeasure").attrib) == {"unitCode": "KGM", "odd": "1"}
    assert is_valid(SchemaName.SPS_TOLERANT, ordered)


def test_the_seal_is_no_part_of_reading():
    root = etree.fromstring(certificate(lines=1))
    etree.SubElement(root, qn(DS, "Signature"))
    ordered, findings = normalise_order(root)
    assert findings == ()
    assert ordered.find(qn(DS, "Signature")) is None


def test_the_input_is_not_changed():
    root = shuffled(etree.fromstring(example()), 7)
    before = etree.tostring(root)
    normalise_order(root)
    assert etree.tostring(root) == before


def test_findings_end_with_the_remark_that_there_are_more():
    root = etree.fromstring(certificate(lines=1))
    root[0].extend(etree.Element(qn(RAM21, f"Odd{index}")) for index in range(MAX_FINDINGS + 50))
    _, findings = normalise_order(root)
    assert len(findings) == MAX_FINDINGS
    assert findings[-1].rule == "SPS-MORE"
    assert {finding.rule for finding in findings[:-1]} == {"SPS-UNKNOWN"}


@pytest.mark.parametrize("tag", [qn(ACK17, "SPSAcknowledgement"), "SPSCertificate", "{urn:x}SPSCertificate"])
def test_what_is_no_certificate_is_refused(tag):
    with pytest.raises(SchemaInvalid) as refused:
        normalise_order(etree.Element(tag))
    assert refused.value.code == "IMG-3001"
    assert refused.value.expected == "sps:SPSCertificate"


def test_an_element_that_says_itself_that_it_is_nil_is_no_finding():
    root = etree.fromstring(certificate(lines=1))
    reference = etree.fromstring(
        f'<r:ReferenceSPSReferencedDocument xmlns:r="{RAM21}" xmlns:xsi="{XSI}"><r:TypeCode xsi:nil="true"/>'
        "<r:RelationshipTypeCode>ZZZ</r:RelationshipTypeCode><r:ID>X 1</r:ID></r:ReferenceSPSReferencedDocument>"
    )
    root.find(".//{*}SignatorySPSAuthentication").addprevious(reference)
    ordered, findings = normalise_order(root)
    assert findings == ()
    assert ordered.find(".//{*}ReferenceSPSReferencedDocument/{*}TypeCode") is None
