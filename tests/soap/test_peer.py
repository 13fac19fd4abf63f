"""Client certificates from proxies: believed from named peers only, one at a time."""

import base64
import ssl
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from soap_bench import REQUEST, envelope

from gateway.errors import ConfigurationError, SoapRefused
from gateway.soap.peer import MAX_CERTIFICATE, OWN_CERTIFICATE, ProxyPolicy, peer_of

pytestmark = pytest.mark.short
PROXY = "192.0.2.7"
POLICY = ProxyPolicy.of([PROXY, "2001:db8::/64"])


@pytest.fixture(scope="module")
def der():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)


def rfc9440(der):
    return f":{base64.b64encode(der).decode()}:"


def escaped(der):
    """As nginx writes $ssl_client_escaped_cert."""
    return quote(ssl.DER_cert_to_PEM_cert(der), safe="")


def peer(address=PROXY, scheme="http", **headers):
    return peer_of({"REMOTE_ADDR": address, "wsgi.url_scheme": scheme, **headers}, POLICY)


def refused(**headers):
    with pytest.raises(SoapRefused) as caught:
        peer(**headers)
    return caught.value.code


def test_both_spellings_are_read_from_a_named_proxy(der):
    for headers in ({"HTTP_CLIENT_CERT": rfc9440(der)}, {"HTTP_X_SSL_CLIENT_CERT": escaped(der)}):
        found = peer(**headers, HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.4")
        assert found.client_certificate == der
        assert found.secure
        assert found.address == "198.51.100.4", "the address that the proxy itself saw"


def test_a_network_may_be_named(der):
    assert peer("2001:db8::1", HTTP_CLIENT_CERT=rfc9440(der)).client_certificate == der
    assert peer("::ffff:192.0.2.7", HTTP_CLIENT_CERT=rfc9440(der)).client_certificate == der


@pytest.mark.parametrize("address", ["192.0.2.8", "2001:db8:0:1::1", "", "unix:", "127.0.0.1"])
def test_everybody_elses_headers_are_not_there(der, address):
    found = peer(
        address,
        HTTP_CLIENT_CERT=rfc9440(der),
        HTTP_X_SSL_CLIENT_CERT=escaped(der),
        HTTP_X_FORWARDED_FOR="198.51.100.4",
        HTTP_X_FORWARDED_PROTO="https",
    )
    assert found.client_certificate is None
    assert not found.secure
    assert found.address == address


def test_without_named_proxies_nobody_is_believed(der):
    environ = {"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "HTTP_CLIENT_CERT": rfc9440(der)}
    assert peer_of(environ, ProxyPolicy()).client_certificate is None


def test_more_than_one_value_is_refused(der):
    one = rfc9440(der)
    assert refused(HTTP_CLIENT_CERT=f"{one}, {one}") == "IMG-1112"
    assert refused(HTTP_CLIENT_CERT=f"{one},{one}") == "IMG-1112"
    assert refused(HTTP_CLIENT_CERT=one, HTTP_X_SSL_CLIENT_CERT=escaped(der)) == "IMG-1112"
    assert refused(HTTP_X_SSL_CLIENT_CERT=escaped(der) + escaped(der)) == "IMG-1112"
    assert refused(HTTP_X_SSL_CLIENT_CERT=f"{escaped(der)},{escaped(der)}") == "IMG-1112"


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_CLIENT_CERT": "MIIB"},
        {"HTTP_CLIENT_CERT": ":"},
        {"HTTP_CLIENT_CERT": "::"},
        {"HTTP_CLIENT_CERT": ":not base64:"},
        {"HTTP_CLIENT_CERT": ":aGVsbG8=:"},
        {"HTTP_X_SSL_CLIENT_CERT": "hello"},
        {"HTTP_X_SSL_CLIENT_CERT": "-----BEGIN%20CERTIFICATE-----"},
        {"HTTP_X_SSL_CLIENT_CERT": "%ff"},
    ],
)
def test_what_is_no_certificate_is_refused(headers):
    assert refused(**headers) == "IMG-1112"


def test_the_size_holds_one_below_and_one_above():
    largest = b"\x30" + b"x" * (MAX_CERTIFICATE - 1)
    assert peer(HTTP_CLIENT_CERT=rfc9440(largest)).client_certificate == largest
    assert refused(HTTP_CLIENT_CERT=rfc9440(largest + b"x")) == "IMG-1112"


def test_a_certificate_that_nginx_did_not_verify_is_refused(der):
    assert peer(HTTP_X_SSL_CLIENT_CERT=escaped(der), HTTP_X_SSL_CLIENT_VERIFY="SUCCESS").client_certificate == der
    for verdict in ("FAILED:unable to verify", "NONE", ""):
        assert refused(HTTP_X_SSL_CLIENT_CERT=escaped(der), HTTP_X_SSL_CLIENT_VERIFY=verdict) == "IMG-1112"


def test_a_proxy_without_a_certificate_is_a_peer_without_one():
    assert peer(HTTP_X_FORWARDED_PROTO="https").secure
    assert not peer().secure
    assert peer(HTTP_CLIENT_CERT="").client_certificate is None


def test_the_servers_own_handshake_counts_only_over_tls(der):
    assert peer("192.0.2.99", "https", **{OWN_CERTIFICATE: der}).client_certificate == der
    assert peer("192.0.2.99", "http", **{OWN_CERTIFICATE: der}).client_certificate is None
    assert peer("192.0.2.99", "https", **{OWN_CERTIFICATE: "a text"}).client_certificate is None


def test_a_wrong_address_in_the_settings_is_named():
    with pytest.raises(ConfigurationError) as caught:
        ProxyPolicy.of(["10.0.0.1", "proxy.example"])
    assert (caught.value.where, caught.value.found) == ("server.trusted_proxies", "proxy.example")


def test_the_handler_learns_the_certificate(make_bench, der):
    bench = make_bench(proxies=[PROXY])
    assert bench.send(envelope(REQUEST), REMOTE_ADDR=PROXY, HTTP_CLIENT_CERT=rfc9440(der)).status == 200
    assert bench.send(envelope(REQUEST), HTTP_CLIENT_CERT=rfc9440(der)).status == 200
    assert [call.peer.client_certificate for call in bench.calls] == [der, None]
    double = bench.send(envelope(REQUEST), REMOTE_ADDR=PROXY, HTTP_CLIENT_CERT=f"{rfc9440(der)}, {rfc9440(der)}")
    assert double.fault["error"] == "IMG-1112"
