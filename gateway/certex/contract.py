"""CustomsCertexChedService V06 as a table: path, description, schema, operations with their actions (DIGEST 7.1)."""

from __future__ import annotations

from typing import Final

from gateway.traces.contracts import TracesContract, TracesOperation
from gateway.xml.names import CERTEX6, qn
from gateway.xml.schema_files import SchemaName

__all__ = ["CERTEX", "CLEARANCE", "CRFL", "INTERVENTION", "PROCESSED"]

PROCESSED: Final = "processedChedRequest"
CLEARANCE: Final = "chedClearanceRequest"
INTERVENTION: Final = "chedInterventionRequest"
CRFL: Final = "chedCRFLRequest"

_PORT: Final = "http://ec.europa.eu/tracesnt/ws/impl/customs_certex/ched/v06/CustomsCertexChedPort/"


def _operation(name: str, reply: str) -> TracesOperation:
    """An operation whose request bears its name with a capital letter, and whose action is a URI with the request's."""
    request = name[0].upper() + name[1:]
    return TracesOperation(
        name,
        qn(CERTEX6, request),
        qn(CERTEX6, reply),
        own_action=_PORT + request,
        other_actions=frozenset({name, request}),  # as the platform's other services have them; some clients send these
    )


CERTEX: Final = TracesContract(
    "customs-certex-ched",
    "/tracesnt/ws/CustomsCertexChedServiceV06",
    "CustomsCertexChedServiceV06.wsdl",
    SchemaName.CERTEX,
    CERTEX6,
    (
        _operation(PROCESSED, "ProcessedChedInformationResponse"),
        _operation(CLEARANCE, "ChedClearanceResponse"),
        _operation(INTERVENTION, "ChedInterventionResponse"),
        _operation(CRFL, "ChedCRFLResponse"),
    ),
)
"""Each operation has a fault of its own, named after its request."""
