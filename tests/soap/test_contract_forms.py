"""Contracts with replies and faults in a form of their own, and operations that share a name."""

from dataclasses import replace

import pytest
from soap_bench import NOW, PATH, REPLY, REQUEST, envelope

from gateway.errors import ExchangeRefused
from gateway.soap import Contract, Operation, SoapReply, SoapVersion
from gateway.soap.answers import read_reply
from gateway.soap.security import BASE64_ENCODING, X509_PATH, X509_TOKEN, read_security
from gateway.soap.server import SoapApplication
from gateway.xml.boundary import parse
from gateway.xml.names import CX1, DS, WSSE, WSU, qn

pytestmark = pytest.mark.short


def refusing(_call):
    error = ExchangeRefused("IMG-7004")
    error.exchange_id = "01EXCHANGE"
    raise error


def own_fault(error, version, call):
    operation = "none" if call is None else call.operation
    return f"<F xmlns='{version.namespace}'>{error.code} {operation}</F>".encode()


def test_a_contract_writes_its_faults_itself(make_bench):
    bench = make_bench(handler=refusing, contract_options={"render_fault": own_fault})
    served = bench.send(envelope(REQUEST))
    assert parse(served.body).root.text == "IMG-7004 GetCertificateStatus"
    assert served.status == 500
    assert (served.headers["X-IMSOC-Error"], served.headers["X-IMSOC-Exchange"]) == ("IMG-7004", "01EXCHANGE")


def test_so_it_does_for_what_is_refused_before_there_is_a_call(make_bench):
    bench = make_bench(contract_options={"render_fault": own_fault})
    served = bench.send(b"<broken")
    assert parse(served.body).root.text == "IMG-1001 none"
    assert "X-IMSOC-Exchange" not in served.headers
    assert bench.send(b"", method="PUT").headers["Allow"] == "POST, GET, HEAD"


def test_a_form_that_fails_is_replaced_by_soaps_own(make_bench):
    def broken(*_):
        raise KeyError("secret")

    served = make_bench(handler=refusing, contract_options={"render_fault": broken}).send(envelope(REQUEST))
    assert (served.status, served.fault["error"]) == (500, "IMG-7004")
    assert b"secret" not in served.body


def test_other_contracts_tell_nothing_in_http_headers(make_bench):
    assert "X-IMSOC-Error" not in make_bench(handler=refusing).send(envelope(REQUEST)).headers


def test_every_reply_has_the_contracts_header_and_then_its_own(make_bench):
    bench = make_bench(
        handler=lambda _call: SoapReply(REPLY, header=b"<own/>"),
        contract_options={"reply_header": lambda call: f"<for>{call.operation}</for>".encode()},
    )
    reply = read_reply(200, bench.send(envelope(REQUEST)).body)
    assert [(block.tag, block.text) for block in reply.headers] == [("for", "GetCertificateStatus"), ("own", None)]
    assert REPLY in bench.send(envelope(REQUEST)).body


@pytest.mark.parametrize("asked", SoapVersion)
@pytest.mark.parametrize("answered", SoapVersion)
def test_a_contract_may_answer_in_one_version_whatever_it_was_asked_in(make_bench, asked, answered):
    options = {"reply_version": answered}
    served = make_bench(contract_options=options).send(envelope(REQUEST, version=asked), version=asked)
    assert read_reply(200, served.body).version is answered
    assert served.headers["Content-Type"] == answered.content_type
    refused = make_bench(handler=refusing, contract_options=options).send(
        envelope(REQUEST, version=asked), version=asked
    )
    assert refused.fault["version"] == answered.name
    assert refused.headers["Content-Type"] == answered.content_type


def test_two_operations_may_share_a_name_and_a_handler():
    calls = []

    def answer(call):
        calls.append((call.operation, call.body.tag))
        return SoapReply(REPLY)

    operations = tuple(Operation("Ask", qn(namespace, "Ask"), "ask", answer) for namespace in ("urn:1", "urn:2"))
    contract = Contract("C", PATH, "CertificateExchange.wsdl", operations)
    bench_application = SoapApplication([contract], clock=lambda: NOW)
    for namespace in ("urn:1", "urn:2"):
        sent = envelope(f'<Ask xmlns="{namespace}"/>')
        assert post(bench_application, sent)
    assert calls == [("Ask", "{urn:1}Ask"), ("Ask", "{urn:2}Ask")]


def post(application, body):
    import io  # noqa: PLC0415 - for this one

    seen = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "CONTENT_TYPE": "text/xml",
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }
    b"".join(application(environ, lambda status, _headers: seen.append(status)))
    return seen == ["200 OK"]


TOKEN = (
    f'<wsse:BinarySecurityToken wsu:Id="t" ValueType="{X509_TOKEN}" EncodingType="{BASE64_ENCODING}">'
    "AQ ID</wsse:BinarySecurityToken>"
)
SIGNATURE = (
    f'<ds:Signature xmlns:ds="{DS}"><ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI="#t"/>'
    "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>"
)


def security(content):
    return f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}">{content}</wsse:Security>'


def test_a_contract_that_has_them_verified_takes_signed_bodies(make_bench):
    message = envelope(REQUEST, headers=security(SIGNATURE + TOKEN))
    bench = make_bench(contract_options={"signed_bodies": True})
    assert bench.send(message).status == 200
    found = bench.calls[0].security.body_signature
    assert (found.token, found.is_path, found.element.tag) == (b"\x01\x02\x03", False, qn(DS, "Signature"))
    assert make_bench().send(message).fault["error"] == "IMG-1108"
    assert bench.send(envelope(REQUEST, headers=security(""))).status == 200
    assert bench.calls[1].security.body_signature is None


def signed(content):
    return read_security([parse(security(content).encode()).root], signed=True)


def test_a_path_of_certificates_is_told_from_one():
    assert signed(TOKEN.replace(X509_TOKEN, X509_PATH) + SIGNATURE).body_signature.is_path


@pytest.mark.parametrize(
    "content",
    [
        TOKEN,
        SIGNATURE,
        TOKEN * 2 + SIGNATURE,
        TOKEN + SIGNATURE * 2,
        TOKEN.replace(X509_TOKEN, "urn:kerberos") + SIGNATURE,
        TOKEN.replace(BASE64_ENCODING, "urn:hex") + SIGNATURE,
        TOKEN.replace("AQ ID", "") + SIGNATURE,
        TOKEN.replace("AQ ID", "AQID" * 20_000) + SIGNATURE,
        TOKEN.replace("AQ ID", "AQ<x/>ID") + SIGNATURE,
        TOKEN.replace('wsu:Id="t"', "") + SIGNATURE,
        TOKEN.replace('wsu:Id="t"', 'wsu:Id=""') + SIGNATURE.replace("#t", "#"),
        TOKEN + SIGNATURE.replace("#t", "#u"),
        TOKEN + SIGNATURE.replace("#t", "http://example.invalid/#t"),
        TOKEN + SIGNATURE.replace("<wsse:Reference", '<wsse:Reference URI="#t"/><wsse:Reference'),
    ],
)
def test_a_token_and_a_signature_belong_together(content, make_bench):
    message = envelope(REQUEST, headers=security(content))
    assert make_bench(contract_options={"signed_bodies": True}).send(message).fault["error"] == "IMG-1108"


def test_two_security_headers_are_refused(make_bench):
    message = envelope(REQUEST, headers=security(TOKEN + SIGNATURE) + security(""))
    assert make_bench(contract_options={"signed_bodies": True}).send(message).fault["error"] == "IMG-1108"


def test_parts_are_data_and_say_how_they_are_included(make_bench):
    reply = SoapReply(REPLY)
    assert (reply.header, reply.parts) == (b"", ())
    assert replace(reply, header=b"<a/>").header == b"<a/>"
    assert CX1 in REPLY.decode()
