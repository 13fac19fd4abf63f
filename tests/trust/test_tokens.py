"""Time-stamp tokens: altered, exchanged, untrusted, odd; and agreement with rfc3161-client."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import timedelta
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import SealRefused, Unavailable
from gateway.sandbox.tsa import TimestampAuthority
from gateway.trust import Level, Purpose, TimestampClient, TrustStore, der, verify_token
from gateway.trust.timestamps import http_transport
from gateway.trust.tokens import MAX_TOKEN_BYTES, agrees, read_info

DATA = b"a signature value"


@pytest.fixture(scope="session")
def token(world):
    return world.stamp(DATA)


def refused(code, token, trust, at, data=DATA):
    with pytest.raises(SealRefused) as refusal:
        verify_token(token, data, trust, at)
    assert refusal.value.code == code


def test_a_token_that_holds(token, world, now):
    verdict = verify_token(token, DATA, world.trust(), now)
    assert (verdict.time, verdict.level, verdict.token_der) == (now, Level.QUALIFIED, token)
    assert verdict.chain_der[-1] == world.tsa_root.certificate_der
    assert verdict.policy == "1.3.6.1.4.1.32473.1.1"
    assert agrees(token, DATA, world.trust()) is True


def test_an_authority_with_an_rsa_key(world, now):
    credential = world.tsa_root.timestamping("RSA clock", key=rsa.generate_private_key(65537, 2048))
    token = world.stamper(TimestampAuthority(credential, clock=lambda: now)).stamp(DATA, now)
    assert verify_token(token, DATA, world.trust(), now).authority.startswith("CN=RSA clock")


def test_a_token_over_other_data_is_refused(token, world, now):
    refused("IMG-4032", token, world.trust(), now, b"something else")
    assert agrees(token, b"something else", world.trust()) is False


def test_a_token_of_an_untrusted_authority_is_refused(token, world, now):
    refused("IMG-4020", token, TrustStore([world.anchor()]), now)
    refused("IMG-4020", token, TrustStore([world.stamp_anchor(purposes=frozenset({Purpose.SEAL}))]), now)


def test_a_token_from_the_future_is_refused(token, world, now):
    refused("IMG-4033", token, world.trust(), now - timedelta(minutes=6))
    assert verify_token(token, DATA, world.trust(), now - timedelta(minutes=4)).time == now


def test_an_old_token_stays_valid_after_its_certificate(token, world, now):
    assert verify_token(token, DATA, world.trust(), now + timedelta(days=5000)).time == now


def test_a_token_whose_time_was_changed_is_refused(token, world, now):
    assert token.count(b"20260301120000Z") == 1
    changed = token.replace(b"20260301120000Z", b"20250301120000Z")
    refused("IMG-4035", changed, world.trust(), now)
    assert not agrees(changed, DATA, world.trust())


def test_a_token_whose_signature_was_changed_is_refused(token, world, now):
    changed = token[:-1] + bytes((token[-1] ^ 1,))
    refused("IMG-4035", changed, world.trust(), now)
    assert not agrees(changed, DATA, world.trust())


def test_a_token_signed_by_a_sealing_certificate_is_refused(world, now):
    credential = world.tsa_root.seal("No clock")
    tsa = TimestampAuthority(credential, clock=lambda: now)
    with pytest.raises(Unavailable):
        world.stamper(tsa).stamp(DATA, now)
    imprint_only = der.read(tsa.answer(_query(DATA))).children()[1].octets
    refused("IMG-4024", imprint_only, world.trust(), now)


def test_another_certificate_in_the_token_does_not_become_its_signer(token, world, now):
    """The certificate is bound by the signed attribute, which rfc3161-client does not look at."""
    foreign = world.stranger.timestamping("Clock")
    own = next(candidate for candidate in (world.tsa._certificates,) if candidate in token)
    replaced = der.encode(0xA0, foreign.certificate_der)
    changed = _splice(token, own, replaced)
    refused("IMG-4008", changed, world.trust(), now)


def test_what_is_no_token_is_refused(world, now):
    for garbage in (b"", b"garbage", b"\x30\x80\x00\x00", b"0" * (MAX_TOKEN_BYTES + 1), world.root.certificate_der):
        refused("IMG-4031", garbage, world.trust(), now)


def test_weak_digests_are_refused(token, world, now):
    sha256, sha1ish = der.oid("2.16.840.1.101.3.4.2.1"), der.oid("2.16.840.1.101.3.4.2.4")
    refused("IMG-4005", token.replace(sha256, sha1ish), world.trust(), now)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_octet_goes_unnoticed_or_unnamed(token, world, now, data):
    """Whatever is changed, the answer is a refusal with a code, or the certificate bag was changed without effect."""
    position = data.draw(st.integers(0, len(token) - 1))
    changed = bytearray(token)
    changed[position] ^= data.draw(st.integers(1, 255))
    try:
        verdict = verify_token(bytes(changed), DATA, world.trust(), now)
    except SealRefused:
        return
    # unsigned by design: versions, NULLs, the signer's issuer and serial (a signed attribute names the certificate)
    assert verdict.time == now
    assert verdict.chain_der[-1] == world.tsa_root.certificate_der


def test_info_is_read_without_judging(token, now):
    info = read_info(token)
    assert info.time == now
    assert info.nonce is not None


# the client


def _query(data):
    import hashlib  # noqa: PLC0415 - only here

    algorithm = der.encode(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"))
    imprint = der.encode(der.SEQUENCE, algorithm, der.encode(der.OCTET_STRING, hashlib.sha256(data).digest()))
    return der.encode(der.SEQUENCE, der.integer(1), imprint, der.encode(der.BOOLEAN, b"\xff"))


def _splice(token, own, replaced):
    """The token with its certificates exchanged and all lengths right."""
    kind, content = der.read(token).children()
    (signed,) = content.children()
    parts = [replaced if part.octets == own else part.octets for part in signed.children()]
    return der.encode(der.SEQUENCE, kind.octets, der.encode(0xA0, der.encode(der.SEQUENCE, *parts)))


class Transport:
    """Two authorities, of which the first can be broken in various ways."""

    def __init__(self, world, first):
        self.asked = []
        self._world, self.first = world, first

    def __call__(self, url, query):
        self.asked.append(url)
        return self.first(query) if url == "http://first.invalid" else self._world.tsa.answer(query)


def broken(_query):
    raise OSError


def refusing(_query):
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, der.integer(2)))


def test_the_next_authority_answers_when_one_fails_and_the_failed_one_rests(world, now):
    clock = [0.0]
    replayed = world.tsa.answer(_query(DATA))
    for failing in (broken, refusing, lambda _query: b"<html>", lambda _query: replayed):
        transport = Transport(world, failing)
        client = TimestampClient(
            ["http://first.invalid", "http://second.invalid"], world.trust(), transport, lambda: clock[0]
        )
        assert read_info(client.stamp(DATA, now)).time == now
        client.stamp(DATA, now)
        assert transport.asked == ["http://first.invalid", "http://second.invalid", "http://second.invalid"]
        transport.first = world.tsa.answer
        clock[0] += 31
        client.stamp(DATA, now)
        assert transport.asked[-1] == "http://first.invalid"


def test_unavailable_names_every_authority_and_heals_by_itself(world, now):
    transport = Transport(world, broken)
    client = TimestampClient(["http://first.invalid"], world.trust(), transport)
    with pytest.raises(Unavailable) as refusal:
        client.stamp(DATA, now)
    assert refusal.value.code == "IMG-9003"
    assert refusal.value.found == "http://first.invalid: OSError"
    transport.first = world.tsa.answer
    assert client.stamp(DATA, now)
    with pytest.raises(Unavailable):
        TimestampClient([], world.trust()).stamp(DATA, now)


def test_a_token_of_an_authority_without_anchor_is_not_taken(world, now):
    foreign = TimestampAuthority(world.stranger.timestamping("Foreign"), clock=lambda: now)
    with pytest.raises(Unavailable) as refusal:
        world.stamper(foreign).stamp(DATA, now)
    assert "IMG-4020" in refusal.value.found


# over HTTP


@contextmanager
def served(application):
    class Quiet(WSGIRequestHandler):
        def log_message(self, *_arguments):
            pass

    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_authorities_are_asked_over_http(world, now, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:1")
    with served(world.tsa) as url:
        token = TimestampClient([url], world.trust(), http_transport(timeout=5)).stamp(DATA, now)
    assert verify_token(token, DATA, world.trust(), now).time == now
    with pytest.raises(Unavailable):
        TimestampClient([url], world.trust(), http_transport(timeout=1)).stamp(DATA, now)


def test_a_redirect_or_a_flood_is_no_answer(world, now):
    def redirect(_environ, start_response):
        start_response("302 Found", [("Location", "http://other.invalid/")])
        return [b""]

    def flood(_environ, start_response):
        start_response("200 OK", [("Content-Type", "application/timestamp-reply")])
        return (b"x" * 65536 for _ in range(1000))

    for application, why in ((redirect, "ValueError"), (flood, "ValueError")):
        with served(application) as url, pytest.raises(Unavailable) as refusal:
            TimestampClient([url], world.trust(), http_transport(timeout=5)).stamp(DATA, now)
        assert refusal.value.found.endswith(why)
