"""Reference data from the lists in ``data`` and the operator's own, checked against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Final

from gateway.errors import ChedRefused, ConfigurationError
from mappings.models import Grade
from mappings.periods import holds
from mappings.reference.codes import KnownCodes
from mappings.reference.files import SPECS, read_list
from mappings.reference.languages import Languages
from mappings.reference.models import (
    Attribute,
    AttributeKind,
    CertificateModel,
    Column,
    LaboratoryTest,
    MetadataCode,
    Node,
    Section,
    Taxon,
    TestCategory,
    Tree,
)
from mappings.reference.posts import Posts
from mappings.reference.trees import ROOT, CommodityAccess, Trees
from mappings.stored import StoredCodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from mappings.loading import Tables
    from mappings.models import CodeList
    from mappings.reference.files import Layer, Record

__all__ = ["FOLDER", "ReferenceData", "load_reference", "read_records"]

FOLDER: Final = "reference"
"""The operator's lists: this folder inside the folder of the operator's tables."""
_ENGLISH: Final = "en"
MAX_LEVELS: Final = 60
"""Of nodes below one another: a code has five, with headings, species and models some ten."""


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """Everything that is served as reference data and asked by the rules."""

    posts: Posts
    languages: Languages
    trees: Trees
    access: CommodityAccess
    known: KnownCodes
    """The canonical lists of codes."""
    sections: tuple[Section, ...]
    metadata: dict[str, tuple[MetadataCode, ...]]
    """By metadata type: the lists of ``metadata.csv``."""
    code_lists: dict[str, CodeList]
    """By metadata type: the lists of codes that are served as metadata too."""
    categories: tuple[TestCategory, ...]
    tests: tuple[LaboratoryTest, ...]
    models: dict[str, CertificateModel]

    def now(self) -> ReferenceData:
        """These: `mappings.reference.live.LiveReference` has others after a change."""
        return self

    def with_tables(self, tables: Tables, *, allow_unconfirmed: bool = False) -> ReferenceData:
        """The same lists with the codes of other tables."""
        return replace(
            self,
            known=KnownCodes(tables.lists, allow_unconfirmed=allow_unconfirmed),
            code_lists=_code_lists(tables, self.metadata),
        )

    def codes(self, metadata_type: str, on: date | None = None) -> tuple[MetadataCode, ...]:
        """One metadata list.

        Args:
            metadata_type: its name.
            on: a code of the tables is active when it holds on this day; whenever, without one.

        Raises:
            ChedRefused: IMG-7312 there is no such list.
        """
        found = self.metadata.get(metadata_type)
        if found is not None:
            return found
        code_list = self.code_lists.get(metadata_type)
        if code_list is None:
            raise ChedRefused("IMG-7312", found=metadata_type, expected=", ".join(sorted(self.metadata_types)))
        return tuple(
            MetadataCode(metadata_type, each.code, each.name, active=on is None or holds(each, on))
            for each in (code_list if on is None else code_list.on(on)).codes.values()
            if self.known.admits(each)
        )

    @property
    def metadata_types(self) -> frozenset[str]:
        """The names of all metadata lists."""
        return frozenset((*self.metadata, *self.code_lists))

    def model(self, model_id: str) -> CertificateModel:
        """One certificate model.

        Raises:
            ChedRefused: IMG-7313 there is no such model.
        """
        found = self.models.get(model_id)
        if found is None:
            raise ChedRefused("IMG-7313", found=model_id)
        return found

    def tests_of(self, category: str) -> tuple[LaboratoryTest, ...]:
        """The laboratory tests of one category.

        Raises:
            ChedRefused: IMG-7314 there is no such category.
        """
        if not any(each.id == category for each in self.categories):
            raise ChedRefused("IMG-7314", found=category)
        return tuple(test for test in self.tests if test.category == category)


def load_reference(
    tables: Tables,
    own: Path | None = None,
    *,
    directory: Path | None = None,
    languages: Mapping[str, Iterable[str]] | None = None,
    allow_unconfirmed: bool = False,
    stored: Sequence[Layer] = (),
) -> ReferenceData:
    """Read the lists.

    Args:
        tables: the code lists of this instance, which are served as metadata too.
        own: the operator's folder of tables; its folder ``reference`` holds the operator's lists, row by row over ours.
        directory: the base lists; the ones of this package when None.
        languages: of the settings: languages by country, over the list's (R-40-2).
        allow_unconfirmed: also use rows graded unverified (sandbox only).
        stored: lists of the store, over all others.

    Raises:
        ConfigurationError: IMG-0130 a file or a row cannot be read, IMG-0131 rows contradict each other.
    """
    read = read_records(own, directory=directory, stored=stored)
    rows = {
        name: [record for record in records if allow_unconfirmed or record.grade is not Grade.UNVERIFIED]
        for name, records in read.items()
    }
    metadata = _metadata(rows["metadata"])
    trees = _trees(rows)
    return ReferenceData(
        Posts.from_records(rows["posts"], allow_unconfirmed=allow_unconfirmed),
        Languages.from_records(rows["languages"], languages, allow_unconfirmed=allow_unconfirmed),
        trees,
        CommodityAccess(trees),
        KnownCodes(tables.lists, allow_unconfirmed=allow_unconfirmed),
        tuple(_section(record, metadata) for record in rows["sections"]),
        metadata,
        _code_lists(tables, metadata),
        tuple(TestCategory(record["id"], record["name"]) for record in rows["test-categories"]),
        _tests(rows["tests"], {record["id"] for record in rows["test-categories"]}),
        {
            record["id"]: CertificateModel(
                record["id"], record["short_title"], record["title"], record.day("created"), record.day("updated")
            )
            for record in rows["models"]
        },
    )


def read_records(
    own: Path | None = None, *, directory: Path | None = None, stored: Sequence[Layer] = ()
) -> dict[str, list[Record]]:
    """The rows of every list, by its name; as `load_reference`, which checks them against each other."""
    layers: list[Layer] = [directory or resources.files("mappings.reference").joinpath("data")]
    if own is not None and (own / FOLDER).is_dir():
        layers.append(own / FOLDER)
    layers += stored
    return {spec.name: read_list(spec, layers) for spec in SPECS}


def _trees(rows: Mapping[str, list[Record]]) -> Trees:
    names: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for record in rows["node-names"]:
        names.setdefault((record["tree"], record["path"]), []).append((record["language"], record["name"]))
    nodes: dict[str, dict[str, Node]] = {record["tree"]: {} for record in rows["trees"]}
    models = {record["id"] for record in rows["models"]}
    for record in rows["nodes"]:
        if record["tree"] not in nodes:
            raise _contradiction(record, record["tree"], "a tree of trees.csv")
        if record["model"] and record["model"] not in models:
            raise _contradiction(record, record["model"], "a model of models.csv")
        nodes[record["tree"]][record["path"]] = _node(record, names.get((record["tree"], record["path"]), []))
    trees = [
        Tree(record["tree"], record["name"], nodes[record["tree"]], _children(nodes[record["tree"]], record))
        for record in rows["trees"]
    ]
    return Trees(
        trees,
        _attributes(rows, nodes),
        {alias: record["tree"] for record in rows["trees"] for alias in record.words("alias")},
    )


def _node(record: Record, names: list[tuple[str, str]]) -> Node:
    cn = record["cn"]
    if cn and not (cn.isascii() and cn.isdigit() and len(cn) % 2 == 0):
        raise record.wrong("cn", "pairs of digits")
    if record["path"].count("/") > MAX_LEVELS:
        raise record.wrong("path", f"at most {MAX_LEVELS} levels")
    return Node(
        record["path"],
        ((_ENGLISH, record["name"]), *names),
        cn,
        record.truth("selectable"),
        record["model"],
        record.day("changed"),
        record.day("valid_from"),
        record.day("valid_to"),
    )


def _children(nodes: Mapping[str, Node], record: Record) -> dict[str, tuple[str, ...]]:
    """Paths below each path; a node without a node above it belongs to nothing."""
    below: dict[str, list[str]] = {}
    for node in nodes.values():
        if node.parent != ROOT and node.parent not in nodes:
            raise _contradiction(record, f"{record['tree']} {node.path}", f"a node {node.parent}")
        below.setdefault(node.parent, []).append(node.path)
    return {parent: tuple(paths) for parent, paths in below.items()}


def _attributes(
    rows: Mapping[str, list[Record]], nodes: Mapping[str, Mapping[str, Node]]
) -> dict[tuple[str, str], dict[str, Attribute]]:
    kinds = {record["id"]: (_kind(record), record["name"]) for record in rows["attribute-names"]}
    columns = {record["id"]: record for record in rows["columns"]}
    found: dict[tuple[str, str], dict[str, Attribute]] = {}
    for record in rows["attributes"]:
        tree, path = record["tree"], record["path"]
        if path != ROOT and path not in nodes.get(tree, {}):
            raise _contradiction(record, f"{tree} {path}", "a node of nodes.csv, or R")
        described = kinds.get(record["attribute"])
        if described is None:
            raise _contradiction(record, record["attribute"], "an attribute of attribute-names.csv")
        found.setdefault((tree, path), {})[record["attribute"]] = _attribute(record, described, columns)
    return found


_VALUES: Final[dict[AttributeKind, tuple[str, ...]]] = {
    AttributeKind.ACCESS: ("MANDATORY", "OPTIONAL", "NOT_AVAILABLE", "DISABLED"),
    AttributeKind.ALLOWED: ("ALLOWED", "DISALLOWED"),
    AttributeKind.BOOLEAN: ("true", "false"),
}
_COLUMN_PARTS: Final = 2
_TAXON_PARTS: Final = 3


def _kind(record: Record) -> AttributeKind:
    try:
        return AttributeKind[record["kind"]]
    except KeyError as error:
        raise record.wrong("kind", ", ".join(AttributeKind.__members__)) from error


def _attribute(record: Record, described: tuple[AttributeKind, str], columns: Mapping[str, Record]) -> Attribute:
    identifier, value = record["attribute"], record["value"]
    kind, name = described
    if kind is AttributeKind.ENUM:
        return Attribute(identifier, kind, name, values=record.words("value"))
    if kind is AttributeKind.COLUMNS:
        return Attribute(identifier, kind, name, columns=_columns(record, columns))
    if kind is AttributeKind.TAXA:
        return Attribute(identifier, kind, name, taxa=_taxa(record))
    if value not in _VALUES.get(kind, (value,)):
        raise record.wrong("value", ", ".join(_VALUES[kind]))
    return Attribute(identifier, kind, name, value)


def _columns(record: Record, known: Mapping[str, Record]) -> tuple[Column, ...]:
    """``ID=CARDINALITY`` for each column."""
    found: list[Column] = []
    for word in record.words("value"):
        parts = word.split("=")
        column = known.get(parts[0])
        if column is None or len(parts) != _COLUMN_PARTS or parts[1] not in ("MANDATORY", "OPTIONAL"):
            raise record.wrong("value", "COLUMN=MANDATORY or COLUMN=OPTIONAL, of columns.csv")
        found.append(Column(column["id"], column["type"], column["name"], parts[1]))
    return tuple(found)


def _taxa(record: Record) -> tuple[Taxon, ...]:
    """``id|EPPO code|Latin name`` for each taxon, separated by semicolons."""
    found: list[Taxon] = []
    for entry in filter(None, record["value"].split(";")):
        parts = [part.strip() for part in entry.split("|")]
        if len(parts) != _TAXON_PARTS:
            raise record.wrong("value", "id|EPPO code|Latin name; ...")
        found.append(Taxon(parts[0], parts[2], parts[1]))
    return tuple(found)


def _metadata(records: Iterable[Record]) -> dict[str, tuple[MetadataCode, ...]]:
    found: dict[str, list[MetadataCode]] = {}
    for record in records:
        code = MetadataCode(record["list"], record["code"], record["name"], record.truth("active"))
        found.setdefault(record["list"], []).append(code)
    return {name: tuple(codes) for name, codes in found.items()}


def _code_lists(tables: Tables, taken: Mapping[str, object]) -> dict[str, CodeList]:
    """The canonical lists under their names in capitals, without those of ``metadata.csv`` and those of the store.

    What is too large for memory (CN, TARIC, EPPO codes) is no metadata list: nomenclatures are served as trees.
    """
    named = {name.upper().replace("-", "_"): each for name, each in tables.lists.items()}
    return {name: each for name, each in named.items() if name not in taken and not isinstance(each.codes, StoredCodes)}


def _section(record: Record, metadata: Mapping[str, tuple[MetadataCode, ...]]) -> Section:
    def named(column: str, metadata_type: str) -> tuple[MetadataCode, ...]:
        known = {each.code: each for each in metadata.get(metadata_type, ())}
        for code in record.words(column):
            if code not in known:
                raise _contradiction(record, code, f"a {metadata_type} of metadata.csv")
        return tuple(known[code] for code in record.words(column))

    chapters = named("chapter", "CLASSIFICATION_SECTION_CHAPTER")
    if len(chapters) != 1:
        raise record.wrong("chapter", "one chapter")
    return Section(
        record["code"],
        record["name"],
        chapters[0],
        record.truth("lms"),
        record.truth("active"),
        named("scope", "META_COUNTRY_GROUP"),
        named("activities", "OPERATOR_ACTIVITY_TYPE"),
    )


def _tests(records: Iterable[Record], categories: set[str]) -> tuple[LaboratoryTest, ...]:
    found: list[LaboratoryTest] = []
    for record in records:
        if record["category"] not in categories:
            raise _contradiction(record, record["category"], "a category of test-categories.csv")
        found.append(LaboratoryTest(record["id"], record["category"], record["name"], record.truth("active")))
    return tuple(found)


def _contradiction(record: Record, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError("IMG-0131", where=record.where, found=found, expected=expected)
