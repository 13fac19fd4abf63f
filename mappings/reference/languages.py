"""In which languages a CHED may be written, by the Member State of entry (Article 40(2) and (3), R-40-2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.models import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mappings.reference.files import Record

__all__ = ["Languages"]


class Languages:
    """ISO 639-1 codes by country.

    Args:
        languages: what the list says.
        consented: what the operator adds or replaces for a country: a Member State may consent to another official
            language of the Union.
    """

    def __init__(
        self, languages: Mapping[str, tuple[str, ...]], consented: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        own = {country: tuple(codes) for country, codes in (consented or {}).items()}
        self._languages = {**languages, **own}

    @classmethod
    def from_records(
        cls,
        records: Iterable[Record],
        consented: Mapping[str, Iterable[str]] | None = None,
        *,
        allow_unconfirmed: bool,
    ) -> Languages:
        """Read the rows of ``languages.csv``; rows graded unverified are left out unless they are allowed."""
        rows = {
            record["country"]: record.words("languages")
            for record in records
            if allow_unconfirmed or record.grade is not Grade.UNVERIFIED
        }
        return cls(rows, consented)

    def of(self, country: str) -> tuple[str, ...]:
        """The languages of a country, the first one first; empty for a country that the list does not have."""
        return self._languages.get(country, ())

    @property
    def countries(self) -> frozenset[str]:
        """The countries that the list has: the Member States, and XI, which counts as one (R-40-2)."""
        return frozenset(self._languages)
