"""Reference data as values: trees, sections, lists, laboratory tests; callers have them from ``models``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "CertificateModel",
    "Metadata",
    "NodeAttribute",
    "NodeColumn",
    "ReferenceTest",
    "ReferenceTestCategory",
    "Scope",
    "Section",
    "TaxonReference",
    "Tree",
    "TreeNode",
    "TreeUpdate",
]


@dataclass(frozen=True, slots=True)
class Tree:
    """A classification tree by its id: cheda, chedp, chedd, chedpp, intra_trade, docom."""

    id: str
    name: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class CertificateModel:
    """A model certificate that a node stands for."""

    id: str
    short_title: str = ""
    long_title: str = ""
    language: str = "en"
    created: datetime | None = None
    updated: datetime | None = None


@dataclass(frozen=True, slots=True)
class NodeColumn:
    """A column that the goods of a node are described by: DescriptorColumnValue."""

    id: str
    type: str
    """TAXON, QUANTITY, BOOLEAN, COUNTRY_CODE, REGION, STRING, ENUMERATION."""
    description: str = ""
    cardinality: str = ""
    """MANDATORY or OPTIONAL."""


@dataclass(frozen=True, slots=True)
class TaxonReference:
    """A species that a node allows."""

    name: str
    """Latin."""
    id: str = ""
    eppo_code: str = ""
    fao_code: str = ""
    language: str = ""
    """Of the name, ISO 639-1."""


@dataclass(frozen=True, slots=True)
class NodeAttribute:
    """An attribute of a node.

    ``kind`` is the type's name without ``NodeAttribute``: FieldAccess, Allowed, Boolean, Integer, EnumSingle,
    EnumCollection, Cardinality, MandatoryNotApplicable, SelectableDocumentLink, ClassificationSection, Taxon,
    DescriptorColumn. Its values are texts, of a Boolean ``true`` or ``false``, of a section its code.
    """

    kind: str
    id: str
    description: str = ""
    language: str = "en"
    values: tuple[str, ...] = ()
    columns: tuple[NodeColumn, ...] = ()
    """Of DescriptorColumn."""
    taxa: tuple[TaxonReference, ...] = ()
    """Of Taxon."""


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node of a classification tree; its path such as ``R/N-10000/N-10065`` is its identity."""

    path: str
    type: str
    """nomenclature, label, taxon, certificate_model, no_commodity."""
    selectable: bool
    description: str
    language: str = "en"
    cn_code: str = ""
    model: CertificateModel | None = None
    children: tuple[TreeNode, ...] = ()
    attributes: tuple[NodeAttribute, ...] = ()
    """In the detail of a node only."""


@dataclass(frozen=True, slots=True)
class TreeUpdate:
    """A change of a tree since a moment (form inferred)."""

    path: str
    kind: str
    """CREATED, UPDATED, DELETED."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """A named code beside a section: a chapter or a group of countries."""

    code: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Metadata:
    """An entry of a metadata list: MetadataCode."""

    code: str
    name: str
    list_id: str
    language: str = "en"
    active: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A classification section of operators, such as REG-TRANS."""

    code: str
    description: str
    chapter: Scope
    lms: bool = False
    active: bool = True
    scopes: tuple[Scope, ...] = ()
    activities: tuple[Metadata, ...] = ()
    language: str = "en"


@dataclass(frozen=True, slots=True)
class ReferenceTestCategory:
    """A category of laboratory tests (form inferred)."""

    code: str
    description: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class ReferenceTest:
    """A laboratory test of the reference data (reflab1; form inferred)."""

    id: str
    description: str
    category: str
    language: str = "en"
    active: bool = True
