"""The common layer put together as the services do it: over the published description, against whole captures."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from shape import differences

from gateway.errors import AccessDenied, AuthenticationFailed, SchemaInvalid
from gateway.soap import Contract, Operation, SoapReply, SoapVersion
from gateway.soap.security import read_security, write_security
from gateway.soap.server import SoapApplication
from gateway.traces.faults import Detail, ServiceFaults, TypedFault, fault_renderer
from gateway.traces.headers import (
    KNOWN_HEADERS,
    BodyIdentity,
    BodyKind,
    CallHeaders,
    Dialect,
    read_headers,
    write_headers,
)
from gateway.traces.replies import reply_header
from gateway.trust import check_timestamp
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.names import CHED2, SOAP11, qn

PATH = "/tracesnt/ws/ChedCertificateServiceV2"
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
CALLER = CallHeaders("national-system", "nl", BodyIdentity(BodyKind.AUTHORITY, "AUTH0001"))
DENIED = TypedFault("ChedCertificatePermissionDeniedException", "Permission denied", Detail.IDENTIFIER)
REQUEST = f'<c:GetChedCertificateRequest xmlns:c="{CHED2}"><c:ID>{{}}</c:ID></c:GetChedCertificateRequest>'


@pytest.fixture
def service():
    """``service(handler)`` and then ``send(body, ...)`` -> status, headers, bytes."""

    def make(handler):
        contract = Contract(
            name="ched-certificate",
            path=PATH,
            wsdl="ChedCertificateServiceV2.wsdl",
            operations=(
                Operation("getChedCertificate", qn(CHED2, "GetChedCertificateRequest"), "getChedCertificate", handler),
            ),
            versions=frozenset({SoapVersion.SOAP11}),
            known_headers=KNOWN_HEADERS,
            render_fault=fault_renderer(ServiceFaults(CHED2, permission=DENIED, rules=None, header=False)),
            reply_header=reply_header(lambda: NOW),
        )
        application = SoapApplication([contract], clock=lambda: NOW)

        def send(identifier="X", *, headers=None, action="getChedCertificate"):
            blocks = write_security("user", "secret", now=NOW, nonce=b"n" * 16, lifetime=timedelta(minutes=2))
            blocks += write_headers(CALLER) if headers is None else headers
            body = (
                f'<s:Envelope xmlns:s="{SOAP11}"><s:Header>{blocks.decode()}</s:Header>'
                f"<s:Body>{REQUEST.format(identifier)}</s:Body></s:Envelope>"
            ).encode()
            seen = []
            environ = {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": PATH,
                "CONTENT_TYPE": "text/xml; charset=utf-8",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_SOAPACTION": f'"{action}"',
                "REMOTE_ADDR": "192.0.2.1",
                "wsgi.url_scheme": "https",
                "wsgi.input": io.BytesIO(body),
            }
            content = b"".join(application(environ, lambda status, told: seen.extend([status, dict(told)])))
            return int(seen[0][:3]), seen[1], content

        return send

    return make


def raising(error):
    def handler(_call):
        raise error

    return handler


@pytest.mark.parametrize(
    "name", ["ched/GetChedResponse_CHEDPP.XI.2026.0000064.xml", "ched/FindChedCertificateResponse.xml"]
)
def test_a_whole_reply_has_the_shape_of_the_capture(captured, service, name):
    theirs = parse(captured(name)).root
    content = serialise(theirs.find(qn(SOAP11, "Body"))[0])
    status, _, ours = service(lambda _call: SoapReply(content))()
    assert (status, differences(ours, theirs)) == (200, [])


@pytest.mark.parametrize(
    ("error", "name", "code"),
    [
        (AuthenticationFailed("IMG-2001"), "faults/UnauthenticatedException.xml", "IMG-2001"),
        (AccessDenied("IMG-2110"), "faults/GetChedCertificateResponse.PERMISSION_DENIED.xml", "IMG-2110"),
    ],
)
def test_a_whole_fault_has_the_shape_of_the_capture_and_its_code_beside_it(captured, service, error, name, code):
    status, headers, ours = service(raising(error))("FORBIDDEN")
    assert (status, differences(ours, captured(name))) == (500, [])
    assert headers["X-IMSOC-Error"] == code


def test_a_breach_of_the_schema_too(captured, service):
    breach = SchemaInvalid("IMG-3001", "[facet 'minLength'] The value has a length of '0'.")
    status, _, ours = service(raising(breach))("")
    assert status == 500
    assert differences(ours, captured("faults/GetEuIntraCertificateInvalidId.xml"), texts=False) == []


@pytest.mark.parametrize("dialect", Dialect)
def test_the_handler_reads_the_headers_in_any_combination(service, dialect):
    seen = []

    def handler(call):
        seen.append((read_headers(call), call.security.username_token.username))
        return SoapReply(f'<r xmlns="{CHED2}"/>'.encode())

    assert service(handler)(headers=write_headers(CALLER, dialect))[0] == 200
    assert seen == [(CALLER, "user")]


def test_a_call_without_a_client_is_the_clients_fault(service):
    def handler(call):
        read_headers(call)
        raise AssertionError("not reached")

    status, headers, ours = service(handler)(headers=b"")
    fault = parse(ours).root.find(f".//{qn(SOAP11, 'Fault')}")
    assert (status, headers["X-IMSOC-Error"]) == (500, "IMG-1116")
    assert fault.findtext("faultcode").endswith(":Client")
    assert fault.find("detail") is None
    assert "IMG-1116" in fault.findtext("faultstring")


def test_mandatory_headers_of_traces_are_understood(service):
    must = write_headers(CALLER).replace(
        b"<base:WebServiceClientId ", f'<base:WebServiceClientId xmlns:s="{SOAP11}" s:mustUnderstand="1" '.encode()
    )
    assert service(lambda _call: SoapReply(b"<r/>"))(headers=must)[0] == 200
    assert service(lambda _call: SoapReply(b"<r/>"))(action="findChedCertificate")[1]["X-IMSOC-Error"] == "IMG-1106"


@pytest.mark.parametrize("lifetime", [timedelta(minutes=2), timedelta(minutes=3), timedelta(minutes=6, seconds=40)])
def test_every_window_that_was_seen_on_the_wire_is_taken_and_its_end_is_honoured(lifetime):
    """DIGEST 4.2: other clients say 2, 3 or nearly 7 minutes."""
    blocks = write_security("user", "secret", now=NOW, nonce=b"n" * 16, lifetime=lifetime)
    stamp = read_security([parse(blocks).root]).timestamp
    rules = {"max_age": timedelta(minutes=5), "skew": timedelta(seconds=30)}
    check_timestamp(stamp, now=NOW, **rules)
    check_timestamp(stamp, now=NOW + min(lifetime, timedelta(minutes=5)), **rules)
    with pytest.raises(AuthenticationFailed) as caught:
        check_timestamp(stamp, now=NOW + lifetime + timedelta(seconds=31), **rules)
    assert caught.value.code == "IMG-2002"
