"""The TRACES contracts as tables: paths, descriptions, schemas, operations with their actions (DIGEST 5).

Endpoints make ``soap.Contract`` of them, the client of another's service reads its actions from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.xml.names import ATT1, CHED2, CHEDSUB1, CHEDSUB2, CTRL1, DOCOM1, INTRA1, REF1, qn
from gateway.xml.schema_files import SchemaName

__all__ = [
    "ATTACHMENTS",
    "CHED",
    "CONTRACTS",
    "CONTROL",
    "DOCOM",
    "INTRA",
    "REFERENCE",
    "SUBMISSION",
    "SUBMISSION_01",
    "TracesContract",
    "TracesOperation",
]


@dataclass(frozen=True, slots=True)
class TracesOperation:
    """One operation."""

    name: str
    request: str
    """Name of the body element, ``{namespace}local``."""
    response: str
    own_action: str = ""
    """SOAPAction where it is not the operation's name."""
    other_actions: frozenset[str] = frozenset()
    """Further actions that clients name."""

    @property
    def action(self) -> str:
        """SOAPAction: the name, with the capital letters of TRACES, unless the contract has a URI."""
        return self.own_action or self.name


@dataclass(frozen=True, slots=True)
class TracesContract:
    """One service."""

    name: str
    """What partner records grant."""
    path: str
    wsdl: str
    schema: SchemaName
    namespace: str
    operations: tuple[TracesOperation, ...]

    def operation(self, name: str) -> TracesOperation:
        """One operation by its name; KeyError for another service's."""
        for each in self.operations:
            if each.name == name:
                return each
        raise KeyError(name)


_WS: Final = "/tracesnt/ws/"


def _contract(name: str, service: str, schema: SchemaName, namespace: str, **bodies: str) -> TracesContract:
    """A contract whose messages are named after their operation; ``bodies`` gives ``request`` or ``request/reply``."""
    operations = []
    for operation, body in bodies.items():
        request, _, reply = body.partition("/")
        reply = reply or f"{request.removesuffix('Request')}Response"
        operations.append(TracesOperation(operation, qn(namespace, request), qn(namespace, reply)))
    path = f"/{service}" if namespace == CTRL1 else f"{_WS}{service}"
    return TracesContract(name, path, f"{service}.wsdl", schema, namespace, tuple(operations))


CHED: Final = _contract(
    "ched-certificate",
    "ChedCertificateServiceV2",
    SchemaName.TRACES_CHED,
    CHED2,
    getChedCertificate="GetChedCertificateRequest",
    getChedFollowUp="GetChedFollowUpRequest",
    getChedNonComplianceDetails="GetChedNonComplianceDetailsRequest",
    getChedLaboratoryTests="GetChedLaboratoryTestsRequest",
    getChedPdfCertificate="GetChedPdfCertificateRequest",
    getChedSignedPdfCertificate="GetChedSignedPdfCertificateRequest",
    getChedSignedXmlCertificate="GetChedSignedXmlCertificateRequest",
    findChedCertificate="FindChedCertificateRequest",
    getChedCertificateStatus="GetChedCertificateStatusRequest",
)

_SUBMISSIONS: Final = {
    "createDraft": "CreateDraftChedRequest/SubmitChedResponse",
    "createAndSubmitForDecision": "CreateAndSubmitChedForDecisionRequest/SubmitChedResponse",
    "createAndSubmitDecisionAsInProgress": "CreateAndSubmitChedDecisionAsInProgressRequest/SubmitChedResponse",
}

SUBMISSION: Final = _contract(
    "ched-submission",
    "ChedCertificateSubmissionServiceV2",
    SchemaName.TRACES_CHED_SUBMISSION,
    CHEDSUB2,
    **_SUBMISSIONS,
)
SUBMISSION_01: Final = _contract(
    "ched-submission",
    "ChedCertificateSubmissionServiceV01",
    SchemaName.TRACES_CHED_SUBMISSION_01,
    CHEDSUB1,
    **_SUBMISSIONS,
)

INTRA: Final = _contract(
    "eu-intra",
    "EuIntraCertificateServiceV1",
    SchemaName.TRACES_INTRA,
    INTRA1,
    getEuIntraCertificate="GetEuIntraCertificateRequest",
    getEuIntraPdfCertificate="GetEuIntraPdfCertificateRequest",
    getEuIntraSignedPdfCertificate="GetEuIntraSignedPdfCertificateRequest",
    findEuIntraCertificate="FindEuIntraCertificateRequest",
    getEuIntraCertificateStatus="GetEuIntraCertificateStatusRequest",
)

DOCOM: Final = _contract(
    "docom",
    "DocomCertificateRetrievalServiceV1",
    SchemaName.TRACES_DOCOM,
    DOCOM1,
    getDocomCertificate="GetDocomCertificateRequest",
    getDocomPdfCertificate="GetDocomPdfCertificateRequest",
    findDocomCertificate="FindDocomCertificateRequest",
)

ATTACHMENTS: Final = _contract(
    "certificate-attachments",
    "CertificateAttachmentsV1",
    SchemaName.TRACES_ATTACHMENTS,
    ATT1,
    getCertificateAttachment="GetCertificateAttachmentRequest",
    submitCertificateAttachment="SubmitCertificateAttachmentRequest",
)

REFERENCE: Final = _contract(
    "reference-data",
    "ReferenceDataServiceV1",
    SchemaName.TRACES_REFERENCE,
    REF1,
    GetClassificationTrees="GetClassificationTreesRequest",
    getClassificationTree="GetClassificationTreeRequest",
    getClassificationTreeUpdates="GetClassificationTreeUpdatesRequest",
    getClassificationTreeNodeDetail="GetClassificationTreeNodeDetailRequest",
    getCertificateModel="GetCertificateModelRequest",
    getLaboratoryTestCategories="GetLaboratoryTestCategoriesRequest",
    getLaboratoryTests="GetLaboratoryTestsRequest",
    getClassificationSections="GetClassificationSectionsRequest",
    getMetadatas="GetMetadatasRequest",
)

CONTROL: Final = _contract(
    "ched-control",
    "ChedControl",
    SchemaName.CHED_CONTROL,
    CTRL1,
    submitDecision="SubmitDecision/ChedReceipt",
    submitFollowUp="SubmitFollowUp/ChedReceipt",
    amendChed="AmendChed/ChedReceipt",
    cancelChed="CancelChed/ChedReceipt",
)

CONTRACTS: Final = (CHED, SUBMISSION, SUBMISSION_01, INTRA, DOCOM, ATTACHMENTS, REFERENCE, CONTROL)
"""All of them; the two submissions share a grant."""
