"""What is exchanged with the other side when it is back: each step once, in order (Article 46(4), R-46-4).

A step is claimed before it is sent, and then ``unknown`` until an answer is written down: so whoever begins again
after a crash finds it unknown, and looks at the other side before it sends it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gateway.store.ched_tables import contingency
from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import record_audit
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = [
    "ContingencyRow",
    "ContingencyState",
    "add_contingency",
    "claim_contingency",
    "get_contingency",
    "list_contingency",
    "park_contingency",
    "refused_contingency",
    "settle_contingency",
    "steps_of_ched",
    "waiting_contingency",
]

_COLUMNS = (
    "seq, ched_id, version_id, partner, operation, state, attempts, reference, code, detail, created_at, updated_at"
)
_SELECT = f"SELECT {_COLUMNS} FROM contingency WHERE "  # noqa: S608 - names above
_OPEN = "(state = 'waiting' OR state = 'unknown')"

_insert = insert(contingency, otherwise=f"ON CONFLICT (version_id, partner) DO NOTHING RETURNING {_COLUMNS}")
_find_step = Statement(f"{_SELECT}version_id = :version_id AND partner = :partner")
_find = Statement(f"{_SELECT}seq = :seq")
_waiting = Statement(f"{_SELECT}partner = :partner AND seq > :after AND {_OPEN} ORDER BY partner, seq LIMIT :limit")
_steps = Statement(f"{_SELECT}ched_id = :ched_id ORDER BY seq")
_refused = Statement(
    f"SELECT {', '.join(f'contingency.{name}' for name in _COLUMNS.split(', '))} FROM contingency "  # noqa: S608 - names above
    "JOIN cheds ON cheds.id = contingency.ched_id WHERE contingency.state = 'refused' AND cheds.contingency "
    "AND contingency.code <> :but AND cheds.updated_at <= contingency.updated_at "
    "ORDER BY contingency.seq DESC LIMIT :limit"
)
_claim = Statement(
    "UPDATE contingency SET state = 'unknown', attempts = attempts + 1, updated_at = :now "  # noqa: S608 - names above
    f"WHERE seq = :seq AND attempts = :attempts AND {_OPEN} RETURNING {_COLUMNS}"
)
_settle = Statement(
    "UPDATE contingency SET state = :state, reference = :reference, code = :code, detail = :detail, "  # noqa: S608 - names above
    f"updated_at = :now WHERE seq = :seq AND attempts = :attempts AND {_OPEN}"
)


class ContingencyState(StrEnum):
    """How far an exchange after the return of the other side has come."""

    WAITING = "waiting"
    UNKNOWN = "unknown"
    """Sent, or about to be, and no answer was written down: looked for at the other side before it is sent again."""
    EXCHANGED = "exchanged"
    REFUSED = "refused"

    @property
    def open(self) -> bool:
        """Whether it has still to be exchanged."""
        return self in {ContingencyState.WAITING, ContingencyState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class ContingencyRow:
    """A step of a contingency CHED that is exchanged when the other side is back (Article 46(4))."""

    seq: int
    """The order in which they are exchanged."""
    ched_id: str
    version_id: str
    partner: str
    """Where it goes."""
    operation: str
    state: ContingencyState
    attempts: int
    """Also the fence: who claims it counts up."""
    reference: str
    """I.2 as the other side gave it."""
    code: str
    detail: str
    created_at: datetime
    updated_at: datetime


def add_contingency(
    connection: Connection, *, ched_id: str, version_id: str, partner: str, operation: str, at: datetime
) -> ContingencyRow:
    """Put a step at the end. Call it in the unit of work that wrote the version.

    Returns the one that is there when this version is to go to this partner already.
    """
    moment = to_text(at)
    found = _insert(
        connection,
        ched_id=ched_id,
        version_id=version_id,
        partner=partner,
        operation=operation,
        state=ContingencyState.WAITING,
        attempts=0,
        reference="",
        code="",
        detail="",
        created_at=moment,
        updated_at=moment,
    ).fetchone()
    if found is None:
        return _row(_find_step(connection, version_id=version_id, partner=partner).fetchone())
    record_audit(
        connection,
        at=at,
        actor=partner,
        action="contingency waiting",
        subject=version_id,
        detail={"ched": ched_id, "operation": operation},
    )
    return _row(found)


def get_contingency(connection: Connection, seq: int) -> ContingencyRow | None:
    """The step of that number."""
    found = _find(connection, seq=seq).fetchone()
    return _row(found) if found else None


def waiting_contingency(
    connection: Connection, partner: str, *, limit: int, after: int = 0
) -> tuple[ContingencyRow, ...]:
    """What has still to be exchanged with a partner, in order; ``after`` is the last ``seq`` of the page before."""
    rows = _waiting(connection, partner=partner, limit=limit, after=after).fetchall()
    return tuple(map(_row, rows))


def steps_of_ched(connection: Connection, ched_id: str) -> tuple[ContingencyRow, ...]:
    """The steps of one CHED, in order."""
    return tuple(map(_row, _steps(connection, ched_id=ched_id).fetchall()))


def list_contingency(
    connection: Connection,
    *,
    partner: str | None = None,
    state: ContingencyState | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[ContingencyRow, ...]:
    """Steps, newest first; ``before`` is the last ``seq`` of the page before."""
    query = contingency.select().order_by(contingency.c.seq.desc()).limit(limit)
    if partner is not None:
        query = query.where(contingency.c.partner == partner)
    if state is not None:
        query = query.where(contingency.c.state == state)
    if before is not None:
        query = query.where(contingency.c.seq < before)
    return tuple(map(_row, connection.execute(query)))


def refused_contingency(connection: Connection, *, limit: int, but: str = "") -> tuple[ContingencyRow, ...]:
    """Steps of contingency CHEDs that the other side refused and to which nothing was written since, newest first.

    An ordinary submission that was refused has a refused step too; its sender was told at once.

    Args:
        connection: of `Store.read`.
        limit: at most so many.
        but: a code that says that no answer was asked for.
    """
    return tuple(map(_row, _refused(connection, limit=limit, but=but).fetchall()))


def claim_contingency(connection: Connection, row: ContingencyRow, *, at: datetime) -> ContingencyRow | None:
    """Take a step to send it or to look for it: it is ``unknown`` from now on until it is settled.

    Returns the step as it stands now, whose ``attempts`` settles it; None when somebody else took it or it is done.
    """
    found = _claim(connection, seq=row.seq, attempts=row.attempts, now=to_text(at)).fetchone()
    return _row(found) if found else None


def settle_contingency(
    connection: Connection,
    row: ContingencyRow,
    *,
    state: ContingencyState,
    reference: str = "",
    code: str = "",
    detail: str = "",
    at: datetime,
) -> bool:
    """Write down what became of a claimed step: exchanged, refused, or waiting again when it was surely not taken.

    Call it in the unit of work that writes what the other side answered. Returns False, and changes nothing, when the
    step was claimed by somebody else meanwhile or is done: the caller then undoes its own work.
    """
    settled = _settle(
        connection,
        seq=row.seq,
        attempts=row.attempts,
        state=state,
        reference=reference,
        code=code,
        detail=detail,
        now=to_text(at),
    )
    if not settled.rowcount:
        return False
    record_audit(
        connection,
        at=at,
        actor=row.partner,
        action=f"contingency {state}",
        subject=row.version_id,
        detail={"ched": row.ched_id, "operation": row.operation, "reference": reference, "code": code},
    )
    return True


def park_contingency(
    connection: Connection, row: ContingencyRow, *, actor: str, code: str, reason: str, at: datetime
) -> tuple[ContingencyRow, ...]:
    """Take an open step out of the exchange, and the later open ones of its CHED with it.

    Call it while nobody exchanges with the partner: an answer that came after it would be thrown away.

    Args:
        connection: of the unit of work.
        row: the step.
        actor: who parks it, for the audit.
        code: what stands as the reason of all of them.
        reason: in the words of the actor.
        at: aware.

    Returns the parked steps; none when the step is done, or was claimed since it was read.
    """
    parked: list[ContingencyRow] = []
    later = (step for step in steps_of_ched(connection, row.ched_id) if step.seq > row.seq and step.state.open)
    for step in (row, *later):
        detail = reason if step is row else f"with step {row.seq}: {reason}"
        if step.state is ContingencyState.UNKNOWN:
            detail = f"TRACES may have it. {detail}"
        state = ContingencyState.REFUSED
        if not settle_contingency(connection, step, state=state, code=code, detail=detail, at=at):
            if step is row:
                return ()
            continue
        about = {"ched": step.ched_id, "operation": step.operation, "step": step.seq, "reason": detail}
        record_audit(connection, at=at, actor=actor, action="contingency parked", subject=step.version_id, detail=about)
        parked.append(replace(step, state=state, code=code, detail=detail, updated_at=at))
    return tuple(parked)


def _row(values: Any) -> ContingencyRow:
    seq, ched_id, version_id, partner, operation, state, attempts, reference, code, detail, created, updated = values
    return ContingencyRow(
        seq,
        ched_id,
        version_id,
        partner,
        operation,
        ContingencyState(state),
        attempts,
        reference,
        code,
        detail,
        from_text(created),
        from_text(updated),
    )
