"""Every request and reply of the TRACES services: written by us it is valid and is read back as it was meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.documents.ched.models import (
    AccompanyingDocument,
    Address,
    ChedClass,
    ChedParty,
    Coded,
    ControlPost,
    FollowUp,
    Redispatch,
    Transport,
)
from gateway.traces import (
    wire_attachments,
    wire_certificates,
    wire_ched,
    wire_control,
    wire_followup,
    wire_laboratory,
    wire_reference,
    wire_submission,
)
from gateway.traces.contracts import ATTACHMENTS, CHED, CONTROL, DOCOM, INTRA, REFERENCE, SUBMISSION, SUBMISSION_01
from gateway.traces.models import (
    Attachment,
    AttachmentReference,
    CertificateFile,
    CertificateModel,
    ChedAcknowledgement,
    ChedStatus,
    ChedSummary,
    CnFilter,
    ControlReceipt,
    DateTimeRange,
    FindCertificates,
    FindChedCriteria,
    IntraSummary,
    ItemTests,
    LaboratoryAnalysis,
    LaboratoryTest,
    Metadata,
    NodeAttribute,
    NodeColumn,
    NonCompliance,
    NonComplianceFinding,
    ProductTests,
    ReceiptFinding,
    ReferenceTest,
    ReferenceTestCategory,
    Scope,
    SealFile,
    Section,
    TaxonReference,
    Tree,
    TreeNode,
    TreeUpdate,
)
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise
from gateway.xml.names import CHED2, CHEDSUB1, CHEDSUB2, DOCOM1, INTRA1, RAM21, SPS17, qn
from gateway.xml.schemas import explain, is_valid

pytestmark = pytest.mark.short

AT = datetime(2026, 9, 14, 10, 32, 0, 125_000, tzinfo=UTC)
RANGE = DateTimeRange(AT, AT + timedelta(days=2))
REFERENCE_OF = "CHEDPP.NL.2026.0000017"
CERTIFICATE = (
    f'<s:SPSCertificate xmlns:s="{SPS17}" xmlns:r="{RAM21}"><s:SPSExchangedDocument><r:ID>{REFERENCE_OF}</r:ID>'
    "</s:SPSExchangedDocument><s:SPSConsignment/></s:SPSCertificate>"
).encode()
GOODS = ChedClass("CN", "080510", (("en", "Edible fruit"), ("en", "Oranges")), "CN Code")
PARTY = ChedParty(
    "NL123456789",
    "eori_number",
    "Voorbeeld Fruit Import B.V.",
    "CN",
    (Coded("IMPORTER", "Importer", list_id="operator_activity_type"),),
    Address(("Kade 1", "Loods 3"), "3011 AA", "Rotterdam", "NL", "Netherlands", "Zuid-Holland"),
    "A. Voorbeeld",
    "NL-1234",
)
POST = ControlPost("NLRTM1", "authority_activity_id", "NL", "Rotterdam", "NLRTM1", "Maasvlakte", "Kade 9", "NLRTM")
LABORATORY = (
    ItemTests(
        (Coded("12", "General cargo"),),
        (
            ProductTests(
                GOODS,
                (
                    LaboratoryTest(
                        "LAB-1",
                        "42",
                        "Residues",
                        "en",
                        Coded("RESIDUES", "Residues"),
                        Coded("RANDOM", "Random"),
                        Coded("SATISFACTORY", "Satisfactory"),
                        (
                            LaboratoryAnalysis(
                                Coded("A", "Analysis"),
                                "2026-09-14T10:00:00Z",
                                "B-7",
                                "3",
                                Coded("FRUIT"),
                                Coded("COLD"),
                                PARTY,
                                "2026-09-15",
                                "2026-09-18",
                                "LC-MS",
                                "below 0.01 mg/kg",
                                Coded("NEGATIVE"),
                            ),
                        ),
                    ),
                ),
            ),
            ProductTests(None, (LaboratoryTest(),)),
        ),
    ),
    ItemTests(),
)
NODE = TreeNode(
    "R/N-1",
    "nomenclature",
    selectable=False,
    description="Edible fruit",
    cn_code="08",
    children=(
        TreeNode("R/N-1/L-2", "label", selectable=False, description="Citrus", children=()),
        TreeNode(
            "R/N-1/C-3",
            "certificate_model",
            selectable=True,
            description="Model X",
            model=CertificateModel("3", "X", "Model X", "en", AT, AT),
        ),
    ),
)
DETAIL = TreeNode(
    "R/N-1/N-9",
    "nomenclature",
    selectable=True,
    description="Oranges",
    cn_code="080510",
    attributes=(
        NodeAttribute("FieldAccess", "CERTIFIED_AS_ACCESS", "Certified as", values=("MANDATORY",)),
        NodeAttribute("Allowed", "BULK", "Bulk", values=("DISALLOWED",)),
        NodeAttribute("Cardinality", "SEVERAL", "Several", values=("MANDATORY_MULTIPLE",)),
        NodeAttribute("MandatoryNotApplicable", "M", "M", values=("MANDATORY",)),
        NodeAttribute("Boolean", "B", "B", values=("true",)),
        NodeAttribute("Integer", "I", "I", values=("3",)),
        NodeAttribute("EnumSingle", "E", "E", values=("A",)),
        NodeAttribute("EnumCollection", "EE", "EE", values=("A", "B")),
        NodeAttribute("SelectableDocumentLink", "D", "D", values=("CERTIFICATE_PHYTOSANITARY",)),
        NodeAttribute("ClassificationSection", "S", "S", values=("REG-TRANS", "OTH-OPER")),
        NodeAttribute("Taxon", "T", "T", taxa=(TaxonReference("Citrus sinensis", "7", "CIDSI", "x", "la"),)),
        NodeAttribute(
            "DescriptorColumn", "C", "C", columns=(NodeColumn("QUANTITY", "QUANTITY", "Quantity", "MANDATORY"),)
        ),
    ),
)
CRITERIA = FindChedCriteria(
    types=("PP", "P"),
    statuses=("1", "42"),
    purpose="INTERNAL_MARKET",
    transshipped=True,
    transfer=False,
    plant_health_non_compliance=True,
    pending_laboratory_tests=False,
    requires_follow_up=True,
    digitally_signed=False,
    local_reference="NVWA-1",
    phyto_reference="AR-1",
    phyto_local_reference="AR-L-1",
    cn_codes=(CnFilter("0805"), CnFilter("080510", exact=True)),
    post="NLRTM1",
    country_of_issuance="NL",
    country_of_entry="NL",
    country_of_dispatch="AR",
    country_of_origin="ZA",
    country_of_destination="DE",
    country_of_transfer_control_point="BE",
    country_of_consignor="AR",
    country_of_consignee="NL",
    created=RANGE,
    updated=RANGE,
    status_changed=RANGE,
    declared=RANGE,
    decided=RANGE,
    prior_notification=RANGE,
    page_size=200,
    offset=400,
)
SUMMARY = ChedSummary(
    Coded("PP", "CHED-PP", list_id="ched_type"),
    REFERENCE_OF,
    "NVWA-1",
    Coded("1", "To be done (New)"),
    GOODS,
    "NLRTM1",
    "NLRTM",
    "NL",
    "ZA",
    "DE",
    "AR",
    "Citrícola <Inventada>",
    "NL",
    "Voorbeeld & Zoon",
    AT,
    AT,
    AT,
    AT,
    AT,
)
BARE_SUMMARY = ChedSummary(Coded("D", "CHED-D", list_id="ched_type"), "CHEDD.NL.2026.0000001", "", Coded("47"))
FIND = FindCertificates(
    ("70",), "L", (CnFilter("01"),), "NL", "NL", "BE", "NL", "BE", "NL", "NL", RANGE, RANGE, RANGE, RANGE, 7, 14
)
INTRA_SUMMARY = IntraSummary(
    "INTRA.EU.NL.2026.0000001",
    Coded("70", "Issued (Valid)"),
    "L-1",
    has_controls=True,
    commodity=GOODS,
    created=AT,
    updated=AT,
    status_changed=AT,
    declared=AT,
    certified=AT,
    central_authority="NL0000",
    local_authority="NL0001",
    country_of_issuance="NL",
    country_of_consignor="NL",
    country_of_consignee="BE",
    countries_of_origin=("NL", "DE"),
    country_of_destination="BE",
    country_of_dispatch="NL",
    country_of_loading="NL",
    consignor_name="Een",
    consignee_name="Twee",
)
RECEIPT = ChedAcknowledgement(
    REFERENCE_OF,
    f"https://traces.invalid/certificate/ched/{REFERENCE_OF}",
    Coded("1", "To be done (New)"),
    AT,
    ("Message has been successfully processed", "R-I5: the code is not the post's own"),
    (
        AccompanyingDocument(
            Coded("851", "Phytosanitary certificate"), "ZZZ", "AR-1", "AR", attachment="uri:documentid:7", file_name="a"
        ),
        AccompanyingDocument(Coded("730"), "BM", "CMR-1", scheme="BEFORE_BCP"),
    ),
)
STATUS = ChedStatus(REFERENCE_OF, Coded("70", "Issued (Validated)"), AT, AT)
FILE = CertificateFile(b"%PDF-1.7\n\x00\xff", f"{REFERENCE_OF}-en.pdf", url="https://traces.invalid/x.pdf")
FOLLOW_UP = FollowUp(
    Redispatch(
        Transport(Coded("3"), "NL-AB-12", "road_vehicle_registration", "NL", "Netherlands", "-"),
        "AR",
        POST,
        "2026-09-20",
    ),
    PARTY,
    Coded("EXIT_POST"),
    Coded("YES"),
    Coded("NO"),
    Coded("OUTCOME", "Outcome"),
    (Coded("A"), Coded("B", "Bee")),
    "One box is missing",
    PARTY,
    "2026-09-21T08:00:00Z",
)
NON_COMPLIANCE = NonCompliance(
    REFERENCE_OF,
    Coded("NOT_ACCEPTABLE", "Not acceptable"),
    (NonComplianceFinding(Coded("PESTS", "Harmful organisms"), "080510", "Two larvae"),),
    (Coded("DESTRUCTION"),),
    "2026-10-01",
    PARTY,
    "2026-09-15T09:00:00Z",
)
SECTION = Section(
    "REG-TRANS",
    "Registered transporter",
    Scope("veterinary", "Animal"),
    lms=True,
    scopes=(Scope("EU", "European Union"),),
    activities=(Metadata("transporter", "Transporter", "OPERATOR_ACTIVITY_TYPE"),),
)
ATTACHMENT = Attachment("a.pdf", b"%PDF \x00", "application/pdf", AT)
CONTROL_RECEIPT = ControlReceipt(
    REFERENCE_OF, "NVWA-1", "70", "01J", "counter-seal", (ReceiptFinding("R-I5", "WARNING", "text", "I.5"),)
)
SEALS = (SealFile("officer", b"<a/>"), SealFile("authority", b"\x00\xff"))

METADATA = (Metadata("A", "Aa", "L"), Metadata("B", "Bb", "L", "fr", active=False))
TREES = (Tree("cheda", "CHED-A"), Tree("chedpp", "CHED-PP", "fr"))
UPDATES = (TreeUpdate("R/N-1", "UPDATED", AT),)
CATEGORIES = (ReferenceTestCategory("RESIDUES", "Residues"),)
TESTS = (ReferenceTest("42", "Residues of X", "RESIDUES"), ReferenceTest("43", "Y", "RESIDUES", active=False))

EACH = [
    # contract, element, bytes, reader, value
    (
        CHED,
        "FindChedCertificateRequest",
        wire_ched.find_ched_request(CRITERIA),
        wire_ched.read_find_ched_request,
        CRITERIA,
    ),
    (
        CHED,
        "FindChedCertificateRequest",
        wire_ched.find_ched_request(FindChedCriteria()),
        wire_ched.read_find_ched_request,
        FindChedCriteria(),
    ),
    (
        CHED,
        "FindChedCertificateResponse",
        wire_ched.find_ched_response((SUMMARY, BARE_SUMMARY), 100, 0),
        wire_ched.read_find_ched_response,
        (SUMMARY, BARE_SUMMARY),
    ),
    (
        CHED,
        "FindChedCertificateResponse",
        wire_ched.find_ched_response((), 1, 5),
        wire_ched.read_find_ched_response,
        (),
    ),
    (
        CHED,
        "GetChedCertificateStatusResponse",
        wire_ched.status_response(qn(CHED2, "GetChedCertificateStatusResponse"), STATUS),
        wire_ched.read_status_response,
        STATUS,
    ),
    *(
        (
            CHED,
            CHED.operation(name).response.rpartition("}")[2],
            wire_ched.file_response(CHED.operation(name).response, FILE),
            wire_ched.read_file_response,
            FILE,
        )
        for name in ("getChedPdfCertificate", "getChedSignedPdfCertificate", "getChedSignedXmlCertificate")
    ),
    (
        CHED,
        "GetChedLaboratoryTestsResponse",
        wire_laboratory.laboratory_response(wire_laboratory.laboratory_blocks(LABORATORY, CHED2)),
        wire_laboratory.read_laboratory_blocks,
        LABORATORY,
    ),
    (
        CHED,
        "GetChedLaboratoryTestsResponse",
        wire_laboratory.laboratory_response(b""),
        wire_laboratory.read_laboratory_blocks,
        (),
    ),
    (
        CHED,
        "GetChedFollowUpResponse",
        wire_followup.follow_up_response(REFERENCE_OF, FOLLOW_UP),
        wire_followup.read_follow_up_response,
        (REFERENCE_OF, FOLLOW_UP),
    ),
    (
        CHED,
        "GetChedFollowUpResponse",
        wire_followup.follow_up_response(REFERENCE_OF, None),
        wire_followup.read_follow_up_response,
        (REFERENCE_OF, None),
    ),
    (
        CHED,
        "GetChedFollowUpResponse",
        wire_followup.follow_up_response(REFERENCE_OF, FollowUp()),
        wire_followup.read_follow_up_response,
        (REFERENCE_OF, FollowUp()),
    ),
    (
        CHED,
        "GetChedNonComplianceDetailsResponse",
        wire_followup.non_compliance_response(NON_COMPLIANCE),
        wire_followup.read_non_compliance_response,
        NON_COMPLIANCE,
    ),
    (
        CHED,
        "GetChedNonComplianceDetailsResponse",
        wire_followup.non_compliance_response(NonCompliance("X")),
        wire_followup.read_non_compliance_response,
        NonCompliance("X"),
    ),
    (
        SUBMISSION,
        "SubmitChedResponse",
        wire_submission.submit_response(RECEIPT),
        wire_submission.read_submit_response,
        RECEIPT,
    ),
    (
        SUBMISSION_01,
        "SubmitChedResponse",
        wire_submission.submit_response(RECEIPT, CHEDSUB1),
        wire_submission.read_submit_response,
        RECEIPT,
    ),
    (
        SUBMISSION,
        "SubmitChedResponse",
        wire_submission.submit_response(replace(RECEIPT, reference="", local_reference="NVWA-1", documents=())),
        wire_submission.read_submit_response,
        replace(RECEIPT, reference="", local_reference="NVWA-1", documents=()),
    ),
    *(
        (
            contract,
            f"Find{name}CertificateRequest",
            wire_certificates.find_request(criteria, namespace),
            wire_certificates.read_find_request,
            criteria,
        )
        for contract, name, namespace in ((INTRA, "EuIntra", INTRA1), (DOCOM, "Docom", DOCOM1))
        for criteria in (FIND, FindCertificates())
    ),
    *(
        (
            contract,
            f"Find{name}CertificateResponse",
            wire_certificates.find_response((INTRA_SUMMARY,), 100, 0, namespace),
            wire_certificates.read_find_response,
            (INTRA_SUMMARY,),
        )
        for contract, name, namespace in ((INTRA, "EuIntra", INTRA1), (DOCOM, "Docom", DOCOM1))
    ),
    (
        INTRA,
        "GetEuIntraCertificateStatusResponse",
        wire_ched.status_response(qn(INTRA1, "GetEuIntraCertificateStatusResponse"), STATUS),
        wire_ched.read_status_response,
        STATUS,
    ),
    *(
        (
            contract,
            contract.operation(name).response.rpartition("}")[2],
            wire_ched.file_response(contract.operation(name).response, FILE),
            wire_ched.read_file_response,
            FILE,
        )
        for contract, name in (
            (INTRA, "getEuIntraPdfCertificate"),
            (INTRA, "getEuIntraSignedPdfCertificate"),
            (DOCOM, "getDocomPdfCertificate"),
        )
    ),
    (
        ATTACHMENTS,
        "GetCertificateAttachmentRequest",
        wire_attachments.get_attachment_request(AttachmentReference("a.pdf", 773896)),
        wire_attachments.read_get_attachment_request,
        AttachmentReference("a.pdf", 773896),
    ),
    (
        ATTACHMENTS,
        "GetCertificateAttachmentResponse",
        wire_attachments.get_attachment_response(ATTACHMENT),
        wire_attachments.read_get_attachment_response,
        ATTACHMENT,
    ),
    (
        ATTACHMENTS,
        "SubmitCertificateAttachmentRequest",
        wire_attachments.submit_attachment_request(ATTACHMENT),
        wire_attachments.read_submit_attachment_request,
        replace(ATTACHMENT, created=None),
    ),
    (
        ATTACHMENTS,
        "SubmitCertificateAttachmentRequest",
        wire_attachments.submit_attachment_request(Attachment("a", b"")),
        wire_attachments.read_submit_attachment_request,
        Attachment("a", b""),
    ),
    (
        ATTACHMENTS,
        "SubmitCertificateAttachmentResponse",
        wire_attachments.submit_attachment_response(AttachmentReference("a.pdf", 7)),
        wire_attachments.read_submit_attachment_response,
        AttachmentReference("a.pdf", 7),
    ),
    (
        REFERENCE,
        "GetClassificationTreesResponse",
        wire_reference.trees_response(TREES),
        wire_reference.read_trees_response,
        TREES,
    ),
    (
        REFERENCE,
        "GetClassificationTreeRequest",
        wire_reference.tree_request("cheda"),
        wire_reference.read_tree_request,
        "cheda",
    ),
    (
        REFERENCE,
        "GetClassificationTreeResponse",
        wire_reference.tree_response((NODE, NODE)),
        wire_reference.read_tree_response,
        (NODE, NODE),
    ),
    (
        REFERENCE,
        "GetClassificationTreeNodeDetailRequest",
        wire_reference.node_request("cheda", path="R/N-1"),
        wire_reference.read_node_request,
        ("cheda", "R/N-1", ""),
    ),
    (
        REFERENCE,
        "GetClassificationTreeNodeDetailRequest",
        wire_reference.node_request("cheda", cn_code="0101"),
        wire_reference.read_node_request,
        ("cheda", "", "0101"),
    ),
    (
        REFERENCE,
        "GetClassificationTreeNodeDetailResponse",
        wire_reference.node_response(DETAIL),
        wire_reference.read_node_response,
        DETAIL,
    ),
    (
        REFERENCE,
        "GetClassificationTreeUpdatesRequest",
        wire_reference.updates_request("cheda", AT),
        wire_reference.read_updates_request,
        ("cheda", AT),
    ),
    (
        REFERENCE,
        "GetClassificationTreeUpdatesResponse",
        wire_reference.updates_response(UPDATES),
        wire_reference.read_updates_response,
        UPDATES,
    ),
    (
        REFERENCE,
        "GetCertificateModelRequest",
        wire_reference.model_request("11978"),
        wire_reference.read_model_request,
        "11978",
    ),
    (
        REFERENCE,
        "GetCertificateModelResponse",
        wire_reference.model_response(CertificateModel("3", "X", "Model X", "en", AT, AT)),
        wire_reference.read_model_response,
        CertificateModel("3", "X", "Model X", "en", AT, AT),
    ),
    (
        REFERENCE,
        "GetClassificationSectionsResponse",
        wire_reference.sections_response((SECTION,)),
        wire_reference.read_sections_response,
        (SECTION,),
    ),
    (
        REFERENCE,
        "GetMetadatasRequest",
        wire_reference.metadatas_request("L"),
        wire_reference.read_metadatas_request,
        "L",
    ),
    (
        REFERENCE,
        "GetMetadatasResponse",
        wire_reference.metadatas_response(METADATA),
        wire_reference.read_metadatas_response,
        METADATA,
    ),
    (
        REFERENCE,
        "GetLaboratoryTestCategoriesResponse",
        wire_reference.categories_response(CATEGORIES),
        wire_reference.read_categories_response,
        CATEGORIES,
    ),
    (
        REFERENCE,
        "GetLaboratoryTestsRequest",
        wire_reference.tests_request("RESIDUES"),
        wire_reference.read_tests_request,
        "RESIDUES",
    ),
    (
        REFERENCE,
        "GetLaboratoryTestsResponse",
        wire_reference.tests_response(TESTS),
        wire_reference.read_tests_response,
        TESTS,
    ),
    (
        CONTROL,
        "CancelChed",
        wire_control.cancel_request(REFERENCE_OF, "Not coming"),
        wire_control.read_cancel_request,
        (REFERENCE_OF, "Not coming"),
    ),
    (
        CONTROL,
        "ChedReceipt",
        wire_control.control_receipt(CONTROL_RECEIPT),
        wire_control.read_control_receipt,
        CONTROL_RECEIPT,
    ),
    (
        CONTROL,
        "ChedReceipt",
        wire_control.control_receipt(ControlReceipt("", "", "47", "01J")),
        wire_control.read_control_receipt,
        ControlReceipt("", "", "47", "01J"),
    ),
]


@pytest.mark.parametrize(
    ("contract", "element", "written", "reader", "value"),
    EACH,
    ids=[f"{row[0].name}-{row[1]}-{index}" for index, row in enumerate(EACH)],
)
def test_what_is_written_is_valid_and_read_back(contract, element, written, reader, value):
    root = parse(written).root
    assert root.tag == qn(contract.namespace, element)
    assert valid(contract, root)
    assert reader(root) == value


def valid(contract, root):
    return is_valid(contract.schema, root) or pytest.fail(str(explain(contract.schema, root, allow_slow=True)))


IDENTIFIED = [
    (contract, operation)
    for contract in (CHED, INTRA, DOCOM)
    for operation in contract.operations
    if not operation.name.startswith("find")
]


@pytest.mark.parametrize(("contract", "operation"), IDENTIFIED, ids=[row[1].name for row in IDENTIFIED])
def test_a_request_about_one_certificate_holds_its_id(contract, operation):
    root = parse(wire_ched.id_request(operation.request, " INTRA.EU.NL.2026.0000001\n")).root
    assert valid(contract, root)
    assert wire_ched.read_id_request(root) == "INTRA.EU.NL.2026.0000001"


@pytest.mark.parametrize(
    "local", ["GetClassificationTrees", "GetClassificationSections", "GetLaboratoryTestCategories"]
)
def test_a_request_without_content_is_valid(local):
    assert valid(REFERENCE, parse(wire_reference.empty_request(f"{local}Request")).root)


@pytest.mark.parametrize(
    "certificate",
    [CERTIFICATE, b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n' + CERTIFICATE],
    ids=["bare", "with-declaration"],
)
def test_a_certificate_is_spliced_byte_by_byte(certificate):
    for written in (
        wire_ched.get_ched_response(certificate),
        wire_submission.submission_request("createDraft", certificate),
        wire_control.decision_request(certificate, SEALS),
        wire_control.follow_up_request(certificate),
        wire_control.amend_request(certificate),
    ):
        assert CERTIFICATE in written
        parse(written)


def test_a_ched_comes_with_its_laboratory_tests():
    blocks = wire_laboratory.laboratory_blocks(LABORATORY, CHED2)
    root = parse(wire_ched.get_ched_response(CERTIFICATE, blocks)).root
    assert valid(CHED, root)
    certificate, found = wire_ched.read_get_ched_response(root)
    assert certificate.tag == wire_ched.CERTIFICATE
    assert len(found) == len(LABORATORY)
    assert wire_laboratory.read_laboratory_blocks(root) == LABORATORY
    assert valid(CHED, parse(wire_ched.get_ched_response(CERTIFICATE)).root)


@pytest.mark.parametrize("contract", [SUBMISSION, SUBMISSION_01], ids=["v2", "v01"])
@pytest.mark.parametrize("operation", [each.name for each in SUBMISSION.operations])
def test_a_submission_holds_the_certificate_in_either_version(contract, operation):
    root = parse(wire_submission.submission_request(operation, CERTIFICATE, contract.namespace)).root
    assert root.tag == contract.operation(operation).request
    assert valid(contract, root)
    assert wire_submission.read_submission_request(root).tag == wire_ched.CERTIFICATE
    assert contract.operation(operation).response == qn(contract.namespace, "SubmitChedResponse")


def test_a_decision_and_a_follow_up_carry_signed_copies():
    for written in (
        wire_control.decision_request(CERTIFICATE, SEALS),
        wire_control.follow_up_request(CERTIFICATE, SEALS),
    ):
        root = parse(written).root
        assert valid(CONTROL, root)
        certificate, seals = wire_control.read_sealed_request(root)
        assert certificate.tag == wire_ched.CERTIFICATE
        assert seals == SEALS
    root = parse(wire_control.amend_request(CERTIFICATE)).root
    assert valid(CONTROL, root)
    assert wire_control.read_amend_request(root).tag == wire_ched.CERTIFICATE


@pytest.mark.parametrize(("contract", "namespace"), [(INTRA, INTRA1), (DOCOM, DOCOM1)], ids=["intra", "docom"])
def test_a_certificate_changes_its_root_on_the_way_and_back(contract, namespace):
    document = parse(CERTIFICATE).root
    before = canonicalise(document, algorithm=C14n.EXCLUSIVE)
    blocks = wire_laboratory.laboratory_blocks(LABORATORY, namespace)
    root = parse(wire_certificates.get_response(document, namespace, blocks)).root
    assert valid(contract, root)
    assert root[0].tag == qn(namespace, "SPSCertificate")
    assert root[0][0].tag == qn(SPS17, "SPSExchangedDocument")
    again = wire_certificates.read_get_response(root)
    assert canonicalise(again, algorithm=C14n.EXCLUSIVE) == before
    assert canonicalise(document, algorithm=C14n.EXCLUSIVE) == before, "the document itself stays as it is"
    assert wire_laboratory.read_laboratory_blocks(root) == LABORATORY


def test_a_file_can_travel_beside_the_envelope():
    include = b'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:1@x"/>'
    written = wire_attachments.get_attachment_response(ATTACHMENT, include)
    assert written.count(include) == 1
    assert b"JVBERi" not in written
    root = parse(written).root
    assert root.get("fileName") == "a.pdf"
    assert root.get(qn("http://www.w3.org/2005/05/xmlmime", "contentType")) == "application/pdf"


def test_moments_are_written_in_utc_with_milliseconds_and_read_from_any_offset():
    there = AT.astimezone(timezone(timedelta(hours=2)))
    written = wire_ched.find_ched_response((replace(SUMMARY, created=there),), 100, 0)
    assert b"<ched2:CreateDateTime>2026-09-14T10:32:00.125Z</ched2:CreateDateTime>" in written
    for text in (b"2026-09-14T12:32:00.125+02:00", b"2026-09-14T10:32:00.125", b" 2026-09-14T10:32:00.125000000Z "):
        other = written.replace(b"2026-09-14T10:32:00.125Z", text)
        assert wire_ched.read_find_ched_response(parse(other).root)[0].created == AT


def test_what_xml_cannot_carry_is_replaced():
    written = wire_control.cancel_request("X", "a\x00b\ud800c")
    assert wire_control.read_cancel_request(parse(written).root) == ("X", "a�b�c")


def test_the_reference_of_an_attachment_is_what_a_ched_cites():
    assert AttachmentReference("a.pdf", 773896).uri == "uri:documentid:773896"


def test_submit_response_is_of_the_namespace_that_was_asked():
    assert parse(wire_submission.submit_response(RECEIPT)).root[0].tag == qn(CHEDSUB2, "SPSAcknowledgement")
