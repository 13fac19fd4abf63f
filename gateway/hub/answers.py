"""Our answers on their way through a hub: sent until it has taken them, then asked about until its last word.

An answer that the hub may have is looked for under delivery before it is sent again, whoever sent it and however that
ended; see ``adapters.ippc_hub.adapter`` for what such a look cannot tell.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from adapters.ippc_hub.adapter import resolve, send
from adapters.protocol import DeliveryOutcome, DeliveryResult
from gateway.delivery.tracking import MAX_MESSAGE, next_check, verdict_of
from gateway.errors import DeliveryError, GatewayError
from gateway.hub.checks import COUNTRY_RESPONSE
from gateway.store import (
    AnswerState,
    AnswerStep,
    answer_numbers,
    answer_payload,
    claim_answer,
    get_answer,
    open_answers,
    settle_answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.ippc_hub import IppcHubClient
    from gateway.exchange import Context
    from gateway.store import AnswerRow

__all__ = ["advance", "deliver_answers"]

_CALLS: Final = 2
"""Of one attempt: a look, and the sending."""
_MARGIN: Final = timedelta(seconds=10)
_SILENT: Final = frozenset({"IMG-8001", "IMG-8002", "IMG-8004", "IMG-8007"})
"""The hub answers nobody, or not us: the next one would meet the same."""

_UNSENT: Final = frozenset({"IMG-8001", "IMG-8007"})
"""Codes that promise that nothing was sent."""

_STATES: Final = {
    DeliveryOutcome.DELIVERED: AnswerState.DELIVERED,
    DeliveryOutcome.TRACKING: AnswerState.TRACKING,
    DeliveryOutcome.REFUSED: AnswerState.REFUSED,
    DeliveryOutcome.UNKNOWN: AnswerState.SENDING,
    DeliveryOutcome.LATER: AnswerState.WAITING,
    DeliveryOutcome.UNREACHABLE: AnswerState.WAITING,
}

_log = structlog.get_logger(__name__)


def deliver_answers(
    context: Context,
    client: IppcHubClient,
    hub: str,
    *,
    pause: Callable[[int], timedelta],
    limit: int,
    go_on: Callable[[], bool],
) -> int:
    """Send what is due through a hub, and ask it about what it took; returns how many answers got further.

    Args:
        context: the services.
        client: of the hub.
        hub: its partner id.
        pause: how long to wait after so many attempts.
        limit: answers at most.
        go_on: asked before each.

    Raises:
        DeliveryError: the hub does not answer, or not us; what was learnt before is kept.
        Unavailable: IMG-9001, the store does not answer.
    """
    with context.store.read() as connection:
        due = open_answers(connection, hub, now=context.clock(), limit=limit)
    moved = 0
    for row in due:
        if not go_on():
            break
        after = advance(context, client, row, pause=pause)
        moved += after.state is not row.state and after.state is not AnswerState.SENDING
        if after.settled_at is None and after.code in _SILENT:
            raise DeliveryError(after.code, where=f"answer to {row.answers}", found=after.message)
    return moved


def advance(context: Context, client: IppcHubClient, row: AnswerRow, *, pause: Callable[[int], timedelta]) -> AnswerRow:
    """Do for one answer what comes next: send it, look for it, or ask about it; returns it as it stands then.

    Nothing is done when somebody else has it in hand.

    Raises:
        Unavailable: IMG-9001, the store does not answer; what the hub did is found out the next time.
    """
    now = context.clock()
    claim = partial(claim_answer, row=row, now=now, until=now + _lease(context, row.hub))
    fence = context.store.write(claim)
    if fence is not None:
        result = _ask(client, row) if row.state is AnswerState.TRACKING else _send(context, client, row)
        _write(context, row, fence, result, pause)
    with context.store.read() as connection:
        current = get_answer(connection, row.id)
    assert current is not None, "answers are never deleted"
    return current


def _send(context: Context, client: IppcHubClient, row: AnswerRow) -> DeliveryResult:
    with context.store.read() as connection:
        payload, known = answer_payload(connection, row.id), answer_numbers(connection, row.import_id)
    if row.state is AnswerState.SENDING:
        found = resolve(client, payload, known)
        if found.outcome is not DeliveryOutcome.ABSENT:
            return found
    try:
        return send(client, COUNTRY_RESPONSE, payload)
    except DeliveryError as error:
        outcome = DeliveryOutcome.UNREACHABLE if error.code in _UNSENT else DeliveryOutcome.UNKNOWN
        return DeliveryResult(outcome, error.code, error.found or error.message)
    except GatewayError as error:
        return DeliveryResult(DeliveryOutcome.UNKNOWN, error.code, error.found or error.message)


def _ask(client: IppcHubClient, row: AnswerRow) -> DeliveryResult:
    """The hub's word about one that it took; an answer that makes no sense changes nothing."""
    still = partial(DeliveryResult, DeliveryOutcome.TRACKING, reference=row.number, tracking=row.said)
    try:
        header = client.tracking(row.number)
    except GatewayError as error:
        return still(error.code, error.found or error.message)
    if header.hub_delivery_number not in {"", row.number}:
        return still("", "an answer about something else")
    state, code = verdict_of(header.tracking) or (None, "")
    outcome = DeliveryOutcome(state.value) if state else DeliveryOutcome.TRACKING
    return DeliveryResult(outcome, code, header.error_message, reference=row.number, tracking=header.tracking)


def _write(
    context: Context, row: AnswerRow, fence: int, result: DeliveryResult, pause: Callable[[int], timedelta]
) -> None:
    now = context.clock()
    state = _STATES[result.outcome]
    step = AnswerStep(
        state=state,
        next_attempt_at=next_check(row, now) if state is AnswerState.TRACKING else now + pause(fence),
        number=result.reference,
        said=result.tracking[:MAX_MESSAGE],
        message=result.detail[:MAX_MESSAGE],
        code=result.code,
    )
    if context.store.write(partial(settle_answer, row=row, step=step, fence=fence, now=now)):
        code, number = result.code, result.reference
        _log.info("hub.answer", answers=row.answers, hub=row.hub, state=state, number=number, code=code)


def _lease(context: Context, hub: str) -> timedelta:
    """How long an attempt may take: after it somebody else looks for the answer and sends it."""
    partner = context.directory.by_id(hub)
    timeout = partner.delivery.timeout_seconds if partner and partner.delivery else 0.0
    return timedelta(seconds=timeout) * _CALLS + _MARGIN
