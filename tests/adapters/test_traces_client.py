"""The client of TRACES NT against a gateway in its role, over a real socket: every operation, and every way to fail."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "ched"))

from ched_harness import PORTAL, ched_pp, element
from relay_harness import Traces

from adapters import DeliveryJob, DeliveryOutcome, open_adapter
from adapters.traces_nt import NOBODY, Caller, TracesBroken, TracesForbidden, TracesNtClient, TracesRefused
from adapters.traces_nt.calling import base_of
from gateway.access import DeliveryTarget
from gateway.documents.ched import read_ched
from gateway.errors import DeliveryError, catalogue
from gateway.soap.transport import UnusableReply
from gateway.store import DocumentKey, open_store
from gateway.traces.headers import BodyIdentity, BodyKind
from gateway.traces.models import Attachment, AttachmentReference, FindCertificates, FindChedCriteria
from gateway.traces.received_faults import FaultKind, TracesFault
from gateway.trust import BodySealer
from gateway.xml.canonical import serialise

SECRET = "a secret of the tests"
IMPORTER = Caller(BodyIdentity(BodyKind.OPERATOR, "OPNL0001"))
POST = Caller(BodyIdentity(BodyKind.AUTHORITY, "AUNL0001"))


@pytest.fixture
def traces(tmp_path, _sqlite_template, monkeypatch):
    monkeypatch.setenv("RELAY_TEST_SECRET", SECRET)
    file = tmp_path / "traces.db"
    file.write_bytes(_sqlite_template.read_bytes())
    with open_store(f"sqlite:///{file}", exclusive=True) as opened:
        other = Traces(opened)
        other.begin()
        yield other
        other.end()


def client_of(traces, **changes):
    target = DeliveryTarget("traces-nt", f"http://127.0.0.1:{traces.port}/tracesnt/ws", username="nl", **changes)
    signer = BodySealer(traces.world.sealer(traces.world.member.seal("Authority")))
    return TracesNtClient.open(target, SECRET, client_id="imsoc-nl", signer=signer, clock=lambda: traces.world.now)


@pytest.fixture
def client(traces):
    return client_of(traces)


def submitted(client, **changes):
    return client.submit_ched("createAndSubmitForDecision", serialise(element(ched_pp(**changes))), IMPORTER).reference


def test_a_ched_from_the_draft_to_the_counter_seal(client):
    draft = client.submit_ched("createDraft", serialise(element(ched_pp())), IMPORTER)
    assert (draft.status.code, draft.reference) == ("47", "CHEDPP.NL.2026.0000001")
    reference = submitted(client)
    there = client.ched(reference, IMPORTER)
    assert read_ched(there.root).reference == reference
    assert client.ched_status(reference, IMPORTER).status.code == "1"
    assert [each.reference for each in client.find_cheds(FindChedCriteria(statuses=("1",)), IMPORTER)] == [reference]
    assert client.ched_follow_up(reference, IMPORTER) is None
    assert client.ched_laboratory_tests(reference, IMPORTER) == ()
    assert client.ched_non_compliance(reference, IMPORTER).measures == ()
    ched = read_ched(there.root)
    from dataclasses import replace  # noqa: PLC0415 - used here alone

    from ched_harness import decision  # noqa: PLC0415

    decided = serialise(element(replace(ched, decision=decision())))
    answer = client.submit_ched("createAndSubmitDecisionAsInProgress", decided, POST)
    assert (answer.reference, answer.status.code) == (reference, "70")
    assert b"SignatureValue" in client.ched_signed_xml(reference, POST)


def test_our_own_contract_where_the_other_side_is_a_gateway(client):
    reference = submitted(client)
    document = serialise(client.ched(reference, IMPORTER).root)
    amended = client.control_document("amendChed", document, (), IMPORTER)
    assert (amended.reference, amended.status) == (reference, "1")
    assert client.cancel_ched(reference, "sold", IMPORTER).status == "64"
    with pytest.raises(TracesRefused) as refused:
        client.control_document("submitDecision", document, (), POST)
    assert refused.value.reply.kind is FaultKind.RULES
    with pytest.raises(TracesRefused):
        client.control_document("submitFollowUp", document, (), POST)


def test_attachments_go_up_and_come_back(client):
    file = Attachment("lab report.pdf", b"%PDF-1.7 \x00\xff" * 1000, "application/pdf")
    reference = client.submit_attachment(file, IMPORTER)
    assert reference.uri == f"uri:documentid:{reference.document_id}"
    back = client.attachment(reference, IMPORTER)
    assert (back.file_name, back.content) == (file.file_name, file.content)
    with pytest.raises(TracesRefused) as refused:
        client.attachment(AttachmentReference("none.pdf", 99), IMPORTER)
    assert refused.value.reply.kind is FaultKind.NOT_FOUND


def test_reference_data(client):
    trees = client.trees()
    assert {"cheda", "chedpp"} <= {tree.id for tree in trees}
    (root, *_) = client.tree("chedpp")
    node = root.children[0] if root.children else root
    assert client.node("chedpp", path=node.path).path == node.path
    assert client.sections()
    kinds = client.test_categories()
    assert kinds
    assert isinstance(client.reference_tests(kinds[0].code), tuple)
    assert isinstance(client.tree_updates("chedpp", client_day(client)), tuple)
    with pytest.raises(TracesRefused) as refused:
        client.tree("no-such-tree")
    assert refused.value.reply.kind is FaultKind.PERMISSION
    with pytest.raises(TracesRefused):
        client.metadatas("NO_SUCH_LIST")
    with pytest.raises(TracesRefused):
        client.certificate_model("NO-SUCH-MODEL")
    with pytest.raises(TracesRefused) as refused:
        client.node("chedpp", path="R/N-0")
    assert refused.value.reply.kind is FaultKind.NOT_FOUND


def client_day(_client):
    from ched_harness import NOW  # noqa: PLC0415 - used here alone

    return NOW - timedelta(days=1)


@pytest.mark.parametrize("name", ["intra", "intra_status", "intra_pdf", "docom", "docom_pdf"])
def test_a_certificate_that_is_not_there(client, name):
    reference = "DOCOM.NL.2026.0000001" if name.startswith("docom") else "INTRA.EU.NL.2026.0000001"
    with pytest.raises(TracesRefused) as refused:
        getattr(client, name)(reference, IMPORTER)
    assert refused.value.reply.kind is FaultKind.NOT_FOUND


def test_searches_for_certificates_that_find_nothing(client):
    assert client.find_intras(FindCertificates(), IMPORTER) == ()
    assert client.find_docoms(FindCertificates(), IMPORTER) == ()


def test_a_refusal_names_each_finding(client):
    with pytest.raises(TracesRefused, match="IMG-8022") as refused:
        submitted(client, purposes=(), transports_before=())
    reply = refused.value.reply
    assert reply.kind is FaultKind.RULES
    assert reply.errors
    assert all(each.id and each.message for each in reply.errors)
    assert refused.value.detail.startswith(b"<")


def test_an_account_that_is_not_known(traces):
    target = DeliveryTarget("traces-nt", f"http://127.0.0.1:{traces.port}", username="nl")
    wrong = TracesNtClient.open(target, "another secret", client_id="imsoc-nl", clock=lambda: traces.world.now)
    with pytest.raises(TracesForbidden, match="IMG-8020"):
        wrong.trees()


def test_a_door_that_stays_shut(client, traces):
    def shut(_environ, start_response):
        start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"no"]

    traces.application = shut
    with pytest.raises(TracesForbidden, match="IMG-8020"):
        client.trees()


def test_a_server_that_is_broken(client, traces):
    fault = (
        b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault><faultcode>S:Server'
        b"</faultcode><faultstring>Internal error</faultstring></S:Fault></S:Body></S:Envelope>"
    )

    def broken(_environ, start_response):
        start_response("500 Error", [("Content-Type", "text/xml"), ("Content-Length", str(len(fault)))])
        return [fault]

    traces.application = broken
    with pytest.raises(TracesBroken, match="IMG-8021"):
        client.trees()


def refusing(traces, told, *, fault="Client", reason="Words of the other side"):
    envelope = (
        '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault>'
        f"<faultcode>S:{fault}</faultcode><faultstring>{reason}</faultstring></S:Fault></S:Body></S:Envelope>"
    ).encode()

    def refuse(_environ, start_response):
        headers = [("Content-Type", "text/xml"), ("Content-Length", str(len(envelope)))]
        start_response("500 Error", headers + [("X-IMSOC-Error", each) for each in told])
        return [envelope]

    traces.application = refuse


def test_a_plain_refusal_of_a_gateway_is_named_by_its_code_in_our_words(client, traces):
    refusing(traces, ["IMG-1116"])
    with pytest.raises(TracesRefused) as refused:
        client.trees()
    title = catalogue()["IMG-1116"].title
    assert refused.value.code == "IMG-8022"
    assert refused.value.message == f"TRACES refused the request: IMG-1116 {title}"
    assert refused.value.found == "Words of the other side"


@pytest.mark.parametrize(
    ("fault", "reason", "code", "expected"),
    [
        ("Client", "UnauthenticatedException", "IMG-2011", "IMG-8020"),
        ("Server", "Internal error", "IMG-9001", "IMG-8021"),
    ],
)
def test_a_door_that_is_shut_and_a_server_that_is_broken_say_why_too(client, traces, fault, reason, code, expected):
    refusing(traces, [code], fault=fault, reason=reason)
    with pytest.raises(DeliveryError) as refused:
        client.trees()
    own, other = catalogue()[expected], catalogue()[code]
    assert (refused.value.code, refused.value.message) == (expected, f"{own.title}: {code} {other.title}")


def test_a_code_of_a_newer_gateway_is_named_without_a_title(client, traces):
    assert "IMG-9999" not in catalogue()
    refusing(traces, ["IMG-9999"])
    with pytest.raises(TracesRefused) as refused:
        client.trees()
    assert refused.value.message == "TRACES refused the request: IMG-9999"


@pytest.mark.parametrize(
    "told",
    [
        *([], [""], ["words"], ["IMG-111"], ["IMG-11166"], ["img-1116"], ["IMG-1116 and words"], ["XIMG-1116"]),
        *(["IMG-1116, IMG-1117"], ["IMG-1116", "IMG-1117"], ["IMG-" + "1" * 5000], ["IMG-\xb9\xb9\xb9\xb9"]),
    ],
)
def test_what_is_no_single_code_is_told_nobody(client, traces, told):
    refusing(traces, told)
    with pytest.raises(TracesRefused) as refused:
        client.trees()
    assert refused.value.message == "TRACES refused the request"


def test_a_gateway_in_the_role_of_traces_names_what_it_refused(client, traces):
    broken = TracesNtClient.open(
        DeliveryTarget("traces-nt", f"http://127.0.0.1:{traces.port}", username="nl", secret="env:RELAY_TEST_SECRET"),
        SECRET,
        client_id="",
        clock=lambda: traces.world.now,
    )
    with pytest.raises(DeliveryError) as refused:
        broken.trees()
    assert refused.value.message.partition(": ")[2].startswith("IMG-")


def test_an_answer_to_something_else_is_no_answer(client, traces):
    envelope = (
        b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><x xmlns="urn:x"/></S:Body>'
        b"</S:Envelope>"
    )

    def elsewhere(_environ, start_response):
        start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(envelope)))])
        return [envelope]

    traces.application = elsewhere
    with pytest.raises(UnusableReply, match="IMG-8003"):
        client.trees()


def test_an_answer_that_breaks_its_schema_leaves_the_outcome_open(client, traces):
    envelope = (
        b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><SubmitChedResponse '
        b'xmlns="http://ec.europa.eu/tracesnt/certificate/ched/submission/v2"/></S:Body></S:Envelope>'
    )

    def bare(_environ, start_response):
        start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(envelope)))])
        return [envelope]

    traces.application = bare
    with pytest.raises(UnusableReply, match="IMG-8003"):
        submitted(client)


def test_nobody_there(client, traces):
    traces.end()
    with pytest.raises(DeliveryError, match="IMG-8001"):
        client.trees(NOBODY)


def test_the_address_of_the_record_with_or_without_the_path():
    assert base_of("https://t.example/tracesnt/ws/") == base_of("https://t.example") == "https://t.example"
    assert base_of("https://t.example/acceptance/tracesnt/ws") == "https://t.example/acceptance"
    assert PORTAL


def test_documents_that_are_routed_to_traces_are_refused_with_the_reason():
    adapter = open_adapter(DeliveryTarget("traces-nt", "https://t.example"), "")
    job = DeliveryJob(
        id="d", partner="t", exchange_id="x", document=DocumentKey("AR", "851", "1"), status_code="70", sender="ar",
        attempt=1, deadline=client_day(None),
    )  # fmt: skip
    result = adapter.deliver(job)
    assert (result.outcome, result.code) == (DeliveryOutcome.REFUSED, "IMG-8024")
    assert "document_types" in result.detail
    assert adapter.resolve(job).outcome is DeliveryOutcome.ABSENT


def test_a_category_that_goes_away_in_between_is_asked_about_once_more(client, monkeypatch):
    kinds = client.test_categories()
    gone = TracesRefused(TracesFault(FaultKind.NOT_FOUND, "gone", "LaboratoryTestCategoryNotFoundException"), b"")
    asked = []

    def tests_of(category, _caller):
        asked.append(category)
        if len(asked) == 1:
            raise gone
        return ()

    monkeypatch.setattr(client, "reference_tests", tests_of)
    assert client.laboratory_tests() == (kinds, ())
    assert asked == [kinds[0].code, *(each.code for each in kinds)]
    monkeypatch.setattr(client, "reference_tests", raising(gone))
    with pytest.raises(TracesRefused):
        client.laboratory_tests()
    monkeypatch.setattr(client, "reference_tests", raising(TracesRefused(replace(gone.reply, element="Other"), b"")))
    with pytest.raises(TracesRefused, match="IMG-8022"):
        client.laboratory_tests()


def raising(error):
    def ask(*_):
        raise error

    return ask
