"""Writes the elements of CertificateExchange, piece by piece, as bytes that are spliced into the envelope."""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from gateway.errors import ConfigurationError
from gateway.xml.names import CX1

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from gateway.errors import Finding, GatewayError
    from gateway.store import DocumentKey
    from gateway.trust import SealVerdict
    from mappings import TranslatedPlace

__all__ = [
    "INVALID",
    "element",
    "fault_detail",
    "finding",
    "identity_element",
    "instant",
    "message",
    "optional",
    "remedy",
    "seal_verdict",
    "text",
    "translated_place",
]

MAX_FINDINGS = 100
"""Findings in one fault or answer."""

_ASK_THE_OPERATOR = "Tell the gateway's operator this code and the time; send the same message again afterwards."

INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot carry."""


def text(value: object) -> str:
    """Escaped text; characters that XML cannot carry become U+FFFD."""
    return escape(INVALID.sub("�", str(value)))


def element(name: str, value: object) -> str:
    """One element with text."""
    return f"<cx:{name}>{text(value)}</cx:{name}>"


def optional(name: str, value: object) -> str:
    """One element with text, or nothing when the value is None or empty."""
    return "" if value in (None, "") else element(name, value)


def message(name: str, content: Iterable[str | bytes], attributes: str = "") -> bytes:
    """A message element with the contract's namespace; bytes are spliced in as they are."""
    parts = [part if isinstance(part, bytes) else part.encode() for part in content]
    head = f'<cx:{name} xmlns:cx="{CX1}"{attributes}>'.encode()
    return b"".join([head, *parts, f"</cx:{name}>".encode()])


def instant(moment: datetime) -> str:
    """xs:dateTime in UTC, to milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def identity_element(key: DocumentKey) -> str:
    """The Document element."""
    return (
        "<cx:Document>"
        + element("IssuerCountry", key.issuer_country)
        + element("TypeCode", key.type_code)
        + element("ID", key.number)
        + "</cx:Document>"
    )


def finding(found: Finding) -> str:
    """One Finding element."""
    return (
        "<cx:Finding>"
        + element("Rule", found.rule)
        + element("Severity", found.severity)
        + element("Message", found.message)
        + optional("Path", found.path)
        + optional("Found", found.found)
        + optional("Expected", found.expected)
        + optional("Source", found.source)
        + "</cx:Finding>"
    )


def seal_verdict(seal: SealVerdict) -> str:
    """The SealVerdict element of a seal that holds."""
    return (
        "<cx:SealVerdict>"
        + element("Indication", seal.indication.name)
        + optional("SubIndication", seal.sub_indication)
        + element("Level", seal.level.name.lower())
        + element("Signer", seal.signer_subject)
        + element("SigningTime", instant(seal.signing_time))
        + (element("TimeStamp", instant(seal.timestamp.time)) if seal.timestamp else "")
        + "</cx:SealVerdict>"
    )


def translated_place(place: TranslatedPlace) -> str:
    """One row of a translation report."""
    return (
        "<cx:TranslatedPlace>"
        + element("Path", place.path)
        + element("List", place.list)
        + element("From", place.source_code)
        + element("To", place.target_code)
        + optional("Row", place.row_id)
        + optional("Version", place.version)
        + optional("Loss", place.loss)
        + "</cx:TranslatedPlace>"
    )


def remedy(error: GatewayError) -> str:
    """What the caller can do; an operator's own errors are not the caller's to correct."""
    return _ASK_THE_OPERATOR if isinstance(error, ConfigurationError) else error.entry.action


def fault_detail(error: GatewayError) -> bytes:
    """The GatewayFault element of every fault of this contract."""
    return message(
        "GatewayFault",
        [
            element("Code", error.code),
            element("Message", error.message),
            optional("Where", error.where),
            optional("Found", error.found),
            optional("Expected", error.expected),
            element("WhatToDo", remedy(error)),
            element("Retry", error.retry),
            optional("ExchangeID", error.exchange_id),
            *(finding(found) for found in error.findings[:MAX_FINDINGS]),
        ],
    )
