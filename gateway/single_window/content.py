"""The CHED as customs get it: entry data and the decision, without Part III (R-38-1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.ched.customs_box import shown_ched
from gateway.documents.ched import read_ched, write_ched
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.documents.ched import Ched
    from gateway.store import ChedRow, CustomsReport
    from gateway.xml.limits import Limits

__all__ = ["Stored", "certificate_for_customs"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A CHED as it is kept, and what customs reported for it (II.23)."""

    row: ChedRow
    content: bytes
    reports: Sequence[CustomsReport]


def certificate_for_customs(stored: Stored, limits: Limits) -> tuple[bytes, Ched]:
    """The certificate as it is shown, and its boxes.

    Args:
        stored: the CHED.
        limits: of parsing.

    Returns:
        The stored bytes themselves where nothing is left out or added.
    """
    ched = read_ched(parse(stored.content, limits=limits).root)
    if ched.follow_up is None and not stored.reports:
        return stored.content, ched
    shown = replace(shown_ched(ched, stored.reports, stored.row.updated_at), follow_up=None)
    return serialise(write_ched(shown)), shown
