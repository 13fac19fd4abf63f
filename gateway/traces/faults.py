"""Refusals in the form of TRACES (DIGEST 4.5): written for those who call us, read from those we call.

Three things have a form of their own whatever the service: who is not authenticated learns one word, a breach of the
schema is a sentence in the fault's text without detail, and everything that a service declares is a typed element in
the service's namespace. What has no typed element is a plain fault with our code in its text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from gateway.errors import (
    AccessDenied,
    AuthenticationFailed,
    Fault,
    GatewayError,
    RulesRefused,
    SchemaInvalid,
    Severity,
    SoapRefused,
    XmlRefused,
)
from gateway.soap import SoapVersion
from gateway.soap.faults import render_fault
from gateway.xml.names import ERR, SOAP11

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.soap import SoapCall

__all__ = [
    "PERMISSION",
    "RULES",
    "Detail",
    "ServiceFaults",
    "TypedFault",
    "about",
    "common_fault",
    "fault_envelope",
    "fault_renderer",
    "fault_text",
    "plain_fault",
    "schema_sentence",
]

MAX_ERRORS: Final = 200
"""Errors in one fault."""

UNAUTHENTICATED: Final = "UnauthenticatedException"

_DECLARATION: Final = "<?xml version='1.0' encoding='UTF-8'?>\n"
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FACET: Final = re.compile(r"\[facet '(\w+)'\]\s*")
_BREACHES: Final = (
    ("value length cannot be lesser than", "cvc-minLength-valid"),
    ("value length cannot be greater than", "cvc-maxLength-valid"),
    ("value has to be greater or equal than", "cvc-minInclusive-valid"),
    ("value has to be less than or equal than", "cvc-maxInclusive-valid"),
    ("value must be one of", "cvc-enumeration-valid"),
    ("value doesn't match any pattern of", "cvc-pattern-valid"),
    ("not expected", "cvc-complex-type.2.4.a"),
    ("Missing child", "cvc-complex-type.2.4.b"),
    ("child element is missing", "cvc-complex-type.2.4.b"),
    ("No matching global", "cvc-elt.1"),
    ("atomic type", "cvc-datatype-valid.1.2.1"),
    ("is not a boolean value", "cvc-datatype-valid.1.2.1"),
    ("ttribute", "cvc-complex-type.3.2.2"),
)
"""What the sentences of libxml2 and xmlschema are in the terms of XML Schema Part 1, appendix C, which the platform's
sentences name."""


class Detail(Enum):
    """What stands in a typed detail element."""

    ERRORS = "errors"
    """One Error{ID, Message, Field} for each finding."""
    IDENTIFIER = "identifier"
    """CertificateIdentifier in the service's namespace, as captured for a CHED."""
    EMPTY = "empty"
    """Nothing, as captured for reference data."""


@dataclass(frozen=True, slots=True)
class TypedFault:
    """A fault that a service declares."""

    element: str
    """Local name of the detail element."""
    text: str = ""
    """The faultstring where it is always the same; the error's own sentence when empty."""
    detail: Detail = Detail.ERRORS


RULES: Final = TypedFault("BusinessRulesValidationException", "Some business rules are not met")
PERMISSION: Final = TypedFault("PermissionDeniedException", "Permission denied")


@dataclass(frozen=True, slots=True)
class ServiceFaults:
    """The faults of one service."""

    namespace: str
    """Of its detail elements."""
    permission: TypedFault = PERMISSION
    """For every AccessDenied."""
    rules: TypedFault | None = RULES
    """For findings of rules and for what else is wrong with a document; None where nothing is submitted."""
    by_code: Mapping[str, TypedFault] = field(default_factory=dict)
    """For single codes, before anything else."""
    header: bool = True
    """Whether its typed faults have the empty ``env:Header`` of the captures."""

    def typed(self, error: GatewayError) -> TypedFault | None:
        """The declared fault for an error; None for a plain one."""
        known = self.by_code.get(error.code)
        if known is not None:
            return known
        if isinstance(error, AccessDenied):
            return self.permission
        about_document = isinstance(error, RulesRefused) or error.code[:6] in _ABOUT_DOCUMENTS
        return self.rules if about_document else None


_ABOUT_DOCUMENTS: Final = frozenset({"IMG-40", "IMG-41", "IMG-42", "IMG-60", "IMG-70", "IMG-72", "IMG-73"})
"""Seals, routes, codes, identity and state: what a business rule is for the platform."""


def fault_renderer(service: ServiceFaults) -> Callable[[GatewayError, SoapVersion, SoapCall | None], bytes]:
    """For ``Contract.render_fault``: the whole envelope of a fault of this service."""

    def render(error: GatewayError, version: SoapVersion, call: SoapCall | None) -> bytes:
        common = common_fault(error, version)
        if common is not None:
            return common
        typed = service.typed(error)
        if typed is None:
            return plain_fault(error, version)
        return fault_envelope(
            version,
            error,
            typed.text or error.message,
            _detail(service, typed, error, call),
            header=service.header,
        )

    return render


def common_fault(error: GatewayError, version: SoapVersion) -> bytes | None:
    """The forms that every service of the platform shares: for strangers and for breaches of the schema; else None."""
    if isinstance(error, AuthenticationFailed):
        return _unauthenticated(version)
    if isinstance(error, SchemaInvalid):
        return fault_envelope(version, error, schema_sentence(error), "", header=False)
    return None


def schema_sentence(error: GatewayError) -> str:
    """The text of a fault for a breach of the schema: the parser's exception twice, as captured, then our code."""
    facet = _FACET.search(error.message)
    if facet is not None:
        rule = f"cvc-{facet[1]}-valid"
    else:
        rule = next((rule for words, rule in _BREACHES if words in error.message), "cvc-type.3.1.3")
    said = _FACET.sub("", error.message).rstrip(".")
    sentence = f"{rule}: {said}{about(error)}."
    outer = "com.sun.istack.SAXParseException2; org.xml.sax.SAXException: org.xml.sax.SAXParseException"
    return f"{outer}; {sentence}\n        org.xml.sax.SAXParseException; {sentence} [{error.code}]"


def _unauthenticated(version: SoapVersion) -> bytes:
    """Exactly what the platform says to everybody whom it does not know: which of the two was wrong is not told."""
    if version is SoapVersion.SOAP12:
        return fault_envelope(version, None, UNAUTHENTICATED, "", header=True)
    return (
        f'{_DECLARATION}<env:Envelope xmlns:env="{SOAP11}"><env:Header/><env:Body><env:Fault>'
        f"<faultcode>env:Client</faultcode><faultstring>{UNAUTHENTICATED}</faultstring>"
        "</env:Fault></env:Body></env:Envelope>"
    ).encode()


def plain_fault(error: GatewayError, version: SoapVersion) -> bytes:
    """What the SOAP layer itself refuses: its own fault, which knows VersionMismatch and MustUnderstand."""
    names = getattr(error, "names", ())
    own = isinstance(error, SoapRefused | XmlRefused)  # of others, what was found may be another system's words
    told = error.message + about(error) if own else ""
    return render_fault(error, version, told=told, not_understood=names)


def about(error: GatewayError) -> str:
    """Where, what was found and what was expected, behind a sentence; empty when the error tells none of them."""
    told = (("at", error.where), ("found", error.found), ("expected", error.expected))
    return "".join(f"; {name} {value}" for name, value in told if value)


def fault_envelope(version: SoapVersion, error: GatewayError | None, text: str, detail: str, *, header: bool) -> bytes:
    """An envelope with a fault; ``S`` for what the platform writes itself, ``env`` for the empty header.

    Args:
        version: of the fault.
        error: by whose fault it is; None for the sender's.
        text: the faultstring.
        detail: serialised; empty for a fault without detail.
        header: whether there is an empty header.
    """
    sender = error is None or error.fault is Fault.SENDER
    start = f'{_DECLARATION}<S:Envelope xmlns:S="{version.namespace}"'
    start += f' xmlns:env="{version.namespace}"><env:Header/>' if header else ">"
    if version is SoapVersion.SOAP11:
        fault = (
            f"<faultcode>S:{'Client' if sender else 'Server'}</faultcode><faultstring>{fault_text(text)}</faultstring>"
        )
        fault += f"<detail>{detail}</detail>" if detail else ""
    else:
        fault = f"<S:Code><S:Value>S:{'Sender' if sender else 'Receiver'}</S:Value></S:Code>"
        fault += f'<S:Reason><S:Text xml:lang="en">{fault_text(text)}</S:Text></S:Reason>'
        fault += f"<S:Detail>{detail}</S:Detail>" if detail else ""
    return f"{start}<S:Body><S:Fault>{fault}</S:Fault></S:Body></S:Envelope>".encode()


def _detail(service: ServiceFaults, typed: TypedFault, error: GatewayError, call: SoapCall | None) -> str:
    name, namespace = typed.element, service.namespace
    if typed.detail is Detail.EMPTY:
        return f'<f:{name} xmlns:f="{namespace}"/>'
    if typed.detail is Detail.IDENTIFIER:
        identifier = error.subject or _asked_for(call)
        content = f"<f:CertificateIdentifier>{fault_text(identifier)}</f:CertificateIdentifier>"
        return f'<f:{name} xmlns:f="{namespace}">{content}</f:{name}>'
    return f'<f:{name} xmlns:f="{namespace}" xmlns:err="{ERR}">{_errors(error)}</f:{name}>'


def _asked_for(call: SoapCall | None) -> str:
    """The ID in the request, which a refusal of one certificate names."""
    for child in call.body if call is not None else ():
        if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == "ID":
            return " ".join((child.text or "").split())[:100]
    return ""


def _errors(error: GatewayError) -> str:
    """One Error for each severe finding; all findings where none is severe, the error itself where there are none."""
    findings = [finding for finding in error.findings if finding.severity is Severity.SEVERE] or error.findings
    if not findings:
        return _error(error.code, error.message, error.where, error.found, error.expected)
    return "".join(
        _error(each.rule, each.message, each.path, each.found, each.expected, each.source)
        for each in findings[:MAX_ERRORS]
    )


def _error(identifier: str, said: str, place: str, found: str, expected: str, source: str = "") -> str:
    more = (("found", found), ("expected", expected), ("see", source))
    message = " | ".join([said, *(f"{name} {value}" for name, value in more if value)])
    return (
        f'<err:Error><err:ID>{fault_text(identifier)}</err:ID><err:Message languageID="en">{fault_text(message)}'
        f"</err:Message><err:Field>{fault_text(place)}</err:Field></err:Error>"
    )


def fault_text(value: str) -> str:
    """A text as it stands in a fault: escaped, characters that XML lacks as U+FFFD."""
    return escape(_NOT_XML.sub("�", value))
