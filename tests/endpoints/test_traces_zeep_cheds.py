"""Foreign clients of the CHED services: zeep with what a running gateway publishes, every operation good and wrong."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique
sys.path.insert(0, str(Path(__file__).parents[1] / "ched"))

from ched_harness import arrival, decision
from traces_server import element, iso, new_a, new_pp

from gateway.documents.ched import Coded, read_ched
from gateway.sandbox.pki import Authority
from gateway.traces.contracts import CHED, CONTROL, SUBMISSION, SUBMISSION_01
from gateway.trust import SEALED_DOCUMENT_POLICY, verify_sealed
from gateway.xml.boundary import parse
from gateway.xml.names import CHED2, CHEDSUB1, CHEDSUB2, CTRL1, DS, ERR, SPS17, qn

NOWHERE = "CHEDPP.NL.2019.9999999"


@pytest.fixture(scope="module")
def of(pair):
    """``of(CHED)`` is a client of that service of the gateway in the role traces."""
    made = {}

    def get(contract):
        if contract.wsdl not in made:
            made[contract.wsdl] = pair.caller(contract)
        return made[contract.wsdl]

    return get


def text(value):
    """zeep gives simple content with attributes as an object, here with its value."""
    value = value[0] if isinstance(value, list) else value
    return value["_value_1"] if hasattr(value, "__values__") else value


def acknowledged(answer):
    return answer.body.SPSAcknowledgement.SPSAcknowledgementDocument


def reference_of(answer):
    return text(acknowledged(answer).ReferenceSPSReferencedDocument[0].ID)


def status_of(answer):
    return acknowledged(answer).StatusCode[0]["_value_1"]


def submit(of, ched, operation="createAndSubmitForDecision", contract=SUBMISSION, **options):
    client = of(contract)
    return client(operation, SPSCertificate=client.typed(ched), **options)


def submitted(of, ched, **options):
    return reference_of(submit(of, ched, **options))


def stored(of, reference):
    """The CHED as the service gives it, by the bytes of the reply."""
    client = of(CHED)
    client("getChedCertificate", ID=reference, body="commission")
    found = etree.fromstring(client.transport.got).find(f".//{qn(SPS17, 'SPSCertificate')}")
    return read_ched(parse(etree.tostring(found)).root)


def control(of, operation, ched, **options):
    client = of(CONTROL)
    return client(operation, SPSCertificate=client.typed(ched), **options).body


def decide(of, reference, code="ACCEPTABLE_FOR_INTERNAL_MARKET", **changes):
    """Part II with the signatures of the officer and of the authority over what is sent."""
    client = of(CONTROL)
    made = decision(code, signed=iso(datetime.now(UTC)), **changes)
    value = client.typed(replace(stored(of, reference), decision=made))
    document = as_zeep_sends(client, value)
    seals = [{"_value_1": client.seal(document, f"Invented {each}"), "role": each} for each in ("officer", "authority")]
    return client("submitDecision", SPSCertificate=value, Seal=seals, body="post").body


def as_zeep_sends(client, value):
    message = client.client.create_message(client.client.service, "submitDecision", SPSCertificate=value)
    return parse(etree.tostring(message.find(f".//{qn(SPS17, 'SPSCertificate')}"))).root


def follow_up(of, reference):
    made = replace(arrival(), signed=iso(datetime.now(UTC)))
    return control(of, "submitFollowUp", replace(stored(of, reference), follow_up=made), body="local")


@pytest.fixture(scope="module")
def known(of):
    """CHEDs in the statuses that the operations want."""
    new = submitted(of, new_pp(local_reference="ZEEP-NEW"))
    animal = submitted(of, new_a())
    accepted, refused = (submitted(of, new_pp()) for _ in range(2))
    decide(of, accepted)
    follow_up(of, accepted)
    decide(of, refused, "NOT_ACCEPTABLE")
    return SimpleNamespace(new=new, animal=animal, accepted=accepted, refused=refused)


# What is right


def gets(of, known):
    certificate = of(CHED)("getChedCertificate", ID=known.animal).body.SPSCertificate
    assert text(certificate.SPSExchangedDocument.ID) == known.animal
    line = certificate.SPSConsignment.IncludedSPSConsignmentItem[0].IncludedSPSTradeLineItem[1]
    assert "528210000000001" in str(line.AdditionalInformationSPSNote)


def tells_the_status(of, known):
    found = of(CHED)("getChedCertificateStatus", ID=known.refused).body
    assert (found.ID, found.Status["_value_1"], found.Status.name) == (known.refused, "41", "Rejected (Rejected)")


def gets_the_follow_up(of, known):
    found = of(CHED)("getChedFollowUp", ID=known.accepted, body="local").body
    assert (found.ID, bool(found.FollowUp)) == (known.accepted, True)
    assert "Officer At Arrival" in str(found.FollowUp)


def gets_the_non_compliance(of, known):
    found = of(CHED)("getChedNonComplianceDetails", ID=known.refused).body
    assert "PHYSICAL_HYGIENE_FAILURE" in str(found.NonCompliance)
    assert "DESTRUCTION" in str(found.NonCompliance)


def gets_laboratory_tests(of, known):
    client = of(CHED)
    client("getChedLaboratoryTests", ID=known.accepted)
    reply = etree.fromstring(client.transport.got).find(f".//{qn(CHED2, 'GetChedLaboratoryTestsResponse')}")
    assert list(reply) == []  # no test was ordered


def prints(of, known):
    file = of(CHED)("getChedPdfCertificate", ID=known.accepted).body
    assert pdf_in(file).startswith(b"%PDF-")


def prints_and_signs(of, known):
    file = of(CHED)("getChedSignedPdfCertificate", ID=known.accepted).body
    assert b"/ByteRange" in pdf_in(file)


def pdf_in(body):
    return body.Attachment["_value_1"]


def gets_the_sealed_file(of, known, pair):
    client = of(CHED)
    answer = client("getChedSignedXmlCertificate", ID=known.accepted).body
    content = pdf_in(answer)
    assert parse(content).root.find(f".//{qn(DS, 'Signature')}") is not None
    policy = replace(SEALED_DOCUMENT_POLICY, timestamp_required=True)
    sealed = verify_sealed(parse(content).root, policy=policy, trust=pair.trust("traces"), at=datetime.now(UTC))
    read = read_ched(sealed.root)
    assert (read.reference, read.status_code) == (known.accepted, "70")


def finds(of, known):
    now = datetime.now(UTC)
    results = of(CHED)(
        "findChedCertificate",
        Type=["PP"],
        LocalReference="ZEEP-NEW",
        CNCode=[{"_value_1": "0805"}],
        BCPCodeOrUnLocode="NLRTM",
        CountryOfOrigin="ZA",
        CreateDateTimeRange={"From": now - timedelta(hours=1), "To": now + timedelta(hours=1)},
        pageSize=5,
    ).body
    (result,) = results.ChedCertificateResult
    assert (result.ID, result.Status["_value_1"], result.BCPCode) == (known.new, "1", "NLRTM1")
    assert (results.pageSize, results.offset) == (5, 0)


def pages(of, known):
    """Page by page, each once, the newest first."""
    client, seen = of(CHED), []
    for offset in range(50):
        page = client("findChedCertificate", Type=["PP"], pageSize=1, offset=offset).body.ChedCertificateResult
        seen += [each.ID for each in page]
        if not page:
            break
    assert len(seen) == len(set(seen)) >= 3
    assert seen.index(known.refused) < seen.index(known.new)


def submits(of, _):
    client = of(SUBMISSION)
    answer = submit(of, new_pp())
    reference = reference_of(answer)
    assert reference.startswith(f"CHEDPP.NL.{datetime.now(UTC):%Y}.")
    assert acknowledged(answer).StatusCode[0].name == "To be done (New)"
    uri = etree.fromstring(client.transport.got).xpath("string(//@uri)")
    assert uri.endswith(f"/certificate/ched/{reference}")
    assert answer.header.message.ID == "WS_REQUEST_ID"


def drafts(of, _):
    """A draft may lack what a submission needs, and is submitted by its number."""
    answer = submit(of, new_pp(purposes=()), operation="createDraft")
    reference = reference_of(answer)
    assert status_of(answer) == "47"
    assert any(text(each).startswith("G4-PURPOSE I.20") for each in acknowledged(answer).ReasonInformation)
    again = submit(of, new_pp(reference=reference))
    assert (reference_of(again), status_of(again)) == (reference, "1")


def decides_in_progress(of, known):
    begun = replace(stored(of, submitted(of, new_pp())), decision=decision(signed="", conclusion=()))
    answer = submit(of, begun, operation="createAndSubmitDecisionAsInProgress", body="post")
    assert status_of(answer) == "42"
    ended = replace(begun, decision=decision(signed=iso(datetime.now(UTC))))
    answer = submit(of, ended, operation="createAndSubmitDecisionAsInProgress", body="post")
    assert (reference_of(answer), status_of(answer)) == (begun.reference, "70")


def first_form(operation):
    """The same by the first version of the service: other namespaces in the request and in the reply."""

    def good(of, _):
        options = {"operation": operation, "contract": SUBMISSION_01}
        if operation == "createAndSubmitDecisionAsInProgress":
            made = replace(stored(of, submitted(of, new_pp())), decision=decision(signed=iso(datetime.now(UTC))))
            answer = submit(of, made, body="post", **options)
        else:
            answer = submit(of, new_pp(), **options)
        transport = of(SUBMISSION_01).transport
        assert CHEDSUB1.encode() in transport.sent
        assert CHEDSUB1.encode() in transport.got
        assert CHEDSUB2.encode() not in transport.got
        assert status_of(answer) in {"47", "1", "70"}

    return good


def decides_with_signatures(of, _):
    reference = submitted(of, new_pp())
    receipt = decide(of, reference)
    assert (receipt.ID, receipt.StatusCode, receipt.Pending) == (reference, "70", None)
    assert not [each for each in receipt.Finding if each.Rule.startswith("R-41")]


def follows_up(of, _):
    reference = submitted(of, new_pp())
    decide(of, reference)
    assert (follow_up(of, reference).ID, follow_up(of, reference).StatusCode) == (reference, "70")


def amends(of, _):
    reference = submitted(of, new_pp(), operation="createDraft")
    receipt = control(of, "amendChed", replace(stored(of, reference), local_reference="AMENDED"))
    assert (receipt.ID, receipt.StatusCode, receipt.LocalReference) == (reference, "47", "AMENDED")


def cancels(of, _):
    reference = submitted(of, new_pp())
    receipt = of(CONTROL)("cancelChed", ID=reference, Reason="sold elsewhere").body
    assert (receipt.ID, receipt.StatusCode) == (reference, "64")


GOOD = {
    (CHED.wsdl, "getChedCertificate"): gets,
    (CHED.wsdl, "getChedFollowUp"): gets_the_follow_up,
    (CHED.wsdl, "getChedNonComplianceDetails"): gets_the_non_compliance,
    (CHED.wsdl, "getChedLaboratoryTests"): gets_laboratory_tests,
    (CHED.wsdl, "getChedPdfCertificate"): prints,
    (CHED.wsdl, "getChedSignedPdfCertificate"): prints_and_signs,
    (CHED.wsdl, "getChedSignedXmlCertificate"): gets_the_sealed_file,
    (CHED.wsdl, "findChedCertificate"): finds,
    (CHED.wsdl, "getChedCertificateStatus"): tells_the_status,
    (SUBMISSION.wsdl, "createDraft"): drafts,
    (SUBMISSION.wsdl, "createAndSubmitForDecision"): submits,
    (SUBMISSION.wsdl, "createAndSubmitDecisionAsInProgress"): decides_in_progress,
    **{(SUBMISSION_01.wsdl, each.name): first_form(each.name) for each in SUBMISSION_01.operations},
    (CONTROL.wsdl, "submitDecision"): decides_with_signatures,
    (CONTROL.wsdl, "submitFollowUp"): follows_up,
    (CONTROL.wsdl, "amendChed"): amends,
    (CONTROL.wsdl, "cancelChed"): cancels,
}
EVERY = [
    (each.wsdl, operation.name) for each in (CHED, SUBMISSION, SUBMISSION_01, CONTROL) for operation in each.operations
]


@pytest.mark.parametrize("operation", EVERY, ids="-".join)
def test_every_operation_is_performed(of, known, pair, operation):
    good = GOOD[operation]
    if "pair" in good.__code__.co_varnames[: good.__code__.co_argcount]:
        good(of, known, pair)
    else:
        good(of, known)


def test_results_come_page_by_page(of, known):
    pages(of, known)


def test_a_decision_without_signatures_says_what_is_missing(of):
    """``part_signatures = "recorded"``; no seal of TRACES is made over it."""
    reference = submitted(of, new_pp())
    made = replace(stored(of, reference), decision=decision(signed=iso(datetime.now(UTC))))
    receipt = control(of, "submitDecision", made, body="post")
    assert (receipt.StatusCode, {each.Rule for each in receipt.Finding} >= {"R-41-1"}) == ("70", True)
    said, detail, _ = refused(of, CHED, "getChedSignedXmlCertificate", ID=reference)
    assert (said, detail) == ("Signed CHED not available", qn(CHED2, "SignedChedNotAvailableException"))


# What is wrong


def refused(of, contract, operation, **parameters):
    """The fault's text, its typed detail, and the errors in it as (ID, field)."""
    said, detail = of(contract).fault(operation, **parameters)
    errors = [] if detail is None else [(e.findtext(qn(ERR, "ID")), e.findtext(qn(ERR, "Field"))) for e in detail]
    return said, None if detail is None else detail.tag, errors


@pytest.mark.parametrize("operation", [each.name for each in CHED.operations if each.name != "findChedCertificate"])
def test_a_ched_that_is_not_there(of, operation):
    _, detail, _ = refused(of, CHED, operation, ID=NOWHERE)
    assert detail == qn(CHED2, "ChedCertificateNotFoundException")
    assert NOWHERE.encode() in of(CHED).transport.got


@pytest.mark.parametrize("operation", [each.name for each in CHED.operations if each.name != "findChedCertificate"])
def test_a_ched_that_is_somebody_elses(of, known, operation):
    said, detail, _ = refused(of, CHED, operation, ID=known.new, body="stranger")
    assert (said, detail) == ("Permission denied", qn(CHED2, "ChedCertificatePermissionDeniedException"))


def test_what_is_somebody_elses_is_not_found_either(of, known):
    assert not of(CHED)("findChedCertificate", body="stranger").body.ChedCertificateResult


def test_criteria_that_are_none(of):
    said, detail, _ = refused(of, CHED, "findChedCertificate", pageSize=201)
    assert said.startswith("com.sun.istack.SAXParseException2; ")
    assert "IMG-3001" in said
    assert detail is None


@pytest.mark.parametrize("contract", [SUBMISSION, SUBMISSION_01], ids=["v2", "v01"])
def test_every_broken_rule_is_an_error_of_its_own(of, contract):
    broken = new_pp(purposes=(), post=None, consignor=None)
    said, detail, errors = refused(
        of, contract, "createAndSubmitForDecision", SPSCertificate=of(contract).typed(broken)
    )
    assert said == "Some business rules are not met"
    assert detail == qn(contract.namespace, "BusinessRulesValidationException")
    assert [(name, field.split()[0]) for name, field in errors] == [
        ("R-I1-M", "I.1"),
        ("R-I4-M", "I.4"),
        ("G4-PURPOSE", "I.20"),
    ]


@pytest.mark.parametrize("contract", [SUBMISSION, SUBMISSION_01], ids=["v2", "v01"])
@pytest.mark.parametrize("operation", [each.name for each in SUBMISSION.operations])
def test_part_i_of_somebody_else_is_not_taken(of, contract, operation):
    """Part I by an operator that is not named in it; Part II by one who is no post."""
    made = new_pp(decision=decision(signed=iso(datetime.now(UTC)))) if "Progress" in operation else new_pp()
    _, detail, errors = refused(of, contract, operation, SPSCertificate=of(contract).typed(made), body="stranger")
    assert detail == qn(contract.namespace, "BusinessRulesValidationException")
    assert errors == [("IMG-7211", "I.4") if "Progress" in operation else ("IMG-7210", "I.8")]


@pytest.mark.parametrize("contract", [SUBMISSION, SUBMISSION_01], ids=["v2", "v01"])
def test_a_body_of_somebody_elses_system(of, contract):
    client = of(contract)
    said, detail, errors = refused(
        of, contract, "createDraft", SPSCertificate=client.typed(new_pp()), body="no body of ours"
    )
    assert (said, errors[0][0]) == ("Permission denied", "IMG-2111")
    assert detail == qn(contract.namespace, "ChedCertificatePermissionDeniedException")


def test_a_decision_by_another_post(of, known):
    client = of(CONTROL)
    made = replace(stored(of, known.new), decision=decision(signed=iso(datetime.now(UTC))))
    said, detail, _ = refused(of, CONTROL, "submitDecision", SPSCertificate=client.typed(made), body="other post")
    assert (said, detail) == ("Permission denied", qn(CTRL1, "ChedPermissionDeniedException"))
    _, detail, errors = refused(of, CONTROL, "submitDecision", SPSCertificate=client.typed(made), body="central")
    assert (detail, errors) == (qn(CTRL1, "BusinessRulesValidationException"), [("IMG-7211", "I.4")])


def test_a_signature_over_something_else(of, known, pair):
    client = of(CONTROL)
    made = replace(stored(of, known.new), decision=decision(signed=iso(datetime.now(UTC))))
    seal = {"_value_1": pair.seal(element(new_pp())), "role": "officer"}
    _, detail, errors = refused(
        of, CONTROL, "submitDecision", SPSCertificate=client.typed(made), Seal=[seal], body="post"
    )
    assert detail == qn(CTRL1, "BusinessRulesValidationException")
    assert errors[0][0].startswith("IMG-4")


def test_a_seal_of_nobody_we_trust(of, known, pair):
    client = of(CONTROL)
    made = replace(stored(of, known.new), decision=decision(signed=iso(datetime.now(UTC))))
    value = client.typed(made)
    nobody = Authority("Elsewhere", now=pair.now)
    seal = {"_value_1": pair.seal(element(made), "Nobody", root=nobody), "role": "officer"}
    _, detail, errors = refused(of, CONTROL, "submitDecision", SPSCertificate=value, Seal=[seal], body="post")
    assert detail == qn(CTRL1, "BusinessRulesValidationException")
    assert errors[0][0].startswith("IMG-4")


def test_a_follow_up_by_the_operator(of, known):
    client = of(CONTROL)
    made = replace(stored(of, known.accepted), follow_up=arrival())
    _, detail, errors = refused(of, CONTROL, "submitFollowUp", SPSCertificate=client.typed(made))
    assert (detail, errors[0][0]) == (qn(CTRL1, "BusinessRulesValidationException"), "IMG-7212")


def test_an_amendment_of_what_is_decided(of, known):
    client = of(CONTROL)
    made = replace(stored(of, known.accepted), transport_conditions=Coded("FROZEN"))
    _, detail, errors = refused(of, CONTROL, "amendChed", SPSCertificate=client.typed(made))
    assert detail == qn(CTRL1, "BusinessRulesValidationException")
    assert errors[0][0] == "IMG-7202"


def test_what_is_decided_is_not_cancelled(of, known):
    _, detail, errors = refused(of, CONTROL, "cancelChed", ID=known.accepted, Reason="too late")
    assert (detail, errors[0][0]) == (qn(CTRL1, "BusinessRulesValidationException"), "IMG-7202")
    _, detail, _ = refused(of, CONTROL, "cancelChed", ID=NOWHERE, Reason="nothing there")
    assert detail == qn(CTRL1, "ChedNotFoundException")


def test_a_request_that_breaks_the_schema(of, pair):
    """zeep would not send it: by hand, with its own headers."""
    client = of(SUBMISSION)
    submit(of, new_pp())
    envelope = etree.fromstring(client.transport.sent)
    for element_ in envelope.iter("{*}SPSConsignment"):
        etree.SubElement(element_, qn(SPS17, "Surprise"))
    token = envelope.find(".//{*}Security")
    token.getparent().remove(token)
    client.client.wsse.apply(envelope, {})
    address = f"{pair.traces.address}{SUBMISSION.path}"
    client.transport.post(address, etree.tostring(envelope), {"Content-Type": "text/xml", "SOAPAction": '""'})
    fault = etree.fromstring(client.transport.got).find(".//{*}Fault")
    assert client.transport.status == 500
    assert fault.findtext("faultstring").startswith("com.sun.istack.SAXParseException2; ")
    assert "Surprise" in fault.findtext("faultstring")
    assert fault.find("detail") is None


def test_the_same_submission_again_is_the_same_ched(of):
    """A client that has lost the answer asks again: the receipt is the first one's (a message of its own)."""
    made = new_pp(local_reference="AGAIN")
    client = of(SUBMISSION)
    value = client.typed(made)
    first, second = (reference_of(client("createAndSubmitForDecision", SPSCertificate=value)) for _ in range(2))
    assert first == second
