"""What a translation does to a certificate, place by place and as a whole."""

import pytest
from lxml import etree

from gateway.errors import TranslationRefused
from gateway.sandbox.samples import certificate, example
from gateway.xml.names import DS, PREFIXES, RAM21, UDT21, qn
from gateway.xml.schemas import SchemaName, is_valid
from mappings import Loss, find_gaps, report_from_json, report_to_json, translate
from mappings.round_trip import round_trip


def there(root, index, source="ephyto", target="traces"):
    return translate(root, source=source, target=target, index=index)


def normal(root, index, system="ephyto"):
    return translate(root, source=system, target=system, index=index).root


def first(root, path):
    found = root.xpath(path, namespaces=PREFIXES)
    assert found, path
    return found[0]


@pytest.fixture
def root():
    return etree.fromstring(certificate(lines=2))


@pytest.fixture
def full():
    return etree.fromstring(example())


def rows(translation):
    return {place.row_id for place in translation.report}


def test_the_input_is_untouched_and_the_seal_is_not_carried(root, index):
    etree.SubElement(root, qn(DS, "Signature")).text = "sealed"
    before = etree.tostring(root)
    translation = there(root, index)
    assert etree.tostring(root) == before
    assert not translation.root.findall(f".//{qn(DS, 'Signature')}")
    assert len(root) == len(translation.root) + 1


def test_a_certificate_inside_an_envelope_translates_to_the_same_bytes(root, index, canonical):
    envelope = etree.Element("{urn:x}Envelope", nsmap={"x": "urn:x"})
    envelope.append(etree.fromstring(etree.tostring(root)))
    envelope[0].tail = "\n"
    inside = there(envelope[0], index)
    alone = there(root, index)
    assert canonical(inside.root) == canonical(alone.root)
    assert inside.report == alone.report
    assert inside.report[0].path.startswith("/sps:SPSCertificate/")


def test_the_full_example_goes_there_and_back_apart_from_its_declared_losses(full, index):
    translation = there(full, index)
    assert is_valid(SchemaName.SPS_STRICT, translation.root)
    assert not is_valid(SchemaName.SPS_STRICT, etree.fromstring("<x/>"))
    trip = round_trip(full, source="ephyto", target="traces", index=index)
    assert trip.exact
    rows_of = {loss.row_id for _, loss in trip.differences}
    assert rows_of == {"structure/hs-digits", "structure/country-name-own"}


def test_the_same_tables_give_the_same_bytes_again(full, index, tables):
    again = there(etree.fromstring(example()), tables.compile(index.on))
    assert etree.tostring(there(full, index).root) == etree.tostring(again.root)
    assert again.versions == there(full, index).versions
    assert "map-ephyto-country" in again.versions


def test_the_report_goes_through_json_and_each_path_finds_its_place(full, index):
    translation = there(full, index)
    assert report_from_json(report_to_json(translation.report)) == translation.report
    for place in translation.report:
        if not place.path.endswith("/@name"):
            assert full.xpath(place.path, namespaces=PREFIXES), place


def test_every_code_is_reported_with_its_row(root, index):
    by_list = {place.list: place for place in there(root, index).report}
    assert by_list["country"].row_id.startswith("ephyto/country/=")
    assert {"country", "document-type", "status", "transport-mode", "package", "unit"} <= by_list.keys()
    assert by_list["status"][:4] == (
        "/sps:SPSCertificate/sps:SPSExchangedDocument/ram:StatusCode",
        "status",
        "70",
        "70",
    )


# Each difference of form.


@pytest.mark.parametrize(
    ("text", "form", "row"),
    [
        ("2026-04-22T13:53:08-03:00", "DateTime", "structure/date-time"),
        ("2026-04-22T13:53:08.250Z", "DateTime", "structure/date-time"),
        ("2026-04-22", "DateTimeString", "structure/partial-date"),
        ("2026-04-22T13:53:08", "DateTimeString", "structure/partial-date"),
        ("2026-02-30T13:53:08Z", "DateTimeString", "structure/partial-date"),
        ("22 April 2026", "DateTimeString", "structure/partial-date"),
    ],
)
def test_only_an_instant_becomes_date_time_and_every_text_survives(root, index, text, form, row, canonical):
    value = first(root, "//ram:IssueDateTime")[0]
    value.tag, value.text = qn(UDT21, "DateTimeString"), text
    translation = there(root, index)
    issued = first(translation.root, "//ram:IssueDateTime")
    assert [(child.tag, child.text) for child in issued] == [(qn(UDT21, form), text)]
    assert row in rows(translation)
    assert not [place for place in translation.losses if "IssueDateTime" in place.path]
    assert is_valid(SchemaName.SPS_STRICT, translation.root)
    back = first(there(translation.root, index, "traces", "ephyto").root, "//ram:IssueDateTime")
    assert canonical(back) == canonical(first(root, "//ram:IssueDateTime"))


def test_a_bare_date_gets_its_element(root, index):
    issued = first(root, "//ram:IssueDateTime")
    for child in list(issued):
        issued.remove(child)
    issued.text = "2026-04-22"
    translation = there(root, index)
    assert first(translation.root, "//ram:IssueDateTime/udt:DateTimeString").text == "2026-04-22"
    assert "structure/bare-date" in rows(translation)


def add_note(root, children, attributes=None):
    note = etree.Element(qn(RAM21, "IncludedSPSNote"))
    for name, text in children:
        child = etree.SubElement(note, qn(RAM21, name), (attributes or {}).get(name, {}))
        child.text = text
    party = first(root, "//ram:IssuerSPSParty")
    party.addnext(note)
    return note


def note_of(translation):
    return [
        (etree.QName(child).localname, child.text, dict(child.attrib))
        for child in first(translation.root, "//ram:IncludedSPSNote[1]")
    ]


def test_an_ippc_subject_becomes_a_subject_code(root, index):
    add_note(root, [("Subject", "ADEDL"), ("Content", "Free of pests")])
    translation = there(root, index)
    coded = ("SubjectCode", "ADEDL", {"listID": "ippc_note_subject_code"})
    assert note_of(translation) == [("Content", "Free of pests", {}), coded]
    back = there(translation.root, index, "traces", "ephyto")
    assert note_of(back) == [("Subject", "ADEDL", {}), ("Content", "Free of pests", {})]
    assert not back.losses


def test_a_subject_in_free_words_stays(root, index):
    add_note(root, [("Subject", "Remarks"), ("Content", "None")])
    translation = there(root, index)
    assert note_of(translation) == [("Subject", "Remarks", {}), ("Content", "None", {})]


def test_the_country_in_a_re_export_note_is_a_code(root, index):
    add_note(root, [("Subject", "RPCCO"), ("Content", "EL")])
    translation = there(root, index)
    assert note_of(translation)[0] == ("Content", "GR", {})
    add_note(root, [("Subject", "RPCCO"), ("Content", "QQ")])
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        there(root, index)


def test_a_coded_note_of_traces_becomes_text_and_says_that_its_list_is_forgotten(root, index):
    traces = there(root, index).root
    children = [("ContentCode", "PP"), ("Content", None), ("SubjectCode", "CHED_TYPE")]
    add_note(traces, children, {"SubjectCode": {"listID": "ched_note_subject_code"}})
    back = there(traces, index, "traces", "ephyto")
    assert note_of(back) == [("Subject", "CHED_TYPE", {}), ("Content", "PP", {})]
    assert [place.loss for place in back.report if place.row_id == "structure/note-foreign"] == [Loss.NARROWS]


def test_the_certifying_statement_is_marked_and_a_traces_clause_is_left_out(root, index):
    clauses = "//ram:IncludedSPSClause"
    translation = there(root, index)
    number = first(translation.root, f"{clauses}/ram:ID")
    assert (number.text, dict(number.attrib)) == ("1", {"schemeID": "ippc_statement"})
    foreign = etree.SubElement(
        first(translation.root, "//ram:SignatorySPSAuthentication"), qn(RAM21, "IncludedSPSClause")
    )
    etree.SubElement(foreign, qn(RAM21, "ID"), schemeID="ched_consignment_clause").text = "PURPOSE"
    back = there(translation.root, index, "traces", "ephyto")
    assert [dict(clause.attrib) for clause in back.root.xpath(f"{clauses}/ram:ID", namespaces=PREFIXES)] == [{}]
    assert [place.source_code for place in back.losses] == ["PURPOSE"]


def test_a_registration_number_moves_to_id_and_the_party_gets_the_role_of_its_place(root, index, canonical):
    consignor = first(root, "//ram:ConsignorSPSParty")
    for name in ("ID", "RoleCode", "TypeCode"):
        for child in consignor.findall(qn(RAM21, name)):
            consignor.remove(child)
    number = etree.Element(qn(RAM21, "TypeCode"), listName="NationalRegistrationNumber")
    number.text = "045"
    consignor.insert(1, number)
    translation = there(root, index)
    party = first(translation.root, "//ram:ConsignorSPSParty")
    assert (party[0].tag, party[0].text, dict(party[0].attrib)) == (
        qn(RAM21, "ID"),
        "045",
        {"schemeID": "national_registry_number"},
    )
    assert party.findtext(qn(RAM21, "RoleCode")) == "EX"
    assert party.find(qn(RAM21, "TypeCode")) is None
    back = there(translation.root, index, "traces", "ephyto")
    assert canonical(first(back.root, "//ram:ConsignorSPSParty")) == canonical(consignor)


def classification(root):
    return first(root, "//ram:ApplicableSPSClassification")


@pytest.mark.parametrize(
    ("code", "becomes", "lost"), [("0805", "0805", False), ("080550", "080550", False), ("0805.50.10", "080550", True)]
)
def test_hs_becomes_cn_with_the_digits_that_both_share(root, index, code, becomes, lost):
    first(root, "//ram:ApplicableSPSClassification/ram:ClassCode").text = code
    translation = there(root, index)
    texts = [child.text for child in classification(translation.root)][:3]
    assert texts == ["CN", "CN Code (Combined Nomenclature)", becomes]
    where = "ram:IncludedSPSTradeLineItem[1]/ram:ApplicableSPSClassification[1]/ram:ClassCode"
    assert any(place.path.endswith(where) for place in translation.losses) is lost
    back = classification(there(translation.root, index, "traces", "ephyto").root)
    assert [child.text for child in back][:2] == ["HS", becomes]


def test_what_is_no_tariff_number_is_refused(root, index):
    first(root, "//ram:ApplicableSPSClassification/ram:ClassCode").text = "LEMON"
    with pytest.raises(TranslationRefused) as refused:
        there(root, index)
    assert (refused.value.code, refused.value.found) == ("IMG-6006", "LEMON")


def test_a_classification_without_counterpart_is_left_out_by_its_row(root, index):
    traces = there(root, index).root
    system = etree.SubElement(classification(traces).getparent(), qn(RAM21, "ApplicableSPSClassification"))
    classification(traces).addnext(system)
    for name, text in (("SystemID", "EPPT"), ("SystemName", "EPPO"), ("ClassCode", "CIDLI")):
        etree.SubElement(system, qn(RAM21, name)).text = text
    back = there(traces, index, "traces", "ephyto")
    assert [place.row_id for place in back.losses] == ["ephyto/classification-system/<EPPT"]
    assert "CIDLI" not in etree.tostring(back.root).decode()


def test_a_status_gets_the_name_that_traces_shows(root, index):
    translation = there(root, index)
    assert first(translation.root, "//ram:StatusCode").get("name") == "Issued (Validated)"
    back = there(translation.root, index, "traces", "ephyto")
    assert not first(back.root, "//ram:StatusCode").attrib
    first(root, "//ram:StatusCode").set("name", "emitido")
    assert [place.row_id for place in there(root, index).losses if "Status" in place.path] == ["structure/label-lost"]


def numbers(root):
    return [element.text for element in root.iter(qn(RAM21, "SequenceNumeric"))]


@pytest.mark.parametrize("begin", [0, 1])
def test_lines_are_shifted_only_from_zero_and_come_back(root, index, begin):
    for position, element in enumerate(root.iter(qn(RAM21, "SequenceNumeric"))):
        element.text = str(position + begin)
    translation = there(root, index)
    assert numbers(translation.root) == ["0", "1", "2"]
    totals = first(translation.root, "//ram:IncludedSPSTradeLineItem")
    assert totals.findtext(qn(RAM21, "Description")) == "Consignment totals and summary"
    assert bool(totals.findall(qn(RAM21, "AdditionalInformationSPSNote"))) is (begin == 0)
    assert is_valid(SchemaName.SPS_STRICT, translation.root)
    moved = [place for place in translation.report if place.row_id == "structure/line-number"]
    assert [first(root, place.path).text for place in moved] == [place.source_code for place in moved]
    assert [place.target_code for place in moved] == (["1", "2"] if begin == 0 else [])
    back = there(translation.root, index, "traces", "ephyto")
    assert numbers(back.root) == [str(begin), str(begin + 1)]
    assert not back.losses


def test_totals_are_stated_only_as_far_as_every_line_states_them(root, index):
    def totals():
        return first(there(root, index).root, "//ram:IncludedSPSTradeLineItem")

    weights = [element.text for element in root.iter(qn(RAM21, "NetWeightMeasure"))]
    assert totals().findtext(qn(RAM21, "NetWeightMeasure")) == str(sum(int(weight) for weight in weights))
    next(root.iter(qn(RAM21, "NetWeightMeasure"))).set("unitCode", "TNE")
    assert totals().find(qn(RAM21, "NetWeightMeasure")) is None
    assert totals().find(qn(RAM21, "GrossWeightMeasure")) is not None


def test_a_totals_line_that_says_something_else_is_a_declared_loss(root, index):
    traces = there(root, index).root
    first(traces, "//ram:IncludedSPSTradeLineItem[1]/ram:NetWeightMeasure").text = "999"
    assert [place.row_id for place in there(traces, index, "traces", "ephyto").losses] == ["structure/totals-content"]


def test_a_totals_line_alone_is_refused(root, index):
    traces = there(root, index).root
    for line in traces.xpath("//ram:IncludedSPSTradeLineItem[position()>1]", namespaces=PREFIXES):
        line.getparent().remove(line)
    with pytest.raises(TranslationRefused, match="IMG-6006"):
        there(traces, index, "traces", "ephyto")


def test_a_link_to_a_file_cannot_enter_an_ephyto(root, index):
    traces = there(root, index).root
    reference = etree.Element(qn(RAM21, "ReferenceSPSReferencedDocument"))
    etree.SubElement(reference, qn(RAM21, "ID")).text = "X-1"
    etree.SubElement(reference, qn(RAM21, "AttachmentBinaryObject"), uri="uri:documentid:1")
    first(traces, "//ram:SignatorySPSAuthentication").addprevious(reference)
    back = there(traces, index, "traces", "ephyto")
    assert [place.source_code for place in back.losses] == ["uri:documentid:1"]
    assert not list(back.root.iter(qn(RAM21, "AttachmentBinaryObject")))


# Documents that are looser than their schema.


def test_null_is_dropped_and_never_mapped(root, index):
    first(root, "//ram:ExaminationSPSEvent/ram:OccurrenceSPSLocation/ram:Name").text = "NULL"
    first(root, "//ram:ConsignorSPSParty/ram:Name").text = " NULL "
    translation = there(root, index)
    assert "NULL" not in etree.tostring(translation.root).decode()
    assert not first(translation.root, "//ram:ExaminationSPSEvent/ram:OccurrenceSPSLocation/ram:Name").text
    assert first(translation.root, "//ram:ConsignorSPSParty").find(qn(RAM21, "Name")) is None
    assert is_valid(SchemaName.SPS_STRICT, translation.root)


def test_order_namespace_and_strangers(root, index):
    consignment = first(root, "//sps:SPSConsignment")
    consignment.insert(0, first(root, "//ram:ImportSPSCountry"))
    first(root, "//ram:AffixedSPSSeal/ram:ID").tag = "ID"
    etree.SubElement(first(root, "//ram:AppliedSPSProcess"), qn(RAM21, "AdditionalInformationSPSNote"))
    assert not is_valid(SchemaName.SPS_STRICT, root)
    translation = there(root, index)
    assert is_valid(SchemaName.SPS_STRICT, translation.root)
    assert {"structure/order", "structure/namespace", "structure/unknown"} <= rows(translation)


def test_normal_form_is_reached_in_one_step(full, index, canonical):
    once = normal(full, index)
    assert canonical(normal(once, index)) == canonical(once)


# Codes.


def test_an_unmapped_code_is_refused_with_list_place_and_the_row_to_add(root, index):
    first(root, "//ram:PhysicalSPSPackage/ram:TypeCode").text = "QK"
    with pytest.raises(TranslationRefused) as refused:
        there(root, index)
    assert refused.value.code == "IMG-6001"
    assert "package" in refused.value.message
    assert refused.value.where.endswith("/ram:PhysicalSPSPackage[1]/ram:TypeCode")
    assert refused.value.expected == "map-ephyto-package.csv: QK,?,,in,widens,2026-11-22,,,"


def test_all_gaps_are_found_at_once_each_code_at_its_first_place(root, index):
    way = {"source": "ephyto", "target": "traces", "index": index}
    assert find_gaps(root, **way) == ()
    for package in root.iterfind(f".//{qn(RAM21, 'PhysicalSPSPackage')}/{qn(RAM21, 'TypeCode')}"):
        package.text = "QK"
    first(root, "//ram:NetWeightMeasure").set("unitCode", "X1")
    first(root, "//ram:ImportSPSCountry/ram:ID").text = "ZZ"
    before = etree.tostring(root)
    gaps = find_gaps(root, **way)
    assert [(gap.code, gap.found) for gap in gaps] == [("IMG-6001", "ZZ"), ("IMG-6001", "X1"), ("IMG-6001", "QK")]
    assert "TradeLineItem[1]" in gaps[2].where
    assert etree.tostring(root) == before
    with pytest.raises(TranslationRefused) as refused:
        there(root, index)
    assert (refused.value.where, refused.value.expected) == (gaps[0].where, gaps[0].expected)
    assert [gap.found for gap in find_gaps(root, source="traces", target="ephyto", index=index)]


def test_a_code_with_another_meaning_is_refused_although_both_sides_have_it(root, index):
    first(root, "//ram:PhysicalSPSPackage/ram:TypeCode").text = "BT"
    with pytest.raises(TranslationRefused, match=r"IMG-6007.*bolt"):
        there(root, index)


def test_a_code_longer_than_any_code_is_refused(root, index):
    first(root, "//ram:ExportSPSCountry/ram:ID").text = "A" * 100
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        there(root, index)


@pytest.mark.parametrize(("code", "becomes"), [("NA", "NA"), ("EL", "GR"), ("GR", "GR"), ("XI", "XI")])
def test_countries_and_their_traps(root, index, code, becomes):
    first(root, "//ram:ExportSPSCountry/ram:ID").text = code
    assert first(there(root, index).root, "//ram:ExportSPSCountry/ram:ID").text == becomes


def test_between_two_partner_systems_the_way_goes_through_traces(root, index):
    translation = there(root, index, "ephyto", "national-b")
    assert {place.row_id.split("/")[0] for place in translation.report} == {"ephyto", "structure", "national-b"}
    assert first(translation.root, "//ram:MainCarriageSPSTransportMovement/ram:ModeCode").text == "2"  # sea
    assert first(translation.root, "//ram:NetWeightMeasure").get("unitCode") == "KG"
    assert is_valid(SchemaName.SPS_STRICT, translation.root)


def test_the_national_form_comes_back_equal(full, index, canonical):
    traces = there(full, index).root
    national = there(traces, index, "traces", "national-b")
    back = there(national.root, index, "national-b", "traces")
    assert not (*national.losses, *back.losses)
    assert canonical(back.root) == canonical(traces)


def test_a_national_system_without_rail_refuses_rail(root, index):
    first(root, "//ram:ModeCode").text = "2"
    traces = there(root, index).root
    with pytest.raises(TranslationRefused, match=r"IMG-6007.*no rail"):
        there(traces, index, "traces", "national-b")


def test_a_system_without_tables_is_refused(root, index):
    with pytest.raises(TranslationRefused, match="IMG-6005") as refused:
        there(root, index, "ephyto", "atlantis")
    assert {"ephyto", "national-b", "traces"} <= set(refused.value.expected.split(", "))
