"""A client of TRACES NT, or of a gateway in its role: its public services as typed methods (DIGEST 5).

zeep reads our own descriptions and gives the bindings and the actions; requests are written and replies read by
``gateway.traces``, because zeep re-renders what must keep its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self

from adapters.traces_nt.calling import NOBODY, Services
from adapters.traces_nt.faults import TracesRefused
from adapters.traces_nt.limits import REPLY_LIMITS
from gateway.errors import DeliveryError, SchemaInvalid
from gateway.soap.transport import UnusableReply
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
from gateway.traces.contracts import ATTACHMENTS, CHED, CONTROL, DOCOM, INTRA, REFERENCE, SUBMISSION
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from lxml.etree import _Element

    from adapters.opening import Target
    from adapters.traces_nt.calling import Caller
    from gateway.documents.ched import FollowUp
    from gateway.soap import BodySigner
    from gateway.soap.client import Reply
    from gateway.traces.contracts import TracesContract
    from gateway.traces.models import (
        Attachment,
        AttachmentReference,
        CertificateFile,
        CertificateModel,
        ChedAcknowledgement,
        ChedStatus,
        ChedSummary,
        ControlReceipt,
        FindCertificates,
        FindChedCriteria,
        IntraSummary,
        ItemTests,
        Metadata,
        NonCompliance,
        ReferenceTest,
        ReferenceTestCategory,
        SealFile,
        Section,
        Tree,
        TreeNode,
        TreeUpdate,
    )

    T = TypeVar("T")

__all__ = ["Retrieved", "TracesNtClient"]

SIGNED: Final = "createAndSubmitDecisionAsInProgress"
"""The transmission of a national e-CHED bears the authority's seal (Article 41(1)(b))."""

_NO_CATEGORY: Final = "LaboratoryTestCategoryNotFoundException"
_NOTHING_THERE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE})


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A certificate as TRACES gave it."""

    root: _Element
    """``SPSCertificate`` in the tree of the reply; of INTRA and DOCOM a copy with its root as everywhere else."""
    laboratory_tests: bytes = b""
    """The blocks beside it, serialised; empty when there are none."""


class TracesNtClient:
    """The services of one TRACES, for one account. Safe to share between threads.

    Every method takes for whom it asks, and raises:
        DeliveryError: IMG-8001 or IMG-8007 nothing was sent; IMG-8002 sent and the answer lost.
        UnusableReply: IMG-8003 an answer that is not the contract's.
        TracesForbidden: IMG-8020 TRACES does not know our account.
        TracesBroken: IMG-8021 TRACES cannot do it now.
        TracesRefused: IMG-8022 TRACES refused.

    Args:
        services: at the address of the record.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    @classmethod
    def open(
        cls,
        target: Target,
        secret: str,
        *,
        client_id: str,
        signer: BodySigner | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """From a partner record.

        Args:
            target: the delivery part of the record; its address is the one before ``/tracesnt/ws``, or with it.
            secret: of the account.
            client_id: WebServiceClientId that was registered with the account.
            signer: seals the transmission of decisions; without it they leave without a signature.
            clock: aware UTC.

        Raises:
            ConfigurationError: IMG-0120 a TLS file is not there.
        """
        return cls(Services.at(target, secret, client_id=client_id, signer=signer, limits=REPLY_LIMITS, clock=clock))

    # --- CHED: ChedCertificateServiceV2 ---

    def ched(self, reference: str, caller: Caller = NOBODY) -> Retrieved:
        """``getChedCertificate``."""
        return self._ask(CHED, "getChedCertificate", reference, caller, _retrieved)

    def ched_status(self, reference: str, caller: Caller = NOBODY) -> ChedStatus:
        """``getChedCertificateStatus``."""
        return self._ask(CHED, "getChedCertificateStatus", reference, caller, wire_ched.read_status_response)

    def find_cheds(self, criteria: FindChedCriteria, caller: Caller = NOBODY) -> tuple[ChedSummary, ...]:
        """``findChedCertificate``: one page, newest first."""
        body = wire_ched.find_ched_request(criteria)
        return self._do(CHED, "findChedCertificate", body, caller, wire_ched.read_find_ched_response)

    def ched_pdf(self, reference: str, caller: Caller = NOBODY, *, signed: bool = False) -> CertificateFile:
        """``getChedPdfCertificate`` or getChedSignedPdfCertificate."""
        operation = "getChedSignedPdfCertificate" if signed else "getChedPdfCertificate"
        return self._ask(CHED, operation, reference, caller, wire_ched.read_file_response)

    def ched_signed_xml(self, reference: str, caller: Caller = NOBODY) -> bytes:
        """``getChedSignedXmlCertificate``: the CHED under TRACES' seal (Article 41(2))."""
        file = self._ask(CHED, "getChedSignedXmlCertificate", reference, caller, wire_ched.read_file_response)
        return file.content

    def ched_follow_up(self, reference: str, caller: Caller = NOBODY) -> FollowUp | None:
        """``getChedFollowUp``: Part III; None as long as there is none."""
        return self._ask(CHED, "getChedFollowUp", reference, caller, wire_followup.read_follow_up_response)[1]

    def ched_non_compliance(self, reference: str, caller: Caller = NOBODY) -> NonCompliance:
        """``getChedNonComplianceDetails``."""
        reader = wire_followup.read_non_compliance_response
        return self._ask(CHED, "getChedNonComplianceDetails", reference, caller, reader)

    def ched_laboratory_tests(self, reference: str, caller: Caller = NOBODY) -> tuple[ItemTests, ...]:
        """``getChedLaboratoryTests``."""
        return self._ask(CHED, "getChedLaboratoryTests", reference, caller, wire_laboratory.read_laboratory_blocks)

    # --- CHED: ChedCertificateSubmissionServiceV2 ---

    def submit_ched(self, operation: str, certificate: bytes, caller: Caller) -> ChedAcknowledgement:
        """``createDraft``, createAndSubmitForDecision or createAndSubmitDecisionAsInProgress.

        Args:
            operation: which of the three.
            certificate: ``SPSCertificate``, serialised; leaves as it is.
            caller: with the body that submits: TRACES takes nothing without.
        """
        body = wire_submission.submission_request(operation, certificate)
        return self._do(
            SUBMISSION, operation, body, caller, wire_submission.read_submit_response, signed=operation == SIGNED
        )

    # --- CHED: ChedControl, where the other side is a gateway ---

    def control_document(
        self,
        operation: str,
        certificate: bytes,
        seals: Sequence[SealFile],
        caller: Caller,
        tests: Sequence[ItemTests] = (),
    ) -> ControlReceipt:
        """``submitDecision``, ``submitFollowUp`` or ``amendChed``; an amendment takes neither seals nor tests."""
        if operation == "amendChed":
            body = wire_control.amend_request(certificate)
        elif operation == "submitFollowUp":
            body = wire_control.follow_up_request(certificate, seals, tests)
        else:
            body = wire_control.decision_request(certificate, seals, tests)
        return self._control(operation, body, caller)

    def cancel_ched(self, reference: str, reason: str, caller: Caller) -> ControlReceipt:
        """``cancelChed``."""
        return self._control("cancelChed", wire_control.cancel_request(reference, reason), caller)

    def _control(self, operation: str, body: bytes, caller: Caller) -> ControlReceipt:
        """Call our own contract; TRACES itself has nothing at its address.

        Raises:
            DeliveryError: IMG-8023 nothing answers there.
        """
        try:
            return self._do(CONTROL, operation, body, caller, wire_control.read_control_receipt)
        except UnusableReply as unusable:
            if unusable.status in _NOTHING_THERE:
                raise DeliveryError("IMG-8023", where=operation, found=f"HTTP {unusable.status}") from unusable
            raise

    # --- INTRA: EuIntraCertificateServiceV1 ---

    def intra(self, reference: str, caller: Caller = NOBODY) -> Retrieved:
        """``getEuIntraCertificate``."""
        return self._ask(INTRA, "getEuIntraCertificate", reference, caller, _wrapped)

    def intra_status(self, reference: str, caller: Caller = NOBODY) -> ChedStatus:
        """``getEuIntraCertificateStatus``."""
        return self._ask(INTRA, "getEuIntraCertificateStatus", reference, caller, wire_ched.read_status_response)

    def find_intras(self, criteria: FindCertificates, caller: Caller = NOBODY) -> tuple[IntraSummary, ...]:
        """``findEuIntraCertificate``: one page."""
        body = wire_certificates.find_request(criteria, INTRA.namespace)
        return self._do(INTRA, "findEuIntraCertificate", body, caller, wire_certificates.read_find_response)

    def intra_pdf(self, reference: str, caller: Caller = NOBODY, *, signed: bool = False) -> CertificateFile:
        """``getEuIntraPdfCertificate`` or ``getEuIntraSignedPdfCertificate``."""
        operation = "getEuIntraSignedPdfCertificate" if signed else "getEuIntraPdfCertificate"
        return self._ask(INTRA, operation, reference, caller, wire_ched.read_file_response)

    # --- DOCOM: DocomCertificateRetrievalServiceV1 ---

    def docom(self, reference: str, caller: Caller = NOBODY) -> Retrieved:
        """``getDocomCertificate``."""
        return self._ask(DOCOM, "getDocomCertificate", reference, caller, _wrapped)

    def find_docoms(self, criteria: FindCertificates, caller: Caller = NOBODY) -> tuple[IntraSummary, ...]:
        """``findDocomCertificate``: one page."""
        body = wire_certificates.find_request(criteria, DOCOM.namespace)
        return self._do(DOCOM, "findDocomCertificate", body, caller, wire_certificates.read_find_response)

    def docom_pdf(self, reference: str, caller: Caller = NOBODY) -> CertificateFile:
        """``getDocomPdfCertificate``."""
        return self._ask(DOCOM, "getDocomPdfCertificate", reference, caller, wire_ched.read_file_response)

    # --- CertificateAttachmentsV1 ---

    def attachment(self, asked: AttachmentReference, caller: Caller = NOBODY) -> Attachment:
        """``getCertificateAttachment``: the file that ``uri:documentid:N`` means."""
        body = wire_attachments.get_attachment_request(asked)
        reader = wire_attachments.read_get_attachment_response
        return self._do(ATTACHMENTS, "getCertificateAttachment", body, caller, reader)

    def submit_attachment(self, attachment: Attachment, caller: Caller = NOBODY) -> AttachmentReference:
        """``submitCertificateAttachment``: first the file, then the CHED that cites it."""
        body = wire_attachments.submit_attachment_request(attachment)
        reader = wire_attachments.read_submit_attachment_response
        return self._do(ATTACHMENTS, "submitCertificateAttachment", body, caller, reader)

    # --- ReferenceDataServiceV1 ---

    def trees(self, caller: Caller = NOBODY) -> tuple[Tree, ...]:
        """``GetClassificationTrees``."""
        body = wire_reference.empty_request("GetClassificationTreesRequest")
        return self._do(REFERENCE, "GetClassificationTrees", body, caller, wire_reference.read_trees_response)

    def tree(self, tree: str, caller: Caller = NOBODY) -> tuple[TreeNode, ...]:
        """``getClassificationTree``."""
        body = wire_reference.tree_request(tree)
        return self._do(REFERENCE, "getClassificationTree", body, caller, wire_reference.read_tree_response)

    def tree_updates(self, tree: str, since: datetime, caller: Caller = NOBODY) -> tuple[TreeUpdate, ...]:
        """``getClassificationTreeUpdates``."""
        body = wire_reference.updates_request(tree, since)
        reader = wire_reference.read_updates_response
        return self._do(REFERENCE, "getClassificationTreeUpdates", body, caller, reader)

    def node(self, tree: str, caller: Caller = NOBODY, *, path: str = "", cn_code: str = "") -> TreeNode:
        """``getClassificationTreeNodeDetail``, by path or by CN code."""
        body = wire_reference.node_request(tree, path=path, cn_code=cn_code)
        reader = wire_reference.read_node_response
        return self._do(REFERENCE, "getClassificationTreeNodeDetail", body, caller, reader)

    def certificate_model(self, model: str, caller: Caller = NOBODY) -> CertificateModel:
        """``getCertificateModel``."""
        body = wire_reference.model_request(model)
        return self._do(REFERENCE, "getCertificateModel", body, caller, wire_reference.read_model_response)

    def sections(self, caller: Caller = NOBODY) -> tuple[Section, ...]:
        """``getClassificationSections``."""
        body = wire_reference.empty_request("GetClassificationSectionsRequest")
        return self._do(REFERENCE, "getClassificationSections", body, caller, wire_reference.read_sections_response)

    def metadatas(self, kind: str, caller: Caller = NOBODY) -> tuple[Metadata, ...]:
        """``getMetadatas``."""
        body = wire_reference.metadatas_request(kind)
        return self._do(REFERENCE, "getMetadatas", body, caller, wire_reference.read_metadatas_response)

    def test_categories(self, caller: Caller = NOBODY) -> tuple[ReferenceTestCategory, ...]:
        """``getLaboratoryTestCategories``."""
        body = wire_reference.empty_request("GetLaboratoryTestCategoriesRequest")
        reader = wire_reference.read_categories_response
        return self._do(REFERENCE, "getLaboratoryTestCategories", body, caller, reader)

    def reference_tests(self, category: str, caller: Caller = NOBODY) -> tuple[ReferenceTest, ...]:
        """``getLaboratoryTests``."""
        body = wire_reference.tests_request(category)
        return self._do(REFERENCE, "getLaboratoryTests", body, caller, wire_reference.read_tests_response)

    def laboratory_tests(
        self, caller: Caller = NOBODY
    ) -> tuple[tuple[ReferenceTestCategory, ...], tuple[ReferenceTest, ...]]:
        """Every category with every test of it; read a second time where a category went away in between."""
        try:
            return self._laboratory_tests(caller)
        except TracesRefused as refused:
            if refused.where != _NO_CATEGORY:
                raise
            return self._laboratory_tests(caller)

    def _laboratory_tests(self, caller: Caller) -> tuple[tuple[ReferenceTestCategory, ...], tuple[ReferenceTest, ...]]:
        categories = self.test_categories(caller)
        return categories, tuple(test for each in categories for test in self.reference_tests(each.code, caller))

    def _ask(
        self, contract: TracesContract, operation: str, reference: str, caller: Caller, reader: Callable[[_Element], T]
    ) -> T:
        """A request that holds an ID alone."""
        body = wire_ched.id_request(contract.operation(operation).request, reference)
        return self._do(contract, operation, body, caller, reader)

    def _do(
        self,
        contract: TracesContract,
        operation: str,
        body: bytes,
        caller: Caller,
        reader: Callable[[_Element], T],
        *,
        signed: bool = False,
    ) -> T:
        reply = self._services.call(contract, operation, body, caller, signed=signed)
        return _read(reply, reader)


def _read(reply: Reply, reader: Callable[[_Element], T]) -> T:
    """A reply that breaks its schema is no answer: whether something was done is unknown."""
    try:
        return reader(reply.body)
    except SchemaInvalid as error:
        raise UnusableReply(reply.status, f"{error.where}: {error.found}") from error


def _wrapped(response: _Element) -> Retrieved:
    return Retrieved(wire_certificates.read_get_response(response), _tests(response))


def _tests(response: _Element) -> bytes:
    """Everything beside the certificate."""
    return b"".join(serialise(block) for block in list(response.iterchildren("*"))[1:])


def _retrieved(response: _Element) -> Retrieved:
    root, tests = wire_ched.read_get_ched_response(response)
    return Retrieved(root, b"".join(serialise(block) for block in tests))
