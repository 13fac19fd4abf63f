"""Fills a store with a million messages, fast, so that a benchmark can show what a full store costs.

``python benchmarks/bulk.py sqlite:///bench.db 1000000``
"""

from __future__ import annotations

import hashlib
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gateway.store import idempotency_key, new_id, open_store, tables, upgrade
from gateway.store.identifiers import nonce_hash, seal_hash, to_text
from gateway.store.statements import insert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Table

    from gateway.store import Store

BATCH = 10_000
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
SPACING = timedelta(seconds=3)


def bulk_load(
    connection: Connection, count: int, *, first: int = 0, body: bytes = b"<small/>" * 8, with_nonces: bool = True
) -> None:
    """Insert ``count`` accepted messages as submissions leave them: same tables, same indexes, small bodies.

    Args:
        connection: inside a transaction; one call is one portion, so keep ``count`` near ``BATCH``.
        count: how many.
        first: number of the first one; portions must not overlap.
        body: stands for request, acknowledgement and content.
        with_nonces: off for messages older than the replay window, whose nonces have been purged.
    """
    columns: dict[Table, list[dict[str, object]]] = {table: [] for table in _TABLES}
    for number in range(first, first + count):
        for table, row in _message(number, body):
            columns[table].append(row)
    for table, rows in columns.items():
        if with_nonces or table is not tables.nonces:
            _insert_many(connection, table, rows)


def fill(store: Store, count: int, progress: Callable[[int], None] = lambda _: None) -> None:
    """Load ``count`` messages in portions, each durably committed."""
    if store.dialect == "sqlite":
        store.write(lambda connection: connection.exec_driver_sql("PRAGMA cache_size=-1000000").close())
    for first in range(0, count, BATCH):
        portion = min(BATCH, count - first)
        with_nonces = first + BATCH >= count
        store.write(
            lambda connection, first=first, portion=portion, with_nonces=with_nonces: bulk_load(
                connection, portion, first=first, with_nonces=with_nonces
            )
        )
        progress(first + portion)


_TABLES = (
    tables.nonces,
    tables.exchanges,
    tables.exchange_parts,
    tables.seal_values,
    tables.documents,
    tables.document_versions,
    tables.audit,
)


def _message(number: int, body: bytes) -> Iterator[tuple[Table, dict[str, object]]]:
    moment = FIRST + number * SPACING
    at, id_ = to_text(moment), new_id(moment)
    partner, key = f"partner-{number % 50:02}", ("AR", "851", f"BULK-{number:09}")
    digest = hashlib.sha256(str(number).encode()).digest()
    idempotency = idempotency_key(
        partner=partner,
        contract="certificate-exchange",
        issuer_country=key[0],
        type_code=key[1],
        number=key[2],
        status_code="70",
        digest=digest,
    )
    yield (
        tables.nonces,
        {"value_hash": nonce_hash(partner, "wsse", str(number)), "kind": "wsse", "partner": partner, "expires_at": at},
    )
    yield (
        tables.exchanges,
        {
            "id": id_,
            "partner": partner,
            "contract": "certificate-exchange",
            "operation": "SubmitCertificate",
            "outcome": "accepted",
            "subject": "/".join(key),
            "sender_message_id": f"bulk-{number}",
            "idempotency_key": idempotency,
            "transport": "{}",
            "received_at": at,
        },
    )
    yield (
        tables.exchange_parts,
        {"exchange_id": id_, "request": body, "acknowledgement": body, "content": body},
    )
    yield (
        tables.seal_values,
        {"value_hash": seal_hash(digest), "partner": partner, "exchange_id": id_},
    )
    yield (
        tables.documents,
        {
            "id": id_,
            "issuer_country": key[0],
            "type_code": key[1],
            "number": key[2],
            "status_code": "70",
            "version_id": id_,
            "import_country": "NL",
            "owner_partner": partner,
            "changed_at": at,
        },
    )
    yield (
        tables.document_versions,
        {
            "exchange_id": id_,
            "document_id": id_,
            "status_code": "70",
            "digest": digest,
            "form": "inline",
            "received_at": at,
        },
    )
    yield (
        tables.audit,
        {"at": at, "actor": partner, "action": "SubmitCertificate accepted", "subject": id_, "detail": "{}"},
    )


def _insert_many(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    """The drivers' own executemany, which both make fast."""
    statement = insert(table)
    complete = dict.fromkeys(c.name for c in table.columns if c is not table.autoincrement_column)
    sql = statement.text(connection)
    cursor = connection.connection.cursor()
    cursor.executemany(sql, [complete | row for row in rows])
    cursor.close()


def load(url: str, count: int, progress: Callable[[int], None] = lambda _: None) -> None:
    """Bring the database of that URL to the current schema and load ``count`` messages into it."""
    upgrade(url)
    with open_store(url, exclusive=True) as store:
        fill(store, count, progress)


def main() -> None:
    """Fill the store of the URL given."""
    url, count = sys.argv[1], int(sys.argv[2])
    begun = time.monotonic()
    load(url, count, lambda done: print(f"\r{done:,} of {count:,}", end="", flush=True))
    print(f" in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
