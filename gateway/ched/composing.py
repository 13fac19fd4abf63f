"""Puts the part that somebody wrote into the CHED as it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.ched.parts import entered_by
from gateway.ched.states import EDITABLE, ChedStatus
from gateway.documents.ched import ChedType, Part

if TYPE_CHECKING:
    from gateway.ched.models import Actor
    from gateway.documents.ched import Ched, FollowUp

__all__ = ["amended", "arrived", "entered", "with_part"]

_ADVERSE: Final = frozenset({"NOT_ARRIVED", "NOT_COMPLIANT"})
"""Of the list ``ched-follow-up-outcome``."""


def arrived(ched: Ched, follow_up: FollowUp) -> bool:
    """Whether Part III says that the goods are where they were sent.

    PP and D say it with a word. A and P have none (III.5): there a follow-up without a reason of non-compliance
    says it. Goods that arrived and do not comply are where they were sent, and nobody has accepted them there.
    """
    if any(follow_up.reasons) or follow_up.conform.code == "NO" or follow_up.outcome.code in _ADVERSE:
        return False
    if follow_up.arrived:
        return follow_up.arrived.code == "YES"
    return ched.type in (ChedType.A, ChedType.P)


def entered(actor: Actor, ched: Ched, stored: Ched | None, *, in_progress: bool) -> Ched:
    """What a submission makes of a CHED; who entered Part I is recorded once (an operator, or an authority for it)."""
    if stored is None:
        return replace(ched, issuer=entered_by(actor))
    return with_part(stored, ched, Part.II) if in_progress else amended(stored, ched, ChedStatus.DRAFT)


def with_part(stored: Ched, ched: Ched, part: Part) -> Ched:
    """The stored CHED with one part as it was sent: the other parts stay to the last label (R-5-2)."""
    if part is Part.II:
        return replace(stored, decision=ched.decision, customs_documents=ched.customs_documents)
    return replace(stored, follow_up=ched.follow_up)


def amended(stored: Ched, ched: Ched, status: ChedStatus) -> Ched:
    """The stored CHED with what may be changed in its status; what belongs together stays (II.1, II.24)."""
    if status in EDITABLE:
        return replace(
            ched,
            issuer=stored.issuer,
            issued=stored.issued,
            previous=stored.previous,
            subsequent=stored.subsequent,
            contingency=stored.contingency,
        )
    return replace(
        stored,
        transports_after=ched.transports_after,
        transporter=ched.transporter,
        departure_from_post=ched.departure_from_post,
        customs_documents=ched.customs_documents,
    )
