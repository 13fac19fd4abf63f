"""What the commands about mapping tables share: the tables with the operator's changes, days, rows in words."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.errors import ConfigurationError, TranslationRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.cli.desk import Desk
    from gateway.store import Edition, Store, TableKey
    from mappings import Tables
    from mappings.live import LiveTables
    from mappings.models import CodeMap, Row

__all__ = ["From", "On", "OpenTables", "PartnerOption", "To", "day_of", "history_of", "open_tables", "own_folders"]

On = Annotated[str, typer.Option("--on", metavar="DAY", help="ISO day whose rows count. [default: today, UTC]")]
From = Annotated[str, typer.Option("--from", metavar="SYSTEM", help="Code system that it is in.")]
To = Annotated[str, typer.Option("--to", metavar="SYSTEM", help="Code system that it is wanted in.")]
PartnerOption = Annotated[str, typer.Option("--partner", help="Id of the partner whose own rows go first.")]


@dataclass(frozen=True, slots=True)
class OpenTables:
    """The tables of this instance: as installed, and with what operators changed."""

    base: Tables
    """As installed, with the folder of `translation.tables`."""
    live: LiveTables
    store: Store | None
    """None where there is no store yet: then nothing was changed."""

    @property
    def edition(self) -> int:
        """Number of the newest change; 0 when there was none."""
        return self.live.latest.edition

    def editions(self) -> dict[int, Edition]:
        """Every change by its number."""
        from gateway.store import list_editions  # noqa: PLC0415 - start-up

        if self.store is None or not self.edition:
            return {}
        with self.store.read() as connection:
            return {each.number: each for each in list_editions(connection, limit=self.edition)}

    def sizes(self) -> dict[TableKey, int]:
        """Rows that changes added, by table."""
        from gateway.store import table_sizes  # noqa: PLC0415 - start-up

        if self.store is None:
            return {}
        with self.store.read() as connection:
            return table_sizes(connection, self.edition)

    def stored_rows(self, code_map: CodeMap) -> Iterator[Row]:
        """The rows of a table that is kept in the store, as they come; without those that were withdrawn."""
        from mappings.listing import list_rows  # noqa: PLC0415 - start-up
        from mappings.merging import key_of_map  # noqa: PLC0415 - start-up

        for each in list_rows(self.base, self.store, self.edition, key_of_map(code_map)):
            if not each.withdrawn:
                yield each.row

    def check_system(self, system: str, where: str) -> None:
        """Refuse a system that no table speaks of.

        Raises:
            TranslationRefused: IMG-6005.
        """
        from mappings.changes import systems_of  # noqa: PLC0415 - start-up

        known = systems_of(self.live.tables)
        if system not in known:
            raise TranslationRefused("IMG-6005", where=where, found=system, expected=", ".join(sorted(known)))


def own_folders(desk: Desk) -> tuple[Path, ...]:
    """The operator's folder of tables, where there is one."""
    own = desk.settings.translation.tables
    return (own,) if own else ()


@contextmanager
def open_tables(desk: Desk, base: Tables | None = None) -> Iterator[OpenTables]:
    """The tables as the settings say, with the changes in the store where there is one.

    Args:
        desk: of the command.
        base: these instead of the installed ones.

    Raises:
        ConfigurationError: IMG-0130, IMG-0131 for the tables; IMG-0111 the store is of another release.
        Unavailable: IMG-9001, the store does not answer.
    """
    from gateway.store.engines import database_file, parse_url  # noqa: PLC0415 - start-up
    from mappings import load_tables  # noqa: PLC0415 - start-up
    from mappings.live import LiveTables  # noqa: PLC0415 - start-up

    settings = desk.settings
    base = base or load_tables(overlays=own_folders(desk))
    unconfirmed = settings.translation.allow_unconfirmed
    file = database_file(parse_url(settings.store.url))
    if file is not None and not file.is_file():
        desk.note("There is no store yet: the tables are shown as installed.")
        yield OpenTables(base, LiveTables(base, allow_unconfirmed=unconfirmed), None)
        return
    with desk.store() as store:
        yield OpenTables(base, LiveTables(base, store, allow_unconfirmed=unconfirmed), store)


def day_of(text: str) -> date:
    """The day that an option names; today when it names none.

    Raises:
        ConfigurationError: IMG-0101, it is no day.
    """
    if not text:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError("IMG-0101", where="--on", found=text, expected="YYYY-MM-DD") from error


def history_of(edition: Edition | None) -> dict[str, Any]:
    """Who, when and why, of a change; empty for what was installed."""
    if edition is None:
        return {}
    return {
        "edition": edition.number,
        "by": edition.author,
        "at": f"{edition.made_at:%Y-%m-%dT%H:%M:%SZ}",
        "reason": edition.reason,
    }
