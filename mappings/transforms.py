"""Translations of single codes that follow a rule instead of rows."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.models import Loss


class Transform(Protocol):
    """One rule, both ways."""

    @property
    def name(self) -> str:
        """As the header of a table names it."""

    @property
    def loss(self) -> Loss:
        """What the way back cannot restore."""

    def inward(self, code: str, context: str, /) -> str | None:
        """The canonical code of a partner's; None where the rule says nothing."""

    def outward(self, code: str, context: str, /) -> str | None:
        """The partner's code of a canonical one; None where the rule says nothing."""


TRANSFORMS: Final[Mapping[str, Transform]] = MappingProxyType({})
"""By name."""
