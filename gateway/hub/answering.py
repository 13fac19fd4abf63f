"""An operator's answer to an envelope, on the way that the envelope came by (DeliverCountryResponseEnvelope)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.errors import ConfigurationError
from gateway.hub.answers import advance
from gateway.hub.checks import ANSWERS
from gateway.hub.responses import respond_here, response_to
from gateway.hub.sources import is_pushed
from gateway.ippc import wire
from gateway.store import AnswerState, ImportState, NewAnswer, add_answer, get_answer, list_answers, new_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.exchange import Context
    from gateway.hub.polling import Poller
    from gateway.store import AnswerRow, ImportRow

__all__ = ["Given", "answer"]

_ANSWERED: Final = frozenset({ImportState.IMPORTED, ImportState.HELD})
_MOST: Final = 1_000
"""Answers to one envelope that are compared with a new one."""


@dataclass(frozen=True, slots=True)
class Given:
    """What became of the wish to answer."""

    answer: AnswerRow
    repeated: bool
    """The same answer was given before: this is that one, and nothing was sent."""


def answer(
    context: Context,
    poller: Poller,
    row: ImportRow,
    *,
    status: int,
    reason: str,
    actor: str,
    again: bool = False,
) -> Given:
    """Keep an SPSAcknowledgement for the country that sent an envelope, and try once to send it.

    It is committed before it is sent; what does not reach the hub now is sent by the poller's rounds. An answer that
    was given before, in the same status and with the same reason, is not sent a second time unless it was refused.

    Args:
        context: the services.
        poller: knows the way to the hub.
        row: the import that is answered.
        status: one of `gateway.hub.checks.ANSWERS`.
        reason: one sentence for the other authority.
        actor: who answers, for the audit.
        again: send it although it was given before.

    Returns:
        The answer as it stands after the first attempt, whatever came of it.

    Raises:
        ConfigurationError: IMG-0126 the envelope holds nothing that can be answered, IMG-0127 no answer has this
            status, IMG-0123 the hub is no longer polled; nothing was kept.
        Unavailable: IMG-9001, the store does not answer.
    """
    if status not in ANSWERS:
        known = " | ".join(f"{each} {name}" for each, name in ANSWERS.items())
        raise ConfigurationError("IMG-0127", where="--status", found=str(status), expected=known)
    if row.state not in _ANSWERED:
        raise ConfigurationError(
            "IMG-0126", where=row.hub_number, found=row.state, expected=" | ".join(sorted(_ANSWERED))
        )
    partner = context.directory.by_id(row.partner)
    with context.store.read() as connection:
        here = partner is not None and is_pushed(connection, partner, row.hub_number)
    client = None if here else poller.client(row.partner)
    now = context.clock()
    header, acknowledgement = response_to(row, status=status, reason=reason, now=now)
    payload = acknowledgement if here else wire.country_response(header, acknowledgement)

    def keep(connection: Connection) -> Given:
        before = [] if again else list_answers(connection, import_id=row.id, limit=_MOST)
        for each in before:
            if (each.status, each.reason) == (status, reason) and each.state is not AnswerState.REFUSED:
                return Given(each, repeated=True)
        number = respond_here(connection, row, header, acknowledgement, actor=actor, now=now).number if here else ""
        new = NewAnswer(
            id=new_id(now),
            import_id=row.id,
            hub="" if here else row.partner,
            status=status,
            reason=reason,
            payload=payload,
            number=number,
        )
        add_answer(connection, new, actor=actor, now=now)
        kept = get_answer(connection, new.id)
        assert kept is not None
        return Given(kept, repeated=False)

    given = context.store.write(keep)
    if given.repeated or client is None:
        return given
    return Given(advance(context, client, given.answer, pause=poller.pause), repeated=False)
