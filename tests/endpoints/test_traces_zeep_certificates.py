"""Foreign clients of the other TRACES services: INTRA, DOCOM, attachments, reference data; zeep against a process."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique

from traces_server import certificate, element, new_pp

from gateway.traces.contracts import ATTACHMENTS, DOCOM, INTRA, REFERENCE, SUBMISSION
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.names import ATT1, DOCOM1, ERR, INTRA1, REF1, SOAP12, qn

NUMBERS = {INTRA: "INTRA.EU.NL.2026.0000017", DOCOM: "DOCOM.NL.2026.0000017"}
NAMES = {INTRA: "EuIntra", DOCOM: "Docom"}
NOWHERE = {INTRA: "INTRA.EU.NL.2019.9999999", DOCOM: "DOCOM.NL.2019.9999999"}
both = pytest.mark.parametrize("contract", [INTRA, DOCOM], ids=["intra", "docom"])


@pytest.fixture(scope="module")
def kept(pair):
    """One of each, taken over by the operator of the gateway in the role traces."""
    made = {contract: certificate(number, local_reference="NL-17") for contract, number in NUMBERS.items()}
    for each in made.values():
        assert pair.take(pair.traces, each)["reference"] == each.reference
    return made


@pytest.fixture(scope="module")
def of(pair, kept):
    made = {}

    def get(contract):
        if contract.wsdl not in made:
            made[contract.wsdl] = pair.caller(contract)
        return made[contract.wsdl]

    return get


def refused(of, contract, operation, **parameters):
    """The fault's text, its typed detail, and the IDs of the errors in it."""
    said, detail = of(contract).fault(operation, **parameters)
    errors = [] if detail is None else [each.findtext(qn(ERR, "ID")) for each in detail]
    return said, None if detail is None else detail.tag, errors


def named(contract, middle):
    """The operation ``getEuIntra…`` or ``getDocom…``; None where the service has none."""
    kind, _, rest = middle.partition("*")
    name = f"{kind}{NAMES[contract]}{rest}"
    return name if name in {each.name for each in contract.operations} else None


ABOUT_ONE = ("get*Certificate", "get*CertificateStatus", "get*PdfCertificate", "get*SignedPdfCertificate")
ONES = [
    (contract, name)
    for contract in (INTRA, DOCOM)
    for name in (named(contract, each) for each in ABOUT_ONE)
    if name is not None
]
each_one = pytest.mark.parametrize(("contract", "operation"), ONES, ids=[name for _, name in ONES])


def test_every_operation_is_looked_at():
    for contract in (INTRA, DOCOM):
        about_one = {name for each, name in ONES if each is contract}
        assert about_one | {named(contract, "find*Certificate")} == {each.name for each in contract.operations}


@both
def test_a_certificate_comes_with_its_root_in_the_services_namespace(of, kept, contract):
    client = of(contract)
    body = client(named(contract, "get*Certificate"), ID=NUMBERS[contract]).body
    assert NUMBERS[contract] in str(body.SPSCertificate.SPSExchangedDocument.ID)
    served = etree.fromstring(client.transport.got).find(f".//{qn(contract.namespace, 'SPSCertificate')}")
    children = [canonicalise(parse(etree.tostring(each)).root, algorithm=C14n.EXCLUSIVE) for each in served]
    assert children == [
        canonicalise(parse(etree.tostring(each)).root, algorithm=C14n.EXCLUSIVE) for each in element(kept[contract])
    ]


def test_the_status_of_an_intra_certificate(of):
    found = of(INTRA)("getEuIntraCertificateStatus", ID=NUMBERS[INTRA]).body
    assert (found.ID, found.Status["_value_1"]) == (NUMBERS[INTRA], "70")


@pytest.mark.parametrize(("contract", "operation"), [each for each in ONES if "Pdf" in each[1]])
def test_a_printable_form(of, contract, operation):
    content = of(contract)(operation, ID=NUMBERS[contract]).body.Attachment["_value_1"]
    assert content.startswith(b"%PDF-")
    assert (b"/ByteRange" in content) == ("Signed" in operation)


@both
def test_what_criteria_find(of, contract):
    now = datetime.now(UTC)
    criteria = {
        "Status": ["70", "86"],
        "LocalReference": "NL-17",
        "CNCode": [{"_value_1": "080510"}],
        "CountryOfIssuance": "NL",
        "CountryOfDestination": "DE",
        "UpdateDateTimeRange": {"From": now - timedelta(hours=1), "To": now + timedelta(hours=1)},
        "pageSize": 10,
    }
    find = named(contract, "find*Certificate")
    (result,) = of(contract)(find, **criteria).body[f"{NAMES[contract]}CertificateResult"]
    assert (result.ID, result.ConsigneeName) == (NUMBERS[contract], "Invented importer")
    assert not of(contract)(find, **criteria, offset=1).body[f"{NAMES[contract]}CertificateResult"]
    assert not of(contract)(find, **{**criteria, "CountryOfIssuance": "FR"}).body[f"{NAMES[contract]}CertificateResult"]


@each_one
def test_one_that_is_not_there(of, contract, operation):
    _, detail, _ = refused(of, contract, operation, ID=NOWHERE[contract])
    assert detail == qn(contract.namespace, f"{NAMES[contract]}CertificateNotFoundException")


@each_one
def test_one_that_is_somebody_elses(of, contract, operation):
    said, detail, _ = refused(of, contract, operation, ID=NUMBERS[contract], body="stranger")
    assert said == "Permission denied"
    assert detail == qn(contract.namespace, f"{NAMES[contract]}CertificatePermissionDeniedException")


@both
def test_one_that_is_somebody_elses_is_not_found(of, contract):
    find = named(contract, "find*Certificate")
    assert not of(contract)(find, body="stranger").body[f"{NAMES[contract]}CertificateResult"]


@both
def test_criteria_that_are_none(of, contract):
    said, detail, _ = refused(of, contract, named(contract, "find*Certificate"), pageSize=0)
    assert (said.startswith("com.sun.istack.SAXParseException2; "), detail) == (True, None)


def test_a_number_that_is_too_short_breaks_the_schema(of):
    said, detail, _ = refused(of, INTRA, "getEuIntraCertificate", ID="")
    assert "cvc-minLength-valid" in said
    assert detail is None


def test_a_number_of_the_other_kind_is_none_of_this(of):
    _, detail, _ = refused(of, INTRA, "getEuIntraCertificate", ID=NUMBERS[DOCOM])
    assert detail == qn(INTRA1, "EuIntraCertificateNotFoundException")
    _, detail, _ = refused(of, DOCOM, "getDocomCertificate", ID=NUMBERS[INTRA])
    assert detail == qn(DOCOM1, "DocomCertificateNotFoundException")


# Attachments


FILE = {"Attachment": b"%PDF-1.7 invented \x00\xff", "fileName": "phyto.pdf", "contentType": "application/pdf"}


def test_a_file_up_and_down(of):
    client = of(ATTACHMENTS)
    stored = client("submitCertificateAttachment", **FILE).body
    assert stored.FileName == "phyto.pdf"
    assert etree.fromstring(client.transport.got).tag == qn(SOAP12, "Envelope")
    found = client("getCertificateAttachment", FileName="phyto.pdf", DocumentId=stored.DocumentId).body
    assert (found.Attachment, found.fileName, found.contentType) == (
        FILE["Attachment"],
        "phyto.pdf",
        "application/pdf",
    )
    assert abs(found.createdOn - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_file_that_a_ched_cites_is_read_by_who_reads_the_ched(of):
    """First the file, then the CHED that cites it: the receipt cites it too, and the post may fetch it."""
    stored = of(ATTACHMENTS)("submitCertificateAttachment", **FILE).body
    asked = {"FileName": "phyto.pdf", "DocumentId": stored.DocumentId}
    said, detail, errors = refused(of, ATTACHMENTS, "getCertificateAttachment", **asked, body="post")
    assert (said, detail, errors) == ("Permission denied", qn(ATT1, "PermissionDeniedException"), ["IMG-2110"])
    cited = new_pp()
    (document,) = cited.documents
    uri = f"uri:documentid:{stored.DocumentId}"
    client = of(SUBMISSION)
    made = new_pp(documents=(replaced(document, attachment=uri, file_name="phyto.pdf"),))
    client("createAndSubmitForDecision", SPSCertificate=client.typed(made))
    assert uri in etree.fromstring(client.transport.got).xpath("//@uri")
    assert of(ATTACHMENTS)("getCertificateAttachment", **asked, body="post").body.Attachment == FILE["Attachment"]
    refused(of, ATTACHMENTS, "getCertificateAttachment", **asked, body="stranger")


def replaced(value, **changes):
    from dataclasses import replace  # noqa: PLC0415 - used here alone

    return replace(value, **changes)


def test_a_file_that_is_not_there(of):
    for asked in ({"FileName": "phyto.pdf", "DocumentId": 999999}, {"FileName": "another.pdf", "DocumentId": 1}):
        _, detail, errors = refused(of, ATTACHMENTS, "getCertificateAttachment", **asked)
        assert (detail, errors) == (qn(ATT1, "CertificateAttachmentNotFoundException"), ["IMG-7302"])


def test_a_file_without_a_name_or_without_content(of):
    for wrong in ({**FILE, "fileName": None}, {**FILE, "Attachment": b""}):
        _, detail, errors = refused(of, ATTACHMENTS, "submitCertificateAttachment", **wrong)
        assert (detail, errors) == (qn(ATT1, "IllegalParametersException"), ["IMG-7301"])


# Reference data: what is right is asked in test_traces_reference_zeep.py


WRONG = {
    "getClassificationTree": ({"TreeID": "nowhere"}, "PermissionDeniedException"),
    "getClassificationTreeUpdates": (
        {"TreeID": "nowhere", "UpdatedSince": datetime(2026, 1, 1, tzinfo=UTC)},
        "PermissionDeniedException",
    ),
    "getClassificationTreeNodeDetail": ({"TreeID": "cheda", "Path": "R/N-0"}, "NodeNotFoundException"),
    "getCertificateModel": ({"ModelID": "0"}, "ModelNotFoundException"),
    "getLaboratoryTests": ({"CategoryCode": "NOWHERE"}, "LaboratoryTestCategoryNotFoundException"),
    "getMetadatas": ({"MetadataType": "NOWHERE"}, "InvalidMetadataTypeException"),
}
RIGHT = {"GetClassificationTrees", "getClassificationSections", "getLaboratoryTestCategories"}
"""They take nothing that could be wrong, but who asks."""


@pytest.mark.parametrize("operation", WRONG)
def test_reference_data_that_is_not_there(of, operation):
    asked, element_ = WRONG[operation]
    _, detail, _ = refused(of, REFERENCE, operation, **asked, body=None)
    assert detail == qn(REF1, element_)


@pytest.mark.parametrize("operation", sorted(RIGHT))
def test_reference_data_for_who_has_no_grant(of, pair, operation):
    assert WRONG.keys() | RIGHT == {each.name for each in REFERENCE.operations}
    assert of(REFERENCE)(operation, body=None).body
    said, detail = pair.caller(REFERENCE, username="no-grants").fault(operation, body=None)
    assert (said, detail.tag) == ("Permission denied", qn(REF1, "PermissionDeniedException"))
