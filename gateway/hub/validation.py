"""ValidatePhytoXML: what is to be said about a certificate, in the hub's three areas (DIGEST 2.5).

Nothing here refuses a document. Disorder, the word NULL and empty elements are read as real senders mean them and told
(DIGEST 2.6); the rules then look at what was understood. Paths are those of the certificate as it is read: in UN/CEFACT
order, without what says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.documents import hub_differences, normalise_order
from gateway.errors import Finding, HubRefused, Severity
from gateway.hub.codes import unknown_codes
from gateway.ippc.content import CERTIFICATE, decode_content
from gateway.ippc.validation_result import ValidationResult
from gateway.rules import About, catalogue, evaluate
from gateway.xml.limits import DEFAULT_LIMITS, Limits
from gateway.xml.names import RAM21, qn, readable
from mappings import find_gaps
from mappings.models import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from lxml.etree import _Element

    from mappings import Index
    from mappings.hub_lists import HubLists

__all__ = ["MAX_MESSAGE", "MAX_RESULTS", "validate_phyto_xml"]

MAX_RESULTS: Final = 200
"""A hostile document can be wrong in more places than anybody wants to read; the gravest are kept."""
MAX_MESSAGE: Final = 600
"""Characters of one message."""

_EPHYTO: Final = "ephyto"
_MANDATORY: Final = "MandatoryElements"
_MAPPING: Final = "Mapping"
_SCHEMA: Final = "Schema"
_AREAS: Final = {About.CONTENT: _MANDATORY, About.CODE: _MAPPING, About.FORM: _SCHEMA}
_LEVELS: Final = [Severity.SEVERE, Severity.WARNING, Severity.INFO]

_ATTACHMENT: Final = qn(RAM21, "AttachmentBinaryObject")
_KEPT_OF_A_FILE: Final = 64
_OURS: Final = ("DIGEST", "REFERENCE_DATA", "ARCHITECTURE")
"""Sources that only this program's readers have."""
_REFERENCE_DATE: Final = ("ram:ReferenceSPSReferencedDocument", "ram:IssueDateTime")
_UNQUALIFIED: Final = frozenset({"NatureIdentificationSPSCargo", "TypeCode", "ID"})
"""Local names that the hub's own schema has without a namespace (DIGEST 2.6)."""


def validate_phyto_xml(
    text: bytes | None,
    *,
    index: Index,
    on: date,
    limits: Limits = DEFAULT_LIMITS,
    lists: HubLists | None = None,
) -> tuple[ValidationResult, ...]:
    """Everything to be said about the certificate in an envelope.

    Args:
        text: of Content, or of ValidatePhytoXML's argument: XML or Base64 of it, in UTF-8.
        index: the mapping tables of that day; what they do not know cannot be translated (R-37-2).
        on: the day of receipt: decides which rules apply and what lies in the future.
        limits: of the document inside.
        lists: the hub's code lists; without them codes are held against the mapping tables only.

    Returns:
        At most `MAX_RESULTS`, the gravest first; empty for a certificate without fault. A text that holds no
        certificate has one result, SEVERE.
    """
    try:
        root = decode_content(text, limits=limits).root
    except HubRefused as error:
        reason = f"{error.message or 'The content cannot be read'}. Found: {error.found}. Expected: {error.expected}"
        return (_result(_SCHEMA, error.where or "Content", Severity.SEVERE, f"{reason}. ({error.code})"),)
    if root.tag != CERTIFICATE:
        found = readable(str(root.tag))
        message = f"This is not a certificate. Found: {found}. Expected: {readable(CERTIFICATE)}."
        return (_result(_SCHEMA, f"/{found}", Severity.SEVERE, message),)
    _shorten_attachments(root)
    results = list(_results(root, index, on, lists))
    results.sort(key=lambda result: _LEVELS.index(Severity(result.level)))
    return tuple(results[:MAX_RESULTS])


def _shorten_attachments(root: _Element) -> None:
    """A file is never looked into, and may be most of a certificate: its beginning says whether there is one."""
    for attachment in root.iter(_ATTACHMENT):
        text = attachment.text
        if text and len(text) > _KEPT_OF_A_FILE:
            attachment.text = text.lstrip()[:_KEPT_OF_A_FILE]


def _results(root: _Element, index: Index, on: date, lists: HubLists | None) -> Iterator[ValidationResult]:
    ordered, disorder = normalise_order(root)
    broken = evaluate(ordered, _EPHYTO, on=on)
    told = {finding.path for finding in broken}
    declared = hub_differences(ordered, limit=MAX_RESULTS)
    yield from _said(_SCHEMA, (finding for finding in disorder if not _is_the_hubs_own(finding)))
    yield from _said(_SCHEMA, (finding for finding in declared if finding.path not in told))
    untranslatable = list(_untranslatable(ordered, index, broken))
    missing = {finding.found for finding in untranslatable}
    unknown = unknown_codes(ordered, index, lists, limit=MAX_RESULTS)
    yield from _said(_MAPPING, untranslatable)
    yield from _said(
        _MAPPING, (each for each in unknown if each.severity is not Severity.INFO or each.found not in missing)
    )
    rules = catalogue()
    for finding in broken:
        yield from _said(_AREAS[rules[finding.rule].about], [finding])


def _is_the_hubs_own(finding: Finding) -> bool:
    """Whether the hub's schema itself has it in a form that is not UN/CEFACT's."""
    if finding.rule == "SPS-BARE-DATE":
        steps = tuple(step.partition("[")[0] for step in finding.path.split("/")[-2:])
        return steps == _REFERENCE_DATE
    return finding.rule == "SPS-NAMESPACE" and finding.found in _UNQUALIFIED


def _untranslatable(ordered: _Element, index: Index, broken: Iterable[Finding]) -> Iterator[Finding]:
    """Codes without an answer in our tables, each once; what a rule says of the same code is not said again."""
    rules = catalogue()
    told = {finding.found for finding in broken if rules[finding.rule].about is About.CODE}
    for gap in find_gaps(ordered, source=_EPHYTO, target=CANONICAL, index=index):
        if gap.found not in told:
            yield Finding(gap.code, Severity.WARNING, gap.message, gap.where, gap.found, "", "R-37-2")


def _said(area: str, findings: Iterable[Finding]) -> Iterator[ValidationResult]:
    for finding in findings:
        parts = [finding.message.rstrip(".") + "."]
        if finding.found and finding.found not in finding.message:
            parts.append(f"Found: {finding.found}.")
        if finding.expected:
            parts.append(f"Expected: {finding.expected}.")
        sources = [source for source in finding.source.split("; ") if not source.startswith(_OURS)]
        reference = "; ".join([finding.rule, *sources])
        yield _result(area, finding.path, finding.severity, " ".join([*parts, f"({reference})"]))


def _result(area: str, field: str, severity: Severity, message: str) -> ValidationResult:
    if len(message) > MAX_MESSAGE:
        message = message[: MAX_MESSAGE - 1] + "…"
    return ValidationResult(area, field, severity.value, message)
