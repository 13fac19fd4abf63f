"""The request headers of TRACES in their combinations of namespaces."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError, SoapRefused
from gateway.traces.headers import (
    KNOWN_HEADERS,
    LANGUAGES,
    BodyIdentity,
    BodyKind,
    CallHeaders,
    Dialect,
    read_header_blocks,
    read_headers,
    write_headers,
)
from gateway.xml.boundary import parse
from gateway.xml.names import BASE3, BASE4, BODY1, BODY3, SOAP11

pytestmark = pytest.mark.short

CLIENT = f'<b:WebServiceClientId xmlns:b="{BASE4}">system-1</b:WebServiceClientId>'


def blocks(text: str | bytes):
    text = text if isinstance(text, str) else text.decode()
    root = parse(f"<h>{text}</h>".encode()).root
    return [child for child in root if isinstance(child.tag, str)]


def read(text):
    return read_header_blocks(blocks(text))


def refusal(text):
    with pytest.raises(SoapRefused) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", BodyKind)
def test_what_is_written_in_any_combination_is_read_again(dialect, kind):
    said = CallHeaders(
        "client <1>", "nl", BodyIdentity(kind, "NLVWA0001"), {"notify": "yes & no", "page": ""}, "NL000396"
    )
    assert read(write_headers(said, dialect)) == said
    assert {block.tag for block in blocks(write_headers(said, dialect))} <= KNOWN_HEADERS


def test_the_child_of_body_identity_is_written_in_no_namespace():
    headers = CallHeaders("c", body=BodyIdentity(BodyKind.CONTROL_BODY, "BIO-1"))
    (child,) = (block[0] for block in blocks(write_headers(headers)) if len(block))
    assert child.tag == "OrganicControlBodyAccessIdentifier"


@pytest.mark.parametrize("body", [BODY1, BODY3])
def test_a_qualified_child_is_taken_too(body):
    child = "<x:OperatorAccessIdentifier>OP-1</x:OperatorAccessIdentifier>"
    assert read(f'{CLIENT}<x:BodyIdentity xmlns:x="{body}">{child}</x:BodyIdentity>').body == BodyIdentity(
        BodyKind.OPERATOR, "OP-1"
    )


def test_tokens_are_collapsed_and_an_unknown_language_is_english():
    text = CLIENT.replace("system-1", "\n  system \t 1 ") + f'<LanguageCode xmlns="{BASE4}"> XX </LanguageCode>'
    assert read(text) == CallHeaders("system 1", "en")
    assert read(CLIENT + f'<LanguageCode xmlns="{BASE4}"> FR </LanguageCode>').language == "fr"
    assert read(CLIENT + f'<LanguageCode xmlns="{BASE4}"/>').language == "en"
    assert len(LANGUAGES) == 24


def test_headers_of_others_are_left_alone():
    assert read(f'<x xmlns="urn:other">1</x>{CLIENT}<LanguageCode xmlns="urn:other">fr</LanguageCode>').language == "en"


@pytest.mark.parametrize("text", ["", CLIENT.replace("system-1", "  "), CLIENT.replace(BASE4, "urn:other")])
def test_a_call_says_which_client_it_comes_from(text):
    assert refusal(text).code == "IMG-1116"


def test_an_operation_that_needs_a_body_asks_for_it():
    with pytest.raises(SoapRefused) as caught:
        _ = read(CLIENT).required_body
    assert (caught.value.code, caught.value.where) == ("IMG-1116", "body3:BodyIdentity")
    body = BodyIdentity(BodyKind.OTHER, "x" * 32)
    assert CallHeaders("c", body=body).required_body is body


def identity(content):
    return f'{CLIENT}<x:BodyIdentity xmlns:x="{BODY3}">{content}</x:BodyIdentity>'


AUTHORITY = "<AuthorityActivityAccessIdentifier>{}</AuthorityActivityAccessIdentifier>"


@pytest.mark.parametrize(
    "text",
    [
        CLIENT + CLIENT,
        CLIENT + CLIENT.replace(BASE4, BASE3),
        CLIENT + f'<LanguageCode xmlns="{BASE4}">en</LanguageCode>' * 2,
        identity("") + identity("").removeprefix(CLIENT),
        identity(""),
        identity(AUTHORITY.format("A") * 2),
        identity(AUTHORITY.format("A") + "<OperatorAccessIdentifier>B</OperatorAccessIdentifier>"),
        identity(AUTHORITY.format("A" * 17)),
        identity(AUTHORITY.format("  ")),
        identity(AUTHORITY.format("A<!-- -->B")),
        identity(AUTHORITY.format("A<b/>")),
        identity("text" + AUTHORITY.format("A")),
        identity("<Unknown>A</Unknown>"),
        identity(f'<AuthorityActivityAccessIdentifier xmlns="{BODY1}">A</AuthorityActivityAccessIdentifier>'),
        identity("<OtherBodyAccessIdentifier>" + "A" * 33 + "</OtherBodyAccessIdentifier>"),
        CLIENT.replace("system-1", "x" * 257),
        CLIENT + f'<Attributes xmlns="{BASE4}"/>',
        CLIENT + f'<Attributes xmlns="{BASE4}"><Other key="a"/></Attributes>',
        CLIENT + f'<Attributes xmlns="{BASE4}"><Attribute>a</Attribute></Attributes>',
        CLIENT + f'<Attributes xmlns="{BASE4}">' + '<Attribute key="a">1</Attribute>' * 2 + "</Attributes>",
        CLIENT
        + f'<Attributes xmlns="{BASE4}">'
        + "".join(f'<Attribute key="{n}">1</Attribute>' for n in range(51))
        + "</Attributes>",
        CLIENT + f'<CustomsOfficeReferenceNumber xmlns="{BODY3}">{"x" * 33}</CustomsOfficeReferenceNumber>',
    ],
)
def test_a_header_that_two_readers_could_read_differently_is_refused(text):
    assert refusal(text).code == "IMG-1117"


@given(st.text(alphabet="<>&;x '\"", max_size=40))
def test_nothing_else_is_raised(text):
    refused = ""
    try:
        found = read(f'{CLIENT}<x:BodyIdentity xmlns:x="{BODY3}">{text}</x:BodyIdentity>')
    except GatewayError as error:
        refused = error.code
    assert refused in {"IMG-1001", "IMG-1117"} or found.body is not None


def test_the_captured_sample_says_for_which_authority_it_is(captured):
    name = "ched/CreateAndSubmitChedForDecision-0101-Horse.xml"
    root = parse(captured(name)).root
    call = SimpleNamespace(headers=tuple(root.find(f"{{{SOAP11}}}Header")))
    assert read_headers(call) == CallHeaders("YYY", "en", BodyIdentity(BodyKind.AUTHORITY, "XXX"))
