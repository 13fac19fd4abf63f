"""What ValidatePhytoXML says about a certificate (DIGEST 2.5)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ValidationResult"]


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """One finding, in the contract's words."""

    area: str
    """``MandatoryElements``, ``Mapping`` or ``Schema``."""
    field: str
    level: str
    """``SEVERE``, ``WARNING`` or ``INFO``."""
    msg: str
