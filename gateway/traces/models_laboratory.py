"""Laboratory tests beside a certificate, as values; callers have them from ``models``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.documents.ched.models import ChedClass, ChedParty, Coded

__all__ = [
    "ItemTests",
    "LaboratoryAnalysis",
    "LaboratoryTest",
    "ProductTests",
]


@dataclass(frozen=True, slots=True)
class LaboratoryAnalysis:
    """``Analysys`` of lab1, spelt as TRACES spells it (DIGEST 5.3); moments as written."""

    type: Coded | None = None
    sampled: str = ""
    batch: str = ""
    samples: str = ""
    """How many, as written."""
    sample_type: Coded | None = None
    conservation: Coded | None = None
    laboratory: ChedParty | None = None
    received: str = ""
    reported: str = ""
    method: str = ""
    results: str = ""
    conclusion: Coded | None = None


@dataclass(frozen=True, slots=True)
class LaboratoryTest:
    """One test of a product."""

    reference: str = ""
    descriptor: str = ""
    """The id of the test in the reference data."""
    description: str = ""
    language: str = ""
    """Of the description, ISO 639-1."""
    category: Coded | None = None
    motivation: Coded | None = None
    conclusion: Coded | None = None
    """The inspector's."""
    analyses: tuple[LaboratoryAnalysis, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductTests:
    """The tests of one class of goods."""

    commodity: ChedClass | None
    tests: tuple[LaboratoryTest, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemTests:
    """SPSConsignmentItemLaboratoryTest: the tests of one consignment item."""

    nature: tuple[Coded, ...] = ()
    """Types of cargo, 7085."""
    products: tuple[ProductTests, ...] = ()
