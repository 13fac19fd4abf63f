"""The CHED as customs get it: entry data and the decision, without Part III (R-38-1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.documents.ched import read_ched, write_ched
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from gateway.documents.ched import Ched
    from gateway.xml.limits import Limits

__all__ = ["certificate_for_customs"]


def certificate_for_customs(content: bytes, limits: Limits) -> tuple[bytes, Ched]:
    """The certificate as it is shown, and its boxes.

    Args:
        content: ``SPSCertificate`` as it is stored.
        limits: of parsing.

    Returns:
        The stored bytes themselves where nothing is left out.
    """
    ched = read_ched(parse(content, limits=limits).root)
    if ched.follow_up is None:
        return content, ched
    shown = replace(ched, follow_up=None)
    return serialise(write_ched(shown)), shown
