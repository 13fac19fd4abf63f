"""What a partner may do, see and read: default deny (Arts 9, 36; R-9-1, R-9-2, R-36-2, R-36-4)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.errors import AccessDenied

if TYPE_CHECKING:
    from gateway.access.models import Partner

__all__ = ["View", "check_document", "check_operation", "view_of"]


class View(StrEnum):
    """How much of a document a partner gets to read."""

    ORIGINAL = "original"
    """The stored bytes, unmasked, with their seal."""
    MASKED = "masked"
    """A separate representation without personal data; masking breaks seals, so it carries none (R-9-2)."""
    NOTHING = "nothing"
    """The document does not exist for this partner: the answer is the one for an unknown number."""


def check_operation(partner: Partner, contract: str, operation: str) -> None:
    """Refuse an operation that the partner was not granted.

    Raises:
        AccessDenied: IMG-2101.
    """
    if not partner.may_call(contract, operation):
        raise AccessDenied("IMG-2101", where=f"{contract}/{operation}", found=f"partner {partner.id}")


def check_document(partner: Partner, type_code: str, issuer: str, importer: str) -> None:
    """Refuse a document type or country pair that the partner was not granted.

    Raises:
        AccessDenied: IMG-2102.
    """
    if not partner.may_exchange(type_code, issuer, importer):
        raise AccessDenied(
            "IMG-2102",
            where="SPSExchangedDocument/TypeCode, country pair",
            found=f"{type_code} {issuer}>{importer}",
            expected=f"{', '.join(sorted(partner.document_types)) or 'no type'}; "
            f"{', '.join(map(str, partner.country_pairs)) or 'no country pair'}",
        )


def view_of(partner: Partner, owner: str, type_code: str, issuer: str, importer: str) -> View:
    """How the partner may read a document.

    The sender always reads its own document as it sent it. Others need a grant for type and country pair; outside
    partners (Art 9) then see a masked representation unless their record names the legal basis for personal data.
    A partner without the grant cannot tell a document from one that does not exist.
    """
    if partner.id == owner:
        return View.ORIGINAL
    if not partner.may_exchange(type_code, issuer, importer):
        return View.NOTHING
    return View.ORIGINAL if partner.sees_personal_data else View.MASKED
