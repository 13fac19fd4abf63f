"""The one exception tree of the gateway, and the findings that refusals carry.

::

    GatewayError
    ├── ConfigurationError      IMG-01xx  a setting, a file or a table is wrong: named at start
    ├── XmlRefused              IMG-10xx  the XML boundary (limits, DOCTYPE, encodings)
    ├── SoapRefused             IMG-11xx  envelope, operation, version, headers, content type
    ├── AuthenticationFailed    IMG-20xx  who sent it could not be established, or it is a replay
    ├── AccessDenied            IMG-21xx  the partner is known and may not do this
    ├── SchemaInvalid           IMG-30xx  breaks the contract's schema
    ├── SealRefused             IMG-40xx  seals, signatures, certificates, time stamps
    ├── RouteRefused            IMG-41xx  Article 39 routes (R-39-4, R-39-5)
    ├── RulesRefused            IMG-50xx  a SEVERE finding of a rule set
    ├── TranslationRefused      IMG-60xx  an unmapped, ambiguous or expired code
    ├── ExchangeRefused         IMG-70xx  identity, version and state of documents; not found
    ├── HubRefused              IMG-71xx  envelopes of the ePhyto hub: number, state, header, content
    ├── ChedRefused             IMG-72xx  CHEDs: reference, status, part, role; IMG-73xx attachments, reference data
    ├── DeliveryError           IMG-80xx  outbound: unreachable, refused, unknown
    └── Unavailable             IMG-90xx  our own fault: store busy, no time-stamping authority

Every code stands in ``error_codes.toml`` with its title, meaning, what to do, whether a retry can help and whose
fault it is; ``imsoc explain IMG-nnnn`` prints the entry. A message here is safe for the other side: no stack trace,
no upstream text, no personal data (ARCHITECTURE section 4).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

__all__ = [
    "AccessDenied",
    "AuthenticationFailed",
    "ChedRefused",
    "ConfigurationError",
    "CustomsRefused",
    "DeliveryError",
    "ErrorCode",
    "ExchangeRefused",
    "Fault",
    "Finding",
    "GatewayError",
    "HubRefused",
    "Retry",
    "RouteRefused",
    "RulesRefused",
    "SchemaInvalid",
    "SealRefused",
    "Severity",
    "SoapRefused",
    "TranslationRefused",
    "Unavailable",
    "XmlRefused",
    "catalogue",
]

MAX_FOUND = 200
"""Characters of a found value that may go into a fault: libxml2 alone can quote a whole enumeration."""


class Severity(StrEnum):
    """The three levels of findings, as the IPPC hub names them."""

    SEVERE = "SEVERE"
    WARNING = "WARNING"
    INFO = "INFO"


class Retry(StrEnum):
    """Whether sending again can help."""

    NEVER = "never"
    AFTER_CHANGE = "after-change"
    """The same message can pass once somebody changed something (a grant, a mapping row)."""
    LATER = "later"


class Fault(StrEnum):
    """Whose fault it is; soap renders it as Client/Server (1.1) or Sender/Receiver (1.2)."""

    SENDER = "sender"
    RECEIVER = "receiver"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule, a schema or a tolerant reader noticed.

    ``path`` is an XPath with the usual prefixes (ram, udt, sps), empty when the whole document is meant; ``source``
    cites the article, requirement id or digest section.
    """

    rule: str
    severity: Severity
    message: str
    path: str = ""
    found: str = ""
    expected: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One entry of the catalogue."""

    code: str
    title: str
    meaning: str
    action: str
    retry: Retry
    fault: Fault


@cache
def catalogue() -> dict[str, ErrorCode]:
    """Every stable error code, by code; read once from ``error_codes.toml``."""
    text = resources.files("gateway").joinpath("error_codes.toml").read_text("utf-8")
    return {
        code: ErrorCode(
            code, entry["title"], entry["meaning"], entry["action"], Retry(entry["retry"]), Fault(entry["fault"])
        )
        for code, entry in tomllib.loads(text).items()
    }


class GatewayError(Exception):
    """A refusal or failure with a stable code.

    Args:
        code: ``IMG-nnnn`` from the catalogue; a code that is not there is a programming error (KeyError).
        message: one sentence for the other side; the catalogue's title when empty.
        where: XPath, header name or setting key.
        found: what was found, cut to ``MAX_FOUND`` characters.
        expected: what would have been accepted.
        findings: the findings that led here, if any.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        where: str = "",
        found: str = "",
        expected: str = "",
        findings: tuple[Finding, ...] = (),
    ) -> None:
        self.entry = catalogue()[code]
        self.code = code
        self.message = message or self.entry.title
        self.where = where
        self.found = found if len(found) <= MAX_FOUND else found[: MAX_FOUND - 1] + "…"
        self.expected = expected if len(expected) <= MAX_FOUND else expected[: MAX_FOUND - 1] + "…"
        self.findings = findings
        self.exchange_id = ""
        """The id under which the refusal was recorded; set by the exchange, empty for strangers."""
        self.spent = False
        """Whether the single-use values of the message were kept before it was refused; set by who kept them."""
        self.subject = ""
        """The document that was refused (``AR/851/2026-00017``), for the record; set where its identity is known."""
        super().__init__(f"{code} {self.message}")

    @property
    def retry(self) -> Retry:
        """Whether a retry can help."""
        return self.entry.retry

    @property
    def fault(self) -> Fault:
        """Whose fault it is."""
        return self.entry.fault


class ConfigurationError(GatewayError):
    """A setting, partner record, key file or mapping table is wrong."""


class XmlRefused(GatewayError):
    """Bytes that may not become a tree (ARCHITECTURE section 4)."""


class SoapRefused(GatewayError):
    """Not a SOAP message of the contract."""


class AuthenticationFailed(GatewayError):
    """The sender could not be established, or the message is stale or a replay."""


class AccessDenied(GatewayError):
    """The partner has no grant for this (R-9-1: default deny)."""


class SchemaInvalid(GatewayError):
    """The message breaks its contract's schema."""


class SealRefused(GatewayError):
    """The seal, its certificate or its time stamp does not hold."""


class RouteRefused(GatewayError):
    """Article 39 does not let this certificate in by this route."""


class RulesRefused(GatewayError):
    """At least one rule of severity SEVERE speaks against the document."""


class TranslationRefused(GatewayError):
    """A code has no mapping, several, or an expired one (R-37-2: never guessed)."""

    gap: tuple[str, str, str, str, str] | None = None
    """Source system, target system, list, code and context without an answer; set by ``mappings.find_gaps``."""
    needed: str = ""
    """The row that is missing, whole: its file and the line; ``expected`` may be cut."""
    gaps: tuple[TranslationRefused, ...] = ()
    """All of a document, where they were looked for."""


class ExchangeRefused(GatewayError):
    """The document's identity, version or state does not allow this."""


class HubRefused(GatewayError):
    """An envelope of the ePhyto hub, or a question about one, that cannot be served."""


class ChedRefused(GatewayError):
    """A CHED, or what belongs to one, does not allow this: its reference, status, part, role, attachment, codes."""


class CustomsRefused(GatewayError):
    """A question or message of customs that the ledger of a CHED, or a lookup, does not allow."""


class DeliveryError(GatewayError):
    """A partner could not be reached, refused, or its answer was lost."""


class Unavailable(GatewayError):
    """The gateway itself cannot do it now."""
