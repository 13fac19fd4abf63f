"""CERTEX as a partner: the client of its customs service, for customs systems and national gateways."""

from adapters.certex.calling import Port
from adapters.certex.checking import is_empty
from adapters.certex.client import SETTLED_AFTER, CertexClient, Patience, settling_time
from adapters.certex.faults import AnswerMismatch, CertexBroken, CertexForbidden, CertexRefused
from adapters.certex.holdings import Holding, holding_of, newest_of
from adapters.certex.orders import Clear, Intervene, Reserve
from adapters.certex.outcomes import (
    Clearance,
    ClearanceWord,
    OutcomeUnknown,
    Reservation,
    ReservationWord,
    Sent,
)
from adapters.certex.records import record_of, sent_of

__all__ = [
    "SETTLED_AFTER",
    "AnswerMismatch",
    "CertexBroken",
    "CertexClient",
    "CertexForbidden",
    "CertexRefused",
    "Clear",
    "Clearance",
    "ClearanceWord",
    "Holding",
    "Intervene",
    "OutcomeUnknown",
    "Patience",
    "Port",
    "Reservation",
    "ReservationWord",
    "Reserve",
    "Sent",
    "holding_of",
    "is_empty",
    "newest_of",
    "record_of",
    "sent_of",
    "settling_time",
]
