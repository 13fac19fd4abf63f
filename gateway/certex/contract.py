"""CustomsCertexChedService V06 as a table: path, description, schema, operations with their actions (DIGEST 7.1)."""

from __future__ import annotations

from typing import Final

from gateway.traces.contracts import TracesContract, TracesOperation
from gateway.xml.names import CERTEX6, qn
from gateway.xml.schema_files import SchemaName

__all__ = ["CERTEX", "CLEARANCE", "CRFL", "INTERVENTION", "PROCESSED"]

PROCESSED: Final = "ProcessedChedRequest"
CLEARANCE: Final = "ChedClearanceRequest"
INTERVENTION: Final = "ChedInterventionRequest"
CRFL: Final = "ChedCRFLRequest"

_PORT: Final = "http://ec.europa.eu/tracesnt/ws/impl/customs_certex/ched/v06/CustomsCertexChedPort/"
_REPLIES: Final = {
    PROCESSED: "ProcessedChedInformationResponse",
    CLEARANCE: "ChedClearanceResponse",
    INTERVENTION: "ChedInterventionResponse",
    CRFL: "ChedCRFLResponse",
}

CERTEX: Final = TracesContract(
    "customs-certex-ched",
    "/tracesnt/ws/CustomsCertexChedServiceV06",
    "CustomsCertexChedServiceV06.wsdl",
    SchemaName.CERTEX,
    CERTEX6,
    tuple(
        TracesOperation(request, qn(CERTEX6, request), qn(CERTEX6, reply), _PORT + request)
        for request, reply in _REPLIES.items()
    ),
)
"""Its operations bear the names of their requests; each has a fault of its own."""
