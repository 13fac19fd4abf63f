"""The WS-Security header: read strictly, written as TRACES reads it."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from soap_bench import REQUEST, envelope

from gateway.errors import SoapRefused
from gateway.soap.security import (
    BASE64_ENCODING,
    MAX_NONCE,
    MAX_USERNAME,
    PASSWORD_DIGEST,
    password_digest,
    read_security,
    write_security,
)
from gateway.xml.boundary import parse
from gateway.xml.names import WSSE, WSU

pytestmark = pytest.mark.short
NOW = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)
DIGEST = base64.b64encode(b"d" * 20).decode()
TIMESTAMP = (
    "<u:Timestamp><u:Created>2026-03-01T12:00:00Z</u:Created>"
    "<u:Expires>2026-03-01T14:05:00+02:00</u:Expires></u:Timestamp>"
)


def token(
    username="user", digest=DIGEST, kind=PASSWORD_DIGEST, nonce="bm9uY2U=", created="2026-03-01T12:00:00.5Z", more=""
):
    return (
        f'<w:UsernameToken><w:Username>{username}</w:Username><w:Password Type="{kind}">{digest}</w:Password>'
        f'<w:Nonce EncodingType="{BASE64_ENCODING}">{nonce}</w:Nonce>'
        f"<u:Created>{created}</u:Created>{more}</w:UsernameToken>"
    )


def header(*parts):
    return parse(f'<w:Security xmlns:w="{WSSE}" xmlns:u="{WSU}">{"".join(parts)}</w:Security>'.encode()).root


def refused(*headers):
    with pytest.raises(SoapRefused) as caught:
        read_security(headers)
    return caught.value


def test_a_header_is_read():
    read = read_security([header(TIMESTAMP, token())])
    assert read.username_token.username == "user"
    assert read.username_token.digest == b"d" * 20
    assert read.username_token.nonce == b"nonce"
    assert read.username_token.created == datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
    assert read.username_token.created_text == "2026-03-01T12:00:00.5Z"
    assert read.timestamp.created == datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert read.timestamp.expires == datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


def test_its_parts_are_optional():
    assert read_security([]) is None
    assert read_security([parse(b"<other/>").root]) is None
    assert read_security([header(TIMESTAMP)]).username_token is None
    assert read_security([header(token())]).timestamp is None


def test_what_we_write_is_what_a_reader_computes():
    raw = write_security("a & b", "s3cret ü", now=NOW, nonce=b"0123456789abcdef", lifetime=timedelta(minutes=2))
    read = read_security([parse(raw).root])
    assert read.username_token.username == "a & b"
    expected = hashlib.sha1(b"0123456789abcdef" + b"2026-03-01T12:00:00.123Z" + "s3cret ü".encode()).digest()
    assert read.username_token.digest == expected
    assert password_digest(b"0123456789abcdef", "2026-03-01T12:00:00.123Z", "s3cret ü") == expected
    assert (read.timestamp.created, read.timestamp.expires) == (NOW, NOW + timedelta(minutes=2))


def test_two_headers_are_refused():
    assert refused(header(token()), header(TIMESTAMP)).code == "IMG-1108"


@pytest.mark.parametrize(
    "parts",
    [
        [token(), token()],
        [TIMESTAMP, TIMESTAMP],
        [token(more="<u:Created>2026-03-01T12:00:00Z</u:Created>")],
        [token(more="<w:Unknown/>")],
        ["<w:BinarySecurityToken>AAAA</w:BinarySecurityToken>"],
        ['<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"/>'],
        [token(username="")],
        [token(username="us<!-- -->er")],
        [token(username="<b/>user")],
        [token(digest="####")],
        [token(digest=base64.b64encode(b"d" * 19).decode())],
        [token(nonce="")],
        [token(nonce="not base64!")],
        [token(created="2026-03-01T12:00:00")],
        [token(created="2026-13-01T12:00:00Z")],
        [token(created="20260301T120000Z")],
        [token(created="٢026-03-01T12:00:00Z")],
        [token(created="0001-01-01T00:00:00+14:00")],
        ["<w:UsernameToken><w:Username>user</w:Username></w:UsernameToken>"],
        ["<u:Timestamp/>"],
    ],
)
def test_what_is_malformed_is_refused(parts):
    assert refused(header(*parts)).code == "IMG-1108"


@pytest.mark.parametrize("kind", ["", PASSWORD_DIGEST.replace("Digest", "Text")])
def test_a_clear_password_is_refused_and_not_repeated(kind):
    error = refused(header(token(digest="secret", kind=kind)))
    assert error.code == "IMG-1109"
    assert "secret" not in str(error) + error.found


def test_sizes_hold_one_below_and_one_above():
    def nonce(size):
        return base64.b64encode(b"n" * size).decode()

    assert read_security([header(token(username="u" * MAX_USERNAME))])
    assert refused(header(token(username="u" * (MAX_USERNAME + 1)))).code == "IMG-1108"
    assert read_security([header(token(nonce=nonce(MAX_NONCE)))])
    assert refused(header(token(nonce=nonce(MAX_NONCE + 1)))).code == "IMG-1108"


def test_the_server_hands_the_header_over_and_refuses_a_bad_one(bench):
    security = f'<w:Security xmlns:w="{WSSE}" xmlns:u="{WSU}" s:mustUnderstand="1">{{}}</w:Security>'
    assert bench.send(envelope(REQUEST, headers=security.format(token()))).status == 200
    assert bench.calls[0].security.username_token.username == "user"
    served = bench.send(envelope(REQUEST, headers=security.format(token() + token())))
    assert served.fault["error"] == "IMG-1108"
