"""SOAP: envelopes in and out as plain data. ``server`` serves contracts with spyne, ``client`` calls them with zeep."""

from gateway.soap.models import (
    BodySignature,
    BodySigner,
    Contract,
    Operation,
    Part,
    SecurityHeader,
    SoapCall,
    SoapReply,
    SoapVersion,
    Timestamp,
    TransportPeer,
    UsernameToken,
)

__all__ = [
    "BodySignature",
    "BodySigner",
    "Contract",
    "Operation",
    "Part",
    "SecurityHeader",
    "SoapCall",
    "SoapReply",
    "SoapVersion",
    "Timestamp",
    "TransportPeer",
    "UsernameToken",
]
