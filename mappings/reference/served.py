"""The shapes in which a service gives reference data: those of ``gateway.traces.models``, not named here."""

# ruff: noqa: D102 - members are named as in the contract

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = [
    "ServedAttribute",
    "ServedCategory",
    "ServedCode",
    "ServedColumn",
    "ServedMetadata",
    "ServedModel",
    "ServedNode",
    "ServedSection",
    "ServedTaxon",
    "ServedTest",
]


class ServedModel(Protocol):
    """A certificate model as a service gives it."""

    @property
    def id(self) -> str: ...
    @property
    def short_title(self) -> str: ...
    @property
    def long_title(self) -> str: ...
    @property
    def created(self) -> datetime | None: ...
    @property
    def updated(self) -> datetime | None: ...


class ServedColumn(Protocol):
    """A column of the table of goods."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def cardinality(self) -> str: ...


class ServedTaxon(Protocol):
    """A species that a node allows."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def eppo_code(self) -> str: ...


class ServedAttribute(Protocol):
    """What a node says of its goods."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def values(self) -> tuple[str, ...]: ...
    @property
    def columns(self) -> Sequence[ServedColumn]: ...
    @property
    def taxa(self) -> Sequence[ServedTaxon]: ...


class ServedNode(Protocol):
    """A node of a tree with what is below it: ``gateway.traces.models.TreeNode`` has this shape."""

    @property
    def path(self) -> str: ...
    @property
    def selectable(self) -> bool: ...
    @property
    def description(self) -> str: ...
    @property
    def cn_code(self) -> str: ...
    @property
    def model(self) -> ServedModel | None: ...
    @property
    def children(self) -> Sequence[ServedNode]: ...
    @property
    def attributes(self) -> Sequence[ServedAttribute]: ...


class ServedSection(Protocol):
    """A section of the operator register."""

    @property
    def code(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def chapter(self) -> ServedCode: ...
    @property
    def lms(self) -> bool: ...
    @property
    def active(self) -> bool: ...
    @property
    def scopes(self) -> Sequence[ServedCode]: ...
    @property
    def activities(self) -> Sequence[ServedCode]: ...


class ServedCode(Protocol):
    """A code with its name."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...


class ServedMetadata(ServedCode, Protocol):
    """A code of a metadata list."""

    @property
    def active(self) -> bool: ...


class ServedCategory(Protocol):
    """A group of laboratory tests."""

    @property
    def code(self) -> str: ...
    @property
    def description(self) -> str: ...


class ServedTest(Protocol):
    """A laboratory test."""

    @property
    def id(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def active(self) -> bool: ...
