"""A million CHEDs with their ledgers in PostgreSQL, loaded as a restore would: by COPY, with the triggers off.

What stands is what the gateway itself would have written: every line is the sum of its entries, which
``check_ledgers`` confirms for a sample. CHEDs have no terms for searches, because customs ask by number.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from benchmarks import cheds_store
from gateway.store.ched_rows import to_columns
from gateway.store.ched_tables import cheds
from gateway.store.identifiers import to_text
from gateway.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ENTRIES", "KG", "full", "load", "reference"]

KG: Final = 10**9
"""Quanta."""
CERTIFIED: Final = 1_000_000 * KG
ENTRIES: Final = 5
"""Movements of each CHED: certified, two holds, one of them given back, one written off."""
_FULL: Final = 50
"""One CHED in so many has a document of the usual size; the others' is short, so that a million fit a disk."""
_TABLES: Final = (
    "cheds",
    "ched_versions",
    "ched_parts",
    "ledgers",
    "ledger_lines",
    "ledger_entries",
    "ledger_allocations",
)


def full(stored: int) -> range:
    """The numbers of the CHEDs with a document of the usual size, all of them validated."""
    return range(_FULL, stored + 1, _FULL)


def reference(number: int) -> str:
    """I.2 of one of `full`."""
    return f"CHEDPP.NL.2026.{number:07}"


def load(url: str, stored: int, document: bytes) -> None:
    """Fill the empty store at this URL."""
    with psycopg.connect(url) as driver:
        driver.execute("SET session_replication_role = replica")
        for first in range(1, stored + 1, cheds_store.BATCH):
            numbers = range(first, min(first + cheds_store.BATCH, stored + 1))
            _copy(driver, [_rows(number, stored, document) for number in numbers])
            driver.commit()
        driver.execute("SET session_replication_role = origin")
        for table, column in (("cheds", "seq"), ("ledger_entries", "seq"), ("ledger_allocations", "seq")):
            driver.execute(
                sql.SQL("SELECT setval({}, max({})) FROM {}").format(
                    f"{table}_{column}_seq", sql.Identifier(column), sql.Identifier(table)
                )
            )
        driver.commit()
        driver.autocommit = True
        driver.execute("VACUUM ANALYZE")


def _copy(driver: psycopg.Connection, made: list[dict[str, list[tuple[object, ...]]]]) -> None:
    for table in _TABLES:
        names = sql.SQL(", ").join(sql.Identifier(column.name) for column in metadata.tables[table].columns)
        fill = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        with driver.cursor() as cursor, cursor.copy(fill) as copy:
            for rows in made:
                for row in rows[table]:
                    copy.write_row(row)


def _rows(number: int, stored: int, document: bytes) -> dict[str, list[tuple[object, ...]]]:
    row = cheds_store.ched(number, stored)
    values = {**to_columns(row), "seq": number, "version": 1, "content_id": row.id, "terms": json.dumps([])}
    usual = number % _FULL == 0
    if usual:
        values |= {"reference": reference(number), "type": "PP", "entry_country": "NL"}
        values |= {"status_code": "70", "conclusion": "ACCEPTABLE_FOR_INTERNAL_MARKET"}
    at = to_text(row.created_at + timedelta(days=2))
    written = (1, None, values["status_code"], "I", "submit", row.partner, row.body, b"", values["created_at"], None)
    return {
        "cheds": [tuple(values[column.name] for column in cheds.columns)],
        "ched_versions": [(row.id, row.id, *written)],
        "ched_parts": [(row.id, None, None, document if usual else b"<small/>" * 8)],
        "ledgers": [(row.id, ENTRIES, "", at)],
        "ledger_lines": [_line(row.id, number)],
        "ledger_entries": [tuple(each.values()) for each in _entries(row.id, number, at)],
        "ledger_allocations": [
            (number * 2 - 1, row.id, 1, "MRN", f"26NL{number:014}", 1, "reserved", 5 * KG, "5", "KGM", *_OFFICE, at),
            (number * 2, row.id, 1, "MRN", f"26BE{number:014}", 1, "consumed", 7 * KG, "7", "KGM", *_OFFICE, at),
        ],
    }


_OFFICE: Final = ("080510", "NL000510", "bench-customs")


def _line(ched_id: str, number: int) -> tuple[object, ...]:
    figures = {
        "ched_id": ched_id,
        "line": 1,
        "code": "08051022",
        "unit": "KGM",
        "dimension": "weight",
        "certified": CERTIFIED,
        "carried": 0,
        "reserved": 5 * KG,
        "consumed": 7 * KG,
        "entry": number * ENTRIES,
    }
    return tuple(figures[column.name] for column in metadata.tables["ledger_lines"].columns)


def _entries(ched_id: str, number: int, at: str) -> Iterator[dict[str, object]]:
    """In the order of the columns."""
    held, other, gone = f"26NL{number:014}", f"26BE{number:014}", f"26DE{number:014}"
    moves = (
        ("certified", CERTIFIED, ""),
        ("reserved", 5 * KG, held),
        ("reserved", 3 * KG, gone),
        ("returned", 3 * KG, gone),
        ("forced", 7 * KG, other),
    )
    for version, (kind, quanta, declaration) in enumerate(moves, start=1):
        values = {
            "seq": (number - 1) * ENTRIES + version,
            "ched_id": ched_id,
            "line": 1,
            "version": version,
            "at": at,
            "kind": kind,
            "quanta": quanta,
            "declaration_type": "MRN" if declaration else "",
            "declaration": declaration,
            "goods_item": 1 if declaration else 0,
            "quantity": str(quanta // KG) if declaration else "",
            "unit": "KGM",
            "class_code": "080510" if declaration else "",
            "office": "NL000510" if declaration else "",
            "event_at": at if declaration else "",
            "other": "",
            "partner": "bench-customs",
            "prefix": "NL000510",
            "message_id": f"{number}-{version}",
            "exchange_id": "",
            "actor": "",
            "reason": "",
        }
        yield {column.name: values[column.name] for column in metadata.tables["ledger_entries"].columns}
