"""Being somebody else, being somebody twice, and learning who is known."""

from __future__ import annotations

import ast
import base64
import inspect
import re
import secrets
from datetime import timedelta

import pytest

from gateway.config import Settings
from gateway.errors import ConfigurationError
from gateway.exchange import admission
from gateway.trust import certificate_fingerprint

UNKNOWN = ("nobody", "gone", "AR", "ar\u200b", "\u0430r", "ar;--", "%61r", "a" * 256)


def texts_of_the_source(module):
    """Whatever a stranger who reads our source could take for the secret behind an unknown name."""
    nodes = ast.walk(ast.parse(inspect.getsource(module)))
    return sorted({node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)})


@pytest.mark.parametrize("created", [timedelta(0), timedelta(hours=-3), timedelta(hours=3)])
@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown_names_and_wrong_digests_get_one_answer(house, world, name, created):
    """Also where the stranger knows what stands in our source: a constant there told unknown names from known ones."""
    known = house.caller("ar")
    at = world.now + created
    expected = known.submit(world.sealed(), security=known.security(secret="wrong", created=at)).raw
    stranger = house.caller(name)
    for secret in ("wrong", *filter(None, texts_of_the_source(admission))):
        answer = stranger.submit(world.sealed(), security=stranger.security(secret=secret, created=at))
        assert answer.raw == expected


def test_a_secret_that_went_missing_is_no_news_for_strangers(opened):
    caller = opened()
    (caller.world.folder / "ar.secret").unlink()
    answer = caller.submit(caller.world.sealed())
    assert b"secret" not in answer.raw.replace(b"A secret cannot be read", b"")
    assert str(caller.world.folder).encode() not in answer.raw


def test_a_nonce_is_the_same_in_every_spelling(world, caller):
    """White space, lines and unused bits: base64 has many spellings of one nonce, and one effect."""
    nonce = secrets.token_bytes(16)
    security = caller.security(nonce=nonce)
    text = base64.b64encode(nonce).decode()
    assert caller.submit(world.sealed(), security=security).status == 200
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other_bits = text[:-3] + last[last.index(text[-3]) + 1] + "=="
    spellings = [
        f" {text}\n",
        text + "=",
        text.replace("=", ""),
        other_bits,
        text[:4] + "\n" + text[4:],
        "\ufeff" + text,
    ]
    for spelling in spellings:
        answer = caller.submit(world.sealed(), security=security.replace(f">{text}<", f">{spelling}<"))
        assert answer.code in {"IMG-2003", "IMG-1108"}, spelling


@pytest.mark.parametrize(
    "spelling", ["{0} ", "\t{0}", "{0}<!-- -->", "<!-- -->{0}", "<![CDATA[{0}]]>", "&#x32;{1}"], ids=ascii
)
@pytest.mark.parametrize("operation", ["SubmitCertificate", "GetCertificateStatus", "FindCertificates"])
def test_another_spelling_of_a_spent_token_is_spent(world, caller, spelling, operation):
    """The digest covers the characters of Created; what reads as the same characters is the same token."""
    security = caller.security()
    assert caller.submit(world.sealed(), security=security).status == 200
    created = f"{world.now:%Y-%m-%dT%H:%M:%SZ}"
    again = re.sub(f"{created}(?=</wsu:Created></wsse:UsernameToken>)", spelling.format(created, created[1:]), security)
    assert again != security
    body = {
        "SubmitCertificate": caller.request("SubmitCertificate", world.sealed()),
        "GetCertificateStatus": (
            '<cx:GetCertificateStatusRequest xmlns:cx="urn:imsoc:gateway:certificate-exchange:1">'
            "<cx:MessageID>none</cx:MessageID></cx:GetCertificateStatusRequest>"
        ),
        "FindCertificates": '<cx:FindCertificatesRequest xmlns:cx="urn:imsoc:gateway:certificate-exchange:1"/>',
    }[operation]
    assert caller.call(body, security=again).code in {"IMG-2003", "IMG-1108"}


def test_a_token_from_the_future_is_remembered_as_long_as_it_is_fresh(opened):
    """Made at the edge of the permitted skew it stays fresh for twice the skew and the age."""
    settings = Settings.load(None, {"IMSOC_TRUST_NONCE_KEEP_SECONDS": "900"})
    assert settings.trust.nonce_keep_seconds == 900
    with pytest.raises(ConfigurationError) as refusal:
        Settings.load(None, {"IMSOC_TRUST_NONCE_KEEP_SECONDS": "899"})
    assert refusal.value.where == "trust.nonce_keep_seconds"
    caller = opened(trust=settings.trust)
    world, store = caller.world, caller.gateway.context.store
    start = world.now
    security = caller.security(created=start + timedelta(seconds=300))
    assert caller.submit(world.sealed(), security=security).status == 200
    from gateway.store import purge_nonces  # noqa: PLC0415

    codes = set()
    for seconds in range(0, 1_000, 50):
        world.now = start + timedelta(seconds=seconds)
        store.write(lambda connection: purge_nonces(connection, now=world.now))
        stamp = caller.security(created=world.now)
        fresh = re.search("<wsu:Timestamp>.*</wsu:Timestamp>", stamp)[0]
        old = re.sub("<wsu:Timestamp>.*</wsu:Timestamp>", fresh, security)
        codes.add(caller.submit(world.sealed(), security=old).code)
    assert codes == {"IMG-2003", "IMG-2002"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_is_excused_from_tls_only_where_the_caller_is_there(opened, scheme):
    """A proxy on this machine is not the caller: what it took over plain HTTP carries no UsernameToken."""
    from gateway.config import ServerSettings  # noqa: PLC0415

    caller = opened(server=ServerSettings(trusted_proxies=("127.0.0.1",)))
    for address in (None, "127.0.0.1", "192.0.2.1", "192.0.2.1, 127.0.0.1", "::1", "nonsense"):
        headers = {"HTTP_X_FORWARDED_PROTO": scheme} | ({"HTTP_X_FORWARDED_FOR": address} if address else {})
        body = caller.request("SubmitCertificate", caller.world.sealed())
        answer = caller.post(caller.envelope(body), headers=headers)
        assert answer.code == (None if scheme == "https" else "IMG-2007"), address


@pytest.mark.parametrize("header", ["HTTP_CLIENT_CERT", "HTTP_X_SSL_CLIENT_CERT", "SSL_CLIENT_CERT"])
def test_a_certificate_in_a_header_of_a_stranger_is_no_certificate(opened, header):
    caller = opened()
    der = caller.world.credential.certificate_der
    value = f":{base64.b64encode(der).decode()}:"
    assert certificate_fingerprint(der)
    answer = caller.post(caller.envelope("<x/>", security=""), headers={header: value})
    assert answer.code == "IMG-1105"
    answer = caller.post(
        caller.envelope(caller.request("SubmitCertificate", caller.world.sealed()), security=""),
        headers={header: value},
    )
    assert answer.code == "IMG-2005"
