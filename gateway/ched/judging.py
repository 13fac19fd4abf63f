"""Judges a change of a CHED: by the rules of the parts that are written, and by the signatures of Article 41."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.ched.signatures import missing_signatures, require_signatures, verify_all
from gateway.errors import Finding, RulesRefused, Severity
from gateway.rules.ched import Facts, evaluate_ched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from gateway.ched.codes import Codes
    from gateway.ched.links import Relative
    from gateway.ched.models import Actor, SealedCopy
    from gateway.ched.signatures import Case, Evidence
    from gateway.documents.ched import Ched, Part
    from gateway.exchange import Context
    from gateway.soap import SoapCall
    from gateway.store import ChedRow

__all__ = ["SIGNED_DECISIONS", "Judge"]

SIGNED_DECISIONS: Final = "required"
"""Of ``[traces] part_signatures``: a decision without them is refused."""


class Judge:
    """Rules and signatures.

    Args:
        context: the services.
        facts: what the rules ask beside the document.
        part_signatures: ``required`` or ``recorded``.
        codes: of the partners that sign.
    """

    def __init__(self, context: Context, facts: Facts, part_signatures: str, codes: Codes) -> None:
        self._context = context
        self._codes = codes
        self._facts = facts
        self._required = part_signatures == SIGNED_DECISIONS

    def rules(
        self,
        ched: Ched,
        part: Part,
        before: ChedRow | None,
        call: SoapCall,
        *,
        relatives: tuple[Relative, ...] = (),
        draft: bool = False,
    ) -> tuple[Finding, ...]:
        """The findings of the rules about the part that is written.

        Raises:
            RulesRefused: IMG-5001, unless it is a draft.
        """
        known = replace(
            self._facts,
            reference=before.reference if before is not None else "",
            previous=relatives[0].ched if relatives else None,
        )
        on = call.received_at.date()
        found = evaluate_ched(ched, on=on, known=known, part=part)
        if draft:
            return tuple(_softened(each) for each in found)
        first = next((each for each in found if each.severity is Severity.SEVERE), None)
        if first is None:
            return found
        refused = RulesRefused(
            "IMG-5001", first.message, where=first.path, found=first.found, expected=first.expected, findings=found
        )
        refused.subject = ched.reference or ched.local_reference
        raise refused

    def signatures(
        self, actor: Actor, document: _Element, seals: Sequence[SealedCopy], call: SoapCall, case: Case | None
    ) -> tuple[tuple[Evidence, ...], tuple[Finding, ...]]:
        """What was signed, and what Article 41 misses where nothing is refused for it."""
        partner = actor.principal.partner
        evidence = verify_all(
            document,
            seals,
            call,
            trust=self._context.trust.of(partner),
            at=call.received_at,
            limits=self._context.limits,
            stamped=self._required and partner.timestamp_required,
            read=partial(self._codes.read, actor),
        )
        if case is None:
            return evidence, ()
        if self._required:
            require_signatures(case, evidence)
        return evidence, tuple(_softened(each) for each in missing_signatures(case, evidence))


def _softened(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.WARNING) if finding.severity is Severity.SEVERE else finding
