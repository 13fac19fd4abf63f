"""Our answers to envelopes that came for us, from the moment an operator gives one until the hub's last word.

An answer is committed before it is sent. Whoever sends one claims it first: the claim counts the attempts, and only who
has the newest claim may write down what came of it. A claim that is left behind by a crash ends by itself, and the next
one is told that the hub may have the answer already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from gateway.store.hub_records import AnswerRow, AnswerState
from gateway.store.hub_tables import hub_answers, hub_envelopes, hub_imports
from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import record_audit
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

    from gateway.store.hub_records import AnswerStep, NewAnswer

__all__ = [
    "add_answer",
    "answer_numbers",
    "answer_payload",
    "claim_answer",
    "find_answer",
    "get_answer",
    "list_answers",
    "open_answers",
    "settle_answer",
    "unsent_answers",
]

_insert = insert(hub_answers)
_claim = Statement(
    "UPDATE hub_answers SET state = CASE WHEN state = 'waiting' THEN 'sending' ELSE state END, "
    "attempts = attempts + 1, next_attempt_at = :until, updated_at = :now "
    "WHERE id = :id AND attempts = :attempts AND settled_at IS NULL RETURNING attempts"
)
_settle = Statement(
    "UPDATE hub_answers SET state = :state, number = :number, said = :said, message = :message, code = :code, "
    "next_attempt_at = :next_attempt_at, updated_at = :now, settled_at = :settled_at "
    "WHERE id = :id AND attempts = :attempts AND settled_at IS NULL RETURNING import_id"
)
_OPEN = frozenset({AnswerState.WAITING, AnswerState.SENDING, AnswerState.TRACKING})


def add_answer(connection: Connection, new: NewAnswer, *, actor: str, now: datetime) -> None:
    """Keep an answer; one with a number is in our own stand-in. Call inside `Store.write`."""
    moment = to_text(now)
    _insert(
        connection,
        id=new.id,
        import_id=new.import_id,
        hub=new.hub,
        status=new.status,
        reason=new.reason,
        payload=new.payload,
        state=AnswerState.HERE if new.number else AnswerState.WAITING,
        number=new.number,
        said="",
        message="",
        code="",
        attempts=0,
        next_attempt_at=moment,
        created_at=moment,
        updated_at=moment,
        settled_at=moment if new.number else None,
    )
    detail = {"answer": new.id, "status": new.status, "reason": new.reason, "number": new.number}
    record_audit(connection, at=now, actor=actor, action="hub answer", subject=new.import_id, detail=detail)


def claim_answer(connection: Connection, row: AnswerRow, *, now: datetime, until: datetime) -> int | None:
    """Take an answer in hand until then; returns the fence, None when somebody else was faster or it is settled."""
    taken = _claim(connection, id=row.id, attempts=row.attempts, until=to_text(until), now=to_text(now)).fetchone()
    return int(taken[0]) if taken else None


def settle_answer(connection: Connection, row: AnswerRow, step: AnswerStep, *, fence: int, now: datetime) -> bool:
    """Write down what came of an attempt or a question. Call inside `Store.write`.

    Returns False, and changes nothing, when the claim was lost or the last word was written before.
    """
    moment, state = to_text(now), step.state
    settled = _settle(
        connection,
        id=row.id,
        attempts=fence,
        state=state,
        number=step.number,
        said=step.said,
        message=step.message,
        code=step.code,
        next_attempt_at=to_text(step.next_attempt_at),
        now=moment,
        settled_at=None if state in _OPEN else moment,
    ).fetchone()
    if settled is None:
        return False
    if state is not row.state and state in (AnswerState.TRACKING, AnswerState.DELIVERED, AnswerState.REFUSED):
        detail = {"answer": row.id, "number": step.number, "said": step.said, "code": step.code}
        action = "hub answer taken" if state is AnswerState.TRACKING else f"hub answer {state}"
        about = {**detail, "message": step.message}
        record_audit(connection, at=now, actor=row.hub, action=action, subject=row.import_id, detail=about)
    return True


def open_answers(connection: Connection, hub: str, *, now: datetime, limit: int) -> tuple[AnswerRow, ...]:
    """What it is time to send through this hub or to ask it about, the longest due first."""
    query = (
        _select()
        .where(
            hub_answers.c.hub == hub,
            hub_answers.c.settled_at.is_(None),
            hub_answers.c.next_attempt_at <= to_text(now),
        )
        .order_by(hub_answers.c.next_attempt_at, hub_answers.c.id)
        .limit(limit)
    )
    return tuple(_answer(row) for row in connection.execute(query))


def unsent_answers(connection: Connection, *, before: datetime, limit: int) -> tuple[AnswerRow, ...]:
    """Answers given before then that no hub has taken, oldest first."""
    query = (
        _select()
        .where(
            hub_answers.c.settled_at.is_(None), hub_answers.c.number == "", hub_answers.c.created_at < to_text(before)
        )
        .order_by(hub_answers.c.id)
        .limit(limit)
    )
    return tuple(_answer(row) for row in connection.execute(query))


def get_answer(connection: Connection, answer_id: str) -> AnswerRow | None:
    """The answer of that id."""
    row = connection.execute(_select().where(hub_answers.c.id == answer_id)).first()
    return _answer(row) if row else None


def find_answer(connection: Connection, hub: str, number: str) -> AnswerRow | None:
    """The answer that has this number at this hub."""
    query = _select().where(hub_answers.c.number == number, hub_answers.c.hub == hub).limit(1)
    row = connection.execute(query).first() if number else None
    return _answer(row) if row else None


def answer_payload(connection: Connection, answer_id: str) -> bytes:
    """The request that is sent; KeyError when there is no such answer."""
    row = connection.execute(select(hub_answers.c.payload).where(hub_answers.c.id == answer_id)).first()
    if row is None:
        raise KeyError(answer_id)
    return bytes(row.payload)


def answer_numbers(connection: Connection, import_id: str) -> frozenset[str]:
    """The numbers that a hub gave to answers to one envelope."""
    query = select(hub_answers.c.number).where(hub_answers.c.import_id == import_id, hub_answers.c.number != "")
    return frozenset(connection.execute(query).scalars())


def list_answers(
    connection: Connection, *, import_id: str | None = None, hub: str | None = None, limit: int = 50
) -> tuple[AnswerRow, ...]:
    """Answers, newest first."""
    query = _select().order_by(hub_answers.c.id.desc()).limit(limit)
    if import_id is not None:
        query = query.where(hub_answers.c.import_id == import_id)
    if hub is not None:
        query = query.where(hub_answers.c.hub == hub)
    return tuple(_answer(row) for row in connection.execute(query))


def _select() -> Select[Any]:
    """With the number of what is answered, and with the envelope's word where that is in our own stand-in."""
    return (
        select(
            hub_answers,
            hub_imports.c.hub_number,
            hub_envelopes.c.state.label("here_said"),
            hub_envelopes.c.message.label("here_message"),
        )
        .join(hub_imports, hub_imports.c.id == hub_answers.c.import_id)
        .outerjoin(hub_envelopes, (hub_answers.c.hub == "") & (hub_envelopes.c.number == hub_answers.c.number))
    )


def _answer(row: Row[Any]) -> AnswerRow:
    here = row.here_said is not None
    return AnswerRow(
        id=row.id,
        import_id=row.import_id,
        hub=row.hub,
        answers=row.hub_number,
        status=row.status,
        reason=row.reason,
        state=AnswerState(row.state),
        number=row.number,
        said=row.here_said if here else row.said,
        message=row.here_message if here else row.message,
        code=row.code,
        attempts=row.attempts,
        next_attempt_at=from_text(row.next_attempt_at),
        created_at=from_text(row.created_at),
        settled_at=from_text(row.settled_at) if row.settled_at else None,
    )
