"""Lists that are loaded: a publisher's codes as rows of a change, and whole lists as an edition of their own."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError, TranslationRefused
from gateway.store import (
    RowKind,
    TableKey,
    begin_change,
    find_list,
    forget_change,
    get_edition,
    keep_list,
    latest_edition,
    lists_between,
    publish_change,
)
from mappings.models import CANONICAL, MAX_CODE, Grade
from mappings.sheet_rows import SheetRow, cell_faults, guarded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date, datetime

    from gateway.store import Edition, Store
    from mappings.publishers import PublishedCode

__all__ = ["PublishedRows", "all_lists", "changed_lists", "newest_edition", "publish_lists"]


class PublishedRows:
    """Codes of a publisher as rows of a list; `mappings.changes.plan_change` takes them.

    Args:
        name: of the file, for messages and the edition.
        codes: read as they are asked for.
        list_name: the list that they are of.
        grade: of rows from this publisher.
        system: whose list it is.
    """

    def __init__(
        self,
        name: str,
        codes: Iterable[PublishedCode],
        list_name: str,
        grade: Grade = Grade.OFFICIAL,
        system: str = CANONICAL,
    ) -> None:
        self.name = name
        self.table = TableKey(RowKind.CODE, system, list_name)
        self.languages: Collection[str] | None = None
        self._codes = codes
        self._grade = grade.value

    def rows(self) -> Iterator[SheetRow]:
        """They, once.

        Raises:
            TranslationRefused: IMG-6030 there is none; others, and XmlRefused, a line of the file is wrong.
            ConfigurationError: IMG-0135, IMG-0136 a code or a text is none that a table may hold.
        """
        number = 0
        for number, each in enumerate(self._codes, 1):
            self._look(number, each)
            yield SheetRow(
                number,
                each.code,
                valid_from=_iso(each.valid_from),
                valid_to=_iso(each.valid_to),
                grade=each.grade.value if each.grade else self._grade,
                text=each.note,
                name=each.name,
                parent=each.parent,
                labels=json.dumps(dict(sorted(each.labels.items())), ensure_ascii=False) if each.labels else "",
            )

        if not number:
            raise TranslationRefused("IMG-6030", where=self.name, found="an empty list", expected="codes")

    def _look(self, number: int, each: PublishedCode) -> None:
        """As an imported cell; a text may begin like a formula, and is guarded where it is written out."""
        if not each.code:
            self.fault(number, "code", "nothing", "a code")
        for column, cell in (("code", each.code), ("parent", each.parent)):
            if not cell.isalnum() or len(cell) > MAX_CODE:
                for fault in cell_faults(column, cell):
                    self.fault(number, column, fault.found, fault.expected, code=fault.code)
        for column, text in (("name", each.name), ("note", each.note), *each.labels.items()):
            if not text.isprintable() or len(text) > MAX_CODE:
                for fault in cell_faults(column, guarded(text)):
                    self.fault(number, column, fault.found, fault.expected, code=fault.code)

    def fault(self, line: int, column: str, found: str, expected: str, *, code: str = "IMG-0135") -> None:
        """Refuse at once.

        Raises:
            ConfigurationError: IMG-0135, IMG-0136.
        """
        raise ConfigurationError(
            code, where=f"{self.name} entry {line} column {column}", found=found, expected=expected
        )


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def all_lists(store: Store, prefix: str) -> dict[str, bytes]:
    """The lists whose names begin so, as they are in the newest edition, by name without the prefix."""
    with store.read() as connection:
        newest = latest_edition(connection)
        names = [name for name in lists_between(connection, 0, newest) if name.startswith(prefix)]
        found = {name.removeprefix(prefix): find_list(connection, name, newest) for name in names}
    return {name: each[1] for name, each in found.items() if each is not None}


def newest_edition(store: Store) -> int:
    """The number to publish after; taken before the lists are looked at that a new one is judged by."""
    with store.read() as connection:
        return latest_edition(connection)


def changed_lists(store: Store, lists: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those lists that the newest edition has not as they are."""
    with store.read() as connection:
        newest = latest_edition(connection)
        kept = {name: find_list(connection, name, newest) for name in lists}
    return {name: text for name, text in lists.items() if (each := kept[name]) is None or each[1] != text}


def publish_lists(
    store: Store,
    lists: Mapping[str, bytes],
    *,
    expected: int,
    author: str,
    reason: str,
    at: datetime,
    effective_on: date,
    source: str,
) -> Edition:
    """Keep whole lists as the next edition, checked before by `mappings.reference.load_reference` or `load_hub_lists`.

    Args:
        store: where lists are.
        lists: content by name, at least one.
        expected: the newest edition when they were checked.
        author: who answers for it.
        reason: why.
        at: now, aware.
        effective_on: the day from which they hold.
        source: where they come from.

    Raises:
        ConfigurationError: IMG-0138, another edition came since; nothing of this one is visible.
    """
    change = store.write(lambda connection: begin_change(connection, at=at, author=author))
    edition: Edition | None = None
    try:
        for name, content in lists.items():
            store.write(partial(keep_list, change=change, name=name, content=content))
        edition = store.write(
            lambda connection: publish_change(
                connection,
                change,
                expected=expected,
                at=at,
                author=author,
                reason=reason,
                kind="load",
                effective_on=effective_on.isoformat(),
                source=source,
            )
        )
    finally:
        while edition is None and not store.write(lambda connection: forget_change(connection, change)):
            pass
    if edition is None:
        with store.read() as connection:
            newest = get_edition(connection, latest_edition(connection))
        found = f"edition {newest.number} by {newest.author}: {newest.reason}" if newest is not None else "none"
        raise ConfigurationError("IMG-0138", where=source, found=found, expected=f"edition {expected}")
    return edition
