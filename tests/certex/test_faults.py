"""Refusals in the form of CERTEX: one fault for each request, and those of the platform where it has its own."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from gateway.certex import wire
from gateway.certex.contract import CERTEX, CLEARANCE, PROCESSED
from gateway.certex.faults import fault_renderer
from gateway.certex.models import CertexHeader, ProcessedChedRequest
from gateway.errors import (
    AccessDenied,
    AuthenticationFailed,
    ChedRefused,
    CustomsRefused,
    Fault,
    GatewayError,
    SchemaInvalid,
    SoapRefused,
    Unavailable,
    catalogue,
)
from gateway.soap import SoapVersion
from gateway.soap.answers import SoapFaultReceived, read_reply
from gateway.soap.envelope import NotUnderstood
from gateway.traces.faults import ServiceFaults
from gateway.traces.faults import fault_renderer as platform_renderer
from gateway.traces.received_faults import FaultKind, read_fault
from gateway.xml.boundary import parse
from gateway.xml.names import CERTEX6, CERTEXBASE3, qn
from gateway.xml.schemas import SchemaName, validate

pytestmark = pytest.mark.short

AT = datetime(2026, 9, 29, 14, 10, 42, tzinfo=UTC)
HEADER = CertexHeader("15d1cec56a9e4552be26c16e7f2f1800", "XI000002")


def call(operation, *blocks: bytes):
    root = parse(b"<h>%s</h>" % b"".join(blocks)).root
    return SimpleNamespace(operation=operation, headers=tuple(root), body=asking("1"))


def asking(indication):
    """A message that reads (0) or reserves (1)."""
    name = "QuantityManagementIndication"
    return parse(f'<r xmlns="{CERTEX6}"><{name}>{indication}</{name}></r>'.encode()).root


def rendered(error, asked=None) -> bytes:
    return fault_renderer()(error, SoapVersion.SOAP11, asked)


def detail_of(content: bytes):
    (detail,) = parse(content).root.iter("detail")
    validate(SchemaName.CERTEX, detail[0])
    return detail[0]


@pytest.mark.parametrize("operation", CERTEX.operations, ids=lambda each: each.name)
def test_each_request_has_its_own_fault_with_the_header_of_the_message(operation):
    detail = detail_of(rendered(AccessDenied("IMG-2110"), call(operation.name, wire.header_block(HEADER))))
    assert detail.tag == operation.request + "Fault"
    assert [child.tag for child in detail] == [
        qn(CERTEXBASE3, local) for local in ("MessageId", "UniqPrefix", "errorMessage")
    ]
    assert (detail[0].text, detail[1].text) == (HEADER.message_id, HEADER.prefix)


def test_the_text_begins_with_the_code_and_says_what_where_and_whether_again():
    error = CustomsRefused("IMG-7409", where="SendingDate", found="2026-09-29T14:12:02Z", expected="within 300 s")
    text = detail_of(rendered(error, call(CLEARANCE, wire.header_block(HEADER))))[2].text
    assert text.startswith("IMG-7409 ")
    assert "at SendingDate; found 2026-09-29T14:12:02Z; expected within 300 s" in text
    assert error.entry.action.rstrip(".") in text
    assert text.endswith("sending it again does not help.")


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (AccessDenied("IMG-2110"), "helps after a change only"),
        (Unavailable("IMG-9001"), "is not sent again"),
    ],
)
def test_whether_a_repetition_helps_is_told(error, again):
    assert again in detail_of(rendered(error, call(PROCESSED)))[2].text


@pytest.mark.parametrize("code", ["IMG-8030", "IMG-8032", "IMG-9001", "IMG-9002", "IMG-9012"])
def test_no_text_asks_for_a_message_whose_id_may_be_used(code):
    text = detail_of(rendered(GatewayError(code), call(CLEARANCE)))[2].text
    assert "a read tells later what stands" in text
    assert "same message can pass" not in text


@pytest.mark.parametrize("code", ["IMG-8032", "IMG-9001", "IMG-9002", "IMG-9012"])
def test_a_read_is_asked_again(code):
    asked = call(PROCESSED)
    asked.body = asking("0")
    text = detail_of(rendered(GatewayError(code), asked))[2].text
    assert ". Ask again" in text
    assert text.endswith("nothing was to be moved, and the same question can be asked again later.")
    assert "may be gone" not in text
    assert "new message" not in text


def test_an_unknown_outcome_names_no_command_of_operators():
    text = detail_of(rendered(GatewayError("IMG-8030"), call(CLEARANCE)))[2].text
    assert "Release nothing on it" in text
    assert "imsoc" not in text


@pytest.mark.parametrize("code", ["IMG-9001", "IMG-9002"])
def test_after_our_own_failure_customs_read_first(code):
    text = detail_of(rendered(Unavailable(code), call(PROCESSED)))[2].text
    assert "Read the CHED" in text
    assert "new message" in text
    assert "Send the same message" not in text


@pytest.mark.parametrize("code", sorted(code for code in catalogue() if code[:6] in {"IMG-21", "IMG-72", "IMG-74"}))
def test_every_refusal_of_a_known_operation_is_typed_and_valid(code):
    error = GatewayError(code, where="a<b>", found="\x00&", expected='"')
    content = rendered(error, call(PROCESSED, wire.header_block(HEADER)))
    assert detail_of(content)[2].text.startswith(f"{code} ")
    fault_code = "S:Client" if error.fault is Fault.SENDER else "S:Server"
    assert parse(content).root.findtext(".//faultcode") == fault_code


def test_a_header_that_cannot_be_read_is_refused_with_empty_names():
    detail = detail_of(rendered(SoapRefused("IMG-1116", where="certex:CertexHeader"), call(PROCESSED)))
    assert (detail[0].text, detail[1].text) == (None, None)


def test_strangers_learn_one_word_as_at_the_platform():
    error = AuthenticationFailed("IMG-2001", found="secret")
    ours = rendered(error, call(PROCESSED, wire.header_block(HEADER)))
    assert ours == platform_renderer(ServiceFaults(CERTEX6))(error, SoapVersion.SOAP11, None)
    assert b"secret" not in ours


def test_a_read_without_the_declaration_is_refused_with_a_clear_text():
    """TRACES refuses it too, though its schema calls the element optional (DIGEST 7.2)."""
    asked = ProcessedChedRequest(sending_date=AT, reference="CHEDP.XI.2026.0000875", office="XI000002")
    root = parse(wire.processed_request(asked)).root
    root.remove(root.find(qn(CERTEX6, "CustomsDeclarationReferenceNumber")))
    with pytest.raises(SchemaInvalid) as refusal:
        validate(SchemaName.CERTEX, root, explained=True)
    content = rendered(refusal.value, call(PROCESSED, wire.header_block(HEADER)))
    text = parse(content).root.findtext(".//faultstring")
    assert text.startswith("com.sun.istack.SAXParseException2; ")
    assert "expected certex:CustomsDeclarationReferenceNumber" in text
    assert text.endswith("[IMG-3001]")
    assert list(parse(content).root.iter("detail")) == []


@pytest.mark.parametrize(
    "error",
    [
        SoapRefused("IMG-1105", found="{urn:x}y"),
        SoapRefused("IMG-1106", found="other"),
        NotUnderstood(["{urn:x}Header"]),
    ],
)
def test_before_the_operation_is_known_there_is_a_plain_fault(error):
    content = rendered(error)
    assert error.code in parse(content).root.findtext(".//faultstring")
    assert list(parse(content).root.iter("detail")) == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AuthenticationFailed("IMG-2001"), FaultKind.UNAUTHENTICATED),
        (SchemaInvalid("IMG-3001"), FaultKind.SCHEMA),
        (ChedRefused("IMG-7201"), FaultKind.SENDER),
        (Unavailable("IMG-9001"), FaultKind.SERVER),
    ],
)
def test_the_client_of_another_instance_knows_the_kind(error, kind):
    with pytest.raises(SoapFaultReceived) as caught:
        read_reply(500, rendered(error, call(PROCESSED, wire.header_block(HEADER))))
    assert read_fault(caught.value).kind is kind
