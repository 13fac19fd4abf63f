"""The messages of CERTEX, written and read: the whole wire under one name."""

from gateway.certex.headers import header_block, read_header, read_header_block
from gateway.certex.wire_clearance import (
    clearance_request,
    clearance_response,
    intervention_request,
    intervention_response,
    read_clearance_request,
    read_clearance_response,
    read_intervention_request,
    read_intervention_response,
)
from gateway.certex.wire_processed import (
    processed_request,
    processed_response,
    read_processed_request,
    read_processed_response,
)

__all__ = [
    "clearance_request",
    "clearance_response",
    "header_block",
    "intervention_request",
    "intervention_response",
    "processed_request",
    "processed_response",
    "read_clearance_request",
    "read_clearance_response",
    "read_header",
    "read_header_block",
    "read_intervention_request",
    "read_intervention_response",
    "read_processed_request",
    "read_processed_response",
]
