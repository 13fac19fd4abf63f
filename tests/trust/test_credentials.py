"""WS-Security credentials: each way to be wrong has its own code, except those a stranger could learn from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from gateway.errors import AuthenticationFailed
from gateway.trust import certificate_fingerprint, check_timestamp, check_username_token

SECRET = "correct horse"
LIMITS = {"max_age": timedelta(minutes=5), "skew": timedelta(minutes=2)}


@dataclass(frozen=True)
class Token:
    digest: bytes
    nonce: bytes
    created: datetime
    created_text: str


@dataclass(frozen=True)
class Stamp:
    created: datetime
    expires: datetime | None


def token_of(created, *, nonce=b"0123456789abcdef", secret=SECRET):
    text = f"{created:%Y-%m-%dT%H:%M:%S.250Z}"
    return Token(hashlib.sha1(nonce + text.encode() + secret.encode()).digest(), nonce, created, text)


def refused(code, call):
    with pytest.raises(AuthenticationFailed) as refusal:
        call()
    assert refusal.value.code == code


def check(token, now):
    check_username_token(token, secret=SECRET, now=now, **LIMITS)


def test_a_fresh_token_made_with_the_secret_passes(now):
    check(token_of(now), now)


def test_the_digest_is_the_one_of_the_soap_package(now):
    security = pytest.importorskip("gateway.soap.security")
    token = token_of(now)
    assert security.password_digest(token.nonce, token.created_text, SECRET) == token.digest


def test_a_wrong_secret_nonce_or_created_is_refused_alike(now):
    good = token_of(now)
    for bad in (
        token_of(now, secret="wrong"),
        replace(good, nonce=b"another nonce ..."),
        replace(good, created_text="2026-03-01T12:00:00Z"),
        replace(good, digest=b""),
        # stale and wrong: the clock is told only to those who know the secret
        token_of(now - timedelta(days=1), secret="wrong"),
    ):
        refused("IMG-2001", lambda bad=bad: check(bad, now))


@pytest.mark.parametrize(
    ("nonce", "fits"), [(b"x" * 7, False), (b"x" * 8, True), (b"x" * 64, True), (b"x" * 65, False)]
)
def test_nonces_have_a_size(nonce, fits, now):
    token = token_of(now, nonce=nonce)
    if fits:
        check(token, now)
    else:
        refused("IMG-2009", lambda: check(token, now))


SECOND = timedelta(seconds=1)
OLDEST = -timedelta(minutes=7)
NEWEST = timedelta(minutes=2)


@pytest.mark.parametrize(
    ("offset", "code"), [(OLDEST, ""), (OLDEST - SECOND, "IMG-2002"), (NEWEST, ""), (NEWEST + SECOND, "IMG-2004")]
)
def test_the_window_of_created(offset, code, now):
    calls = (
        lambda: check(token_of(now + offset), now),
        lambda: check_timestamp(Stamp(now + offset, None), now=now, **LIMITS),
    )
    for call in calls:
        if code:
            refused(code, call)
        else:
            call()


def test_a_stale_timestamp_is_refused_even_within_the_window(now):
    check_timestamp(Stamp(now - timedelta(minutes=3), now - timedelta(minutes=2)), now=now, **LIMITS)
    stale = Stamp(now - timedelta(minutes=3), now - timedelta(minutes=2) - SECOND)
    refused("IMG-2002", lambda: check_timestamp(stale, now=now, **LIMITS))


def test_expires_does_not_lengthen_the_window(now):
    generous = Stamp(now - timedelta(hours=1), now + timedelta(days=1))
    refused("IMG-2002", lambda: check_timestamp(generous, now=now, **LIMITS))


def test_a_missing_timestamp_is_refused(now):
    refused("IMG-2008", lambda: check_timestamp(None, now=now, **LIMITS))


def test_fingerprints_are_what_openssl_prints(world):
    fingerprint = certificate_fingerprint(world.signer.certificate_der)
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - a second way to compute it

    assert fingerprint == "sha256:" + world.signer.certificate.fingerprint(hashes.SHA256()).hex()
