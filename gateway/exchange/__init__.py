"""The pipeline: who is calling, what may be kept, what is answered, and what is delivered onward."""

from gateway.exchange.admission import Admission
from gateway.exchange.context import Context, ExchangePolicy, PartnerTrust
from gateway.exchange.delivering import payload_for
from gateway.exchange.envelope import ReceivedEnvelope, take_envelope
from gateway.exchange.examination import examine
from gateway.exchange.holding import told
from gateway.exchange.journal import refusals_recorded, spend
from gateway.exchange.models import Examined, ImportOutcome, Principal, Representation, SubmittedDocument
from gateway.exchange.quarantine import Quarantine, Released, ReleaseOutcome
from gateway.exchange.reading import (
    CertificateBytes,
    FindCriteria,
    evidence_file,
    evidence_of,
    find,
    history,
    read_certificate,
)
from gateway.exchange.status import CertificateStatus, may_follow
from gateway.exchange.submission import submit

__all__ = [
    "Admission",
    "CertificateBytes",
    "CertificateStatus",
    "Context",
    "Examined",
    "ExchangePolicy",
    "FindCriteria",
    "ImportOutcome",
    "PartnerTrust",
    "Principal",
    "Quarantine",
    "ReceivedEnvelope",
    "ReleaseOutcome",
    "Released",
    "Representation",
    "SubmittedDocument",
    "evidence_file",
    "evidence_of",
    "examine",
    "find",
    "history",
    "may_follow",
    "payload_for",
    "read_certificate",
    "refusals_recorded",
    "spend",
    "submit",
    "take_envelope",
    "told",
]
