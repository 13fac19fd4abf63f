"""The service as toolkits meet it: description, actions, headers, faults of the layers around the ledger."""

import io

import pytest
from certex_harness import ACTION, BASE3, BODY1, CX6, CXB3, PATH, SOAP11, WSSE, Answer
from lxml import etree

SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
READ = "ProcessedChedRequest"


def call(world, envelope=b"", action=f'"{ACTION}{READ}"', *, method="POST", query="", media="text/xml; charset=utf-8"):
    """What an HTTP server hands to the application; (status, content)."""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": PATH,
        "QUERY_STRING": query,
        "CONTENT_TYPE": media,
        "CONTENT_LENGTH": str(len(envelope)),
        "HTTP_HOST": "gateway.example",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(envelope),
        "wsgi.errors": io.StringIO(),
    }
    if action is not None:
        environ["HTTP_SOAPACTION"] = action
    seen = []
    content = b"".join(world.application(environ, lambda status, *_: seen.append(int(status[:3]))))
    return seen[0], content


def question(world, **options):
    caller = world.caller()
    return caller.send(READ, caller.question("CHEDP.XI.2026.9999999"), raw=True, **options)


def answer(world, envelope, action=f'"{ACTION}{READ}"', **options):
    return Answer(*call(world, envelope, action, **options))


def test_the_description_is_served_with_its_schemas_and_this_address(standing):
    status, content = call(standing, method="GET", query="wsdl")
    root = etree.fromstring(content)
    assert status == 200
    assert root.find(".//{*}address").get("location") == f"https://gateway.example{PATH}"
    for each in root.iter("{*}import"):
        status, schema = call(standing, method="GET", query=each.get("schemaLocation").partition("?")[2])
        assert (status, etree.fromstring(schema).get("targetNamespace")) == (200, each.get("namespace"))


@pytest.mark.parametrize("action", [None, "", '""', READ, f'"{READ}"', '"processedChedRequest"', ACTION + READ])
def test_the_action_may_be_missing_or_bare(standing, action):
    assert answer(standing, question(standing), action).said == "unknown"


@pytest.mark.parametrize("action", [f'"{ACTION}ChedClearanceRequest"', '"chedClearanceRequest"', '"urn:other"'])
def test_the_action_may_not_be_another_requests(standing, action):
    found = answer(standing, question(standing), action)
    assert (found.status, found.code, found.fault) == (500, "IMG-1106", "")


def test_every_operation_is_told_by_its_body_alone(standing):
    body = '<CompetentCustomsOffice><ReferenceNumber xmlns="%s">XI000002</ReferenceNumber></CompetentCustomsOffice>'
    envelope = standing.caller().send("ChedCRFLRequest", body % CXB3, raw=True)
    found = answer(standing, envelope, None)
    assert (found.status, found.code, found.fault) == (500, "IMG-7409", "ChedCRFLRequestFault")


def test_another_body_is_a_plain_fault(standing):
    envelope = question(standing).replace(b"ProcessedChedRequest", b"ProcessedCoiRequest")
    found = answer(standing, envelope, None)
    assert (found.code, found.fault) == ("IMG-1105", "")


def test_the_reply_has_the_three_headers_of_the_captures(standing):
    found = etree.fromstring(answer(standing, question(standing, message_id="id-1", prefix="PRE")).raw)
    header = found.find("{*}Header")
    assert [etree.QName(each).localname for each in header] == ["Message", "Security", "CertexHeader"]
    echoed = header[2]
    assert [(each.tag, each.text) for each in echoed] == [
        (f"{{{CXB3}}}MessageId", "id-1"),
        (f"{{{CXB3}}}UniqRequesterPrefix", "PRE"),
    ]
    created, expires = (header[1].findtext(f".//{{*}}{name}") for name in ("Created", "Expires"))
    assert len(created) == len(expires) == len("2026-09-29T16:12:03.437+02:00")


def headers(text):
    """The message with its header of CERTEX replaced."""

    def change(envelope):
        start, rest = envelope.split(b"<h:CertexHeader", 1)
        return start + text.encode() + rest.split(b"</h:CertexHeader>", 1)[1]

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (headers(""), "IMG-1116"),
        (headers(f'<CertexHeader xmlns="{CX6}"/>'), "IMG-1117"),
        (headers(f'<CertexHeader xmlns="{CX6}"><MessageId xmlns="{CXB3}">1</MessageId></CertexHeader>'), "IMG-1117"),
    ],
)
def test_the_header_of_certex_is_mandatory(standing, change, code):
    found = answer(standing, change(question(standing)))
    assert (found.code, found.fault) == (code, "ProcessedChedRequestFault")
    detail = found.body.find("detail")[0]
    assert (detail.findtext(f"{{{CXB3}}}MessageId"), detail.findtext(f"{{{CXB3}}}UniqPrefix")) == ("", "")


def test_the_header_of_certex_may_say_that_it_must_be_understood(standing):
    marked = f'<h:CertexHeader xmlns:s="{SOAP11}" s:mustUnderstand="1"'.encode()
    assert answer(standing, question(standing).replace(b"<h:CertexHeader", marked)).said == "unknown"


def test_the_headers_of_todays_services_are_taken_too(standing):
    envelope = question(standing).replace(BASE3.encode(), b"http://ec.europa.eu/sanco/tracesnt/base/v4")
    envelope = envelope.replace(BODY1.encode(), b"http://ec.europa.eu/tracesnt/body/v3")
    assert answer(standing, envelope).said == "unknown"


def test_a_call_without_an_account_learns_one_word_and_no_detail(standing):
    envelope = question(standing)
    start, rest = envelope.split(b"<e:Security", 1)
    found = answer(standing, start + rest.split(b"</e:Security>", 1)[1])
    assert WSSE.encode() not in start
    assert (found.status, found.text("faultcode"), found.text("faultstring")) == (
        500,
        "env:Client",
        "UnauthenticatedException",
    )
    assert found.body.find("detail") is None


def test_a_read_without_the_declaration_breaks_the_schema_and_says_so(standing):
    empty = b"<CustomsDeclarationReferenceNumber></CustomsDeclarationReferenceNumber>"
    envelope = question(standing)
    for written in (empty, b"<CustomsDeclarationReferenceNumber/>"):
        envelope = envelope.replace(written, b"")
    assert b"CustomsDeclarationReferenceNumber" not in envelope
    found = answer(standing, envelope)
    assert (found.status, found.code, found.fault) == (500, "IMG-3001", "")
    assert "expected certex:CustomsDeclarationReferenceNumber" in found.text("faultstring")


def test_soap_12_is_refused(standing):
    envelope = question(standing).replace(SOAP11.encode(), SOAP12.encode())
    found = answer(standing, envelope, None, media="application/soap+xml; charset=utf-8")
    assert found.code == "IMG-1103"
