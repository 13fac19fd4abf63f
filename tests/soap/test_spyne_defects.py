"""Each defect that spyne 2.14 was seen to have (design notes, STACK) cannot be reached through our server."""

import pytest
from soap_bench import REPLY, REQUEST, envelope

from gateway.soap import SoapVersion
from gateway.xml.names import CX1, SOAP11, SOAP12

pytestmark = pytest.mark.short
BOTH = pytest.mark.parametrize("version", SoapVersion)
SENDER = {SoapVersion.SOAP11: ("Client", 500), SoapVersion.SOAP12: ("Sender", 400)}


def refused(bench, raw, version, error):
    served = bench.send(raw, version=version)
    code, status = SENDER[version]
    assert (served.fault["version"], served.fault["code"], served.fault["error"]) == (version.name, code, error)
    assert (served.status, served.headers["Content-Type"]) == (status, version.content_type)
    assert bench.calls == []


@BOTH
def test_1_an_unknown_operation_is_a_senders_fault(bench, version):
    for body in ("<Unknown/>", f'<Unknown xmlns="{CX1}"/>', '<GetCertificateStatusRequest xmlns="urn:other"/>'):
        refused(bench, envelope(body, version=version), version, "IMG-1105")


@BOTH
def test_2_a_header_that_must_be_understood_and_is_not(bench, version):
    headers = '<h:New xmlns:h="urn:h" s:mustUnderstand="1"/><h:Other xmlns:h="urn:h" s:mustUnderstand="true"/>'
    served = bench.send(envelope(REQUEST, version=version, headers=headers), version=version)
    assert (served.status, served.fault["code"], served.fault["error"]) == (500, "MustUnderstand", "IMG-1107")
    assert (b'qname="h:New"' in served.body) is (version is SoapVersion.SOAP12)
    assert bench.calls == []


@BOTH
def test_2_other_headers_pass(bench, version):
    role = "actor" if version is SoapVersion.SOAP11 else "role"
    headers = (
        '<h:A xmlns:h="urn:h"/><h:B xmlns:h="urn:h" s:mustUnderstand="0"/>'
        f'<h:C xmlns:h="urn:h" s:mustUnderstand="1" s:{role}="urn:somebody-else"/>'
    )
    assert bench.send(envelope(REQUEST, version=version, headers=headers), version=version).status == 200
    assert [header.tag for header in bench.calls[0].headers] == ["{urn:h}A", "{urn:h}B"]


def test_2_a_header_for_the_next_node_is_for_us(bench):
    headers = '<h:A xmlns:h="urn:h" s:mustUnderstand="1" s:actor="http://schemas.xmlsoap.org/soap/actor/next"/>'
    assert bench.send(envelope(REQUEST, headers=headers)).fault["error"] == "IMG-1107"


def test_2_an_unreadable_must_understand_is_refused(bench):
    refused(
        bench,
        envelope(REQUEST, headers='<h:A xmlns:h="urn:h" s:mustUnderstand="yes"/>'),
        SoapVersion.SOAP11,
        "IMG-1108",
    )


@BOTH
def test_2_another_envelope_namespace_is_a_version_mismatch(bench, version):
    raw = b'<s:Envelope xmlns:s="urn:soap-9"><s:Body/></s:Envelope>'
    served = bench.send(raw, version=version)
    assert (served.status, served.fault["code"], served.fault["error"]) == (500, "VersionMismatch", "IMG-1103")
    assert (SOAP11.encode() in served.body and SOAP12.encode() in served.body) is (version is SoapVersion.SOAP12)


def test_2_a_version_that_the_contract_does_not_offer(make_bench):
    bench = make_bench(versions=frozenset({SoapVersion.SOAP11}))
    served = bench.send(envelope(REQUEST, version=SoapVersion.SOAP12), version=SoapVersion.SOAP12)
    assert served.fault["code"] == "VersionMismatch"


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        f'<GetCertificateStatusRequest xmlns="{CX1}"><MessageID href="#a"/></GetCertificateStatusRequest>',
        f'<GetCertificateStatusRequest xmlns="{CX1}" href="#b"/>',
        f'<GetEvidenceRequest xmlns="{CX1}"><a id="x" href="#y"/><b id="y" href="#x"/></GetEvidenceRequest>',
        f'<GetCertificateStatusRequest xmlns="{CX1}"><a id="x"><b href="#x"/></a></GetCertificateStatusRequest>',
    ],
)
def test_3_references_are_refused_and_never_followed(bench, version, body):
    refused(bench, envelope(body, version=version), version, "IMG-1012")


@BOTH
def test_4_bodies_that_are_not_one_element(bench, version):
    namespace = version.namespace
    for raw in (
        envelope("", version=version),
        envelope("<!-- only a comment -->", version=version),
        envelope(REQUEST + REQUEST, version=version),
        envelope(REQUEST + "<second/>", version=version),
        envelope("text" + REQUEST, version=version),
        envelope(REQUEST + "text", version=version),
        f'<s:Envelope xmlns:s="{namespace}"/>'.encode(),
        f'<s:Envelope xmlns:s="{namespace}"><s:Header/></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{namespace}"><s:Body>{REQUEST}</s:Body><s:Body>{REQUEST}</s:Body></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{namespace}"><s:Body>{REQUEST}</s:Body><s:Header/></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{namespace}"><s:Header/><s:Header/><s:Body>{REQUEST}</s:Body></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{namespace}"><s:Body>{REQUEST}</s:Body><other/></s:Envelope>'.encode(),
        f'<s:Envelope xmlns:s="{namespace}"><Body>{REQUEST}</Body></s:Envelope>'.encode(),
        REQUEST.encode(),
    ):
        refused(bench, raw, version, "IMG-1102")


@BOTH
def test_4_a_doctype_is_a_fault(bench, version):
    bomb = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    refused(bench, bomb + envelope(REQUEST.replace("m-1", "&b;"), version=version), version, "IMG-1002")


@BOTH
@pytest.mark.parametrize("raw", [b"", b"hello", b"<a", b"\x00" * 100, b"\xff\xfe", b"<a/>" * 2])
def test_4_what_is_not_xml_is_a_fault(bench, version, raw):
    served = bench.send(raw, version=version)
    assert served.fault["error"] in {"IMG-1001", "IMG-1009"}
    assert served.status == SENDER[version][1]


@BOTH
def test_4_a_truncated_envelope_is_a_fault(bench, version):
    raw = envelope(REQUEST, version=version)
    for length in range(1, len(raw)):
        assert bench.send(raw[:length], version=version).fault["error"] in {"IMG-1001", "IMG-1009"}
    assert bench.calls == []


@BOTH
def test_4_deep_nesting_is_a_fault(bench, version):
    refused(bench, envelope("<a>" * 100_000 + "</a>" * 100_000, version=version), version, "IMG-1001")
    refused(bench, envelope("<a>" * 150 + "</a>" * 150, version=version), version, "IMG-1004")


def test_6_one_address_serves_both_versions(bench):
    for version in SoapVersion:
        served = bench.send(envelope(REQUEST, version=version), version=version)
        assert REPLY in served.body
        assert version.namespace.encode() in served.body


def test_7_and_8_types_are_published_as_they_were_written(bench):
    """No schema of spyne's making is published, so no xs:anyType and no unresolvable type."""
    wsdl = bench.get("wsdl").body
    assert b"anyType" not in wsdl
    assert b"spyne" not in wsdl
    assert b"GetCertificateStatusRequest" in wsdl
    names = [part.split(b'"')[0].decode() for part in wsdl.split(b"?xsd=")[1:]]
    assert names
    assert b'name="GetCertificateStatusRequest"' in bench.get(f"xsd={names[0]}").body


@BOTH
def test_8_no_text_of_a_message_or_parser_goes_into_a_fault(bench, version):
    for raw in (
        envelope("<secretword>", version=version),
        envelope("<a>secretword&entity;</a>", version=version),
        b"secretword",
    ):
        assert b"secretword" not in bench.send(raw, version=version).body


def test_spyne_does_not_collect_garbage_in_the_middle_of_calls():
    """Not in STACK: once a second a call paid for a full collection of the whole process."""
    from spyne import const  # noqa: PLC0415

    import gateway.soap.protocol  # noqa: F401, PLC0415

    assert float("inf") == const.MIN_GC_INTERVAL
