"""Calls, faults and published files over WSGI, without a network."""

import gzip
import io
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from soap_bench import NOW, REPLY, REQUEST, envelope

from gateway.errors import ConfigurationError, SealRefused
from gateway.soap import SoapReply, SoapVersion
from gateway.xml.boundary import parse
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import CX1, WSA, qn

pytestmark = pytest.mark.short
BOTH = pytest.mark.parametrize("version", SoapVersion)


@BOTH
def test_a_call_reaches_its_handler_and_the_reply_is_spliced_in_as_it_is(bench, version):
    served = bench.send(envelope(REQUEST, version=version), version=version)
    assert served.status == 200
    assert served.headers["Content-Type"] == version.content_type
    assert REPLY in served.body
    (call,) = bench.calls
    assert (call.contract, call.operation, call.version) == ("CertificateExchange", "GetCertificateStatus", version)
    assert call.body.tag == qn(CX1, "GetCertificateStatusRequest")
    assert call.raw == envelope(REQUEST, version=version)
    assert call.received_at == NOW
    assert call.security is None
    assert call.peer.address == "192.0.2.1"


def test_the_handler_reads_the_tree_that_the_boundary_parsed(bench):
    """Nothing is parsed twice and comments stay: what is verified is what is read (STACK, spyne defect 5)."""
    bench.send(
        envelope(f'<GetCertificateStatusRequest xmlns="{CX1}"><!-- kept --><?p kept?></GetCertificateStatusRequest>')
    )
    assert len(bench.calls[0].body) == 2
    assert bench.calls[0].body.getroottree().getroot().tag.endswith("}Envelope")


def test_sealed_bytes_come_back_untouched(make_bench):
    sealed = b"<x xmlns='urn:x'   ><ns9:y xmlns:ns9='urn:x'>&#13;\n</ns9:y ></x>"
    assert sealed in make_bench(handler=lambda _call: SoapReply(sealed)).send(envelope(REQUEST)).body


def test_a_utf16_request_is_read(bench):
    text = envelope(REQUEST.replace("m-1", "Ж")).decode()
    served = bench.send(text.encode("utf-16"), CONTENT_TYPE="text/xml; charset=UTF-16")
    assert served.status == 200
    assert bench.calls[0].body[0].text == "Ж"


def test_a_compressed_request_is_read(bench):
    raw = envelope(REQUEST)
    assert bench.send(gzip.compress(raw), HTTP_CONTENT_ENCODING="gzip").status == 200
    assert bench.calls[0].raw == raw


def test_a_chunked_request_is_read(bench):
    raw = envelope(REQUEST)
    served = bench.send(raw, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert served.status == 200


def test_addressing_and_own_headers_are_handed_over(make_bench):
    bench = make_bench(known_headers=frozenset({"{urn:h}Own"}))
    headers = (
        f'<a:MessageID xmlns:a="{WSA}"> urn:uuid:1 </a:MessageID><h:Own xmlns:h="urn:h" s:mustUnderstand="1">x</h:Own>'
    )
    assert bench.send(envelope(REQUEST, headers=headers)).status == 200
    assert bench.calls[0].message_id == "urn:uuid:1"
    assert [header.tag for header in bench.calls[0].headers] == [qn(WSA, "MessageID"), "{urn:h}Own"]


@pytest.mark.parametrize(
    "action",
    ["", '""', f'"{CX1}/GetCertificateStatus"', f"{CX1}/GetCertificateStatus"],
    ids=["none", "empty", "quoted", "bare"],
)
def test_the_right_action_or_none_passes(bench, action):
    assert bench.send(envelope(REQUEST), HTTP_SOAPACTION=action).status == 200


def test_the_action_of_soap_12_is_read_from_the_media_type(bench):
    kind = 'application/soap+xml; charset=utf-8; action="{}"'
    raw = envelope(REQUEST, version=SoapVersion.SOAP12)
    right = bench.send(raw, CONTENT_TYPE=kind.format(f"{CX1}/GetCertificateStatus"))
    wrong = bench.send(raw, CONTENT_TYPE=kind.format(f"{CX1}/GetEvidence"))
    assert right.status == 200
    assert (wrong.status, wrong.fault["error"]) == (400, "IMG-1106")


# Faults


@pytest.mark.parametrize(
    ("version", "status", "code"), [(SoapVersion.SOAP11, 500, "Client"), (SoapVersion.SOAP12, 400, "Sender")]
)
def test_a_refusal_is_the_senders_fault_with_the_contracts_detail(make_bench, version, status, code):
    def refuse(_call):
        raise SealRefused("IMG-1012", "a text with <markup> & a control \x01 character", where="/x")

    bench = make_bench(handler=refuse)
    served = bench.send(envelope(REQUEST, version=version), version=version)
    assert served.status == status
    assert served.headers["Content-Type"] == version.content_type
    assert served.fault == {
        "version": version.name,
        "code": code,
        "error": "IMG-1012",
        "text": "IMG-1012 a text with <markup> & a control � character",
        "detail": f'<Detail xmlns="urn:test" xmlns:soap="{version.namespace}">IMG-1012</Detail>',
    }
    assert bench.faults == [("IMG-1012", bench.calls[0])]


@pytest.mark.parametrize(("version", "code"), [(SoapVersion.SOAP11, "Server"), (SoapVersion.SOAP12, "Receiver")])
def test_our_own_failure_is_the_receivers_fault(bench, version, code):
    served = bench.send(envelope(f'<GetEvidenceRequest xmlns="{CX1}"/>', version=version), version=version)
    assert (served.status, served.fault["code"], served.fault["error"]) == (500, code, "IMG-9001")


@BOTH
@pytest.mark.parametrize(
    "failure", [KeyError("secret text"), RecursionError("secret text"), MemoryError(), ValueError()]
)
def test_an_unexpected_failure_is_a_fault_without_content(make_bench, caplog, version, failure):
    def fail(_call):
        raise failure

    with caplog.at_level(logging.DEBUG):
        served = make_bench(handler=fail).send(envelope(REQUEST, version=version), version=version)
    assert (served.status, served.fault["error"]) == (500, "IMG-9002")
    assert b"secret text" not in served.body
    assert "secret text" not in caplog.text
    assert type(failure).__name__ in caplog.text
    assert "test_server.py" in caplog.text


def test_a_failing_hook_does_not_cost_the_sender_its_fault(make_bench):
    bench = make_bench()
    bench.application._on_fault = lambda *_: 1 / 0
    assert bench.send(b"<x/>").fault["error"] == "IMG-1102"


def test_no_message_is_logged(bench, caplog):
    with caplog.at_level(logging.DEBUG):
        bench.send(envelope(REQUEST.replace("m-1", "a person's name")))
        bench.send(envelope("<unknown>a person's name</unknown>"))
    assert "person" not in caplog.text


# HTTP


@pytest.mark.parametrize(
    ("environ", "status", "error"),
    [
        ({"CONTENT_TYPE": ""}, 415, "IMG-1101"),
        ({"CONTENT_TYPE": "application/json"}, 415, "IMG-1101"),
        ({"CONTENT_TYPE": "text/xml; charset=utf-8; charset=utf-8"}, 415, "IMG-1101"),
        ({"CONTENT_TYPE": "text/xml; nonsense"}, 415, "IMG-1101"),
        ({"CONTENT_TYPE": "text/xml; charset=iso-8859-1"}, 500, "IMG-1009"),
        ({"CONTENT_TYPE": "text/xml; charset=utf-16"}, 500, "IMG-1009"),
        ({"CONTENT_TYPE": "application/soap+xml"}, 400, "IMG-1104"),
        ({"CONTENT_LENGTH": ""}, 411, "IMG-1115"),
        ({"CONTENT_LENGTH": "-1"}, 500, "IMG-1114"),
        ({"CONTENT_LENGTH": "99999"}, 500, "IMG-1114"),
        ({"HTTP_CONTENT_ENCODING": "br"}, 500, "IMG-1011"),
        ({"HTTP_SOAPACTION": '"urn:other"'}, 500, "IMG-1106"),
        ({"HTTP_SOAPACTION": f'"{CX1}/GetEvidence"'}, 500, "IMG-1106"),
        ({"method": "PUT"}, 405, "IMG-1110"),
        ({"method": "DELETE"}, 405, "IMG-1110"),
        ({"path": "/Other"}, 404, "IMG-1111"),
        ({"path": "/CertificateExchange/"}, 404, "IMG-1111"),
    ],
)
def test_http_that_does_not_fit_gets_a_fault(bench, environ, status, error):
    served = bench.send(envelope(REQUEST), **environ)
    assert (served.status, served.fault["error"]) == (status, error)
    assert bench.calls == []


def test_parameters_that_soap_does_not_need_are_accepted(bench):
    assert bench.send(envelope(REQUEST), CONTENT_TYPE='Text/XML ;charset="UTF-8"; x=y ;').status == 200


class Untouchable(io.RawIOBase):
    def read(self, *_):
        raise AssertionError("the body was read")


def test_a_body_that_is_announced_too_large_is_not_read(bench):
    size = DEFAULT_LIMITS.max_bytes
    served = bench.send(b"", CONTENT_LENGTH=str(100 * 1024 * 1024), **{"wsgi.input": Untouchable()})
    assert (served.status, served.fault["error"]) == (413, "IMG-1003")
    served = bench.send(b"", CONTENT_LENGTH=str(size + 1), **{"wsgi.input": Untouchable()})
    assert (served.status, served.fault["error"]) == (413, "IMG-1003")


def test_a_chunked_body_of_100_mb_is_read_to_the_limit_only(bench):
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b" " * size

    stream = Endless()
    served = bench.send(b"", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input": stream})
    assert (served.status, served.fault["error"]) == (413, "IMG-1003")
    assert stream.given == DEFAULT_LIMITS.max_bytes + 1


def test_the_size_limit_holds_one_below_and_one_above(make_bench):
    raw = envelope(REQUEST)
    limits = replace(DEFAULT_LIMITS, max_bytes=len(raw))
    assert make_bench(limits=limits).send(raw).status == 200
    assert make_bench(limits=limits).send(raw, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked").status == 200
    assert make_bench(limits=limits).send(raw + b"\n").fault["error"] == "IMG-1003"
    chunked = make_bench(limits=limits).send(raw + b"\n", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert chunked.fault["error"] == "IMG-1003"


def test_a_bomb_is_refused_before_it_is_inflated(bench):
    bomb = gzip.compress(envelope("<x>" + " " * 20_000_000 + "</x>"))
    assert bench.send(bomb, HTTP_CONTENT_ENCODING="gzip").fault["error"] == "IMG-1010"


# What is published


def test_the_description_carries_this_instances_address(make_bench):
    bench = make_bench(base_url="https://gateway.example/base/")
    served = bench.get("wsdl")
    assert (served.status, served.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    assert served.body.count(b'location="https://gateway.example/base/CertificateExchange"') == 2
    assert b"localhost" not in served.body


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("gw.example:8443", b"http://gw.example:8443/"),
        ('x"><script>', b"http://gateway:8080/"),
        ("[::1]:80", b"http://[::1]:80/"),
    ],
)
def test_without_an_address_the_clients_own_word_for_us_is_used(bench, host, expected):
    body = bench.get("wsdl", HTTP_HOST=host).body
    assert b'location="' + expected + b'CertificateExchange"' in body
    assert b"<script>" not in body


def test_every_import_can_be_fetched_and_nothing_else(bench):
    seen, waiting = set(), [bench.get("WSDL").body]
    while waiting:
        for element in parse(waiting.pop()).root.iter():
            location = element.get("schemaLocation") if isinstance(element.tag, str) else None
            if location is not None and location not in seen:
                seen.add(location)
                served = bench.get(location.partition("?")[2])
                assert served.status == 200
                waiting.append(served.body)
    assert len(seen) >= 5
    for query in (
        "xsd=../wsdl/CertificateExchange.wsdl",
        "xsd=",
        "xsd=__init__.py",
        "xsd=/etc/passwd",
        "xsd=..%2f..%2fsetup.cfg",
    ):
        assert bench.get(query).status == 404


def test_a_reader_with_a_browser_learns_what_this_is(bench):
    served = bench.get()
    assert served.status == 200
    assert b"CertificateExchange" in served.body
    assert b"?wsdl" in served.body
    head = bench.send(b"", method="HEAD", query="wsdl")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(bench.get("wsdl").body)
    assert bench.send(b"", method="OPTIONS").headers["Allow"] == "POST, GET, HEAD"


def test_memory_stays_flat_whatever_names_are_invented(make_bench, monkeypatch):
    monkeypatch.setattr("gateway.xml.boundary.MAX_REFUSED_BYTES", 5_000_000)
    bench = make_bench()

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    def send(start: int, stop: int) -> None:
        for number in range(start, stop):
            invented = b"".join(b"<n%dx%d%s/>" % (number, n, b"a" * 150) for n in range(6000))
            assert bench.send(envelope(b"<r>" + invented + b"</r>")).fault["error"] == "IMG-1105"

    send(0, 130)
    before = resident()
    send(130, 230)
    # Kept names would be some 115 MB each time; an allocator that has seen a whole test run needs the first 100 MB to
    # find its size.
    assert resident() - before < 60_000_000, "100 MB of invented names"
    assert bench.send(envelope(REQUEST)).status == 200


def test_a_caller_is_not_told_what_is_wrong_inside(make_bench):
    def fail(_call):
        raise ConfigurationError("IMG-0121", where="file:/srv/imsoc/secrets/ar.txt", found="PermissionError")

    served = make_bench(handler=fail).send(envelope(REQUEST))
    assert served.fault["error"] == "IMG-0121"
    assert b"/srv" not in served.body
    assert b"PermissionError" not in served.body


def test_a_wrong_address_names_the_right_ones(bench):
    assert b"/CertificateExchange" in bench.send(envelope(REQUEST), path="/").body
