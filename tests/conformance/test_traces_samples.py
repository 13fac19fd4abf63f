"""Everything that is published of TRACES NT's messages, at a whole gateway: taken or deservedly refused, and answered
in the shape of the captures.

The EC's two submissions are of early 2019, without a security header and with placeholders for the authority and the
client: the tests put these in. What they cite is stored first, and the gateway's clock is that of the samples or
today's.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import secrets
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

sys.path.insert(0, str(Path(__file__).parents[1] / "traces"))  # importlib mode does not; the comparer of shapes

from shape import differences

from gateway.access import Body, BodyKind, BodyRole
from gateway.app import build_application
from gateway.ched.models import Actor
from gateway.ched.rows import row_of
from gateway.config import DeliverySettings, InstanceSettings, SealSettings, Settings, StoreSettings, TracesSettings
from gateway.documents.ched import read_ched, write_ched
from gateway.exchange import Principal
from gateway.sandbox.pki import Authority, write
from gateway.store import ChedCommodity, ChedWrite, new_id, open_store, record_ched, save_partner
from gateway.traces.contracts import CHED, CONTRACTS, INTRA, REFERENCE, SUBMISSION, SUBMISSION_01
from gateway.traces.headers import BodyIdentity, CallHeaders, write_headers
from gateway.traces.headers import BodyKind as Kind
from gateway.traces.models import FindChedCriteria
from gateway.traces.wire_ched import find_ched_request, id_request, read_find_ched_response
from gateway.traces.wire_reference import node_request, tree_request
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise, serialise
from gateway.xml.names import ERR, SOAP11, WSSE, WSU, qn

SPRING_2019 = datetime(2019, 4, 5, 12, 0, tzinfo=UTC)
"""Between the issue of the samples and the arrival that they announce."""

FIRST = "ched/CreateAndSubmitChedForDecision-0101-Horse.xml"
SECOND = "ched/CreateAndSubmitChedForDecision-0101-Horse-Replacing-CHEDA.ES.2019.0000011.xml"
REPLACED = "CHEDA.ES.2019.0000011"
CAPTURED = ("ched/GetChedResponse_CHEDPP.XI.2026.0000064.xml", "ched/GetChedResponse_CHEDA.template.xml")
FILLED = {"CHED_ID": "CHEDA.XI.2026.0000043"}

BODIES = [
    {"id": "ESMAD4", "kind": "authority", "name": "Invented post", "roles": ["border-control-post"],
     "posts": ["ESMAD4"]},
    {"id": "XIPOST", "kind": "authority", "name": "Invented post in Northern Ireland",
     "roles": ["border-control-post"], "posts": ["XIBEL1", "XILAR1-DAERA"]},
    {"id": "EC000001", "kind": "authority", "name": "Commission", "roles": ["commission"]},
    {"id": "OPES0009", "kind": "operator", "name": "Somebody else", "countries": ["ES"]},
]  # fmt: skip


def text_of(contracts, name, **values):
    text = (contracts / "traces-nt" / name).read_text("utf-8").strip()
    for key, value in values.items():
        text = text.replace(f"{{{{{key}}}}}", value)
    return text.encode()


def body_of(message):
    root = parse(message).root if isinstance(message, bytes) else message
    return root.find(qn(SOAP11, "Body"))[0]


class Whole:
    """A whole gateway in the role traces, in this process, on a clock of the test's."""

    def __init__(self, folder, url, now):
        self.now = now
        (folder / "secret.txt").write_text("an invented secret", "utf-8")
        write(folder, "seal", Authority("Register", now=now - timedelta(days=1)).seal("Seal"))
        record = {
            "id": "es-system", "name": "invented", "kind": "national", "country": "ES",
            "contracts": [each.name for each in CONTRACTS], "traces": {"bodies": BODIES},
            "authentication": {"username": "es", "secret": f"file:{folder / 'secret.txt'}"},
        }  # fmt: skip
        with open_store(url, exclusive=True) as store:
            store.write(lambda connection: save_partner(connection, "es-system", record, author="test", now=now))
        settings = Settings(
            instance=InstanceSettings(id="traces", roles=("traces",), base_url="https://traces.invalid/tracesnt"),
            store=StoreSettings(url),
            seal=SealSettings(key=folder / "seal.key", certificate=folder / "seal.pem"),
            delivery=DeliverySettings(in_process=False),
            traces=TracesSettings(part_signatures="recorded"),
        )
        self.gateway = build_application(settings, clock=lambda: self.now)

    def close(self):
        self.gateway.close()

    def keep(self, root, **changes):
        """Put a CHED into the register as it stands, as if it had been captured there."""
        context = self.gateway.context
        partner = context.directory.by_id("es-system")
        body = Body("EC000001", BodyKind.AUTHORITY, "Commission", frozenset({BodyRole.COMMISSION}))
        actor = Actor(Principal(partner, "username-token", ()), body)
        ched = read_ched(root)
        row = replace(row_of(ched, actor, chid=new_id(self.now), before=None, at=self.now), **changes)
        written = ChedWrite(
            version_id=new_id(self.now), row=row, expected_version=None, at=self.now, operation="captured",
            partner="es-system", content=serialise(root), digest=hashlib.sha256(serialise(root)).digest(),
        )  # fmt: skip
        context.store.write(lambda connection: record_ched(connection, written))
        return ched

    def security(self, secret="an invented secret", username="es"):
        nonce, created = secrets.token_bytes(16), f"{self.now:%Y-%m-%dT%H:%M:%SZ}"
        digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + secret.encode()).digest()).decode()
        profile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
        return (
            f'<w:Security xmlns:w="{WSSE}" xmlns:u="{WSU}"><u:Timestamp><u:Created>{created}</u:Created>'
            f"<u:Expires>{self.now + timedelta(seconds=400):%Y-%m-%dT%H:%M:%SZ}</u:Expires></u:Timestamp>"
            f"<w:UsernameToken><w:Username>{username}</w:Username>"
            f'<w:Password Type="{profile}username-token-profile-1.0#PasswordDigest">{digest}</w:Password>'
            f'<w:Nonce EncodingType="{profile}soap-message-security-1.0#Base64Binary">'
            f"{base64.b64encode(nonce).decode()}</w:Nonce><u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
        ).encode()

    def send(self, contract, raw, action='""'):
        """HTTP status and reply."""
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": contract.path, "QUERY_STRING": "", "wsgi.url_scheme": "https",
            "CONTENT_TYPE": "text/xml; charset=utf-8", "CONTENT_LENGTH": str(len(raw)), "HTTP_SOAPACTION": action,
            "HTTP_HOST": "gateway.invalid", "REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "localhost",
            "SERVER_PORT": "80", "wsgi.input": io.BytesIO(raw), "wsgi.errors": sys.stderr,
        }  # fmt: skip
        status = []
        reply = b"".join(self.gateway(environ, lambda line, _headers: status.append(int(line[:3]))))
        return status[0], reply

    def ask(self, contract, body, identity="EC000001", **options):
        kind = Kind.OPERATOR if identity.startswith("OP") else Kind.AUTHORITY
        headers = write_headers(CallHeaders("conformance", "en", BodyIdentity(kind, identity) if identity else None))
        envelope = (
            f'<s:Envelope xmlns:s="{SOAP11}"><s:Header>'.encode() + self.security(**options) + headers
            + b"</s:Header><s:Body>" + body + b"</s:Body></s:Envelope>"
        )  # fmt: skip
        return self.send(contract, envelope)

    def sample(self, text):
        """A sample of the EC with what it lacks: whose it is, by which client, and the security header."""
        text = text.replace(b"XXX", b"ESMAD4").replace(b"YYY", b"conformance")
        start, found, rest = text.partition(b"<soapenv:Header>")
        assert found
        return self.send(SUBMISSION_01, start + found + self.security() + rest)


@pytest.fixture
def at(tmp_path, sqlite_url):
    """``at(SPRING_2019)`` is a gateway on that clock; None: on today's."""
    opened = []

    def open_at(now=None):
        whole = Whole(tmp_path, sqlite_url, now or datetime.now(UTC))
        opened.append(whole)
        return whole

    yield open_at
    for each in opened:
        each.close()


def errors_of(reply):
    """The errors of a refusal, as (ID, box)."""
    fault = body_of(reply)
    assert fault.findtext("faultstring") == "Some business rules are not met", reply.decode()
    found = fault.iter(qn(ERR, "Error"))
    return [(each.findtext(qn(ERR, "ID")), each.findtext(qn(ERR, "Field")).partition(" ")[0]) for each in found]


def canonical(root):
    """Exclusive canonical form; the captures were re-indented, so that text of white space alone is none."""
    copy = parse(etree.tostring(root, with_tail=False)).root
    for each in copy.iter("*"):
        if each.text is not None and not each.text.strip():
            each.text = None
        each.tail = None
    return canonicalise(copy, algorithm=C14n.EXCLUSIVE)


def served(whole, reference):
    status, reply = whole.ask(CHED, id_request(CHED.operation("getChedCertificate").request, reference))
    assert status == 200, reply.decode()
    return reply


def cited(contracts, whole):
    """The CHED that the second sample replaces: the first one, as it would stand in the register."""
    first = body_of(text_of(contracts, FIRST))[0]
    return whole.keep(write_ched(replace(read_ched(first), reference=REPLACED)), reference=REPLACED, status_code="1")


# Requests


def test_the_first_submission_of_the_ec_is_taken(contracts, at):
    whole = at(SPRING_2019)
    status, reply = whole.sample(text_of(contracts, FIRST))
    assert status == 200, reply.decode()
    reference = "CHEDA.ES.2019.0000001"
    assert reference.encode() in reply
    ched = read_ched(body_of(served(whole, reference))[0])
    assert (ched.reference, ched.status_code, ched.issuer.identifier) == (reference, "1", "ESMAD4")
    sent = read_ched(body_of(text_of(contracts, FIRST))[0])
    assert (ched.lines, ched.purposes, ched.documents) == (sent.lines, sent.purposes, sent.documents)


def test_the_second_submission_of_the_ec_replaces_what_it_cites(contracts, at):
    whole = at(SPRING_2019)
    status, reply = whole.sample(text_of(contracts, SECOND))
    assert (status, errors_of(reply)) == (500, [("IMG-7204", "II.1")]), "it cites what is not there"
    cited(contracts, whole)
    status, reply = whole.sample(text_of(contracts, SECOND))
    assert status == 200, reply.decode()
    old = read_ched(body_of(served(whole, REPLACED))[0])
    new = read_ched(body_of(served(whole, "CHEDA.ES.2019.0000001"))[0])
    assert (old.status_code, new.status_code) == ("44", "1")
    assert [each.reference for each in new.previous] == [REPLACED]
    assert [each.reference for each in old.subsequent] == [new.reference]


LACKING = [("R-I11-M", "I.11"), ("R-I31-ACCESS", "I.31"), ("R-I31-ACCESS", "I.31"), ("R-I31-ACCESS", "I.34")]
"""What the samples of before 14 December 2019 lack today: the country of origin, and of a horse its number, by which
system it is identified, and its weight."""


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_today_the_submissions_of_the_ec_are_refused_for_what_they_lack(contracts, at, name):
    whole = at()
    cited(contracts, whole)
    status, reply = whole.sample(text_of(contracts, name))
    assert (status, errors_of(reply)) == (500, LACKING)


def test_a_placeholder_that_nobody_has_replaced_is_no_authority_of_the_partner(contracts, at):
    whole = at(SPRING_2019)
    text = text_of(contracts, FIRST).replace(b"YYY", b"conformance")
    start, found, rest = text.partition(b"<soapenv:Header>")
    status, reply = whole.send(SUBMISSION_01, start + found + whole.security() + rest)
    assert status == 500
    assert body_of(reply).findtext("faultstring") == "Permission denied"
    assert b"IMG-2111" in reply


def test_a_sample_as_it_is_published_has_no_account(contracts, at):
    status, reply = at(SPRING_2019).send(SUBMISSION_01, text_of(contracts, FIRST))
    assert status == 500
    assert not differences(reply, text_of(contracts, "faults/UnauthenticatedException.xml"))


def test_every_published_request_is_submitted_here(contracts):
    folder = contracts / "traces-nt"
    texts = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.xml")}
    assert {name for name, text in texts.items() if b"Request>" in text} == {FIRST, SECOND}


# Replies


def test_the_receipt_has_the_shape_of_the_capture(contracts, at):
    """The sample with the accompanying document that the capture's receipt cites."""
    whole = at(SPRING_2019)
    sample = text_of(contracts, FIRST).decode()
    for before, after in (
        (
            '<urn1:TypeCode name="Related document">853<',
            '<urn1:TypeCode name="Health certificate (Health certificate)">636<',
        ),
        ('schemeAgencyID="KE"', 'schemeAgencyID="AL"'),
        (
            "<urn1:Information>US</urn1:Information>",
            '<urn1:AttachmentBinaryObject uri="uri:documentid:7" filename="a.pdf"/>',
        ),
    ):
        assert before in sample
        sample = sample.replace(before, after)
    status, reply = whole.sample(sample.encode())
    assert status == 200, reply.decode()
    capture = text_of(
        contracts,
        "ched/SubmitChedResponse.template.xml",
        ISSUE_DATETIME="2026-04-27T10:36:34.986+02:00",
        SCHEME_AGENCY_ID="SPS-Certificate-007",
        DOCUMENT_ID="7",
        FILENAME="a.pdf",
    )
    theirs = capture.replace(SUBMISSION.namespace.encode(), SUBMISSION_01.namespace.encode())
    theirs = theirs.replace(b"https://webgate.acceptance.ec.europa.eu", b"https://traces.invalid")
    assert not differences(reply, theirs)


@pytest.mark.parametrize("name", CAPTURED)
def test_a_captured_ched_is_stored_and_served_again_as_it_was_captured(contracts, at, name):
    capture = text_of(contracts, name, **FILLED)
    whole = at()
    certificate = body_of(capture)[0]
    ched = whole.keep(certificate)
    reply = served(whole, ched.reference)
    assert not differences(reply, capture), "the whole message, its headers too"
    assert canonical(body_of(reply)[0]) == canonical(certificate)


def test_a_captured_intra_certificate_is_taken_and_served_again(contracts, at):
    capture = text_of(contracts, "intra/GetEuIntraCertificateResponse.xml")
    whole = at()
    certificate = body_of(capture)[0]
    row = whole.gateway._parts.traces.library.take(
        certificate, partner="traces", country="", actor="test", now=whole.now
    )
    status, reply = whole.ask(INTRA, id_request(INTRA.operation("getEuIntraCertificate").request, row.reference))
    assert status == 200, reply.decode()
    assert not differences(reply, capture)
    assert canonical(body_of(reply)[0]) == canonical(certificate)


def test_results_are_listed_as_they_were_captured(contracts, at):
    capture = text_of(contracts, "ched/FindChedCertificateResponse.xml")
    whole = at()
    root = body_of(text_of(contracts, CAPTURED[1], **FILLED))[0]
    for each in reversed(read_find_ched_response(body_of(capture))):
        known = each.commodity
        names = tuple(name for _, name in known.names)
        whole.keep(
            root,
            reference=each.reference,
            local_reference="",
            status_code=each.status.code,
            commodities=(
                ChedCommodity(code=known.code, system=known.system, names=names, system_name=known.system_name),
            ),
            post_code=each.post_code,
            post_locode=each.post_locode,
            entry_country=each.country_of_entry,
            origin_countries=(each.country_of_origin,),
            destination_country=each.country_of_destination,
            consignor_country=each.country_of_consignor,
            consignor_name=each.consignor_name,
            consignee_country=each.country_of_consignee,
            consignee_name=each.consignee_name,
            created_at=each.created,
            updated_at=each.updated,
            status_changed_at=each.status_changed,
            declared_at=each.declared,
            prior_notification_at=each.prior_notification,
        )
    status, reply = whole.ask(CHED, find_ched_request(FindChedCriteria(types=("A",))))
    assert status == 200, reply.decode()
    assert not differences(reply, capture)


# Faults


def test_nobody_whom_we_know(contracts, at):
    whole = at()
    request = id_request(CHED.operation("getChedCertificate").request, REPLACED)
    capture = text_of(contracts, "faults/UnauthenticatedException.xml")
    for wrong in ({"secret": "wrong"}, {"username": "nobody"}):
        status, reply = whole.ask(CHED, request, **wrong)
        assert status == 500
        assert without_blanks(reply) == without_blanks(capture), "byte by byte, but for its indentation"


def without_blanks(text):
    return re.sub(rb">\s+<", b"><", text.strip())


def test_a_ched_that_is_not_the_callers(contracts, at):
    whole = at()
    whole.keep(body_of(text_of(contracts, CAPTURED[0]))[0], reference="FORBIDDEN")
    request = id_request(CHED.operation("getChedCertificate").request, "FORBIDDEN")
    status, reply = whole.ask(CHED, request, identity="OPES0009")
    capture = text_of(contracts, "faults/GetChedCertificateResponse.PERMISSION_DENIED.xml")
    assert (status, differences(reply, capture)) == (500, [])


def test_a_number_that_is_too_short(contracts, at):
    request = id_request(INTRA.operation("getEuIntraCertificate").request, "")
    status, reply = at().ask(INTRA, request)
    capture = text_of(contracts, "faults/GetEuIntraCertificateInvalidId.xml")
    assert (status, differences(reply, capture, texts=False)) == (500, [])
    ours, theirs = (body_of(each).findtext("faultstring") for each in (reply, capture))
    assert ours.partition(":")[0] == theirs.partition(":")[0]
    assert [line.strip().partition(":")[0] for line in ours.splitlines()] == [
        line.strip().partition(":")[0] for line in theirs.splitlines()
    ]
    assert ours.endswith("[IMG-3001]")


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (tree_request("INVALID"), "faults/GetClassificationTreeResponse.INVALID.xml"),
        (node_request("cheda", path="R/N-0"), "faults/GetClassificationTreeNodeDetailResponse.NOT_FOUND.xml"),
    ],
)
def test_reference_data_that_is_not_there(contracts, at, request_, name):
    status, reply = at().ask(REFERENCE, request_, identity="")
    assert (status, differences(reply, text_of(contracts, name))) == (500, [])


def test_every_published_message_is_looked_at(contracts):
    """What is new under the captures is told here, and gets a test."""
    folder = contracts / "traces-nt"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.xml")}
    here = Path(__file__).read_text("utf-8")
    assert [name for name in sorted(found) if name not in here] == []
