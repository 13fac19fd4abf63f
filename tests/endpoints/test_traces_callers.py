"""What every face of TRACES asks of its callers, at a running gateway: account, time, client, language, body."""

import base64
import hashlib
import re
import sys
import uuid
from datetime import timedelta
from email.parser import BytesParser
from pathlib import Path

import pytest
import requests
import zeep
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique

from traces_server import new_pp

from gateway.traces.contracts import ATTACHMENTS, CHED, CONTRACTS, CONTROL, REFERENCE, SUBMISSION, SUBMISSION_01
from gateway.xml.names import ATT1, BASE3, BASE4, BODY1, BODY3, SOAP11, SOAP12, qn

NOBODY_KNOWN = (
    b"<?xml version='1.0' encoding='UTF-8'?>\n"
    b'<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header/><env:Body><env:Fault>'
    b"<faultcode>env:Client</faultcode><faultstring>UnauthenticatedException</faultstring>"
    b"</env:Fault></env:Body></env:Envelope>"
)

ASK = {
    CHED.wsdl: ("findChedCertificate", {}),
    SUBMISSION.wsdl: ("createDraft", {"SPSCertificate": None}),
    SUBMISSION_01.wsdl: ("createDraft", {"SPSCertificate": None}),
    CONTROL.wsdl: ("cancelChed", {"ID": "CHEDPP.NL.2019.9999999", "Reason": "none"}),
    "EuIntraCertificateServiceV1.wsdl": ("findEuIntraCertificate", {}),
    "DocomCertificateRetrievalServiceV1.wsdl": ("findDocomCertificate", {}),
    ATTACHMENTS.wsdl: ("getCertificateAttachment", {"FileName": "a", "DocumentId": 1}),
    REFERENCE.wsdl: ("GetClassificationTrees", {"body": None}),
}
SOAP11_ONES = [each for each in CONTRACTS if each is not ATTACHMENTS]
each_service = pytest.mark.parametrize("contract", SOAP11_ONES, ids=[each.wsdl[:-5] for each in SOAP11_ONES])


def ask(client, contract):
    operation, parameters = ASK[contract.wsdl]
    if "SPSCertificate" in parameters:
        parameters = {"SPSCertificate": client.typed(new_pp())}
    return client.fault(operation, **parameters)


@each_service
def test_a_wrong_secret_learns_one_word(pair, contract):
    client = pair.caller(contract, secret="a wrong one")
    assert ask(client, contract) == ("UnauthenticatedException", None)
    assert (client.transport.status, client.transport.got) == (500, NOBODY_KNOWN), "byte by byte"


def test_a_name_that_is_not_there_learns_the_same(pair):
    client = pair.caller(CHED, username="nobody")
    assert ask(client, CHED) == ("UnauthenticatedException", None)
    assert client.transport.got == NOBODY_KNOWN


def test_a_message_that_was_seen_before_is_refused_as_a_whole(pair):
    """The same security header again, whether the first was a read or a submission."""
    for contract in (CHED, SUBMISSION):
        client = pair.caller(contract, frozen=True)
        operation, parameters = ASK[contract.wsdl]
        if contract is SUBMISSION:
            parameters = {"SPSCertificate": client.typed(new_pp())}
        client(operation, **parameters)
        assert client.fault(operation, **parameters) == ("UnauthenticatedException", None)
        assert client.transport.got == NOBODY_KNOWN


@pytest.mark.parametrize("age", [timedelta(minutes=20), timedelta(minutes=-20)], ids=["old", "future"])
def test_a_message_of_another_time_is_refused(pair, age):
    client = pair.caller(CHED, age=age)
    assert ask(client, CHED) == ("UnauthenticatedException", None)
    assert client.transport.got == NOBODY_KNOWN


def test_no_security_header_at_all(pair):
    client = pair.caller(CHED)
    client.client.wsse = None
    assert ask(client, CHED) == ("UnauthenticatedException", None)


@each_service
def test_without_a_client_id_the_client_is_told_so(pair, contract):
    client = pair.caller(contract)
    operation, parameters = ASK[contract.wsdl]
    if "SPSCertificate" in parameters:
        parameters = {"SPSCertificate": client.typed(new_pp())}
    said, detail = client.fault(operation, **parameters, client_id=None)
    assert "IMG-1116" in said
    assert detail is None
    fault = etree.fromstring(client.transport.got).find(".//{*}Fault")
    assert fault.findtext("faultcode").endswith(":Client")


@pytest.mark.parametrize("language", ["xx", "EN", "klingon", None])
def test_an_unknown_language_is_english(pair, language):
    client = pair.caller(REFERENCE)
    body = client("getClassificationTree", TreeID="cheda", body=None, language=language).body
    english = pair.caller(REFERENCE)("getClassificationTree", TreeID="cheda", body=None, language="en").body
    assert str(body) == str(english)


def test_a_known_language_is_spoken_where_there_are_texts(pair):
    def tree(language):
        return str(pair.caller(REFERENCE)("getClassificationTree", TreeID="cheda", body=None, language=language).body)

    assert tree("en") == tree("xx")
    assert tree("fr") != tree("en")


def test_a_body_of_somebody_else(pair):
    """The partner speaks for its own bodies alone; which exist elsewhere is not told."""
    client = pair.caller(CHED, username="be-system")
    for body in ("importer", "commission", "no such body"):
        said, detail = client.fault("findChedCertificate", body=body)
        assert said == "Permission denied"
        assert detail.tag.endswith("PermissionDeniedException")


def test_a_body_of_another_kind(pair):
    client = pair.caller(CHED)
    with pytest.raises(zeep.exceptions.Fault, match="Permission denied"):
        client(
            "findChedCertificate",
            body=None,
            headers={"bodyIdentity": {"AuthorityActivityAccessIdentifier": "OPNL0001"}},
        )


@pytest.mark.parametrize("contract", [SUBMISSION, SUBMISSION_01, CONTROL], ids=["v2", "v01", "control"])
def test_who_writes_names_a_body(pair, contract):
    client = pair.caller(contract)
    operation, parameters = ASK[contract.wsdl]
    if "SPSCertificate" in parameters:
        parameters = {"SPSCertificate": client.typed(new_pp())}
    said, detail = client.fault(operation, **parameters, body=None)
    assert "IMG-1116" in said
    assert detail is None


@each_service
def test_a_partner_without_the_grant(pair, contract):
    client = pair.caller(contract, username="no-grants")
    said, detail = ask(client, contract)
    assert said == "Permission denied"
    assert detail is not None
    assert detail.tag.startswith(f"{{{contract.namespace}}}")


@pytest.mark.parametrize(
    ("base", "body"), [(BASE4, BODY3), (BASE3, BODY1), (BASE3, BODY3)], ids=["today", "certex", "first"]
)
@pytest.mark.parametrize("qualified", [False, True])
def test_headers_in_any_combination(pair, base, body, qualified):
    client = pair.caller(CHED)
    name = etree.Element(qn(base, "WebServiceClientId"))
    name.text = "  zeep \n tests "
    identity = etree.Element(qn(body, "BodyIdentity"))
    local = "OperatorAccessIdentifier"
    etree.SubElement(identity, qn(body, local) if qualified else local).text = " OPNL0001 "
    answer = client.client.service.findChedCertificate(_soapheaders=[name, identity])
    assert answer.body.pageSize == 100


def test_a_third_country_reads_a_copy_without_personal_data(pair):
    client = pair.caller(SUBMISSION)
    client("createAndSubmitForDecision", SPSCertificate=client.typed(new_pp()))
    reference = re.search(rb">(CHEDPP\.NL\.\d{4}\.\d{7})<", client.transport.got)[1].decode()
    theirs = pair.caller(CHED, username="ch-system")
    theirs("getChedCertificate", ID=reference, body=None)
    reply = theirs.transport.got
    assert b"08051022" in reply
    for personal in (b"A. N. Invented", b"declarant@example.org", b"Invented importer", b"Invented street"):
        assert personal not in reply
    said, detail = theirs.fault("getChedSignedXmlCertificate", ID=reference, body=None)
    assert (said, detail.tag.rpartition("}")[2]) == ("Signed CHED not available", "SignedChedNotAvailableException")


# Attachments, by a client that is nobody's: requests, and the package of RFC 2387 by hand


def envelope_of(pair, body):
    """What zeep would send, with another body, in SOAP 1.1: its headers are right for one message."""
    client = pair.caller(ATTACHMENTS)
    envelope = client.client.create_message(
        client.client.service, "getCertificateAttachment", FileName="x", DocumentId=1,
        _soapheaders={"webServiceClientId": "raw", "bodyIdentity": {"OperatorAccessIdentifier": "OPNL0001"}},
    )  # fmt: skip
    place = envelope.find("{*}Body")
    place.clear()
    place.append(body)
    return etree.tostring(envelope).replace(SOAP12.encode(), SOAP11.encode())


def submission(content, **attributes):
    request = etree.Element(qn(ATT1, "SubmitCertificateAttachmentRequest"), fileName="large.bin", **attributes)
    file = etree.SubElement(request, qn(ATT1, "Attachment"))
    if isinstance(content, str):
        etree.SubElement(file, "{http://www.w3.org/2004/08/xop/include}Include", href=content)
    return request


def packed(envelope, content, content_id, boundary):
    head = f'--{boundary}\r\nContent-Type: application/xop+xml; charset=UTF-8; type="text/xml"\r\n'
    head += "Content-Transfer-Encoding: 8bit\r\nContent-ID: <root@invented>\r\n\r\n"
    file = f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n"
    file += f"Content-ID: <{content_id}>\r\n\r\n"
    return head.encode() + envelope + file.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def post(pair, data, content_type, accept=""):
    session = requests.Session()
    session.trust_env = False
    headers = {"Content-Type": content_type, "SOAPAction": '""', **({"Accept": accept} if accept else {})}
    return session.post(f"{pair.traces.address}{ATTACHMENTS.path}", data=data, headers=headers, timeout=60)


def by_package(pair, content, href="cid:file@invented", content_id="file@invented"):
    boundary = f"uuid:{uuid.uuid4()}"
    envelope = envelope_of(pair, submission(href))
    content_type = (
        f'multipart/related; boundary="{boundary}"; type="application/xop+xml"; start="<root@invented>"; '
        'start-info="text/xml"'
    )
    return post(pair, packed(envelope, content, content_id, boundary), content_type)


def fetched(pair, number, name="large.bin"):
    request = etree.Element(qn(ATT1, "GetCertificateAttachmentRequest"))
    etree.SubElement(request, qn(ATT1, "FileName")).text = name
    etree.SubElement(request, qn(ATT1, "DocumentId")).text = number
    return envelope_of(pair, request)


def number_in(reply):
    assert reply.status_code == 200, reply.text[:2000]
    root = etree.fromstring(reply.content)
    assert root.tag == qn(SOAP12, "Envelope")
    return root.findtext(f".//{qn(ATT1, 'DocumentId')}")


def test_a_package_goes_up_and_comes_down(pair):
    content = bytes(range(256)) * 100 + b"\r\n--not the boundary\r\n"
    number = number_in(by_package(pair, content))
    accept = 'multipart/related; type="application/xop+xml", application/soap+xml, text/xml'
    reply = post(pair, fetched(pair, number), "text/xml; charset=utf-8", accept)
    assert reply.headers["Content-Type"].startswith("multipart/related")
    head = f"Content-Type: {reply.headers['Content-Type']}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    root, file = BytesParser().parsebytes(head + reply.content).get_payload()
    assert root.get_content_type() == "application/xop+xml"
    assert file.get_payload(decode=True) == content
    include = etree.fromstring(root.get_payload(decode=True)).find(".//{http://www.w3.org/2004/08/xop/include}Include")
    assert include.get("href") == f"cid:{file['Content-ID'].strip('<>')}"
    plain = post(pair, fetched(pair, number), "text/xml; charset=utf-8")
    assert plain.headers["Content-Type"].startswith("application/soap+xml")
    stored = pair.caller(ATTACHMENTS)("getCertificateAttachment", FileName="large.bin", DocumentId=int(number)).body
    assert stored.Attachment == content


def test_a_package_whose_file_is_not_there(pair):
    refused_with(by_package(pair, b"content", href="cid:another@invented"), "IMG-1118")


def refused_with(reply, code):
    assert reply.status_code >= 400
    assert etree.fromstring(reply.content).tag == qn(SOAP12, "Envelope")
    assert code in reply.text


@pytest.mark.parametrize("href", ["http://127.0.0.1:1/secret", "file:///etc/passwd", "cid:"])
def test_nothing_is_fetched(pair, href):
    refused_with(by_package(pair, b"content", href=href), "IMG-1118")


def test_the_other_services_take_no_packages(pair):
    boundary = "b"
    data = packed(b"<a/>", b"x", "file@invented", boundary)
    session = requests.Session()
    session.trust_env = False
    reply = session.post(
        f"{pair.traces.address}{CHED.path}", data=data, timeout=30,
        headers={"Content-Type": f'multipart/related; boundary="{boundary}"; type="application/xop+xml"'},
    )  # fmt: skip
    assert reply.status_code == 415


MEGABYTE = 1 << 20


def resident(process):
    """Bytes of the process and of its workers, now and at most."""
    now = most = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        parents = re.search(r"^(?:PPid):\s+(\d+)", text, re.MULTILINE)
        own = int(status.parent.name)
        if process.pid in (own, int(parents[1])):
            sizes = {
                name: int(kib) * 1024 for name, kib in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", text, re.MULTILINE)
            }
            now += sizes.get("VmRSS", 0)
            most += sizes.get("VmHWM", 0)
    return now, most


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads the memory of the server from /proc")
def test_twenty_megabytes_go_up_and_down_in_bounded_memory(pair):
    """A file of 20 MB in a package costs a few times its size, in the server as a whole."""
    content = hashlib.shake_256(b"invented").digest(20 * MEGABYTE)
    number_in(by_package(pair, b"warm"))
    _, before = resident(pair.traces.process)
    number = number_in(by_package(pair, content))
    accept = 'multipart/related; type="application/xop+xml"'
    reply = post(pair, fetched(pair, number), "text/xml", accept)
    assert content in reply.content
    _, most = resident(pair.traces.process)
    assert most - before < 12 * len(content), f"{(most - before) / MEGABYTE:.0f} MB more"


def test_more_than_the_limit_is_refused(pair):
    reply = by_package(pair, bytes(70 * MEGABYTE))
    assert reply.status_code in {413, 500}
    assert b"IMG-10" in reply.content or b"IMG-11" in reply.content


def test_a_file_in_base64(pair):
    content = hashlib.shake_256(b"base64").digest(5 * MEGABYTE)
    request = submission(None)
    request[0].text = base64.b64encode(content).decode()
    number = number_in(post(pair, envelope_of(pair, request), "text/xml; charset=utf-8"))
    stored = pair.caller(ATTACHMENTS)("getCertificateAttachment", FileName="large.bin", DocumentId=int(number)).body
    assert stored.Attachment == content
