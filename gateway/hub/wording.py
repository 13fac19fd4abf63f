"""What the hub is told about an envelope: which acknowledgement, and a text of bounded length that is safe to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import Severity
from gateway.store import ImportState, ImportVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.errors import Finding
    from gateway.exchange import ImportOutcome

__all__ = ["MAX_MESSAGE", "WORTH_TELLING", "verdict_on"]

MAX_MESSAGE: Final = 1_000
"""Characters that the hub is told about an envelope."""

WORTH_TELLING: Final = frozenset({Severity.SEVERE, Severity.WARNING})
"""Levels that make a delivery one with warnings."""


def verdict_on(outcome: ImportOutcome, results: Sequence[str]) -> tuple[ImportVerdict, str]:
    """What the hub is told about an outcome.

    Args:
        outcome: what became of the envelope.
        results: what validation found and the sender should know, one line each.

    Returns:
        The acknowledgement, and its text of at most `MAX_MESSAGE` characters.
    """
    match outcome.state:
        case ImportState.UNREADABLE:
            return ImportVerdict.FAILED, _bounded([f"{outcome.code}: {outcome.message}"])
        case ImportState.HELD:
            return ImportVerdict.WARNINGS, _bounded(
                [f"Received and not taken over yet. {outcome.code}: {outcome.message}", *_lines(outcome.findings)]
            )
        case ImportState.RESPONSE:
            return ImportVerdict.DELIVERED, _bounded([outcome.message])
    told = [*_lines(each for each in outcome.findings if each.rule.startswith("HUB-")), *results]
    return (ImportVerdict.WARNINGS, _bounded(told)) if told else (ImportVerdict.DELIVERED, "")


def _lines(findings: Iterable[Finding]) -> list[str]:
    """The message, and what would help; the place comes last, where it may be cut off."""
    return [
        " | ".join(
            part
            for part in (
                f"{each.severity} {each.rule}: {each.message}",
                f"expected {each.expected}" if each.expected else "",
                each.path,
            )
            if part
        )
        for each in findings
        if each.severity in WORTH_TELLING
    ]


def _bounded(lines: Sequence[str]) -> str:
    """As many lines as fit, and how many did not."""
    text = ""
    for number, line in enumerate(lines):
        more = f" (and {len(lines) - number} more)"
        if len(text) + len(line) + len(more) + 2 > MAX_MESSAGE:
            return (text or line[: MAX_MESSAGE - len(more)]) + more
        text = f"{text}; {line}" if text else line
    return text
