"""Each rule speaks when its breach is there and is silent on the full example; the sets are dated data."""

from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import ConfigurationError, Severity
from gateway.rules import MAX_FINDINGS_PER_RULE, catalogue, evaluate, rule_sets
from gateway.rules.compiling import STATUSES
from gateway.rules.loading import read_rule_sets
from gateway.sandbox.samples import Example, certificate, example
from gateway.xml.names import PREFIXES, RAM21, qn

DAY = date(2026, 11, 22)
DOCUMENT = "sps:SPSExchangedDocument"
CONSIGNMENT = "sps:SPSConsignment"
LINE = f"{CONSIGNMENT}/ram:IncludedSPSConsignmentItem/ram:IncludedSPSTradeLineItem"


def drop(*paths):
    def change(root):
        found = [element for path in paths for element in root.xpath(path, namespaces=PREFIXES)]
        assert found, paths
        for element in found:
            element.getparent().remove(element)

    return change


def write(path, text, *, attribute=""):
    def change(root):
        element = root.xpath(path, namespaces=PREFIXES)[0]
        if attribute:
            element.set(attribute, text)
        else:
            for child in list(element):
                element.remove(child)
            element.text = text

    return change


def unname(path, attribute):
    def change(root):
        del root.xpath(path, namespaces=PREFIXES)[0].attrib[attribute]

    return change


def both(*changes):
    def change(root):
        for each in changes:
            each(root)

    return change


def note(subject):
    return f"ram:*[ram:Subject='{subject}']"


def without_original(root):
    write(f"{DOCUMENT}/ram:TypeCode", "657")(root)
    for path in (f"{DOCUMENT}/ram:ReferenceSPSReferencedDocument", "//ram:*[starts-with(ram:Subject,'RPC')]"):
        for element in root.xpath(path, namespaces=PREFIXES):
            element.getparent().remove(element)


BREACHES = {
    "SPS-NUMBER": write(f"{DOCUMENT}/ram:ID", " "),
    "SPS-TYPE": drop(f"{DOCUMENT}/ram:TypeCode"),
    "SPS-STATUS": write(f"{DOCUMENT}/ram:StatusCode", ""),
    "SPS-STATUS-KNOWN": write(f"{DOCUMENT}/ram:StatusCode", "7"),
    "SPS-ISSUE-DATE": drop(f"{DOCUMENT}/ram:IssueDateTime"),
    "SPS-ISSUE-DATE-FORM": write(f"{DOCUMENT}/ram:IssueDateTime/*", "22/04/2026"),
    "SPS-ISSUE-FUTURE": write(f"{DOCUMENT}/ram:IssueDateTime/*", "2026-11-24T00:00:00Z"),
    "SPS-ISSUER": drop(f"{DOCUMENT}/ram:IssuerSPSParty/ram:Name"),
    "SPS-COUNTRY-OF-EXPORT": drop(f"{CONSIGNMENT}/ram:ExportSPSCountry/ram:ID"),
    "SPS-COUNTRY-OF-IMPORT": write(f"{CONSIGNMENT}/ram:ImportSPSCountry/ram:ID", ""),
    "SPS-COUNTRY-CODE": write(f"{LINE}/ram:OriginSPSCountry/ram:ID", "QQ"),
    "SPS-COUNTRY-SPELLING": write(f"{CONSIGNMENT}/ram:TransitSPSCountry/ram:ID", "EL"),
    "SPS-LINE": drop(LINE),
    "SPS-LINE-NUMBER": write(f"{LINE}/ram:SequenceNumeric", "first"),
    "SPS-LINE-UNIQUE": write(f"({LINE}/ram:SequenceNumeric)[2]", "1"),
    "SPS-QUANTITY": write(f"{LINE}/ram:NetWeightMeasure", "-1"),
    "SPS-UNIT": unname(f"{LINE}/ram:NetWeightMeasure", "unitCode"),
    "SPS-NET-GROSS": write(f"{LINE}/ram:NetWeightMeasure", "999999"),
    "SPS-ATTACHMENT-NAME": unname("//ram:AttachmentBinaryObject[@filename]", "filename"),
    "SPS-ATTACHMENT-EMPTY": write("//ram:AttachmentBinaryObject", None),
    "SPS-REPLACES": both(
        write(f"{DOCUMENT}/ram:StatusCode", "44"),
        drop(f"{DOCUMENT}/ram:ReferenceSPSReferencedDocument", f"{DOCUMENT}/{note('ADRPN')}"),
    ),
    "SPS-NULL": write(f"{CONSIGNMENT}/ram:ConsignorSPSParty/ram:Name", "NULL"),
    "EPHYTO-TYPE": write(f"{DOCUMENT}/ram:TypeCode", "853"),
    "EPHYTO-STATUS": write(f"{DOCUMENT}/ram:StatusCode", "97"),
    "EPHYTO-ISSUER": drop(f"{DOCUMENT}/ram:IssuerSPSParty"),
    "EPHYTO-IMPORT-COUNTRY": drop(f"{CONSIGNMENT}/ram:ImportSPSCountry"),
    "EPHYTO-EXPORTER": drop(f"{CONSIGNMENT}/ram:ConsignorSPSParty/ram:Name"),
    "EPHYTO-EXPORTER-ADDRESS": drop(f"{CONSIGNMENT}/ram:ConsignorSPSParty/ram:SpecifiedSPSAddress"),
    "EPHYTO-CONSIGNEE": drop(f"{CONSIGNMENT}/ram:ConsigneeSPSParty/ram:Name"),
    "EPHYTO-CONSIGNEE-ADDRESS": drop(f"{CONSIGNMENT}/ram:ConsigneeSPSParty/ram:SpecifiedSPSAddress"),
    "EPHYTO-PACKAGES": drop(f"{LINE}/ram:PhysicalSPSPackage", f"{LINE}/{note('OPTND')}"),
    "EPHYTO-MARKS": drop(f"//{note('DMCL')}", f"//{note('DMTLIL')}", "//ram:PhysicalSPSShippingMarks"),
    "EPHYTO-ORIGIN": drop(f"{LINE}/ram:OriginSPSCountry", f"{LINE}/{note('RPCCO')}"),
    "EPHYTO-CONVEYANCE": drop(f"{CONSIGNMENT}/ram:MainCarriageSPSTransportMovement"),
    "EPHYTO-POINT-OF-ENTRY": drop(f"{CONSIGNMENT}/ram:UnloadingBaseportSPSLocation"),
    "EPHYTO-PRODUCE": drop(f"{LINE}/ram:Description", f"{LINE}/ram:CommonName"),
    "EPHYTO-QUANTITY": drop(
        f"{LINE}/ram:NetWeightMeasure|{LINE}/ram:GrossWeightMeasure|{LINE}/ram:PhysicalSPSPackage|{LINE}/{note('OQV')}",
        f"{LINE}/ram:NetVolumeMeasure|{LINE}/ram:GrossVolumeMeasure|{LINE}/{note('OQU')}",
    ),
    "EPHYTO-BOTANICAL-NAME": write(f"{LINE}/ram:ScientificName", ""),
    "EPHYTO-CERTIFYING-STATEMENT": drop(f"{DOCUMENT}//ram:IncludedSPSClause"),
    "EPHYTO-DECLARATION-EMPTY": write(f"{DOCUMENT}/{note('ADEDL')}/ram:Content", ""),
    "EPHYTO-TREATMENT-DATES": write("//ram:CompletionSPSPeriod/ram:EndDateTime/*", "2001-01-01"),
    "EPHYTO-TREATMENT-KIND": drop(f"({LINE}/ram:AppliedSPSProcess[ram:CompletionSPSPeriod])[1]//ram:Description"),
    "EPHYTO-PLACE-OF-ISSUE": drop(f"{DOCUMENT}//ram:IssueSPSLocation"),
    "EPHYTO-OFFICER": drop(f"{DOCUMENT}/ram:SignatorySPSAuthentication/ram:ProviderSPSParty"),
    "EPHYTO-SIGNED-FUTURE": write("//ram:ActualDateTime/*", "2030-01-01T00:00:00Z"),
    "EPHYTO-REEXPORT-ORIGINAL": without_original,
    "EPHYTO-REEXPORT-ORIGIN": both(without_original, drop(f"{LINE}/ram:OriginSPSCountry")),
    "EPHYTO-REEXPORT-COPY": without_original,
}


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
    assert BREACHES.keys() == catalogue().keys()


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
    (finding,) = evaluate(root, "ephyto", on=DAY)
    assert (finding.rule, finding.found) == ("SPS-ISSUE-DATE-FORM", written)


@pytest.mark.parametrize("written", ["2026-02-28", "2024-02-29T10:00:00+00:00", "2026-01-31 10:00", "2026-04-30"])
def test_a_day_of_the_calendar_is_one(root, written):
    write(f"{DOCUMENT}/ram:IssueDateTime/*", written)(root)
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


def test_a_re_export_that_cites_the_original_passes(root):
    write(f"{DOCUMENT}/ram:TypeCode", "657")(root)
    line = root.xpath(LINE, namespaces=PREFIXES)[0]
    for subject in ("RPCRF", "RPCOR"):
        made = etree.SubElement(line, qn(RAM21, "AdditionalInformationSPSNote"))
        etree.SubElement(made, qn(RAM21, "Subject")).text = subject
        etree.SubElement(made, qn(RAM21, "Content")).text = "677636"
    assert not {rule for rule in rules_of(root) if "REEXPORT" in rule}


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
    codes = [line.split(",")[0] for line in lines if line[0].isdigit()]
    assert sorted(codes) == sorted(STATUSES.split())
