"""ValidateCertificate: everything that submitting would find, all at once, and nothing kept."""

import pytest
from lxml import etree

from gateway.errors import catalogue
from gateway.sandbox.samples import Example, certificate, example

RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"
TABLES = ("documents", "document_versions", "exchanges", "deliveries", "seal_values")


def counts(gateway):
    with gateway.context.store.read() as connection:
        return {table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in TABLES}


def found(answer):
    assert answer.status == 200, answer.raw
    return {element.findtext("{*}Rule"): element for element in answer.body.iterfind("{*}Finding")}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("inline", [True, False], ids=["inline", "file"])
def test_a_document_that_would_be_taken_is_acceptable_and_is_not_kept(house, version, inline):
    caller = house.caller()
    document = house.world.sealed(example(Example.EPHYTO))
    before = counts(house.gateway)
    answer = caller.validate(document, inline=inline, version=version)
    assert answer.text("cx:Acceptable") == "true"
    assert answer.text("cx:SealVerdict/cx:Indication") == "TOTAL_PASSED"
    assert answer.text("cx:SealVerdict/cx:Level") == "advanced"
    assert answer.text("cx:SealVerdict/cx:TimeStamp")
    severities = {element.findtext("{*}Severity") for element in found(answer).values()}
    assert "SEVERE" not in severities
    assert answer.body.findall("{*}TranslatedPlace")
    assert answer.body.find("{*}Translation/{*}SPSCertificate") is not None
    assert counts(house.gateway) == before


def test_what_is_acceptable_is_accepted_afterwards(house):
    caller = house.caller()
    document = house.world.sealed(number="AR-DRY-1")
    assert caller.validate(document).text("cx:Acceptable") == "true"
    assert caller.about("GetCertificate", "AR-DRY-1").code == "IMG-7004"
    assert caller.submit(document).status == 200


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "file"])
def test_all_that_speaks_against_a_document_is_said_at_once(house, inline):
    caller = house.caller()
    document = (
        certificate(lines=1, export="BR")
        .replace(b"<ram:ScientificName>Citrus limon</ram:ScientificName>", b"")
        .replace(b"<ram:TypeCode>BX<", b"<ram:TypeCode>X0<")
    )
    before = counts(house.gateway)
    answer = caller.validate(document, inline=inline)
    findings = found(answer)
    assert answer.text("cx:Acceptable") == "false"
    assert {"IMG-2102", "IMG-4001", "IMG-6001", "EPHYTO-BOTANICAL-NAME"} <= findings.keys()
    assert answer.body.find("{*}SealVerdict") is None
    assert answer.body.find("{*}Translation") is None
    assert findings["IMG-6001"].findtext("{*}Found") == "X0"
    assert "IncludedSPSTradeLineItem" in findings["IMG-6001"].findtext("{*}Path")
    assert findings["EPHYTO-BOTANICAL-NAME"].findtext("{*}Source")
    assert all(element.findtext("{*}Severity") == "SEVERE" for rule, element in findings.items() if rule in catalogue())
    assert counts(house.gateway) == before


def test_a_status_that_cannot_be_submitted_is_one_finding_among_others(house):
    document = house.world.sealed(certificate(lines=1).replace(b"<ram:StatusCode>70", b"<ram:StatusCode>47"))
    findings = found(house.caller().validate(document))
    assert {"IMG-7006", "EPHYTO-STATUS"} <= findings.keys()
    assert findings["IMG-7006"].findtext("{*}Found") == "47"


def test_a_seal_that_fails_does_not_hide_the_rest(house):
    altered = house.world.sealed(example(Example.EPHYTO)).replace(b">KGM<", b">TNE<")
    altered = altered.replace(b'unitCode="KGM"', b'unitCode="TNE"')
    answer = house.caller().validate(altered)
    assert found(answer)["IMG-4009"].findtext("{*}Message")
    assert answer.body.find("{*}Translation") is not None


def test_the_translation_can_be_asked_for_another_partner(house):
    caller = house.caller()
    document = house.world.sealed()

    def packages(answer):
        return {code.text for code in answer.body.iterfind(f".//{{{RAM}}}PhysicalSPSPackage/{{{RAM}}}TypeCode")}

    canonical, own = caller.validate(document), caller.validate(document, target="ar")
    for_nl = caller.validate(document, target="nl")
    assert packages(canonical) == packages(own) == packages(for_nl) == {"BX"}
    systems = [
        {system.text for system in answer.body.iterfind(f".//{{{RAM}}}ApplicableSPSClassification/{{{RAM}}}SystemName")}
        for answer in (canonical, own)
    ]
    assert systems[0] != systems[1] == {"HS"}


@pytest.mark.parametrize("target", ["hub", "hub-r93", "other-type", "not-there"])
def test_a_partner_outside_cannot_be_a_target_of_others(house, target):
    answer = house.caller().validate(house.world.sealed(), target=target)
    assert (answer.code, answer.fault("Found")) == ("IMG-7011", target)


def test_a_document_without_identity_is_a_fault(house):
    document = certificate(lines=1).replace(b"<ram:ID>AR-EX-2026-0000001</ram:ID>", b"<ram:ID/>")
    assert house.caller().validate(document).code == "IMG-7005"


def test_a_dry_run_spends_its_nonce_once(house):
    caller = house.caller()
    security = caller.security()
    document = house.world.sealed()
    assert caller.validate(document, security=security).status == 200
    assert caller.validate(document, security=security).code == "IMG-2003"


def test_the_answer_holds_the_document_and_nothing_of_its_seal(house):
    answer = house.caller().validate(house.world.sealed(example(Example.EPHYTO)))
    translated = answer.body.find("{*}Translation/{*}SPSCertificate")
    assert not [element for element in translated.iter("*") if etree.QName(element).localname == "Signature"]
