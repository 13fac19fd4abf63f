"""Reading the quantity ledger: the position of a CHED, what a declaration holds, what moved, what was reported.

A position and what stands behind it come out of one statement each time, so that also in a unit of work, where each
statement may see a newer moment, a movement between two of them cannot make an answer that never was true.
"""

from __future__ import annotations

import json
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from gateway.faultpoints import reach
from gateway.store.ched_rows import COLUMNS, NAMES, from_columns
from gateway.store.identifiers import from_text
from gateway.store.ledger_records import (
    AllocationRow,
    AllocationState,
    CustomsReport,
    Declaration,
    DeclarationType,
    EntryKind,
    EntryRow,
    LastEvent,
    LedgerLineRow,
    LedgerState,
)
from gateway.store.ledger_tables import ledger_entries
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from gateway.store.ched_records import ChedRow

__all__ = [
    "allocations_by_declaration",
    "entries_of",
    "last_event",
    "lock_ledger",
    "read_ledger",
    "read_ledger_content",
    "read_lines",
    "reports_by_document",
    "reports_of",
    "reports_shown",
]

_ARRAYS: Final = {
    "sqlite": ("json_group_array", "json_array"),
    "postgresql": ("json_agg", "json_build_array"),
}
_LINE: Final = "n.line, n.code, n.unit, n.dimension, n.certified, n.carried, n.reserved, n.consumed"
_ALLOCATION: Final = (
    "a.seq, a.declaration_type, a.declaration, a.goods_item, a.line, a.state, a.quanta, a.quantity, a.unit, "
    "a.class_code, a.office, a.partner, a.event_at"
)
_LEDGER_COLUMNS: Final = 4
_BEYOND: Final = (1 << 63) - 1
"""After every ``seq``."""
_BY_REFERENCE: Final = "WHERE c.reference = :reference AND c.reference <> ''"
_HEAD: Final = "c.id, c.reference, c.status_code, c.conclusion, c.type, c.content_id"


def _ledger(dialect: str, ched: str, *, allocations: bool = True) -> str:
    """SQL for version, why it is frozen, lines and allocations, beside ``ledgers l``: NULL where there is none."""
    several, one = _ARRAYS[dialect]
    lines = f"SELECT CAST({several}({one}({_LINE})) AS TEXT) FROM ledger_lines n WHERE n.ched_id = {ched}"  # noqa: S608 - constants of this module
    holds = f"SELECT CAST({several}({one}({_ALLOCATION})) AS TEXT) FROM ledger_allocations a WHERE a.ched_id = {ched}"  # noqa: S608 - as above
    return f"l.version, l.frozen, ({lines}), {f'({holds})' if allocations else 'NULL'}"


_JOINED: Final = "FROM cheds c LEFT JOIN ledgers l ON l.ched_id = c.id"
_read = {
    dialect: Statement(f"SELECT {_HEAD}, {_ledger(dialect, 'c.id')} {_JOINED} {_BY_REFERENCE}") for dialect in _ARRAYS
}
_read_lines = {
    dialect: Statement(f"SELECT {_HEAD}, {_ledger(dialect, 'c.id', allocations=False)} {_JOINED} {_BY_REFERENCE}")
    for dialect in _ARRAYS
}
_read_content = {
    dialect: Statement(
        f"SELECT {COLUMNS}, p.content, {_ledger(dialect, 'c.id')} {_JOINED} "
        f"JOIN ched_parts p ON p.version_id = c.content_id {_BY_REFERENCE}"
    )
    for dialect in _ARRAYS
}
_read_open = {
    dialect: Statement(f"SELECT {_ledger(dialect, 'l.ched_id')} FROM ledgers l WHERE l.ched_id = :ched_id")  # noqa: S608 - as above
    for dialect in _ARRAYS
}
_find = f"SELECT {_HEAD} FROM cheds c {_BY_REFERENCE}"  # noqa: S608 - as above
_lock = {"sqlite": Statement(_find), "postgresql": Statement(f"{_find} FOR NO KEY UPDATE")}
"""Not KEY: what is inserted with a foreign key to the CHED does not wait. SQLite has one writer."""

_last_event = Statement(
    "SELECT e.event_at, CASE WHEN EXISTS (SELECT 1 FROM customs_declarations d WHERE d.ched_id = e.ched_id "
    "AND d.declaration = e.declaration AND d.declaration_type = e.declaration_type AND d.partner = '' "
    "AND d.sent_at >= e.event_at) THEN '' ELSE e.partner END "
    "FROM ledger_entries e WHERE e.ched_id = :ched_id AND e.declaration = :declaration "
    "AND e.declaration <> '' AND e.declaration_type = :declaration_type ORDER BY e.event_at DESC LIMIT 1"
)
"""One message has one time, and with the same time as another it is of the same partner: any entry will do.

Nobody's where `free_number` freed it since.
"""
_ENTRY: Final = tuple(column.name for column in ledger_entries.columns)
_entries = Statement(
    f"SELECT {', '.join(_ENTRY)} FROM ledger_entries "  # noqa: S608 - names come from the table definition
    "WHERE (ched_id, seq) > (:ched_id, :after) AND (ched_id, seq) < (:ched_id, :beyond) "
    "ORDER BY ched_id, seq LIMIT :limit"
)
"""As a range of pairs: asked for one ledger in the order of ``seq`` PostgreSQL may read those of all ledgers."""
_by_declaration = Statement(
    f"SELECT c.reference, {_ALLOCATION} FROM ledger_allocations a JOIN cheds c ON c.id = a.ched_id "  # noqa: S608 - as above
    "WHERE a.declaration = :number AND a.declaration_type = :type "
    "ORDER BY a.ched_id, a.seq LIMIT :limit"
)
_REPORT: Final = "r.ched_id, r.document, r.type_code, r.office, r.at, r.exchange_id"
_reports = Statement(f"SELECT {_REPORT} FROM customs_reports r WHERE r.ched_id = :ched_id ORDER BY r.seq")  # noqa: S608 - as above
_WRITTEN_OFF: Final = (
    "EXISTS (SELECT 1 FROM ledger_allocations a WHERE a.declaration = r.document AND a.ched_id = r.ched_id "
    "AND a.state = 'consumed')"
)
_reports_shown = Statement(
    f"SELECT {_REPORT} FROM customs_reports r WHERE r.ched_id = :ched_id AND {_WRITTEN_OFF} "  # noqa: S608 - as above
    "ORDER BY r.seq DESC LIMIT :newest"
)
_reports_by_document = Statement(
    f"SELECT c.reference, {_REPORT} FROM customs_reports r JOIN cheds c ON c.id = r.ched_id "  # noqa: S608 - as above
    f"WHERE r.document = :number AND {_WRITTEN_OFF} ORDER BY r.ched_id, r.seq LIMIT :limit"
)


def lock_ledger(connection: Connection, reference: str) -> LedgerState | None:
    """The ledger of the CHED of that I.2, which nobody else moves before this unit of work ends; None: no such CHED.

    Call it inside `Store.write`, and first: who holds this lock waits for nobody else's, so no circle can close. It is
    the row of the CHED that is locked, so its status does not change either. Insert nonces and the exchange after it.
    """
    found = _lock[connection.dialect.name](connection, reference=reference).fetchone()
    if found is None:
        return None
    opened = _read_open[connection.dialect.name](connection, ched_id=found[0]).fetchone()
    reach("ledger.locked")
    return _state(found, opened)


def read_ledger(connection: Connection, reference: str) -> LedgerState | None:
    """The ledger of the CHED of that I.2 as it stands; None: no such CHED."""
    found = _read[connection.dialect.name](connection, reference=reference).fetchone()
    return _state(found[:-_LEDGER_COLUMNS], found[-_LEDGER_COLUMNS:]) if found else None


def read_lines(connection: Connection, reference: str) -> LedgerState | None:
    """The same without what stands for declarations, of which there may be thousands; None: no such CHED."""
    found = _read_lines[connection.dialect.name](connection, reference=reference).fetchone()
    return _state(found[:-_LEDGER_COLUMNS], found[-_LEDGER_COLUMNS:]) if found else None


def read_ledger_content(connection: Connection, reference: str) -> tuple[LedgerState, ChedRow, bytes] | None:
    """The same with the CHED and its document, in one look; None: no such CHED, or one without a document."""
    found = _read_content[connection.dialect.name](connection, reference=reference).fetchone()
    if found is None:
        return None
    row = from_columns(found[: len(NAMES)])
    head = (row.id, row.reference, row.status_code, row.conclusion, row.type, row.content_id)
    state = _state(head, found[-_LEDGER_COLUMNS:])
    return state, row, bytes(found[len(NAMES)])


def last_event(connection: Connection, ched_id: str, declaration: Declaration) -> LastEvent | None:
    """The newest event of this declaration on this CHED; None when there was none."""
    found = _last_event(
        connection, ched_id=ched_id, declaration=declaration.number, declaration_type=declaration.type
    ).fetchone()
    return LastEvent(from_text(found[0]), found[1]) if found else None


def entries_of(connection: Connection, ched_id: str, *, after: int = 0, limit: int = 1_000) -> list[EntryRow]:
    """What moved in a ledger, oldest first; ``after`` is the last ``seq`` before."""
    found = _entries(connection, ched_id=ched_id, after=after, beyond=_BEYOND, limit=limit).fetchall()
    return [_entry(row) for row in found]


def allocations_by_declaration(
    connection: Connection,
    number: str,
    *,
    type: DeclarationType,  # noqa: A002 - of the declaration
    limit: int = 1_000,
) -> list[tuple[str, AllocationRow]]:
    """What stands for a declaration, by reference of each CHED."""
    found = _by_declaration(connection, number=number, type=type, limit=limit).fetchall()
    return [(row[0], _allocation(row[1:])) for row in sorted(found, key=itemgetter(0))]


def reports_of(connection: Connection, ched_id: str) -> list[CustomsReport]:
    """The customs documents ever reported for a CHED in their order, also those that were taken back."""
    return [_report(row) for row in _reports(connection, ched_id=ched_id).fetchall()]


def reports_shown(connection: Connection, ched_id: str, *, newest: int) -> list[CustomsReport]:
    """Of those the newest whose goods are still written off, in the order in which they came."""
    return [_report(row) for row in reversed(_reports_shown(connection, ched_id=ched_id, newest=newest).fetchall())]


def reports_by_document(connection: Connection, number: str, *, limit: int = 1_000) -> list[tuple[str, CustomsReport]]:
    """The CHEDs for which a customs document was reported, and whose goods are still written off under it."""
    found = _reports_by_document(connection, number=number, limit=limit).fetchall()
    return [(row[0], _report(row[1:])) for row in sorted(found, key=itemgetter(0))]


def _state(head: Any, opened: Any) -> LedgerState:
    ched_id, reference, status_code, conclusion, kind, content_id = head
    version, frozen, lines, allocations = opened or (None, None, None, None)
    return LedgerState(
        ched_id=ched_id,
        reference=reference,
        status_code=status_code,
        conclusion=conclusion,
        type=kind,
        content_id=content_id,
        version=version or 0,
        frozen=frozen or "",
        lines=tuple(_line(row) for row in sorted(json.loads(lines or "[]"))),
        allocations=tuple(_allocation(row) for row in sorted(json.loads(allocations or "[]"))),
    )


def _line(values: Iterable[Any]) -> LedgerLineRow:
    number, code, unit, dimension, certified, carried, reserved, consumed = values
    return LedgerLineRow(
        number=number,
        code=code,
        unit=unit,
        dimension=dimension,
        certified=certified,
        carried=carried,
        reserved=reserved,
        consumed=consumed,
    )


def _allocation(values: Iterable[Any]) -> AllocationRow:
    seq, kind, number, goods_item, line, state, quanta, quantity, unit, code, office, partner, event_at = values
    return AllocationRow(
        declaration=Declaration(DeclarationType(kind), number),
        goods_item=goods_item,
        line=line,
        state=AllocationState(state),
        quanta=quanta,
        quantity=quantity,
        unit=unit,
        class_code=code,
        office=office,
        partner=partner,
        event_at=from_text(event_at),
        seq=seq,
    )


def _entry(values: Iterable[Any]) -> EntryRow:
    found: dict[str, Any] = dict(zip(_ENTRY, values, strict=True))
    kind, number = found.pop("declaration_type"), found.pop("declaration")
    found["declaration"] = Declaration(DeclarationType(kind), number) if number else None
    found["kind"] = EntryKind(found["kind"])
    found["at"] = from_text(found["at"])
    found["event_at"] = from_text(found["event_at"]) if found["event_at"] else None
    return EntryRow(**found)


def _report(values: Iterable[Any]) -> CustomsReport:
    ched_id, document, type_code, office, at, exchange_id = values
    return CustomsReport(
        ched_id=ched_id,
        document=document,
        type_code=type_code,
        office=office,
        at=from_text(at),
        exchange_id=exchange_id,
    )
