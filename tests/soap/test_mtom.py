"""MTOM packages: what toolkits send is taken apart, what attackers send is refused, what we send is read again."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soap_bench import REQUEST, envelope

from gateway.errors import GatewayError, SoapRefused, XmlRefused
from gateway.soap import Part, SoapReply, SoapVersion
from gateway.soap.answers import read_reply
from gateway.soap.http import read_content_type
from gateway.soap.mtom import MAX_PARTS, inline, pack, resolve, unpack
from gateway.soap.transport import UnusableReply
from gateway.xml.boundary import parse
from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import CX1, XOP, qn

pytestmark = pytest.mark.short

METRO = (
    'multipart/related;start="<rootpart*1@example.invalid>";type="application/xop+xml";'
    'boundary="uuid:1";start-info="text/xml"'
)
FILE = bytes(range(256)) + b"\r\n--not the boundary\r\n\r\n"
INCLUDE = f'<xop:Include xmlns:xop="{XOP}" href="cid:{{}}"/>'


def part(content, content_id="rootpart*1@example.invalid", content_type="application/xop+xml", more=""):
    if isinstance(content, str):
        content = content.encode()
    head = f"Content-Id: <{content_id}>\r\nContent-Type: {content_type}\r\n{more}" if content_id else more
    return f"{head}\r\n".encode() + content


def package(*parts, boundary="uuid:1"):
    joined = b"".join(b"--" + boundary.encode() + b"\r\n" + each + b"\r\n" for each in parts)
    return joined + b"--" + boundary.encode() + b"--"


def message(content=None):
    content = INCLUDE.format("f-1") if content is None else content
    return envelope(REQUEST.replace("m-1", content))


GOOD = package(part(message()), part(FILE, "f-1", "application/pdf", "Content-Transfer-Encoding: binary\r\n"))


def taken(body=GOOD, limits=DEFAULT_LIMITS, start="<rootpart*1@example.invalid>", boundary="uuid:1"):
    apart = unpack(body, boundary=boundary, start=start)
    root = parse(apart.root).root
    resolve(root, root[1][0], apart.files, limits)
    return root


def refused(body, **options):
    with pytest.raises(SoapRefused) as caught:
        taken(body, **options)
    return caught.value.code


def text_of(root):
    return root.find(f".//{qn(CX1, 'MessageID')}").text


def test_a_file_stands_where_its_include_stood():
    assert base64.b64decode(text_of(taken()), validate=True) == FILE
    assert taken().find(f".//{qn(XOP, 'Include')}") is None


def test_without_start_the_first_part_is_the_envelope_and_folded_headers_are_one():
    folded = part(message(), more="X-Note: a\r\n  b\r\n")
    assert text_of(taken(package(folded, part(FILE, "f-1")), start=None)) == text_of(taken())


def test_a_content_id_is_url_decoded_in_the_reference():
    body = package(part(message(INCLUDE.format("f%2B1@x"))), part(FILE, "f+1@x"))
    assert text_of(taken(body)) == text_of(taken())


def test_packages_of_wcf_begin_with_an_empty_line_and_name_parts_by_addresses():
    content_type = (
        'multipart/related; type="application/xop+xml";start="<http://tempuri.org/0>";'
        'boundary="uuid:5ed0+id=1";start-info="text/xml"'
    )
    described = read_content_type(content_type, mtom=True)
    wire = b"\r\n" + package(
        part(
            message(INCLUDE.format("http%3A%2F%2Ftempuri.org%2F1%2F639")),
            "http://tempuri.org/0",
            'application/xop+xml;charset=utf-8;type="text/xml"',
            "Content-Transfer-Encoding: 8bit\r\n",
        ),
        part(FILE, "http://tempuri.org/1/639", "application/octet-stream", "Content-Transfer-Encoding: binary\r\n"),
        boundary=described.boundary,
    )
    assert text_of(taken(wire + b"\r\n", boundary=described.boundary, start=described.start)) == text_of(taken())


def test_a_message_without_files_may_be_a_package_too():
    assert text_of(taken(package(part(message("m-1"))))) == "m-1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--uuid:1--",
        GOOD[:-2],
        GOOD[: len(GOOD) // 2],
        GOOD + b"more",
        b"more" + GOOD,
        GOOD.replace(b"uuid:1", b"other"),
        GOOD.replace(b"--uuid:1\r\n", b"--uuid:1x\r\n", 1),
        GOOD.replace(b"\r\n", b"\n"),
        package(part(message())),
        package(part(message(), "another"), part(FILE, "f-1")),
        package(part(message()), part(message()), part(FILE, "f-1")),
        package(part(message()), part(FILE, "f-1"), part(FILE, "f-1")),
        package(part(message()), part(FILE, "f-1"), part(FILE, "f-2")),
        package(part(message()), part(FILE, None)),
        package(part(message()), part(FILE, "f-1", more="Content-Transfer-Encoding: base64\r\n")),
        package(part(message()), part(FILE, "f-1", more="Content-Type: text/plain\r\n")),
        package(part(message()), part(FILE, "f-1", more="broken header\r\n")),
        package(part(message()), part(FILE, "f-1", "multipart/related; boundary=x")),
        package(part(message()), part(FILE, "f-1", "message/rfc822")),
        package(part(message(), content_type="text/xml"), part(FILE, "f-1")),
        package(part(message()), b"Content-Id: <f-1>"),
        package(part(message(INCLUDE.format("f-1") + "text")), part(FILE, "f-1")),
        package(part(message("text" + INCLUDE.format("f-1"))), part(FILE, "f-1")),
        package(part(message(INCLUDE.format("f-1") * 2)), part(FILE, "f-1")),
        package(
            part(message("<a>" + INCLUDE.format("f-1") + "</a><a>" + INCLUDE.format("f-1") + "</a>")), part(FILE, "f-1")
        ),
        package(part(message(INCLUDE.format("f-1").replace("/>", ">x</xop:Include>"))), part(FILE, "f-1")),
        package(part(message(INCLUDE.format("f-1").replace("/>", ' more="1"/>'))), part(FILE, "f-1")),
        package(part(message(INCLUDE.format("f-1").replace("cid:", "http://example.invalid/"))), part(FILE, "f-1")),
        package(part(message(INCLUDE.format("f-1").replace("cid:", ""))), part(FILE, "f-1")),
        package(part(message(INCLUDE.format("rootpart*1@example.invalid"))), part(FILE, "f-1")),
        package(part(envelope(REQUEST, headers=f"<h>{INCLUDE.format('f-1')}</h>")), part(FILE, "f-1")),
    ],
)
def test_what_is_no_package_is_refused(body):
    assert refused(body) == "IMG-1118"


@pytest.mark.parametrize(
    "body",
    [
        package(part(message("m-1")), *(part(b"", f"f-{n}") for n in range(MAX_PARTS))),
        package(part(message()), part(FILE, "f-1", more="X: y\r\n" * 1000)),
        package(part(message()), part(FILE, "f-1", more="X: " + "y" * 5000 + "\r\n")),
    ],
)
def test_a_package_with_more_than_any_contract_needs_is_refused(body):
    assert refused(body) == "IMG-1119"


def test_a_hundred_thousand_parts_cost_no_time():
    assert refused(b"--uuid:1\r\n\r\nx\r\n" * 100_000) == "IMG-1119"


@pytest.mark.parametrize("boundary", ["", " ", "x" * 71, "a\tb", "ends with space ", "é"])
def test_a_boundary_is_what_rfc_2046_lets_it_be(boundary):
    assert refused(GOOD, boundary=boundary) == "IMG-1118"


def test_a_file_is_held_to_the_limit_of_texts_at_its_place():
    small = replace(DEFAULT_LIMITS, max_text_length=300)
    with pytest.raises(XmlRefused) as caught:
        taken(limits=small)
    assert caught.value.code == "IMG-1008"
    large = replace(small, large_text=frozenset({qn(CX1, "MessageID")}), max_large_text=1000)
    assert text_of(taken(limits=large))


@given(st.binary(max_size=200), st.integers(0, 600))
def test_nothing_makes_it_raise_anything_else(noise, at):
    body = GOOD[:at] + noise + GOOD[at + len(noise) :]
    try:
        taken(body)
    except GatewayError as error:
        assert error.code.startswith("IMG-1")  # noqa: PT017 - whichever it is, it is ours


PDF = Part("file-1@imsoc", "application/pdf", FILE)


@pytest.mark.parametrize("version", SoapVersion)
def test_what_is_packed_is_read_again(version):
    sent = envelope(REQUEST.replace("m-1", PDF.include.decode()), version=version)
    content_type, body = pack(sent, version, [PDF], token="0123")
    described = read_content_type(content_type, mtom=True)
    assert (described.version, described.boundary) == (version, "imsoc-0123")
    reply = read_reply(200, body, content_type=content_type)
    assert base64.b64decode(text_of(reply.body)) == FILE
    assert (reply.version, reply.raw) == (version, body)
    assert b"\r\n\r\n" + FILE + b"\r\n--" in body


@pytest.mark.parametrize("parts", [[PDF, PDF], [], [replace(PDF, content_id="other")]])
def test_a_body_includes_each_of_its_files_once(parts):
    body = PDF.include if parts else PDF.include * 2
    with pytest.raises(ValueError, match="once"):
        inline(body, parts or [PDF])
    with pytest.raises(ValueError, match="once"):
        pack(body, SoapVersion.SOAP11, parts or [PDF], token="1")


@pytest.mark.parametrize(
    "changed", [{"content_id": "a\r\nb"}, {"content_type": "a\r\nX: y"}, {"content": b"\r\n--imsoc-1\r\n"}]
)
def test_nothing_is_smuggled_into_a_package_of_ours(changed):
    odd = replace(PDF, **changed)
    with pytest.raises(ValueError, match=r"boundary|cannot be written"):
        pack(odd.include, SoapVersion.SOAP11, [odd], token="1")


@pytest.mark.parametrize("content_type", [METRO, METRO.replace("uuid:1", "other"), "multipart/related"])
def test_a_reply_that_is_no_package_is_unusable(content_type):
    with pytest.raises(UnusableReply):
        read_reply(200, GOOD[:-2], content_type=content_type)


def echoing(call):
    return SoapReply(b'<r xmlns="urn:r">' + PDF.include + b"</r>", parts=(PDF,))


@pytest.fixture
def taking(make_bench):
    return make_bench(handler=echoing, contract_options={"mtom": True})


def test_a_package_reaches_the_handler_as_one_tree_and_is_kept_whole(taking):
    served = taking.send(GOOD, CONTENT_TYPE=METRO)
    assert served.status == 200, served.body


def test_the_call_holds_the_file_and_the_bytes_as_received(make_bench):
    bench = make_bench(contract_options={"mtom": True})
    assert bench.send(GOOD, CONTENT_TYPE=METRO).status == 200
    (call,) = bench.calls
    assert base64.b64decode(call.body[0].text) == FILE
    assert call.raw == GOOD


@pytest.mark.parametrize("asked", [{"CONTENT_TYPE": METRO}, {"HTTP_ACCEPT": "text/xml, Multipart/Related"}])
def test_who_takes_a_package_gets_one(taking, asked):
    body = GOOD if "CONTENT_TYPE" in asked else envelope(REQUEST)
    served = taking.send(body, **asked)
    content_type = served.headers["Content-Type"]
    assert content_type.startswith('multipart/related; boundary="imsoc-')
    reply = read_reply(200, served.body, content_type=content_type)
    assert base64.b64decode(reply.body.text) == FILE


def test_who_does_not_gets_base64(taking):
    served = taking.send(envelope(REQUEST))
    assert served.headers["Content-Type"].startswith("text/xml")
    assert base64.b64decode(read_reply(200, served.body).body.text) == FILE


def test_other_contracts_take_no_packages(make_bench):
    bench = make_bench(handler=echoing)
    assert bench.send(GOOD, CONTENT_TYPE=METRO).fault["error"] == "IMG-1101"
    served = bench.send(envelope(REQUEST), HTTP_ACCEPT="multipart/related")
    assert served.headers["Content-Type"].startswith("text/xml")


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related",
        METRO.replace(';boundary="uuid:1"', ""),
        METRO.replace("application/xop+xml", "text/xml"),
        METRO.replace('"text/xml"', '"text/plain"'),
        METRO.replace("related", "mixed"),
        METRO + ";type=x",
    ],
)
def test_other_kinds_of_packages_are_another_media_type(taking, content_type):
    served = taking.send(GOOD, CONTENT_TYPE=content_type)
    assert (served.status, served.fault["error"]) == (415, "IMG-1101")


def test_the_action_of_soap_1_2_stands_in_either_place(taking):
    body = package(part(envelope(REQUEST, version=SoapVersion.SOAP12)))
    outside = METRO.replace("text/xml", "application/soap+xml") + f'; action="{CX1}/GetCertificateStatus"'
    inside = METRO.replace('"text/xml"', f'"application/soap+xml; action={CX1}/GetCertificateStatus"')
    wrong = outside.replace("GetCertificateStatus", "GetEvidence")
    assert taking.send(body, CONTENT_TYPE=outside).status == 200
    assert taking.send(body, CONTENT_TYPE=inside).status == 200
    assert taking.send(body, CONTENT_TYPE=wrong, version=SoapVersion.SOAP12).fault["error"] == "IMG-1106"


def test_hostile_packages_leave_as_faults(taking):
    assert taking.send(GOOD[:-2], CONTENT_TYPE=METRO).fault["error"] == "IMG-1118"
    many = b"--uuid:1\r\n\r\nx\r\n" * 100
    assert taking.send(many, CONTENT_TYPE=METRO).fault["error"] == "IMG-1119"
