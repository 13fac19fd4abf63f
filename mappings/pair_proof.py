"""What becomes of codes between two systems, through the canonical one, and of their way back, in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from gateway.errors import TranslationRefused
from mappings.contexts import chain
from mappings.models import CANONICAL, Loss
from mappings.proof import RowProof, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from mappings.index import Index
    from mappings.lookups import Entry, Lookup

__all__ = ["prove_codes"]


@dataclass(frozen=True, slots=True)
class _Walked:
    """A code's way: the answers in order; ``refusal`` where it ends before the target."""

    code: str
    entries: tuple[Entry, ...]
    refusal: TranslationRefused | None = None

    @property
    def target(self) -> str:
        return (self.entries[-1].target or "") if self.entries else ""

    @property
    def loss(self) -> Loss:
        losses = {entry.loss for entry in self.entries}
        return next((each for each in (Loss.NARROWS, Loss.WIDENS) if each in losses), Loss.NONE)


def prove_codes(
    codes: Iterable[str],
    index: Index,
    source: str,
    target: str,
    name: str,
    *,
    partner: str = "",
    contexts: Collection[str] = (),
) -> Iterator[RowProof]:
    """Prove what becomes of codes between two systems, through the canonical one, and of their way back.

    Args:
        codes: of the source system.
        index: of the day.
        source: the system that the codes are of.
        target: the other one.
        name: the list.
        partner: whose own rows go before the general ones.
        contexts: those that rows of the tables on the way name; a code is told for a context only where it goes another
            way there than in the wider one.

    Raises:
        TranslationRefused: IMG-6005, IMG-6009.
    """
    systems = [source, target] if CANONICAL in (source, target) else [source, CANONICAL, target]
    there = [index.lookup(here, next_, name, partner) for here, next_ in pairwise(systems)]
    systems.reverse()
    back = [index.lookup(here, next_, name, partner) for here, next_ in pairwise(systems)]
    places = sorted({"", *contexts})
    for code in codes:
        told: dict[str, tuple[object, ...]] = {}
        proofs: list[RowProof] = []
        for context in places:
            forth = _walk(there, code, context)
            returned = _walk(back, forth.target, context) if forth.refusal is None and forth.target else None
            proof = _judge_code(forth, returned, context)
            seen = (proof.verdict, proof.row, proof.target, returned.target if returned is not None else "")
            wider = next((told[each] for each in chain(context)[1:] if each in told), None)
            told[context] = seen
            if seen != wider:
                proofs.append(proof)
        answered = [proof for proof in proofs if proof.verdict is not Verdict.UNMAPPED]
        yield from answered or proofs[:1]


def _walk(lookups: Sequence[Lookup], code: str, context: str) -> _Walked:
    entries: list[Entry] = []
    at = code
    for lookup in lookups:
        try:
            entry = lookup.find(at, context)
        except TranslationRefused as refusal:
            return _Walked(code, tuple(entries), refusal)
        entries.append(entry)
        if not entry.target:
            break
        at = entry.target
    return _Walked(code, tuple(entries))


def _judge_code(forth: _Walked, back: _Walked | None, context: str) -> RowProof:
    rows = " ".join(entry.row_id for entry in forth.entries)
    if forth.refusal is not None:
        verdict = Verdict.REFUSED if forth.refusal.code == "IMG-6007" else Verdict.UNMAPPED
        return RowProof(rows, forth.code, "", context, verdict, f"{forth.refusal.code} {forth.refusal.message}")
    lossy = {Loss.NARROWS: Verdict.NARROWS, Loss.WIDENS: Verdict.WIDENS}.get(forth.loss)
    if back is None:
        verdict, reason = Verdict.NARROWS, "left out"
    elif back.refusal is not None:
        verdict, reason = Verdict.ONE_WAY, f"nothing leads back from {forth.target!r}: {back.refusal.message}"
    elif back.target != forth.code:
        returned = repr(back.target) if back.target else "nothing"
        verdict, reason = lossy or Verdict.CONTRADICTORY, f"comes back as {returned}"
    else:
        verdict = lossy or Verdict.BIJECTIVE
        reason = "comes back the same, and is declared to lose" if lossy else "there and back gives the same"
    return RowProof(rows, forth.code, forth.target, context, verdict, reason)
