"""ValidatePhytoXML: each area, each level, and that nothing a stranger writes ends in anything but results."""

from __future__ import annotations

import base64
import os
import random
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.hub.validation import MAX_MESSAGE, MAX_RESULTS, validate_phyto_xml
from gateway.sandbox.samples import Example, certificate, example
from gateway.xml.limits import Limits
from mappings import load_tables
from mappings.hub_lists import load_hub_lists

DAY = date(2026, 11, 22)
INDEX = load_tables().compile(DAY)
LISTS = load_hub_lists()
GOOD = certificate(lines=2).decode().replace('<ram:Name languageID="en">', "<ram:Name>")
"""Nothing is to be said about it."""


def validate(text, **options):
    text = text.encode() if isinstance(text, str) else text
    return validate_phyto_xml(text, **({"index": INDEX, "on": DAY, "lists": LISTS} | options))


def changed(*changes):
    text = GOOD
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def about(results):
    return [(result.area, result.level, result.field.rpartition("/")[2]) for result in results]


def test_about_a_certificate_without_fault_nothing_is_said():
    assert validate(GOOD) == ()
    assert validate(base64.b64encode(GOOD.encode()).decode()) == ()
    assert validate('<?xml version="1.0" encoding="ISO-8859-1"?>' + GOOD) == ()


@pytest.mark.parametrize("text", [None, "", "  \n", "what is this", "<a>", GOOD[:-20], "<a/>"])
def test_what_is_no_certificate_has_one_severe_result_of_the_schema(text):
    (result,) = validate(text)
    assert (result.area, result.level) == ("Schema", "SEVERE")
    assert "IMG-7110" in result.msg
    assert result.field


@pytest.mark.parametrize("text", ["hello this is no xml", "hello, this is no xml"])
def test_words_are_said_to_be_neither_xml_nor_base64(text):
    (result,) = validate(text)
    assert "Found: text that is neither XML nor Base64" in result.msg


def test_a_response_is_no_certificate():
    (result,) = validate('<a:SPSAcknowledgement xmlns:a="urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17"/>')
    assert (result.area, result.level, result.field) == ("Schema", "SEVERE", "/ack:SPSAcknowledgement")


def test_a_content_beyond_the_limits_is_unreadable_and_says_so():
    (result,) = validate(GOOD, limits=Limits(max_bytes=1_000))
    assert (result.area, result.level) == ("Schema", "SEVERE")
    assert "IMG-10" in result.msg


SEAL = "<ram:AffixedSPSSeal><ram:ID>SEAL-1</ram:ID></ram:AffixedSPSSeal>"
PORT = '<ram:ID schemeID="UNLOCODE">NLRTM</ram:ID><ram:Name>Rotterdam</ram:Name>'
PORT_LATE = '<ram:Name>Rotterdam</ram:Name><ram:ID schemeID="UNLOCODE">NLRTM</ram:ID>'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (PORT, PORT_LATE, [("Schema", "WARNING", "ram:ID")]),
        ("<ram:Name>Puerto Ejemplo<", "<ram:ID/><ram:Name>Puerto Ejemplo<", [("Schema", "INFO", "ram:ID")]),
        ("<ram:LineTwo>Villa Ejemplo<", "<ram:LineTwo>NULL<", [("Schema", "WARNING", "ram:LineTwo")]),
        (SEAL, f"{SEAL}<ram:Colour>red</ram:Colour>", [("Schema", "WARNING", "ram:Colour")]),
        ("<ram:LevelCode>1<", "<ram:LevelCode>outer<", [("Schema", "WARNING", "ram:LevelCode")]),
        ("<ram:SequenceNumeric>2<", "<ram:SequenceNumeric>2.5<", [("Schema", "WARNING", "ram:SequenceNumeric")]),
        ("2026-09-14T13:32:00+00:00", "14/09/2026", [("Schema", "WARNING", "ram:IssueDateTime")]),
    ],
)
def test_the_form_is_a_matter_of_the_schema(old, new, said):
    assert about(validate(changed((old, new)))) == said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (">SPSFL<", ">SPSXX<", ("Mapping", "WARNING", "ram:Subject")),
        (">SPSFL<", ">Liability<", ("Mapping", "INFO", "ram:Subject")),
        (">SPSFL<", ">ADTLIL<", ("Mapping", "WARNING", "ram:Subject")),
        ("<ram:Subject>DMTLIL</ram:Subject>", "", ("Mapping", "WARNING", "ram:AdditionalInformationSPSNote")),
        (">DMTLIL<", ">DMCL<", ("Mapping", "WARNING", "ram:Subject")),
        ('unitCode="KGM">100<', 'unitCode="KILO">100<', ("Mapping", "WARNING", "@unitCode")),
        ('unitCode="KGM">100<', 'unitCode="LTR">100<', ("Mapping", "WARNING", "ram:NetWeightMeasure")),
        ("<ram:TypeCode>BX<", "<ram:TypeCode>QQQ<", ("Mapping", "WARNING", "ram:TypeCode")),
        ("<ram:ModeCode>1<", "<ram:ModeCode>77<", ("Mapping", "WARNING", "ram:ModeCode")),
        ("<ram:SystemName>HS<", "<ram:SystemName>TARIC2<", ("Mapping", "WARNING", "ram:SystemName[1]")),
        ("<ram:ClassCode>08055010<", "<ram:ClassCode>0805x<", ("Mapping", "WARNING", "ram:ClassCode")),
        ("<ram:ID>AR</ram:ID></ram:Origin", "<ram:ID>QQ</ram:ID></ram:Origin", ("Mapping", "SEVERE", "ram:ID")),
        ("<ram:ID>AR</ram:ID></ram:Origin", "<ram:ID>EL</ram:ID></ram:Origin", ("Mapping", "WARNING", "ram:ID")),
        ("<ram:ID>1</ram:ID></ram:Inc", "<ram:ID>7</ram:ID></ram:Inc", ("Mapping", "WARNING", "ram:ID")),
        ("<ram:ID>1</ram:ID></ram:Inc", "<ram:ID>one</ram:ID></ram:Inc", ("Mapping", "WARNING", "ram:ID")),
        (">TTFT<", ">Note<", ("Mapping", "INFO", "ram:ApplicableSPSProcessCharacteristic")),
        (
            ">TTFT</ram:Description><ram:Description>Washed<",
            ">TTL1</ram:Description><ram:Description>BOIL<",
            ("Mapping", "INFO", "ram:Description[2]"),
        ),
        (">851<", ">853<", ("Mapping", "SEVERE", "ram:TypeCode")),
        ("<ram:StatusCode>70<", "<ram:StatusCode>97<", ("Mapping", "SEVERE", "ram:StatusCode")),
    ],
)
def test_a_code_that_nobody_here_knows_is_a_matter_of_the_mapping(old, new, said):
    assert said in about(validate(changed((old, new))))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (">AR</ram:ID></ram:Origin", ">QQ</ram:ID></ram:Origin", "QQ"),
        ("<ram:StatusCode>70<", "<ram:StatusCode>97<", "97"),
    ],
)
def test_a_code_is_told_once_although_rule_and_table_both_miss_it(old, new, code):
    assert len([result for result in validate(changed((old, new))) if f"Found: {code}." in result.msg]) == 1


@pytest.mark.parametrize("unit", ["MTQ", "LTR", "H87", "HEA"])
def test_a_volume_may_be_counted_as_traces_counts_animals(unit):
    gross = '<ram:GrossWeightMeasure unitCode="KGM">110</ram:GrossWeightMeasure>'
    measured = f'{gross}<ram:NetVolumeMeasure unitCode="{unit}">5</ram:NetVolumeMeasure>'
    assert validate(changed((gross, measured))) == ()
    in_kilograms = measured.replace(unit, "KGM")
    assert about(validate(changed((gross, in_kilograms)))) == [("Mapping", "WARNING", "ram:NetVolumeMeasure")]


TREATMENT = ">{}</ram:Description><ram:Description>{}<"
CLASS = "<ram:SystemName>{}</ram:SystemName><ram:ClassCode>{}<"


@pytest.mark.parametrize(
    ("list_", "old", "new", "where"),
    [
        ("PackageType", "<ram:TypeCode>BX<", "<ram:TypeCode>{}<", "ram:TypeCode"),
        ("MeanOfTransport", "<ram:ModeCode>1<", "<ram:ModeCode>{}<", "ram:ModeCode"),
        ("UnitMeasure", 'unitCode="KGM">100<', 'unitCode="{}">100<', "ram:NetWeightMeasure"),
        ("TreatmentType", "<ram:TypeCode>ZZZ</ram:TypeCode><ram:Appl", "<ram:TypeCode>{}</ram:TypeCode><ram:Appl", ""),
        ("TreatmentType", ">TTFT</ram:Description><ram:Description>Washed<", TREATMENT.format("TTL1", "{}"), ""),
        ("Pesticide", ">TTFT</ram:Description><ram:Description>Washed<", TREATMENT.format("TTCH", "{}"), ""),
        ("IntendedUse", "<ram:IntendedUse>Consumption<", "<ram:IntendedUse>{}<", "ram:IntendedUse"),
        ("Condition", "<ram:SystemName>HS</ram:SystemName><ram:ClassCode>08055010<", CLASS.format("IPPCPCC", "{}"), ""),
        (
            "ProductDescription",
            "<ram:SystemName>HS</ram:SystemName><ram:ClassCode>08055010<",
            CLASS.format("IPPCPCVP", "{}"),
            "",
        ),
        (
            "AdditionalDeclaration",
            "<ram:Subject>DMTLIL</ram:Subject><ram:Content>LOT 00001</ram:Content>",
            "<ram:Subject>ADTLIL</ram:Subject><ram:Content>Free</ram:Content><ram:ContentCode>{}</ram:ContentCode>",
            "ram:ContentCode",
        ),
    ],
)
class TestTheTenLists:
    """Each place of a code is held against the list that this instance serves; statements are tested above."""

    def told(self, old, new, code):
        results = validate(changed((old, new.format(code))))
        named = re.compile(rf"(?<![-.\w]){code}(?![-\w])")
        return [(each.level, each.msg) for each in results if each.area == "Mapping" and named.search(each.msg)]

    def test_a_code_in_use_is_no_finding(self, list_, old, new, where):
        field = "modeCode" if list_ == "MeanOfTransport" else "code"
        for code in sorted(LISTS.codes(list_, field=field)):
            if list_ == "UnitMeasure" and code not in {"KGM", "TNE", "GRM"}:
                continue  # measures no weight
            assert not self.told(old, new, code)

    def test_an_unknown_code_is_told(self, list_, old, new, where):
        code = "77" if list_ == "MeanOfTransport" else "QQ" if list_ == "PackageType" else "NOPE"
        ((level, message),) = self.told(old, new, code)
        assert level in {"INFO", "WARNING"}
        results = [each for each in validate(changed((old, new.format(code)))) if each.msg == message]
        assert all(each.area == "Mapping" and where in each.field for each in results)

    def test_a_retired_code_is_a_warning_of_its_own(self, list_, old, new, where):
        field = "modeCode" if list_ == "MeanOfTransport" else "code"
        every = {row[field] for row in LISTS.items(list_)}
        retired = sorted(every - LISTS.codes(list_, field=field))
        assert retired
        for code in retired:
            ((level, message),) = self.told(old, new, code)
            assert (level, "no longer in use" in message) == ("WARNING", True)


def test_a_statement_that_is_retired_is_told_as_such():
    (result,) = validate(changed(("<ram:ID>1</ram:ID></ram:Inc", "<ram:ID>9</ram:ID></ram:Inc")))
    assert (result.level, "no longer in use" in result.msg) == ("WARNING", True)


def test_without_lists_statements_and_treatments_are_not_looked_up():
    text = changed(("<ram:ID>1</ram:ID></ram:Inc", "<ram:ID>7</ram:ID></ram:Inc"))
    assert validate(text, lists=None) == ()
    assert validate(text) != ()


@pytest.mark.parametrize(
    ("old", "new", "level", "rule"),
    [
        ("<ram:ScientificName>Citrus limon<", "<ram:ScientificName><", "SEVERE", "EPHYTO-BOTANICAL-NAME"),
        ("<ram:Name>Lucía Inventada<", "<ram:Name>NULL<", "SEVERE", "EPHYTO-OFFICER"),
        ("<ram:Name>Puerto Ejemplo<", "<ram:Name><", "WARNING", "EPHYTO-PLACE-OF-ISSUE"),
        ("2026-09-14T13:32:00+00:00", "2027-09-14T13:32:00+00:00", "SEVERE", "SPS-ISSUE-FUTURE"),
        ("<ram:TypeCode>851<", "<ram:TypeCode>657<", "SEVERE", "EPHYTO-REEXPORT-ORIGINAL"),
        ("<ram:StatusCode>70<", "<ram:StatusCode>44<", "SEVERE", "SPS-REPLACES"),
    ],
)
def test_what_the_model_certificate_asks_for_is_mandatory(old, new, level, rule):
    found = [result for result in validate(changed((old, new))) if result.area == "MandatoryElements"]
    (result,) = [result for result in found if result.level == level]
    assert rule in result.msg


def test_the_gravest_comes_first_and_a_message_says_what_to_do_without_our_own_papers():
    results = validate(
        changed(
            ("<ram:Name>Puerto Ejemplo<", "<ram:Name><"),
            ("<ram:ScientificName>Citrus limon<", "<ram:ScientificName><"),
            ('unitCode="KGM">100<', 'unitCode="KILO">100<'),
        )
    )
    levels = [result.level for result in results]
    assert levels == sorted(levels, key=["SEVERE", "WARNING", "INFO"].index)
    assert results[0].msg == (
        "A line has no botanical name. Expected: at least the genus. "
        "(EPHYTO-BOTANICAL-NAME; ISPM 12, 5 I: botanical name of plants)"
    )
    assert results[0].field.startswith("/sps:SPSCertificate/sps:SPSConsignment/")
    assert not any("DIGEST" in result.msg for result in results)


def test_a_withdrawal_is_as_short_as_its_sender_likes():
    head = GOOD[: GOOD.index("<ram:ConsignorSPSParty>")].replace("<ram:StatusCode>70<", "<ram:StatusCode>40<")
    countries = "<ram:ExportSPSCountry><ram:ID>AR</ram:ID></ram:ExportSPSCountry>"
    text = f"{head}{countries}{countries.replace('Export', 'Import')}</sps:SPSConsignment></sps:SPSCertificate>"
    assert validate(text) == ()


def test_disorder_is_read_as_it_is_meant():
    root = etree.fromstring(GOOD)
    order = random.Random(3)
    for element in list(root.iter("*")):
        if element.tag.endswith(("SPSTradeLineItem", "SPSConsignment", "SPSExchangedDocument")):
            children = list(element)
            order.shuffle(children)
            element[:] = children
    results = validate(etree.tostring(root, encoding="unicode"))
    assert {(result.area, result.level) for result in results} == {("Schema", "WARNING")}


def test_the_hubs_own_form_is_no_finding():
    reference = (
        "<ram:ReferenceSPSReferencedDocument><ram:IssueDateTime>2021-09-10</ram:IssueDateTime>"
        '<ram:TypeCode xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>'
        "<ram:RelationshipTypeCode>ZZZ</ram:RelationshipTypeCode>"
        "<ram:ID>X 1</ram:ID></ram:ReferenceSPSReferencedDocument>"
    )
    text = changed(
        ("<ram:SignatorySPSAuthentication>", f"{reference}<ram:SignatorySPSAuthentication>"),
        (SEAL, SEAL.replace("ram:ID", "ID")),
    )
    assert validate(text) == ()


def test_a_hostile_certificate_has_a_bounded_answer():
    text = changed(("<ram:LineTwo>Villa Ejemplo</ram:LineTwo>", "<ram:Odd>" + "x" * 5_000 + "</ram:Odd>"))
    text = text.replace("<ram:CommonName>", "<ram:Weird/>" * 3_000 + "<ram:CommonName>")
    text = text.replace(
        "<ram:IssuerSPSParty>",
        "<ram:IncludedSPSNote><ram:Subject>QQ</ram:Subject></ram:IncludedSPSNote>" * 3_000 + "<ram:IssuerSPSParty>",
    )
    results = validate(text)
    assert len(results) == MAX_RESULTS
    assert all(len(result.msg) <= MAX_MESSAGE for result in results)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_whatever_is_taken_out_or_overwritten_there_are_results_and_nothing_else(seed):
    order = random.Random(seed)
    root = etree.fromstring(example())
    elements = list(root.iter("*"))[1:]
    for element in order.sample(elements, 12):
        act = order.choice(("drop", "text", "copy", "attribute"))
        if act == "drop":
            element.getparent().remove(element)
        elif act == "text":
            element.text = order.choice(["", "NULL", "-1", "1e400", "nan", "A" * 300, "\u202e", "0", "2026-13-99"])
        elif act == "copy":
            order.choice(elements).append(etree.fromstring(etree.tostring(element)))
        else:
            element.set(order.choice(["unitCode", "listName", "odd"]), "??")
    results = validate(etree.tostring(root, encoding="unicode"))
    assert {result.area for result in results} <= {"Schema", "Mapping", "MandatoryElements"}
    assert all(result.msg and result.field for result in results)


@pytest.mark.parametrize(("content", "said"), [("QUJD" * 500_000, 0), ("\n " * 200, 1), ("", 1)])
def test_a_file_is_there_or_not_and_is_never_looked_into(content, said):
    reference = (
        "<ram:ReferenceSPSReferencedDocument>"
        "<ram:RelationshipTypeCode>ZZZ</ram:RelationshipTypeCode><ram:ID>X 1</ram:ID>"
        f'<ram:AttachmentBinaryObject filename="a.pdf">{content}</ram:AttachmentBinaryObject>'
        "</ram:ReferenceSPSReferencedDocument>"
    )
    text = changed(("<ram:SignatorySPSAuthentication>", f"{reference}<ram:SignatorySPSAuthentication>"))
    assert len(validate(text)) == said


def test_of_the_full_example_only_what_the_hub_has_no_place_for_is_told():
    results = validate(example(Example.EPHYTO).decode())
    assert {result.level for result in results} == {"INFO"}


@pytest.mark.skipif("IMSOC_CONTRACTS" not in os.environ, reason="IMSOC_CONTRACTS names no folder of reference files")
def test_the_full_certificate_of_the_reference_is_disorderly_and_nothing_worse():
    text = (Path(os.environ["IMSOC_CONTRACTS"]) / "ippc-hub" / "ephyto-full-feature.xml").read_text("utf-8")
    results = validate(text)
    assert {(result.area, result.level) for result in results} == {
        ("Schema", "WARNING"),
        ("Schema", "INFO"),
        ("MandatoryElements", "INFO"),
    }
