"""Refusals in the form of TRACES, against the captures, and read back."""

from types import SimpleNamespace

import pytest
from shape import differences

from gateway.errors import (
    AccessDenied,
    AuthenticationFailed,
    ChedRefused,
    Finding,
    RulesRefused,
    SchemaInvalid,
    Severity,
    SoapRefused,
    Unavailable,
)
from gateway.soap import SoapVersion
from gateway.soap.answers import SoapFaultReceived, read_reply
from gateway.soap.envelope import NotUnderstood
from gateway.traces.faults import Detail, ServiceFaults, TypedFault, fault_renderer, schema_sentence
from gateway.traces.received_faults import FaultKind, TracesError, read_fault
from gateway.xml.boundary import parse
from gateway.xml.names import CHED2, CHEDSUB2, ERR, INTRA1, REF1, SOAP11, qn
from gateway.xml.schemas import SchemaName, validate

pytestmark = pytest.mark.short

DENIED = TypedFault("ChedCertificatePermissionDeniedException", "Permission denied", Detail.IDENTIFIER)
CHED = ServiceFaults(CHED2, permission=DENIED, rules=None, header=False)
SUBMISSION = ServiceFaults(CHEDSUB2)
REFERENCE = ServiceFaults(
    REF1,
    rules=None,
    by_code={
        "IMG-7201": TypedFault("NodeNotFoundException", "Node not found", Detail.EMPTY),
        "IMG-2101": TypedFault("PermissionDeniedException", "Invalid classification tree ID", Detail.EMPTY),
    },
)


def rendered(service, error, *, version=SoapVersion.SOAP11, call=None) -> bytes:
    return fault_renderer(service)(error, version, call)


def received(content: bytes):
    with pytest.raises(SoapFaultReceived) as caught:
        read_reply(500, content)
    return read_fault(caught.value)


def call(content):
    return SimpleNamespace(body=parse(content.encode()).root)


def asked_for(identifier):
    return call(f'<r xmlns="{CHED2}"><!-- c --><ID>\n {identifier} </ID></r>')


@pytest.mark.parametrize("code", ["IMG-2001", "IMG-2002", "IMG-2005"])
def test_who_is_not_known_learns_one_word(captured, code):
    ours = rendered(CHED, AuthenticationFailed(code, where="wsse:Security", found="secret"))
    assert differences(ours, captured("faults/UnauthenticatedException.xml")) == []
    assert code.encode() not in ours
    assert b"secret" not in ours


def test_the_word_is_the_same_to_the_byte_but_for_layout(captured):
    squeezed = b"".join(line.strip() for line in captured("faults/UnauthenticatedException.xml").splitlines())
    assert rendered(SUBMISSION, AuthenticationFailed("IMG-2001")).replace(b"\n", b"") == squeezed


def test_a_ched_that_may_not_be_seen_has_the_captured_fault(captured):
    ours = rendered(CHED, AccessDenied("IMG-2110"), call=asked_for("FORBIDDEN"))
    assert differences(ours, captured("faults/GetChedCertificateResponse.PERMISSION_DENIED.xml")) == []


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ChedRefused("IMG-7201"), "faults/GetClassificationTreeNodeDetailResponse.NOT_FOUND.xml"),
        (AccessDenied("IMG-2101"), "faults/GetClassificationTreeResponse.INVALID.xml"),
    ],
)
def test_reference_data_refuses_with_empty_details_as_captured(captured, error, name):
    assert differences(rendered(REFERENCE, error), captured(name)) == []


BREACH = SchemaInvalid(
    "IMG-3001",
    "[facet 'minLength'] The value has a length of '0'; this underruns the allowed minimum length of '17'.",
    where="/intra:GetEuIntraCertificateRequest/intra:ID",
)


def test_a_breach_of_the_schema_is_a_sentence_without_detail(captured):
    name = "faults/GetEuIntraCertificateInvalidId.xml"
    ours, theirs = rendered(ServiceFaults(INTRA1), BREACH), captured(name)
    assert differences(ours, theirs, texts=False) == []
    said, captured_text = (parse(each).root.findtext(".//faultstring") for each in (ours, theirs))
    assert said.partition(":")[0] == captured_text.partition(":")[0]
    assert said.count("cvc-minLength-valid: ") == captured_text.count("cvc-minLength-valid: ") == 2
    assert "intra:ID" in said
    assert said.endswith("[IMG-3001]")


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ("This element is not expected. Expected is ( ID ).", "cvc-complex-type.2.4.a"),
        ("Missing child element(s). Expected is ( ID ).", "cvc-complex-type.2.4.b"),
        ("No matching global declaration available for the validation root.", "cvc-elt.1"),
        ("'q' is not a valid value of the atomic type 'xs:int'.", "cvc-datatype-valid.1.2.1"),
        ("The attribute 'x' is not allowed.", "cvc-complex-type.3.2.2"),
        ("something else", "cvc-type.3.1.3"),
    ],
)
def test_breaches_have_the_names_of_the_recommendation(message, rule):
    assert f"; {rule}: " in schema_sentence(SchemaInvalid("IMG-3001", message))


FINDINGS = (
    Finding("R-I5", Severity.SEVERE, "No such post", "I.5 /sps:SPSCertificate", "XX<1>", "a designated post", "R-40-1"),
    Finding("R-I9-DATE", Severity.WARNING, "An old document"),
    Finding("R-I3", Severity.SEVERE, "Too long"),
)


def test_each_severe_finding_is_an_error_of_its_own():
    ours = rendered(SUBMISSION, RulesRefused("IMG-5001", findings=FINDINGS))
    (detail,) = parse(ours).root.iter(qn(CHEDSUB2, "BusinessRulesValidationException"))
    assert [[child.tag for child in error] for error in detail] == [
        [qn(ERR, n) for n in ("ID", "Message", "Field")]
    ] * 2
    fault = received(ours)
    assert (fault.kind, fault.reason) == (FaultKind.RULES, "Some business rules are not met")
    assert fault.errors == (
        TracesError(
            "R-I5",
            "No such post | found XX<1> | expected a designated post | see R-40-1",
            "en",
            "I.5 /sps:SPSCertificate",
        ),
        TracesError("R-I3", "Too long", "en", ""),
    )


def test_warnings_alone_are_told_and_an_error_without_findings_is_its_own():
    assert [e.id for e in received(rendered(SUBMISSION, RulesRefused("IMG-5001", findings=FINDINGS[1:2]))).errors] == [
        "R-I9-DATE"
    ]
    fault = received(rendered(SUBMISSION, ChedRefused("IMG-7202", "Not now", where="ID", found="70")))
    assert fault.errors == (TracesError("IMG-7202", "Not now | found 70", "en", "ID"),)


def test_more_findings_than_anybody_reads_are_cut():
    many = tuple(Finding(f"R-{n}", Severity.SEVERE, "x") for n in range(500))
    assert len(received(rendered(SUBMISSION, RulesRefused("IMG-5001", findings=many))).errors) == 200


def test_characters_that_xml_cannot_carry_are_replaced():
    odd = Finding("R-1", Severity.SEVERE, "a\x00b\ud800", found="]]>&<")
    (error,) = received(rendered(SUBMISSION, RulesRefused("IMG-5001", findings=(odd,)))).errors
    assert error.message == "a�b� | found ]]>&<"


@pytest.mark.parametrize("version", SoapVersion)
@pytest.mark.parametrize(
    ("service", "error", "kind"),
    [
        (CHED, AuthenticationFailed("IMG-2001"), FaultKind.UNAUTHENTICATED),
        (CHED, BREACH, FaultKind.SCHEMA),
        (CHED, AccessDenied("IMG-2110"), FaultKind.PERMISSION),
        (REFERENCE, ChedRefused("IMG-7201"), FaultKind.NOT_FOUND),
        (CHED, ChedRefused("IMG-7207"), FaultKind.SENDER),
        (CHED, SoapRefused("IMG-1105"), FaultKind.SENDER),
        (SUBMISSION, SoapRefused("IMG-1116"), FaultKind.SENDER),
        (SUBMISSION, Unavailable("IMG-9001"), FaultKind.SERVER),
    ],
)
def test_what_is_written_is_understood_in_either_version(version, service, error, kind):
    ours = rendered(service, error, version=version)
    assert parse(ours).root.tag == qn(version.namespace, "Envelope")
    assert received(ours).kind is kind


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        ("SignedChedNotAvailableException", FaultKind.NOT_AVAILABLE),
        ("IllegalLanguageCodeException", FaultKind.ILLEGAL),
        ("InvalidMetadataTypeException", FaultKind.ILLEGAL),
        ("ChedCertificatesNotFoundException", FaultKind.NOT_FOUND),
        ("SomethingNewException", FaultKind.SENDER),
    ],
)
def test_the_names_of_faults_say_what_kind_they_are(element, kind):
    service = ServiceFaults(CHED2, by_code={"IMG-7201": TypedFault(element)})
    fault = received(rendered(service, ChedRefused("IMG-7201")))
    assert (fault.kind, fault.element) == (kind, element)


def test_a_refused_certificate_is_named_by_the_error_or_by_the_request():
    error = AccessDenied("IMG-2110")
    assert received(rendered(CHED, error)).identifier == ""
    assert (
        received(rendered(CHED, error, call=asked_for("CHEDA.NL.2026.0000001"))).identifier == "CHEDA.NL.2026.0000001"
    )
    error.subject = "CHEDP.NL.2026.0000002"
    assert received(rendered(CHED, error, call=asked_for("x"))).identifier == "CHEDP.NL.2026.0000002"


@pytest.mark.parametrize("version", SoapVersion)
def test_a_refusal_without_detail_says_where_and_what(version):
    error = SoapRefused("IMG-1116", where="base4:WebServiceClientId", expected="the name of the calling system")
    told = "; at base4:WebServiceClientId; expected the name of the calling system"
    assert told.encode() in rendered(SUBMISSION, error, version=version)
    own = Unavailable("IMG-9001", where="store", found="secret")
    assert b"secret" not in rendered(SUBMISSION, own, version=version)


def test_soaps_own_refusals_stay_soaps_own():
    ours = rendered(CHED, NotUnderstood(("{urn:x}Y",)), version=SoapVersion.SOAP12)
    assert b"MustUnderstand" in ours
    assert b"NotUnderstood" in ours
    assert b"IMG-1107" in ours


@pytest.mark.parametrize("name", ["UnauthenticatedException", "GetEuIntraCertificateInvalidId"])
def test_captured_faults_are_understood(captured, name):
    kinds = {"UnauthenticatedException": FaultKind.UNAUTHENTICATED, "GetEuIntraCertificateInvalidId": FaultKind.SCHEMA}
    assert received(captured(f"faults/{name}.xml")).kind is kinds[name]


def test_a_detail_that_is_no_xml_is_left_out():
    assert read_fault(SoapFaultReceived("Client", "x", 500, b"<broken", "{urn:x}Y")).errors == ()
    assert b"Header" in rendered(SUBMISSION, ChedRefused("IMG-7202"))
    assert SOAP11.encode() in rendered(SUBMISSION, ChedRefused("IMG-7202"))


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (b'<GetChedCertificateRequest xmlns="%s"/>', "cvc-complex-type.2.4.b"),
        (b'<FindChedCertificateRequest xmlns="%s"><Surprise/></FindChedCertificateRequest>', "cvc-complex-type.2.4.a"),
        (b'<FindChedCertificateRequest xmlns="%s"><Status/></FindChedCertificateRequest>', "cvc-minLength-valid"),
        (
            b'<FindChedCertificateRequest xmlns="%s"><Type>X</Type></FindChedCertificateRequest>',
            "cvc-enumeration-valid",
        ),
        (
            b'<FindChedCertificateRequest xmlns="%s"><CNCode>1</CNCode></FindChedCertificateRequest>',
            "cvc-pattern-valid",
        ),
        (
            b'<FindChedCertificateRequest xmlns="%s"><Transfer>x</Transfer></FindChedCertificateRequest>',
            "cvc-datatype-valid.1.2.1",
        ),
        (b'<FindChedCertificateRequest xmlns="%s" pageSize="201"/>', "cvc-maxInclusive-valid"),
        (b'<FindChedCertificateRequest xmlns="%s" offset="-1"/>', "cvc-minInclusive-valid"),
        (b'<FindChedCertificateRequest xmlns="%s" odd="1"/>', "cvc-complex-type.3.2.2"),
    ],
)
def test_a_breach_is_named_as_the_platforms_parser_names_it(request_, rule):
    with pytest.raises(SchemaInvalid) as refused:
        validate(SchemaName.TRACES_CHED, parse(request_ % CHED2.encode()).root, explained=True)
    assert f"SAXParseException; {rule}: " in schema_sentence(refused.value)
