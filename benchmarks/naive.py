"""The naive assembly: the same libraries put together as their tutorials say.

spyne with typed models, ``xmlschema``, signxml for the seal with its chain and for the acknowledgement, the SQLAlchemy
ORM. Where a tutorial leaves a choice it is made in favour of this side: spyne's own validator is off (``xmlschema``
validates), schemas are compiled once, the database is in the same durable mode as ours, and the ORM commits one row.
It translates nothing, applies no rules and refuses no wrapped signature.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree
from lxml.builder import ElementMaker
from signxml import SignatureConstructionMethod
from signxml.xades import XAdESSignatureConfiguration, XAdESSigner, XAdESVerifier
from spyne import AnyXml, Application, Service, Unicode, rpc
from spyne.protocol.soap import Soap11
from spyne.server.wsgi import WsgiApplication
from sqlalchemy import LargeBinary, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.measure import Batch, time_each
from benchmarks.naive_models import certificate_model
from benchmarks.partner import SECRET, Partner
from benchmarks.schemas import strict_xmlschema
from benchmarks.wsgi import submit
from gateway.xml.names import ACK17, CX1, RAM21, SPS17, UDT21, WSSE, WSU

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Naive"]


class Base(DeclarativeBase):
    pass


class Stored(Base):
    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(String(64), unique=True)
    issuer: Mapped[str] = mapped_column(String(200))
    number: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[str] = mapped_column(String(3))
    received_at: Mapped[datetime]
    request: Mapped[bytes] = mapped_column(LargeBinary)
    acknowledgement: Mapped[bytes] = mapped_column(LargeBinary)


class Naive:
    """The service and its sender.

    Args:
        folder: the keys; the database file is written there too.
        size: bytes of the certificate before it is sealed.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._partner = Partner(folder, size, "NAIVE")
        self._engine = create_engine(f"sqlite:///{folder / f'naive-{size}.db'}")
        event.listen(self._engine, "connect", _durable)
        Base.metadata.create_all(self._engine)
        self._application = WsgiApplication(
            Application(
                [_service(folder, self._engine)],
                tns=CX1,
                name="CertificateExchange",
                in_protocol=Soap11(),
                out_protocol=Soap11(),
            )
        )

    def run(self, count: int) -> Batch:
        messages = list(self._partner.messages(count))
        return time_each(lambda message: submit(self._application, message), messages)

    def close(self) -> None:
        self._engine.dispose()


def _durable(connection: Any, _: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _service(folder: Path, engine: Any) -> Any:
    schema = strict_xmlschema()
    root_file = str(folder / "root.pem")
    key = load_pem_private_key((folder / "ours.key").read_bytes(), None)
    certificate = [x509.load_pem_x509_certificate((folder / "ours.pem").read_bytes())]
    expected = XAdESSignatureConfiguration(location="./", expect_references=2)

    class CertificateExchangeService(Service):  # type: ignore[misc]  # spyne has no types
        @rpc(
            Unicode,
            Unicode,
            certificate_model(),
            _returns=AnyXml,
            _in_variable_names={"message_id": "MessageID", "route": "IssuingRoute", "document": "SPSCertificate"},
            _in_message_name="SubmitCertificateRequest",
            _out_message_name="SubmitCertificateResponse",
        )
        def SubmitCertificate(ctx: Any, message_id: str, route: str, document: Any) -> Any:  # noqa: N802, N805 - spyne's way
            del message_id, route
            nonce = _authenticate(ctx.in_header_doc)
            element = ctx.in_body_doc.find(f"{{{SPS17}}}SPSCertificate")
            schema.validate(element)
            XAdESVerifier().verify(etree.tostring(element), ca_pem_file=root_file, expect_config=expected)
            exchanged = document.SPSExchangedDocument
            acknowledgement = XAdESSigner(
                method=SignatureConstructionMethod.enveloped, signature_algorithm="ecdsa-sha256"
            ).sign(_acknowledgement(exchanged.ID.value, exchanged.StatusCode.value), key=key, cert=certificate)
            with Session(engine) as session:
                session.add(
                    Stored(
                        nonce=nonce,
                        issuer=exchanged.IssuerSPSParty.Name.value,
                        number=exchanged.ID.value,
                        status=exchanged.StatusCode.value,
                        received_at=datetime.now(UTC),
                        request=b"".join(ctx.in_string),
                        acknowledgement=etree.tostring(acknowledgement),
                    )
                )
                session.commit()
            return acknowledgement

    return CertificateExchangeService


def _authenticate(headers: list[Any]) -> str:
    """The check of the token by hand, as forum answers write it."""
    token = headers[0].find(f"{{{WSSE}}}UsernameToken")
    nonce = token.findtext(f"{{{WSSE}}}Nonce")
    created = token.findtext(f"{{{WSU}}}Created")
    wanted = hashlib.sha1(base64.b64decode(nonce) + created.encode() + SECRET.encode()).digest()
    if base64.b64decode(token.findtext(f"{{{WSSE}}}Password")) != wanted:
        raise PermissionError("wrong password")
    if datetime.now(UTC) - datetime.fromisoformat(created) > timedelta(minutes=5):
        raise PermissionError("stale")
    return str(nonce)


def _acknowledgement(number: str, status: str) -> Any:
    ack = ElementMaker(namespace=ACK17, nsmap={"ack": ACK17, "ram": RAM21, "udt": UDT21})
    ram = ElementMaker(namespace=RAM21)
    udt = ElementMaker(namespace=UDT21)
    return ack.SPSAcknowledgement(
        ack.SPSAcknowledgementDocument(
            ram.IssueDateTime(udt.DateTime(datetime.now(UTC).isoformat(timespec="milliseconds"))),
            ram.StatusCode(status),
            ram.ReasonInformation("Message has been successfully processed"),
            ram.ReferenceSPSReferencedDocument(ram.RelationshipTypeCode("AWR"), ram.ID(number)),
        )
    )
