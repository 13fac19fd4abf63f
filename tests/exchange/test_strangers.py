"""What strangers and broken senders get: a fault with a stable code, no explanation, no trace, a gateway that lives.

The same for both SOAP versions. Nothing here is authenticated, or it is refused before it could be.
"""

import base64
import gzip
import re
import secrets
from datetime import timedelta

import pytest
from exchange_harness import add_partners

from gateway.app import build_application
from gateway.config import ServerSettings
from gateway.trust import certificate_fingerprint

CX = "urn:imsoc:gateway:certificate-exchange:1"
NAMESPACES = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
BOTH = pytest.mark.parametrize("version", ["1.1", "1.2"])
MANY_ATTRIBUTES = " ".join(f"b{number}=''" for number in range(65))
MANY_NAMESPACES = " ".join(f"xmlns:n{number}='urn:{number}'" for number in range(257))
HUNDRED_MB = 100 * 1024 * 1024
ASK = f'<cx:GetCertificateStatusRequest xmlns:cx="{CX}"><cx:MessageID>m</cx:MessageID></cx:GetCertificateStatusRequest>'
LAUGHS = "".join("<!ENTITY l{} '{}'>".format(number, f"&l{number - 1};" * 10) for number in range(1, 10))
FOREIGN = {"REMOTE_ADDR": "203.0.113.9"}


class Endless:
    """A body that never ends; remembers how much of it was read."""

    def __init__(self):
        self.read_bytes = 0

    def read(self, size=-1):
        assert size > 0
        self.read_bytes += size
        return b" " * size


def soap(version, body=ASK, head=""):
    return f'<s:Envelope xmlns:s="{NAMESPACES[version]}">{head}<s:Body>{body}</s:Body></s:Envelope>'.encode()


def with_prolog(prolog):
    return lambda version: prolog.encode() + soap(version)


def with_body(body):
    return lambda version: soap(version, body)


BROKEN = {
    "nothing": (lambda _: b"", "IMG-1001", {}),
    "not XML": (lambda _: b"PK\x03\x04 is a container", "IMG-1001", {}),
    "JSON": (lambda _: b'{"SubmitCertificate": {}}', "IMG-1001", {}),
    "cut off": (lambda version: soap(version)[:-20], "IMG-1001", {}),
    "two roots": (lambda version: soap(version) * 2, "IMG-1001", {}),
    "a DTD": (with_prolog('<!DOCTYPE s SYSTEM "http://stranger.invalid/x.dtd">'), "IMG-1002", {}),
    "an external entity": (
        with_prolog('<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "IMG-1002",
        {},
    ),
    "billion laughs": (with_prolog(f'<!DOCTYPE s [<!ENTITY l0 "ha">{LAUGHS}]>'), "IMG-1002", {}),
    "deep nesting": (with_body("<a>" * 120 + "</a>" * 120), "IMG-1004", {}),
    "very deep nesting": (with_body("<a>" * 100_000 + "</a>" * 100_000), "IMG-1001", {}),
    "too many elements": (with_body(f"<a>{'<b/>' * 250_001}</a>"), "IMG-1005", {}),
    "too many attributes": (with_body(f"<a {MANY_ATTRIBUTES}/>"), "IMG-1006", {}),
    "a long name": (with_body(f"<{'a' * 257}/>"), "IMG-1007", {}),
    "a long text": (with_body(f"<a>{'x' * 10_000_001}</a>"), "IMG-1008", {}),
    "Latin 1": (with_prolog('<?xml version="1.0" encoding="ISO-8859-1"?>'), "IMG-1009", {}),
    "UTF-16 without a mark": (lambda version: soap(version).decode().encode("utf-16-le"), "IMG-1009", {}),
    "a gzip bomb": (lambda _: gzip.compress(b" " * 5_000_000), "IMG-1010", {"HTTP_CONTENT_ENCODING": "gzip"}),
    "damaged gzip": (lambda version: gzip.compress(soap(version))[:-9], "IMG-1011", {"HTTP_CONTENT_ENCODING": "gzip"}),
    "an unknown coding": (soap, "IMG-1011", {"HTTP_CONTENT_ENCODING": "br"}),
    "a multi-reference": (with_body(f'<cx:GetEvidenceRequest xmlns:cx="{CX}" href="#1"/>'), "IMG-1012", {}),
    "too many namespaces": (with_body(f"<a {MANY_NAMESPACES}/>"), "IMG-1013", {}),
    "two operations": (with_body(ASK + ASK), "IMG-1102", {}),
    "no operation": (with_body(""), "IMG-1102", {}),
    "no envelope": (lambda _: ASK.encode(), "IMG-1102", {}),
    "another envelope": (lambda _: soap("1.1").replace(b"schemas.xmlsoap.org", b"example.org"), "IMG-1103", {}),
    "a wrong namespace": (with_body(ASK.replace(CX, f"{CX}0")), "IMG-1105", {}),
    "no namespace": (with_body("<GetCertificateStatusRequest/>"), "IMG-1105", {}),
    "an unknown operation": (with_body(f'<cx:DropCertificateRequest xmlns:cx="{CX}"/>'), "IMG-1105", {}),
    "a response": (with_body(f'<cx:GetEvidenceResponse xmlns:cx="{CX}"/>'), "IMG-1105", {}),
    "a wrong SOAPAction": (soap, "IMG-1106", {"HTTP_SOAPACTION": f'"{CX}/SubmitCertificate"'}),
    "a wrong wsa:Action": (
        lambda version: soap(
            version,
            head='<s:Header><a:Action xmlns:a="http://www.w3.org/2005/08/addressing">urn:x</a:Action></s:Header>',
        ),
        "IMG-1106",
        {},
    ),
    "a mandatory stranger": (
        lambda version: soap(version, head='<s:Header><x:T xmlns:x="urn:x" s:mustUnderstand="1"/></s:Header>'),
        "IMG-1107",
        {},
    ),
    "a body shorter than announced": (soap, "IMG-1114", {"CONTENT_LENGTH": "99999"}),
    "a length that is none": (soap, "IMG-1114", {"CONTENT_LENGTH": "-1"}),
    "no length": (soap, "IMG-1115", {"CONTENT_LENGTH": ""}),
    "no credentials": (soap, "IMG-2005", {}),
    "another certificate than one of ours": (
        soap,
        "IMG-2005",
        {"wsgi.url_scheme": "https", "imsoc.client_certificate": b"0\x03\x02\x01\x01"},
    ),
}


@pytest.fixture
def traceless(house):
    """The house; whatever a test does in it must leave no exchange behind, and the next partner is served."""
    before = house.exchanges()
    yield house
    assert house.exchanges() == before
    assert house.caller("nl").call(ASK).code == "IMG-7004"


@BOTH
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_message_gets_a_fault_with_its_code_and_leaves_no_trace(traceless, version, case):
    make, code, headers = BROKEN[case]
    answer = traceless.caller().post(make(version), version=version, headers=headers)
    assert answer.code == code
    assert answer.status == {"IMG-1115": 411}.get(
        code, 500 if version == "1.1" or code in {"IMG-1103", "IMG-1107"} else 400
    )
    assert answer.fault("ExchangeID") is None
    assert not answer.body.findall(".//{*}Finding")
    assert len(answer.raw) < 4000


@BOTH
def test_a_hundred_megabytes_are_refused_by_their_length_and_not_read(traceless, version):
    body = Endless()
    answer = traceless.caller().post(b"", version=version, headers={"CONTENT_LENGTH": str(HUNDRED_MB)}, stream=body)
    assert (answer.status, answer.code, body.read_bytes) == (413, "IMG-1003", 0)


@BOTH
def test_an_endless_chunked_body_is_read_as_far_as_the_limit(traceless, version):
    body = Endless()
    headers = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = traceless.caller().post(b"", version=version, headers=headers, stream=body)
    assert (answer.status, answer.code) == (413, "IMG-1003")
    assert body.read_bytes == 25 * 1024 * 1024 + 1


@pytest.mark.parametrize(
    ("content_type", "status", "code"),
    [
        ("application/json", 415, "IMG-1101"),
        ("", 415, "IMG-1101"),
        ("multipart/related; boundary=x", 415, "IMG-1101"),
        ("text/xml; charset=latin1", 500, "IMG-1009"),
        ("text/xml; charset=utf-16", 500, "IMG-1009"),
        ("application/soap+xml", 400, "IMG-1104"),
        (f'text/xml; action="{CX}/GetEvidence"', 500, "IMG-1106"),
    ],
)
def test_a_content_type_that_does_not_fit(traceless, content_type, status, code):
    headers = {"CONTENT_TYPE": content_type}
    answer = traceless.caller().post(soap("1.1"), headers=headers)
    assert (answer.status, answer.code) == (status, code)


def test_other_methods_and_places_get_faults_too(traceless):
    caller = traceless.caller()
    assert (caller.post(b"", headers={"REQUEST_METHOD": "DELETE"}).status, caller.last) == (405, b"")
    nowhere = {"REQUEST_METHOD": "GET", "QUERY_STRING": "xsd=../../etc/passwd"}
    answer = caller.post(b"", headers=nowhere)
    assert (answer.status, answer.code) == (404, "IMG-1111")
    assert caller.post(b"", headers={"REQUEST_METHOD": "PUT"}).code == "IMG-1110"


@BOTH
@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("IMG-1108", "</wsse:Security>", "<wsse:BinarySecurityToken/></wsse:Security>"),
        ("IMG-1108", "<wsse:Username>", "<wsse:Username>x</wsse:Username><wsse:Username>"),
        ("IMG-1108", "<wsse:Username>ar", "<wsse:Username>a<!-- -->r"),
        ("IMG-1108", r"<wsse:Nonce [^>]*>[^<]*", "<wsse:Nonce>not base64!"),
        ("IMG-1108", r"</wsse:Username>(.*?)<wsse:Nonce.*?</wsse:Nonce>", r"</wsse:Username>\1"),
        ("IMG-1108", r"Z</wsu:Created></wsse", "</wsu:Created></wsse"),
        ("IMG-1109", "#PasswordDigest", "#PasswordText"),
    ],
)
def test_a_malformed_security_header(traceless, version, code, old, new):
    caller = traceless.caller()
    security = caller.security()
    changed = re.sub(old, new, security, count=1)
    assert changed != security
    answer = caller.call(ASK, version=version, security=changed)
    assert (answer.code, answer.fault("ExchangeID")) == (code, None)


@BOTH
def test_a_doubled_security_header_is_refused_whoever_signs_which(traceless, version):
    caller = traceless.caller()
    good = caller.security()
    for doubled in (good + good, good + caller.security(), good + caller.security(secret="wrong")):
        assert caller.call(ASK, version=version, security=doubled).code == "IMG-1108"
    token = re.search(r"<wsse:UsernameToken>.*</wsse:UsernameToken>", good)[0]
    assert caller.call(ASK, version=version, security=good.replace(token, token + token)).code == "IMG-1108"


@BOTH
def test_an_unknown_partner_a_disabled_one_and_a_wrong_password_get_the_same_answer(traceless, version):
    answers = []
    for username, secret in (("nobody", None), ("ar", "wrong"), ("gone", None), ("gone", "wrong")):
        caller = traceless.caller(username)
        answers.append(caller.call(ASK, version=version, security=caller.security(secret=secret)))
    assert {answer.code for answer in answers} == {"IMG-2001"}
    assert len({answer.raw for answer in answers}) == 1
    assert answers[0].fault("Where") is None
    assert answers[0].fault("Found") is None


@BOTH
def test_a_digest_over_something_else_does_not_authenticate(traceless, version):
    caller = traceless.caller()
    one, other = caller.security(), caller.security()
    nonce = re.compile(r"(<wsse:Nonce [^>]*>)[^<]*")
    swapped = nonce.sub(nonce.search(other)[0].replace("\\", ""), one)
    assert caller.call(ASK, version=version, security=swapped).code == "IMG-2001"


@BOTH
@pytest.mark.parametrize(
    ("minutes", "code"),
    [(-11, "IMG-2002"), (-24 * 60, "IMG-2002"), (6, "IMG-2004"), (24 * 60, "IMG-2004"), (-9, None), (4, None)],
)
def test_a_message_is_fresh_for_a_while_and_never_from_the_future(house, version, minutes, code):
    caller = house.caller("nl")
    created = house.world.now + timedelta(minutes=minutes)
    security = caller.security(created=created, expires=house.world.now + timedelta(hours=1))
    assert caller.call(ASK, version=version, security=security).code == (code or "IMG-7004")


def timestamp_of(security, change):
    return re.sub(r"<wsu:Timestamp>.*</wsu:Timestamp>", change, security)


def stamp(created, expires):
    return (
        f"<wsu:Timestamp><wsu:Created>{created:%Y-%m-%dT%H:%M:%SZ}</wsu:Created>"
        f"<wsu:Expires>{expires:%Y-%m-%dT%H:%M:%SZ}</wsu:Expires></wsu:Timestamp>"
    )


@BOTH
def test_the_timestamp_is_judged_by_itself_beside_a_fresh_token(traceless, version):
    caller = traceless.caller()
    now, minute = traceless.world.now, timedelta(minutes=1)
    for change, code in (
        ("", "IMG-2008"),
        (stamp(now - 60 * minute, now + 60 * minute), "IMG-2002"),
        (stamp(now - 9 * minute, now - 6 * minute), "IMG-2002"),
        (stamp(now + 6 * minute, now + 60 * minute), "IMG-2004"),
    ):
        security = timestamp_of(caller.security(), change)
        assert caller.call(ASK, version=version, security=security).code == code


@BOTH
@pytest.mark.parametrize("size", [7, 65])
def test_a_nonce_of_another_size_is_refused(traceless, version, size):
    caller = traceless.caller()
    security = caller.security(nonce=secrets.token_bytes(size))
    assert caller.call(ASK, version=version, security=security).code == "IMG-2009"


@BOTH
def test_a_username_token_over_plain_http_is_taken_from_loopback_only(traceless, version):
    caller = traceless.caller()
    raw = caller.envelope(ASK, version=version)
    assert caller.post(raw, version=version, headers=FOREIGN).code == "IMG-2007"
    unknown = traceless.caller("nobody")
    assert unknown.post(unknown.envelope(ASK, version=version), version=version, headers=FOREIGN).code == "IMG-2007"
    named = {"REMOTE_ADDR": "localhost.stranger.invalid"}
    assert caller.post(caller.envelope(ASK, version=version), version=version, headers=named).code == "IMG-2007"


def test_the_same_token_over_tls_is_taken_from_anywhere(house):
    caller = house.caller("nl")
    answer = caller.post(caller.envelope(ASK), headers={**FOREIGN, "wsgi.url_scheme": "https"})
    assert answer.code == "IMG-7004"


def test_nothing_of_the_schema_is_explained_to_strangers(traceless):
    broken = ASK.replace("MessageID", "SecretName")
    caller = traceless.caller()
    without = caller.post(soap("1.1", broken))
    wrong = caller.call(broken, security=caller.security(secret="wrong"))
    assert (without.code, wrong.code) == ("IMG-2005", "IMG-2001")
    for answer in (without, wrong):
        assert b"MessageID" not in answer.raw
        assert b"SecretName" not in answer.raw


def test_what_a_stranger_writes_is_not_written_back_at_length(traceless):
    """A fault is no mirror: names and values come back escaped, and never long."""
    evil = f"<a xmlns='urn:&amp;script;{'x' * 5000}'/>"
    answer = traceless.caller().post(soap("1.1", evil))
    assert answer.code == "IMG-1105"
    assert len(answer.raw) < 2000
    assert b"&amp;script;" in answer.raw


class TestClientCertificates:
    """A partner that comes with a certificate, directly or through a proxy."""

    @pytest.fixture
    def door(self, world, store_url):
        """Opens a gateway whose two partners have certificates; ``certificate`` belongs to ``tls``."""
        certificate = world.third.tls_client("client")
        records = [
            world.partner("tls", authentication={
                "client_certificates": [certificate_fingerprint(certificate.certificate_der)]
            }),
            world.partner(),
        ]  # fmt: skip
        add_partners(store_url, records, world.now)
        settings = world.settings(store_url, server=ServerSettings(trusted_proxies=("192.0.2.1",)))
        gateway = build_application(settings, clock=lambda: world.now)
        yield gateway, certificate
        gateway.close()

    def test_a_certificate_alone_is_enough_and_one_of_another_partner_is_not(self, door, caller_of):
        gateway, certificate = door
        caller = caller_of(gateway)
        direct = {"wsgi.url_scheme": "https", "imsoc.client_certificate": certificate.certificate_der}
        assert caller.post(soap("1.1"), headers=direct).code == "IMG-7004"
        assert caller.post(caller.envelope(ASK), headers=direct).code == "IMG-2006"

    def test_a_forwarded_certificate_counts_from_the_named_proxy_only(self, door, caller_of):
        gateway, certificate = door
        caller = caller_of(gateway)
        header = f":{base64.b64encode(certificate.certificate_der).decode()}:"
        proxy = {"REMOTE_ADDR": "192.0.2.1", "HTTP_CLIENT_CERT": header}
        assert caller.post(soap("1.1"), headers=proxy).code == "IMG-7004"
        assert caller.post(soap("1.1"), headers={**proxy, "REMOTE_ADDR": "192.0.2.2"}).code == "IMG-2005"
        assert caller.post(soap("1.1"), headers={**proxy, "REMOTE_ADDR": "127.0.0.1"}).code == "IMG-2005"
        for bad in (f"{header}, {header}", "no certificate", header.strip(":")):
            assert caller.post(soap("1.1"), headers={**proxy, "HTTP_CLIENT_CERT": bad}).code == "IMG-1112"
        both = {**proxy, "HTTP_X_SSL_CLIENT_CERT": "x"}
        assert caller.post(soap("1.1"), headers=both).code == "IMG-1112"
