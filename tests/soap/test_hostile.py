"""Mutated envelopes: whatever arrives, a SOAP message leaves."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soap_bench import (
    NOW,
    REQUEST,
    envelope,
)

from gateway.soap import SoapVersion
from gateway.soap.security import write_security
from gateway.xml.boundary import parse
from gateway.xml.names import WSA, WSSE, qn

pytestmark = pytest.mark.short

TOKENS = [
    *(b"<", b">", b"&", b"]]>", b"<!--", b"-->", b"<?x", b"?>", b"<![CDATA[", b"<!DOCTYPE a>", b"&#0;", b"&#x110000;"),
    *(b"&a;", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b'"', b"'", b"=", b"/", b":", b"xmlns", b" href='#a'"),
    *(b'xmlns:s="urn:x"', b"<s:Body/>", b"</s:Body>", b"</s:Envelope>", b"<s:Header/>", b' s:mustUnderstand="1"'),
    *(b"<a>" * 300, b"\xed\xa0\x80", "\u202e".encode(), b"&" * 50, b'<?xml version="1.0"?>', b"%n%s{}", b"A" * 2000),
]


def sample(version: SoapVersion) -> bytes:
    security = write_security("user", "secret", now=NOW, nonce=b"n" * 16, lifetime=NOW - NOW)
    return envelope(
        REQUEST, version=version, headers=security.decode() + f'<a:MessageID xmlns:a="{WSA}">x</a:MessageID>'
    )


def mutate(raw: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(raw) + 1)
        end = min(len(raw), start + chance.choice([0, 0, 1, 1, 2, 8, 60]))
        raw = raw[:start] + chance.choice([b"", raw[start:end] * 2, *TOKENS, chance.randbytes(3)]) + raw[end:]
    return raw


def assert_is_soap(served) -> None:
    root = parse(served.body).root
    assert root.tag in {qn(version.namespace, "Envelope") for version in SoapVersion}
    assert served.status == 200 or served.fault["error"].startswith("IMG-1"), served.fault


@given(st.integers(0, 2**48), st.sampled_from(SoapVersion), st.sampled_from(SoapVersion))
@settings(
    max_examples=600, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_mutated_envelope_gets_a_soap_message(bench, seed, version, announced):
    assert_is_soap(bench.send(mutate(sample(version), seed), version=announced))


@given(st.binary(max_size=400))
@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_get_a_soap_message(bench, raw):
    assert_is_soap(bench.send(raw))


@given(st.text(max_size=80), st.text(max_size=40), st.text(max_size=40))
@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_headers_get_a_soap_message(bench, kind, action, encoding):
    served = bench.send(
        envelope(REQUEST), CONTENT_TYPE="text/xml" + kind, HTTP_SOAPACTION=action, HTTP_CONTENT_ENCODING=encoding
    )
    assert_is_soap(served)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_security_header_gets_a_soap_message(bench, text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    for part in (f"<w:Nonce>{escaped}</w:Nonce>", f"<w:Username>{escaped}</w:Username>", escaped):
        headers = f'<w:Security xmlns:w="{WSSE}"><w:UsernameToken>{part}</w:UsernameToken></w:Security>'
        assert_is_soap(bench.send(envelope(REQUEST, headers=headers)))
