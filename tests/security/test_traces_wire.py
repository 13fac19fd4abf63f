"""The faces of TRACES as bytes: tokens used twice, bodies that are not the caller's, values that no client sends."""

import io
import itertools
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "ched"))  # importlib mode does not

from ched_harness import BODIES, ched_pp, decision, element
from relay_harness import GRANTS, Traces

from gateway.soap.security import write_security
from gateway.store import open_store
from gateway.traces.contracts import ATTACHMENTS, CHED, CONTROL, INTRA, REFERENCE
from gateway.xml.canonical import serialise
from gateway.xml.names import ATT1, BASE4, BODY1, BODY3, CHED2, CTRL1, INTRA1, REF1

SECRET = "a secret of the tests"
_nonces = itertools.count(1)


def identity(element_name, value):
    return f'<b:BodyIdentity xmlns:b="{BODY3}"><{element_name}>{value}</{element_name}></b:BodyIdentity>'


IMPORTER = identity("OperatorAccessIdentifier", "OPNL0001")
CLIENT = f'<c:WebServiceClientId xmlns:c="{BASE4}">attacker</c:WebServiceClientId>'


class Wire:
    def __init__(self, traces):
        self.traces = traces
        self.world = traces.world

    def token(self, username="nl"):
        nonce = next(_nonces).to_bytes(16, "big")
        return write_security(username, SECRET, now=self.world.now, nonce=nonce, lifetime=timedelta(minutes=2)).decode()

    def __call__(self, contract, body, *, token=None, identity=IMPORTER):
        envelope = (
            '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Header>'
            f"{token or self.token()}{CLIENT}{identity}</S:Header><S:Body>{body}</S:Body></S:Envelope>"
        ).encode()
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": contract.path,
            "CONTENT_TYPE": "text/xml; charset=utf-8",
            "CONTENT_LENGTH": str(len(envelope)),
            "HTTP_SOAPACTION": '""',
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "x",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(envelope),
            "wsgi.errors": io.StringIO(),
        }
        self.status = ""

        def start(status, headers, exc_info=None):
            self.status = status

        answer = b"".join(self.traces.application(environ, start)).decode()
        assert "IMG-1105" not in answer, "no such operation: the attack would attack nothing"
        return answer


@pytest.fixture
def wire(sqlite_url, monkeypatch):
    monkeypatch.setenv("RELAY_TEST_SECRET", SECRET)
    with open_store(sqlite_url, exclusive=True) as opened:
        traces = Traces(opened)
        traces.world.records.append(
            traces.world.record(
                "outside", "third-country", "CH", [BODIES["stranger"]], contracts=GRANTS,
                document_types=["636"], country_pairs=["AR>*"],
                authentication={"username": "ch", "secret": "env:RELAY_TEST_SECRET"},
            )
        )  # fmt: skip
        yield Wire(traces)


def get(reference):
    return f'<q:GetChedCertificateRequest xmlns:q="{CHED2}"><q:ID>{reference}</q:ID></q:GetChedCertificateRequest>'


def find(inside="", attributes=""):
    return f'<q:FindChedCertificateRequest xmlns:q="{CHED2}" {attributes}>{inside}</q:FindChedCertificateRequest>'


# --- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["answered", "refused", "another body", "broken schema"])
def test_a_token_opens_one_message_at_one_contract(wire, first):
    """A token says nothing of the message: whoever recorded one must not send another with it, anywhere."""
    token = wire.token()
    body, identity = {
        "answered": (find(), IMPORTER),
        "refused": (get("CHEDPP.NL.2026.0000009"), IMPORTER),
        "another body": (find(), IMPORTER.replace("OPNL0001", "NOBODY")),
        "broken schema": (find("<x/>"), IMPORTER),
    }[first]
    wire(CHED, body, token=token, identity=identity)
    for contract, request in ((CHED, find()), (INTRA, f'<q:FindEuIntraCertificateRequest xmlns:q="{INTRA1}"/>')):
        answer = wire(contract, request, token=token)
        assert "UnauthenticatedException" in answer
        assert "Result" not in answer


# --- bodies ----------------------------------------------------------------------------------------------------------

OTHERS = {
    "another kind": IMPORTER.replace("OperatorAccess", "AuthorityActivityAccess"),
    "another's": IMPORTER.replace("OPNL0001", "OPBE9999"),
    "two": IMPORTER + IMPORTER,
    "two versions": IMPORTER + IMPORTER.replace(BODY3, BODY1),
    "two children": IMPORTER.replace(
        "</b:", "<AuthorityActivityAccessIdentifier>EC000001</AuthorityActivityAccessIdentifier></b:"
    ),
    "a comment": IMPORTER.replace("OPNL0001", "OPNL<!-- -->0001"),
    "case": IMPORTER.replace("OPNL0001", "opnl0001"),
    "full width": IMPORTER.replace("OPNL0001", "OPNL000\uff11"),
    "a wildcard": IMPORTER.replace("OPNL0001", "OPNL%"),
    "an injection": IMPORTER.replace("OPNL0001", "' OR 1=1 --"),
}


@pytest.mark.parametrize("identity", OTHERS.values(), ids=OTHERS)
def test_nobody_is_another_body(wire, identity):
    reference = wire.world.submit(ched_pp()).reference
    for body in (get(reference), find()):
        answer = wire(CHED, body, identity=identity)
        assert wire.status.startswith("500")
        assert "Invented importer" not in answer


def test_an_account_speaks_for_no_body_of_another_account(wire):
    reference = wire.world.submit(ched_pp()).reference
    answer = wire(CHED, get(reference), token=wire.token("ch"))
    assert "Permission" in answer
    assert "Invented" not in answer


def test_without_an_account_all_answers_are_one(wire):
    reference = wire.world.submit(ched_pp()).reference
    answers = {
        wire(CHED, body, token=wire.token("nobody")).replace(reference, "")
        for body in (get(reference), get("CHEDPP.NL.2026.0000099"), find(), find("<x/>"))
    }
    assert len({answer.partition("<faultstring>")[2] or answer for answer in answers}) == 1


# --- values that no client sends -------------------------------------------------------------------------------------

STRANGE = [
    "' OR '1'='1", "%", "_", "*", "../../etc/passwd", "CHEDPP.NL.2026.0000001' --", "x" * 100_000, "\u202e", "\u0085",
    "&lt;!ENTITY&gt;", "{0.__class__}", "%s%s%n", "${jndi:ldap://x}", "\U0001f40d", "CHEDPP.NL.2026.000000\u0661",
]  # fmt: skip


@pytest.mark.parametrize("value", STRANGE)
def test_strange_references_are_not_there(wire, value):
    wire.world.submit(ched_pp())
    operations = {
        "getChedCertificate": "GetChedCertificateRequest",
        "getChedPdfCertificate": "GetChedPdfCertificateRequest",
        "getChedSignedXmlCertificate": "GetChedSignedXmlCertificateRequest",
        "getChedCertificateStatus": "GetChedCertificateStatusRequest",
    }
    for name in operations.values():
        answer = wire(CHED, get(value).replace("GetChedCertificateRequest", name))
        assert wire.status.startswith("500")
        assert "NotFound" in answer or "IMG-3001" in answer or "IMG-11" in answer or "IMG-10" in answer, answer[-600:]
        assert "IMG-9" not in answer
        assert len(answer) < 20_000


MOMENTS = [
    "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "-0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
    "10000-01-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00",
    "2026-01-01T00:00:00." + "1" * 5000 + "Z", "\u0662026-01-01T00:00:00Z",
]  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_strange_moments_break_no_search(wire, moment):
    inside = (
        f'<q:CreateDateTimeRange xmlns:b="{BASE4}"><b:From>{moment}</b:From><b:To>{moment}</b:To>'
        "</q:CreateDateTimeRange>"
    )
    answer = wire(CHED, find(inside))
    assert "IMG-9" not in answer


@pytest.mark.parametrize("value", [each for each in STRANGE if each.strip()])
def test_strange_searches_find_nothing_and_break_nothing(wire, value):
    wire.world.submit(ched_pp())
    for inside in (
        f"<q:LocalReference>{value}</q:LocalReference>",
        f"<q:CNCode>{value}</q:CNCode>",
        f"<q:BCPCodeOrUnLocode>{value}</q:BCPCodeOrUnLocode>",
        f"<q:Status>{value}</q:Status>",
    ):
        answer = wire(CHED, find(inside))
        assert "IMG-9" not in answer, answer[-500:]
        assert "ChedCertificateResult" not in answer


NODE = (
    f'<r:GetClassificationTreeNodeDetailRequest xmlns:r="{REF1}"><r:TreeID>chedpp</r:TreeID><r:Path>%s</r:Path>'
    "</r:GetClassificationTreeNodeDetailRequest>"
)
TREE = f'<r:GetClassificationTreeRequest xmlns:r="{REF1}"><r:TreeID>%s</r:TreeID></r:GetClassificationTreeRequest>'


@pytest.mark.parametrize("value", STRANGE)
def test_strange_paths_break_no_reference_data(wire, value):
    for body in (NODE, TREE):
        answer = wire(REFERENCE, body.replace("%s", value))
        assert wire.status.startswith("500")
        assert "IMG-9" not in answer, answer[-500:]


@pytest.mark.parametrize("role", ["traces", "transmission", "nobody", "officer ", "", "OFFICER"])
def test_a_seal_that_is_none_or_in_a_role_that_nobody_brings_is_refused(wire, role):
    reference = wire.world.submit(ched_pp()).reference
    certificate = serialise(element(replace(wire.world.stored(reference), decision=decision()))).decode()
    seal = f'<k:Seal role="{role}">PHg+</k:Seal>'
    body = f'<k:SubmitDecision xmlns:k="{CTRL1}">{certificate}{seal}</k:SubmitDecision>'
    answer = wire(CONTROL, body, identity=identity("AuthorityActivityAccessIdentifier", "AUNL0001"))
    assert "IMG-30" in answer or "IMG-42" in answer or "IMG-10" in answer, answer[-800:]
    assert wire.world.stored(reference).status_code == "1"


@pytest.mark.parametrize("number", ["0", "-1", "9" * 30, "1e3", "0x1", "1 OR 1=1", "", "\u0661"])
def test_strange_numbers_of_files_are_not_there(wire, number):
    body = (
        f'<a:GetCertificateAttachmentRequest xmlns:a="{ATT1}"><a:FileName>invoice.pdf</a:FileName>'
        f"<a:DocumentId>{number}</a:DocumentId></a:GetCertificateAttachmentRequest>"
    )
    answer = wire(ATTACHMENTS, body)
    assert wire.status.startswith(("500", "400"))
    assert "IMG-9" not in answer, answer[-500:]
