"""Everything in a document that has no translation, found at once; `translate` ends at the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.errors import TranslationRefused
from gateway.xml.names import readable
from mappings.document_types import context_of
from mappings.engine import copy_of, steps
from mappings.walk import Pass, plan_for

if TYPE_CHECKING:
    from lxml.etree import _Element

    from mappings.index import Index

__all__ = ["find_gaps"]

MAX_GAPS: Final = 50
"""Different gaps that are told; the same code of the same list counts once."""


def find_gaps(
    root: _Element, *, source: str, target: str, index: Index, partner: str = ""
) -> tuple[TranslationRefused, ...]:
    """Why a document cannot be translated: each code without an answer once, at its first place.

    For a document that `translate` refused; the arguments are the same. What a later step of the way would refuse shows
    only when nothing is left to refuse before it.
    """
    document = copy_of(root)
    for step_source, step_target in steps(source, target):
        run = _Search(index, step_source, step_target, partner, context_of(document, index, step_source, partner))
        try:
            run.walk(document, plan_for(step_source, step_target), f"/{readable(str(document.tag))}")
        except TranslationRefused as refusal:
            run.gaps.setdefault((refusal.code, refusal.where, refusal.found), refusal)
        if run.gaps:
            return tuple(run.gaps.values())[:MAX_GAPS]
    return ()


class _Search(Pass):
    """A pass that notes what has no answer and leaves it as it is."""

    def __init__(self, index: Index, source: str, target: str, partner: str, context: str) -> None:
        super().__init__(index, source, target, partner, context)
        self.gaps: dict[tuple[str, str, str], TranslationRefused] = {}

    def code(self, name: str, code: str, path: str) -> str | None:
        """The answer, or the code itself where there is none."""
        try:
            return super().code(name, code, path)
        except TranslationRefused as refusal:
            refusal.gap = (self.source, self.target, name, code, self.context)
            self.gaps.setdefault((refusal.code, name, code), refusal)
            return code
