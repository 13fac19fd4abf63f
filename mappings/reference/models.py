"""What ReferenceDataServiceV1 and the rules of a CHED know about the world: trees, nodes, posts, sections, tests.

The shapes follow the replies that TRACES was seen to give (DIGEST 5.5, published captures of trees, node details,
sections and metadata); for updates, certificate models and laboratory tests no reply is public, so those are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from mappings.models import Grade

__all__ = [
    "Access",
    "Attribute",
    "AttributeKind",
    "CertificateModel",
    "Column",
    "LaboratoryTest",
    "MetadataCode",
    "Node",
    "NodeDetail",
    "Post",
    "PostKind",
    "Section",
    "Taxon",
    "TestCategory",
    "Tree",
    "Update",
]


class Access(StrEnum):
    """What a commodity asks of a box (attribute ``…_ACCESS`` of its node)."""

    MANDATORY = "MANDATORY"
    OPTIONAL = "OPTIONAL"
    NOT_AVAILABLE = "NOT_AVAILABLE"
    """The box does not exist for this commodity."""
    DISABLED = "DISABLED"
    """The box is shown and cannot be filled."""


class AttributeKind(StrEnum):
    """How the value of a node's attribute is given; on the wire ``xsi:type``."""

    ACCESS = "FieldAccessNodeAttribute"
    ALLOWED = "AllowedNodeAttribute"
    BOOLEAN = "BooleanNodeAttribute"
    ENUM = "EnumCollectionNodeAttribute"
    CARDINALITY = "CardinalityNodeAttribute"
    COLUMNS = "DescriptorColumnNodeAttribute"
    TAXA = "TaxonNodeAttribute"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table of goods (I.31) and whether it has to be filled."""

    id: str
    type: str
    """TAXON, QUANTITY, BOOLEAN, COUNTRY_CODE, REGION, STRING, ENUMERATION."""
    name: str
    cardinality: str
    """MANDATORY or OPTIONAL."""


@dataclass(frozen=True, slots=True)
class Taxon:
    """A species that a node allows."""

    id: str
    name: str
    """Latin."""
    eppo: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a node; one of the value fields is filled, as ``kind`` says."""

    id: str
    kind: AttributeKind
    name: str
    value: str = ""
    values: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    taxa: tuple[Taxon, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One place in a classification tree, without its attributes."""

    path: str
    """Such as ``R/N-10000/N-10065``; ``N`` a nomenclature, ``C`` a certificate model."""
    names: tuple[tuple[str, str], ...]
    """(ISO 639-1 language, description); English first."""
    cn: str = ""
    """Combined Nomenclature; empty for headings without a code."""
    selectable: bool = False
    model: str = ""
    """Id of the certificate model that this node is; empty for a nomenclature."""
    changed: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def parent(self) -> str:
        """Path of the node above, ``R`` for the topmost ones."""
        return self.path.rpartition("/")[0]

    def name(self, language: str) -> tuple[str, str]:
        """(language, description): in the wanted language, else in English."""
        return next((pair for pair in self.names if pair[0] == language), self.names[0])

    def valid_on(self, day: date) -> bool:
        """Whether the node is part of the tree on that day."""
        return not ((self.valid_from and day < self.valid_from) or (self.valid_to and day > self.valid_to))


@dataclass(frozen=True, slots=True)
class NodeDetail:
    """A node with everything that holds for it, its own and what it has from the nodes above."""

    node: Node
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """One classification tree, its nodes in the order in which they are served."""

    id: str
    name: str
    nodes: dict[str, Node]
    """By path."""
    children: dict[str, tuple[str, ...]]
    """Paths below each path, in order."""


@dataclass(frozen=True, slots=True)
class Update:
    """A node that came, changed or went after a moment."""

    node: Node
    change: str
    """ADDED, CHANGED or REMOVED."""
    day: date


class PostKind(StrEnum):
    """Border control posts and control points are two lists (R-44-1)."""

    BCP = "bcp"
    CONTROL_POINT = "control-point"


@dataclass(frozen=True, slots=True)
class Post:
    """A border control post or control point as the operator's list has it (R-44-1, I.4, I.5).

    The code is an opaque key: nothing is read out of its characters.
    """

    code: str
    name: str
    country: str
    """ISO 3166-1 alpha-2, or XI."""
    city: str
    locode: str
    address: str
    categories: frozenset[str]
    """What it is designated for: abbreviations of Regulation (EU) 2019/1014, as the list has them."""
    types: frozenset[str]
    """The kinds of CHED (A, P, PP, D) that it may decide on."""
    active: bool
    """On the day that was asked for; a suspended or closed post is known and not active."""
    kind: PostKind
    grade: Grade

    def designated_for(self, ched_type: str) -> bool:
        """Whether it may take consignments of this kind of CHED (R-I5)."""
        return ched_type in self.types


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the operator register; the code alone is not unique, code and scope are."""

    code: str
    name: str
    chapter: MetadataCode
    lms: bool
    active: bool
    scopes: tuple[MetadataCode, ...]
    """Groups of countries: EU, EFTA, THIRD_COUNTRIES, ALL_COUNTRIES."""
    activities: tuple[MetadataCode, ...]


@dataclass(frozen=True, slots=True)
class MetadataCode:
    """One code of a metadata list."""

    list: str
    code: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class TestCategory:
    """A group of laboratory tests."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class LaboratoryTest:
    """A laboratory test that II.6 may name."""

    id: str
    category: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class CertificateModel:
    """A model certificate that a node of a tree stands for."""

    id: str
    short_title: str
    title: str
    created: date | None
    updated: date | None
