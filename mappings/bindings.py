"""Which place carries which list, and the rules of form beside the tables (``bindings.toml``, ``structure.csv``)."""

from __future__ import annotations

import csv
import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from mappings.models import Loss


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that carries a list: an element of a type, or an attribute of every element of that type."""

    list: str
    type: str
    element: str = ""
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Bindings:
    """Everything that ``bindings.toml`` says."""

    places: tuple[Binding, ...]
    notes: dict[str, str]
    """List by note subject, for notes whose content is a code."""
    treatments: dict[str, str]
    """List by the property of a treatment whose value is a code."""
    classes: dict[str, str]
    """List of the class codes by canonical classification system."""
    roles: dict[str, str]
    """UNTDID 3035 role by the element name of a party."""
    clauses: dict[str, str]
    """Of a CHED: list by the ID of a clause, empty where its content is words."""
    subjects: dict[str, str]
    """Of a CHED: list by note subject, empty where the content is words."""
    types: dict[str, str]
    """Of a CHED: list by the listID of a party's TypeCode."""


@dataclass(frozen=True, slots=True)
class StructureRule:
    """One difference of form between the ePhyto and the TRACES document, in words, with the loss it causes."""

    id: str
    type: str
    ephyto: str
    traces: str
    loss: Loss
    row_id: str
    """As reports cite it."""


@cache
def bindings() -> Bindings:
    """The bindings of this release."""
    parsed = tomllib.loads(_file("bindings.toml").decode())
    return Bindings(
        tuple(Binding(**entry) for entry in parsed["binding"]),
        {entry["subject"]: entry["list"] for entry in parsed["note"]},
        parsed["treatments"],
        parsed["classes"],
        parsed["roles"],
        parsed["ched"]["clauses"],
        parsed["ched"]["notes"],
        parsed["ched"]["types"],
    )


@cache
def structure_rules() -> dict[str, StructureRule]:
    """The rules of form by id."""
    lines = [line for line in _file("structure.csv").decode().splitlines() if not line.startswith("#")]
    return {
        row["id"]: StructureRule(
            row["id"], row["type"], row["ephyto"], row["traces"], Loss(row["loss"]), f"structure/{row['id']}"
        )
        for row in csv.DictReader(lines)
    }


@cache
def structure_version() -> str:
    """Digest of the rules of form and of the bindings, as reports cite it."""
    return hashlib.sha256(_file("structure.csv") + _file("bindings.toml")).hexdigest()[:12]


def _file(name: str) -> bytes:
    return resources.files("mappings").joinpath("tables", name).read_bytes()
