"""Two gateways, one national and one in the role traces: CHEDs, INTRA certificates and DOCOMs both ways.

Each reads the other's by the contract; a national system and a border post call their own gateway by zeep.
"""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique
sys.path.insert(0, str(Path(__file__).parents[1] / "ched"))

from ched_harness import BODIES, decision
from traces_server import SECRET, certificate, element, iso, new_a, new_pp, xml

from adapters.traces_nt import Caller, TracesNtClient
from gateway.access import DeliveryTarget
from gateway.documents.ched import read_ched
from gateway.traces.contracts import ATTACHMENTS, CHED, CONTROL, DOCOM, INTRA, SUBMISSION
from gateway.traces.headers import BodyIdentity, BodyKind
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.names import SPS17, qn


@pytest.fixture(scope="module")
def at_n(pair):
    """``at_n(CHED)``: the national system's client at its own gateway."""
    made = {}

    def get(contract):
        if contract.wsdl not in made:
            made[contract.wsdl] = pair.caller(contract, at=pair.national, username="nl-client")
        return made[contract.wsdl]

    return get


@pytest.fixture(scope="module")
def at_t(pair):
    """``at_t(CHED)``: a client at the gateway in the role traces."""
    made = {}

    def get(contract):
        if contract.wsdl not in made:
            made[contract.wsdl] = pair.caller(contract)
        return made[contract.wsdl]

    return get


def client_of(instance, username, pair):
    """Our own client, as the gateway itself has it."""
    target = DeliveryTarget(adapter="traces-nt", address=f"{instance.address}/tracesnt/ws", username=username)
    assert pair
    return TracesNtClient.open(target, SECRET, client_id="tests")


def by(name):
    body = BODIES[name]
    return Caller(BodyIdentity(BodyKind(body["kind"]), body["id"]))


def submit(client, ched, operation="createAndSubmitForDecision", **options):
    client(operation, SPSCertificate=client.typed(ched), **options)
    return etree.fromstring(client.transport.got).findtext(
        ".//{*}SPSAcknowledgementDocument/{*}ReferenceSPSReferencedDocument/{*}ID"
    )


def read(client, reference, body="importer"):
    client("getChedCertificate", ID=reference, body=body)
    found = etree.fromstring(client.transport.got).find(f".//{qn(SPS17, 'SPSCertificate')}")
    return read_ched(parse(etree.tostring(found)).root)


def canonical(root):
    return canonicalise(parse(etree.tostring(root)).root, algorithm=C14n.EXCLUSIVE)


@pytest.mark.parametrize("make", [new_pp, new_a], ids=["PP", "A"])
def test_a_ched_goes_up_is_decided_there_and_is_read_here(at_n, at_t, make):
    reference = submit(at_n(SUBMISSION), make())
    assert reference.startswith(("CHEDPP.NL.", "CHEDA.NL."))
    there = read(at_t(CHED), reference, "post")
    assert (there.status_code, there.reference) == ("1", reference)
    control = at_t(CONTROL)
    decided = replace(there, decision=decision(signed=iso(datetime.now(UTC))))
    control("submitDecision", SPSCertificate=control.typed(decided), body="post")
    here = read(at_n(CHED), reference)
    assert here == read(at_t(CHED), reference)
    assert (here.status_code, here.decision.conclusion[0].code) == ("70", "ACCEPTABLE_FOR_INTERNAL_MARKET")
    status = at_n(CHED)("getChedCertificateStatus", ID=reference).body
    assert (status.ID, status.Status["_value_1"]) == (reference, "70")
    found = at_n(CHED)("findChedCertificate", LocalReference=here.local_reference).body.ChedCertificateResult
    assert [each.ID for each in found] == [reference]


def test_a_national_decision_goes_up_and_comes_back_counter_sealed(at_n, at_t, pair):
    """Article 41(1)(b): transmitted under the seal of N; TRACES' own seal follows, and is verified."""
    reference = submit(at_n(SUBMISSION), new_pp())
    control = at_n(CONTROL)
    made = replace(read(at_n(CHED), reference), decision=decision(signed=iso(datetime.now(UTC))))
    value = control.typed(made)
    message = control.client.create_message(control.client.service, "submitDecision", SPSCertificate=value)
    document = parse(etree.tostring(message.find(f".//{qn(SPS17, 'SPSCertificate')}"))).root
    seals = [
        {"_value_1": control.seal(document, f"Invented {each}"), "role": each} for each in ("officer", "authority")
    ]
    receipt = control("submitDecision", SPSCertificate=value, Seal=seals, body="post").body
    assert (receipt.ID, receipt.StatusCode) == (reference, "70")
    assert read(at_t(CHED), reference, "post").decision.conclusion[0].code == "ACCEPTABLE_FOR_INTERNAL_MARKET"
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        shown = pair.imsoc(pair.national, "ched", "show", reference)
        if not shown["pending"]:
            break
        time.sleep(0.3)
    assert shown["pending"] == ""
    assert "traces" in {each["role"] for each in shown["seals"]}
    sealed = at_n(CHED)("getChedSignedXmlCertificate", ID=reference).body.Attachment["_value_1"]
    assert sealed == at_t(CHED)("getChedSignedXmlCertificate", ID=reference).body.Attachment["_value_1"]


def test_traces_reads_a_national_ched_by_the_same_contract(at_n, pair):
    """The other way: who has an account at N reads there what N handed in."""
    reference = submit(at_n(SUBMISSION), new_pp())
    client = client_of(pair.national, "nl-client", pair)
    got = client.ched(reference, by("importer"))
    assert read_ched(got.root).reference == reference
    assert client.ched_status(reference, by("importer")).status.code == "1"


def test_a_ched_that_breaks_rules_is_refused_here_as_it_is_there(at_n, at_t):
    broken = new_pp(purposes=(), post=None, consignor=None)
    answers = []
    for client in (at_n(SUBMISSION), at_t(SUBMISSION)):
        said, detail = client.fault("createAndSubmitForDecision", SPSCertificate=client.typed(broken))
        answers.append((said, detail.tag, [(e.findtext("{*}ID"), e.findtext("{*}Field")) for e in detail]))
    assert answers[0] == answers[1]
    assert len(answers[0][2]) == 3


CERTIFICATES = [
    (INTRA, "getEuIntraCertificate", "INTRA.EU.NL.2026.0000{}"),
    (DOCOM, "getDocomCertificate", "DOCOM.NL.2026.0000{}"),
]


@pytest.mark.parametrize(("contract", "operation", "number"), CERTIFICATES, ids=["INTRA", "DOCOM"])
def test_the_national_system_reads_what_traces_has(pair, at_n, contract, operation, number):
    made = certificate(number.format(101), local_reference=f"AT-T-{contract.name}")
    pair.take(pair.traces, made)
    client = at_n(contract)
    client(operation, ID=made.reference)
    served = etree.fromstring(client.transport.got).find(f".//{qn(contract.namespace, 'SPSCertificate')}")
    assert list(map(canonical, served)) == list(map(canonical, element(made)))
    find = operation.replace("get", "find")
    results = client(find, LocalReference=made.local_reference).body
    assert made.reference in str(results)


@pytest.mark.parametrize(("contract", "operation", "number"), CERTIFICATES, ids=["INTRA", "DOCOM"])
def test_traces_reads_what_the_national_gateway_has(pair, at_t, at_n, contract, operation, number):
    """`imsoc certificates fetch`, both ways: by the contract that the other serves, kept, and served again."""
    made = certificate(number.format(202), local_reference=f"AT-N-{contract.name}")
    pair.take(pair.national, made)
    assert made.reference in str(at_n(contract)(operation.replace("get", "find"), LocalReference=made.local_reference))
    copy = pair.folder / f"copy-{contract.name}.xml"
    fetched = pair.imsoc(
        pair.traces, "certificates", "fetch", "nl-gateway", made.reference, "--body", "authority:EC000001",
        "--content", copy,
    )  # fmt: skip
    assert (fetched["reference"], fetched["partner"]) == (made.reference, "nl-gateway")
    assert read_ched(parse(copy.read_bytes()).root) == read_ched(parse(xml(made)).root)
    listed = pair.imsoc(pair.traces, "certificates", "list", "--type", contract.name[-5:].strip("-eu"))["certificates"]
    assert made.reference in {each["reference"] for each in listed}
    client = at_t(contract)
    client(operation, ID=made.reference)
    served = etree.fromstring(client.transport.got).find(f".//{qn(contract.namespace, 'SPSCertificate')}")
    assert list(map(canonical, served)) == list(map(canonical, element(made)))


def test_a_fetch_that_cannot_be(pair):
    nowhere = "INTRA.EU.NL.2019.0000001"
    told = pair.imsoc(
        pair.traces, "certificates", "fetch", "nl-gateway", nowhere, "--body", "authority:EC000001", code=1
    )
    assert "IMG-7201" in told
    assert "IMG-0101" in pair.imsoc(pair.traces, "certificates", "fetch", "nobody", nowhere, code=2)
    assert "IMG-0123" in pair.imsoc(pair.traces, "certificates", "fetch", "be-system", nowhere, code=2)
    assert "IMG-7201" in pair.imsoc(pair.traces, "certificates", "fetch", "nl-gateway", "CHEDA.NL.2026.1", code=1)
    assert "IMG-0106" in pair.imsoc(pair.traces, "certificates", "fetch", "nl-gateway", nowhere, "--body", "x", code=2)
    assert "IMG-0106" in pair.imsoc(pair.traces, "certificates", "list", "--type", "CHED", code=2)


def test_a_file_that_cannot_be_taken(pair):
    assert "IMG-0104" in pair.imsoc(pair.traces, "certificates", "take", pair.folder / "nowhere.xml", code=2)
    file = pair.folder / "none.xml"
    file.write_bytes(b"<nothing/>")
    assert "IMG-3001" in pair.imsoc(pair.traces, "certificates", "take", file, code=1)
    file.write_bytes(xml(new_pp(reference="CHEDPP.NL.2026.9")))
    assert "IMG-7201" in pair.imsoc(pair.traces, "certificates", "take", file, code=1)


def test_the_same_file_again_changes_nothing_and_another_version_takes_its_place(pair, at_t):
    made = certificate("INTRA.EU.NL.2026.0000303")
    first = pair.take(pair.traces, made)
    assert pair.take(pair.traces, made) == first
    pair.take(pair.traces, replace(made, status_code="64"))
    found = at_t(INTRA)("getEuIntraCertificateStatus", ID=made.reference).body
    assert found.Status["_value_1"] == "64"


def test_a_reply_of_traces_is_taken_with_its_laboratory_tests(pair, at_t):
    made = certificate("INTRA.EU.NL.2026.0000404")
    envelope = etree.Element("Envelope")
    envelope.append(element(made))
    tests = etree.SubElement(envelope, qn(INTRA.namespace, "SPSConsignmentItemLaboratoryTest"))
    lab = "http://ec.europa.eu/tracesnt/certificate/laboratorytest/v1"
    etree.SubElement(tests, qn(lab, "NatureIdentificationSPSCargo"))
    file = pair.folder / "reply.xml"
    file.write_bytes(etree.tostring(envelope))
    pair.imsoc(pair.traces, "certificates", "take", file)
    client = at_t(INTRA)
    client("getEuIntraCertificate", ID=made.reference)
    assert b"NatureIdentificationSPSCargo" in client.transport.got


def test_a_file_goes_up_with_the_ched_that_cites_it_and_is_read_on_both_sides(at_n, at_t):
    stored = at_n(ATTACHMENTS)(
        "submitCertificateAttachment", Attachment=b"%PDF invented", fileName="a.pdf", contentType="application/pdf"
    ).body
    (document,) = new_pp().documents
    cited = replace(document, attachment=f"uri:documentid:{stored.DocumentId}", file_name="a.pdf")
    submit(at_n(SUBMISSION), new_pp(documents=(cited,)))
    asked = {"FileName": "a.pdf", "DocumentId": stored.DocumentId, "body": "post"}
    for client in (at_t(ATTACHMENTS), at_n(ATTACHMENTS)):
        assert client("getCertificateAttachment", **asked).body.Attachment == b"%PDF invented"
