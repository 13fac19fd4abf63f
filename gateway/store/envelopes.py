"""Envelopes that wait here for their receivers: we are the hub (DIGEST 2.3, 2.4).

Who may do what is not known here: the hub's domain asks with the right partner. What is held here: an envelope is there
with its content, its copies and its audit line or not at all; a repeat while the first one waits adds nothing; and only
one of many who settle the same envelope succeeds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from gateway.errors import Unavailable
from gateway.store.hub_records import EnvelopeRow
from gateway.store.hub_tables import hub_envelope_parts, hub_envelopes
from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import record_audit
from gateway.store.portions import InsertLarge
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.store.hub_records import NewEnvelope

__all__ = [
    "NumberTaken",
    "add_envelopes",
    "copies_of",
    "envelope_content",
    "find_envelope",
    "settle_envelope",
    "under_delivery",
    "waiting_envelopes",
]

_TRIES = 5
"""A repeat whose first one is settled at this very moment is new after all; five times in a row does not happen."""

_AT_ONCE = 500
"""Numbers per question for copies: one question each would cost a hub's longest answer a second of round trips."""

_COLUMNS = (
    "seq, number, partner, recipient, from_country, to_country, certificate_type, certificate_status, "
    "certificate_number, state, message, origin, channel, size, created_at, updated_at"
)
_NAMES = tuple(_COLUMNS.split(", "))
_SELECT = f"SELECT {_COLUMNS} FROM hub_envelopes WHERE "  # noqa: S608 - constants of this module


def _page(column: str, more: str) -> dict[str, Statement]:
    """What waits and has this value in this column, in the order of seq, for each database.

    PostgreSQL is told a range where a value is meant: only the index of the open rows is in that order, so that its
    planner, whatever it believes about how many rows wait, cannot take the order from the primary key and read through
    what is settled. SQLite takes the index anyway, and would not use the end of such a range.
    """
    of_one = {
        "sqlite": f"{column} = :{column} AND seq > :after_seq",
        "postgresql": f"({column}, seq) > (:{column}, :after_seq) AND {column} <= :{column}",
    }
    return {
        dialect: Statement(f"{_SELECT}{where} AND state = 'PendingDelivery' {more}ORDER BY {column}, seq LIMIT :limit")
        for dialect, where in of_one.items()
    }


_insert = insert(hub_envelopes, otherwise="ON CONFLICT DO NOTHING RETURNING seq")
_insert_copy = insert(hub_envelopes)
_insert_parts = InsertLarge(hub_envelope_parts, "content")
_pending_repeat = Statement(_SELECT + "repeat_key = :repeat_key AND state = 'PendingDelivery'")
_same_envelope = Statement(_SELECT + "number = :number AND repeat_key = :repeat_key")
_find = Statement(_SELECT + "number = :number")
_content = Statement(
    "SELECT p.content FROM hub_envelopes e LEFT JOIN hub_envelopes o ON o.number = e.origin "
    "JOIN hub_envelope_parts p ON p.seq = coalesce(o.seq, e.seq) WHERE e.number = :number"
)
_waiting = _page("recipient", "")
_waiting_for_country = _page("recipient", "AND to_country = :to_country ")
_under_delivery = _page("partner", "AND origin IS NULL ")
_COPIES = select(*(hub_envelopes.c[name] for name in _NAMES)).order_by(hub_envelopes.c.origin, hub_envelopes.c.seq)
_settle = Statement(
    "UPDATE hub_envelopes SET state = :state, message = :message, updated_at = :now "
    "WHERE number = :number AND state = :expected"
)


class NumberTaken(ValueError):
    """The number is that of another envelope; nothing was changed, and another number may be tried in the same unit."""


def add_envelopes(
    connection: Connection,
    envelopes: Sequence[NewEnvelope],
    *,
    actor: str,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> EnvelopeRow:
    """Keep an envelope and its copies for channels. Call inside `Store.write`.

    Args:
        connection: of the unit of work.
        envelopes: the first is the main one; the others become copies of it and have its content.
        actor: for the audit.
        now: aware.
        detail: for the audit, JSON-able.

    Returns:
        The main one. With ``repeated`` set when an envelope of its ``repeat_key`` waits already, or has its very
        number: that one, as it stands; nothing was added.

    Raises:
        NumberTaken: the main one's number is that of another envelope.
        Unavailable: IMG-9001, rivals settled the same envelope again and again at this moment.
    """
    main, *copies = envelopes
    for _ in range(_TRIES):
        inserted = _insert(connection, **_values(main, now)).fetchone()
        if inserted is not None:
            break
        found = _repeat_of(connection, main)
        if found is not None:
            _audit(connection, "envelope repeated", found.number, actor=actor, now=now, detail=detail or {})
            return replace(found, repeated=True)
        if find_envelope(connection, main.number) is not None:
            raise NumberTaken(main.number)
    else:
        raise Unavailable("IMG-9001", where="store.envelopes", found=main.number)
    if main.content is not None:
        _insert_parts(connection, seq=inserted[0], content=main.content)
    added = {**(detail or {}), "copies": [copy.number for copy in copies]} if copies else detail or {}
    _audit(connection, "envelope added", main.number, actor=actor, now=now, detail=added)
    for copy in copies:
        _insert_copy(connection, **_values(replace(copy, content=main.content), now, origin=main.number))
        about = {"origin": main.number, "channel": copy.channel}
        _audit(connection, "envelope copied", copy.number, actor=actor, now=now, detail=about)
    found = find_envelope(connection, main.number)
    assert found is not None
    return found


def find_envelope(connection: Connection, number: str) -> EnvelopeRow | None:
    """The envelope of that number."""
    row = _find(connection, number=number).fetchone()
    return _envelope(row) if row else None


def envelope_content(connection: Connection, number: str) -> bytes | None:
    """The content of an envelope, a copy's being that of its origin; None when there is no envelope, or none in it."""
    row = _content(connection, number=number).fetchone()
    return bytes(row[0]) if row else None


def waiting_envelopes(
    connection: Connection, recipient: str, *, to_country: str | None = None, limit: int, after_seq: int = 0
) -> tuple[EnvelopeRow, ...]:
    """What waits for a recipient, in order of arrival; ``after_seq`` is the last ``seq`` of the page before.

    A page that begins at 0 has everything that was committed. Envelopes of transactions that were still running when
    an earlier page was read may come before its end: they are found by the next round from 0, never lost.
    """
    values: dict[str, Any] = {"recipient": recipient, "after_seq": after_seq, "limit": limit}
    if to_country is None:
        rows = _waiting[connection.dialect.name](connection, **values)
    else:
        rows = _waiting_for_country[connection.dialect.name](connection, to_country=to_country, **values)
    return tuple(_envelope(row) for row in rows.fetchall())


def under_delivery(connection: Connection, partner: str, *, limit: int, after_seq: int = 0) -> tuple[EnvelopeRow, ...]:
    """What a sender delivered and nobody acknowledged yet, in order of arrival; without the copies of it."""
    statement = _under_delivery[connection.dialect.name]
    rows = statement(connection, partner=partner, after_seq=after_seq, limit=limit)
    return tuple(_envelope(row) for row in rows.fetchall())


def copies_of(connection: Connection, numbers: Iterable[str]) -> dict[str, tuple[EnvelopeRow, ...]]:
    """The copies of each envelope that has any, by the number of their origin."""
    asked, found = list(numbers), defaultdict[str, list[EnvelopeRow]](list)
    for start in range(0, len(asked), _AT_ONCE):
        query = _COPIES.where(hub_envelopes.c.origin.in_(asked[start : start + _AT_ONCE]))
        for row in connection.execute(query):
            found[row.origin].append(_envelope(row))
    return {number: tuple(rows) for number, rows in found.items()}


def settle_envelope(
    connection: Connection, number: str, *, expected: str, state: str, message: str, actor: str, now: datetime
) -> bool:
    """Move an envelope on if it still is in the ``expected`` state; False, and no change, when it is not."""
    moved = _settle(connection, number=number, expected=expected, state=state, message=message, now=to_text(now))
    if not moved.rowcount:
        return False
    detail = {"from": expected, "message": message}
    _audit(connection, f"envelope {state}", number, actor=actor, now=now, detail=detail)
    return True


def _repeat_of(connection: Connection, main: NewEnvelope) -> EnvelopeRow | None:
    """What keeps this one out: the waiting one of its key, or the one of its number that is the same."""
    if main.repeat_key is None:
        return None
    row = _pending_repeat(connection, repeat_key=main.repeat_key).fetchone()
    row = row or _same_envelope(connection, number=main.number, repeat_key=main.repeat_key).fetchone()
    return _envelope(row) if row else None


def _values(new: NewEnvelope, now: datetime, *, origin: str | None = None) -> dict[str, Any]:
    moment = to_text(now)
    return {
        "number": new.number,
        "partner": new.partner,
        "recipient": new.recipient,
        "from_country": new.from_country,
        "to_country": new.to_country,
        "certificate_type": new.certificate_type,
        "certificate_status": new.certificate_status,
        "certificate_number": new.certificate_number,
        "state": new.state,
        "message": new.message,
        "origin": origin,
        "channel": new.channel,
        "size": len(new.content or b""),
        "repeat_key": None if origin else new.repeat_key,
        "created_at": moment,
        "updated_at": moment,
    }


def _audit(
    connection: Connection, action: str, number: str, *, actor: str, now: datetime, detail: Mapping[str, Any]
) -> None:
    record_audit(connection, at=now, actor=actor, action=action, subject=number, detail=detail)


def _envelope(row: Any) -> EnvelopeRow:
    values = dict(zip(_NAMES, row, strict=True))
    values["created_at"] = from_text(values["created_at"])
    values["updated_at"] = from_text(values["updated_at"])
    return EnvelopeRow(**values)
