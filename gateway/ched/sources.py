"""INTRA certificates, DOCOMs and attachments of a national instance: TRACES has them, and is asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.traces_nt import Caller
from gateway.ched.library import CertificateKind
from gateway.ched.models import ChedContent
from gateway.ched.parts import writer_of
from gateway.ched.results import certificates_of, row_of_certificate
from gateway.ched.upstream import is_away, refusal_of
from gateway.documents.ched import read_ched
from gateway.errors import DeliveryError, Unavailable
from gateway.traces.contracts import ATTACHMENTS, DOCOM, INTRA
from gateway.traces.headers import BodyIdentity, BodyKind
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from adapters.traces_nt import TracesNtClient
    from gateway.ched.availability import Availability
    from gateway.ched.models import Actor
    from gateway.exchange import Context
    from gateway.store import ChedQuery, ChedRow
    from gateway.traces.contracts import TracesContract
    from gateway.traces.models import Attachment, AttachmentReference

    T = TypeVar("T")

__all__ = ["UpstreamSource"]


class UpstreamSource:
    """``CertificateSource`` and ``AttachmentSource``: one TRACES. Safe to share between threads.

    Args:
        context: the services.
        client: of TRACES.
        availability: whether it is there, by functionality.
    """

    def __init__(self, context: Context, client: TracesNtClient, availability: Availability) -> None:
        self._context = context
        self._client = client
        self._availability = availability

    def certificate(self, kind: CertificateKind, reference: str, actor: Actor) -> ChedContent:
        """The certificate, its root in SPSCertificate 17, with its laboratory tests.

        Raises:
            ChedRefused: IMG-7201.
            AccessDenied: IMG-2110.
            Unavailable: IMG-9010, TRACES does not answer.
        """
        get = self._client.intra if kind is CertificateKind.INTRA else self._client.docom
        caller = _caller(actor)
        found = self._asked(_service(kind), lambda: get(reference, caller), reference)
        status = read_ched(found.root).status_code
        return ChedContent(reference, status, serialise(found.root), laboratory_tests=found.laboratory_tests)

    def find_certificates(self, kind: CertificateKind, query: ChedQuery, actor: Actor) -> Sequence[ChedRow]:
        """One page, newest first.

        Raises:
            Unavailable: IMG-9010, TRACES does not answer.
        """
        find = self._client.find_intras if kind is CertificateKind.INTRA else self._client.find_docoms
        now, caller = self._context.clock(), _caller(actor)
        found = self._asked(_service(kind), lambda: find(certificates_of(query), caller), "")
        return tuple(row_of_certificate(each, kind.type, now) for each in found)

    def submit_attachment(self, attachment: Attachment, actor: Actor) -> AttachmentReference:
        """Hand a file over; the number is TRACES'.

        Raises:
            GatewayError: TRACES refused.
            Unavailable: IMG-9010, it does not answer.
        """
        caller = _caller(actor)
        return self._asked(
            ATTACHMENTS, lambda: self._client.submit_attachment(attachment, caller), attachment.file_name
        )

    def attachment(self, reference: AttachmentReference, actor: Actor) -> Attachment:
        """Fetch a file.

        Raises:
            GatewayError: TRACES refused.
            Unavailable: IMG-9010, it does not answer.
        """
        caller = _caller(actor)
        return self._asked(ATTACHMENTS, lambda: self._client.attachment(reference, caller), reference.uri)

    def _asked(self, service: TracesContract, ask: Callable[[], T], reference: str) -> T:
        """TRACES' answer. While the service is away most callers are told so at once (`Availability`).

        Raises:
            Unavailable: IMG-9010.
            GatewayError: as TRACES refused.
        """
        if not self._availability.is_worth_trying(service.name):
            raise Unavailable("IMG-9010", where=service.name)
        try:
            answer = ask()
        except DeliveryError as error:
            if is_away(error):
                self._availability.lost(service.name, error)
                raise Unavailable("IMG-9010", where=service.name, found=error.code) from error
            self._availability.answered(service.name)
            raise refusal_of(error, reference) from error
        self._availability.answered(service.name)
        return answer


def _service(kind: CertificateKind) -> TracesContract:
    return INTRA if kind is CertificateKind.INTRA else DOCOM


def _caller(actor: Actor) -> Caller:
    """The body of the national system: TRACES judges what it may see, and not what our account may.

    Raises:
        AccessDenied: IMG-2112, the message names none.
    """
    body = writer_of(actor)
    return Caller(BodyIdentity(BodyKind(body.kind.value), body.id), actor.language)
