"""The exchange on return: what waits goes to TRACES, each step once and in order (Article 46(4), R-46-4).

One exchanger at a time, however many processes there are. A step is claimed before it is sent; one that is found
claimed by somebody who is gone is looked for at TRACES first. Counter-seals that are due are asked for in the same
rounds, and outages end here when TRACES answers although nobody writes.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from adapters.traces_nt import NOBODY, Caller, TracesForbidden
from gateway.ched.attached import with_files_upstream
from gateway.ched.background import Background
from gateway.ched.restoring import Restorer
from gateway.ched.states import Operation
from gateway.ched.transmission import COUNTER_SEAL, EXCHANGE, Away, Begun, exchanged
from gateway.ched.upstream import is_away
from gateway.ched.writing import conflict_of
from gateway.errors import DeliveryError, GatewayError, Unavailable
from gateway.faultpoints import reach
from gateway.store import (
    ContingencyState,
    Recorded,
    acquire_poller,
    ched_content,
    claim_contingency,
    get_ched,
    list_outages,
    pending_cheds,
    release_poller,
    renew_poller,
    settle_contingency,
    steps_of_ched,
    waiting_contingency,
)
from gateway.traces.contracts import CHED, CONTRACTS
from gateway.traces.models import FindChedCriteria
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.ched.availability import Availability
    from gateway.ched.counter_seals import CounterSealReader
    from gateway.ched.steps import Answer, Step
    from gateway.ched.transmission import Transmission
    from gateway.ched.upstream import Upstream
    from gateway.exchange import Context
    from gateway.store import ChedRow, ContingencyRow

__all__ = ["Exchanged", "Exchanger", "ExchangerSettings"]

_PAGE: Final = 50
_SEALS: Final = 20
"""Counter-seals that are asked for in one round."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ExchangerSettings:
    """Patience."""

    retry: timedelta = timedelta(seconds=30)
    """From one round to the next."""
    lease: timedelta = timedelta(seconds=60)
    """How long whoever claimed a step may be silent; longer than any call."""


@dataclass(slots=True)
class Exchanged:
    """What one round did."""

    exchanged: list[str] = field(default_factory=list)
    """References, in the order in which TRACES got them."""
    refused: list[str] = field(default_factory=list)
    """Codes."""
    seals: int = 0
    """Counter-seals that came."""
    away: bool = False
    """TRACES does not answer: the rest waits."""


class _Outcome(Enum):
    DONE = "done"
    LATER = "later"
    STOP = "stop"


class Exchanger(Background):
    """Exchanges with one TRACES.

    Args:
        context: the services; on SQLite the store must have been opened exclusively.
        upstream: TRACES.
        partner: id of its record.
        transmission: hands steps on.
        seals: fetches counter-seals.
        availability: whether it is there.
        settings: patience.
    """

    def __init__(
        self,
        context: Context,
        upstream: Upstream,
        partner: str,
        *,
        transmission: Transmission,
        seals: CounterSealReader,
        availability: Availability,
        settings: ExchangerSettings,
    ) -> None:
        super().__init__("traces-exchange", every=settings.retry)
        self._context = context
        self._store = context.store
        self._upstream = upstream
        self._partner = partner
        self._transmission = transmission
        self._seals = seals
        self._availability = availability
        self._settings = settings
        self._restorer = Restorer(context)
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def run_once(self) -> Exchanged | None:
        """One round in this thread; None when another exchanger is at it.

        Raises:
            Unavailable: IMG-9001, the store does not answer.
        """
        now = self._context.clock()
        acquire = partial(
            acquire_poller, partner=self._partner, owner=self._owner, now=now, until=now + self._settings.lease
        )
        fence = self._store.write(acquire)
        if fence is None:
            return None
        done = Exchanged()
        try:
            self._availability.recover(tuple(each.name for each in CONTRACTS))
            done.away = self._probe()
            if not done.away:
                self._exchange(fence, done)
            if not done.away:
                done.seals = self._complete()
        finally:
            now = self._context.clock()
            release = partial(release_poller, partner=self._partner, fence=fence, now=now, not_before=now, failures=0)
            self._store.write(release)
        return done

    def _exchange(self, fence: int, done: Exchanged) -> None:
        after = 0
        while True:
            with self._store.read() as connection:
                steps = waiting_contingency(connection, self._partner, limit=_PAGE, after=after)
            if not steps:
                return
            for step in steps:
                after = step.seq
                until = self._context.clock() + self._settings.lease
                renew = partial(renew_poller, partner=self._partner, fence=fence, until=until)
                if self._stopping.is_set() or not self._store.write(renew):
                    return
                if self._one(step, done) is _Outcome.STOP:
                    done.away = True
                    return

    def _one(self, step: ContingencyRow, done: Exchanged) -> _Outcome:
        """One step; a later one never overtakes one of which nobody knows whether TRACES has it."""
        now = self._context.clock()
        with self._store.read() as connection:
            row = get_ched(connection, step.ched_id)
        if row is None:
            return _Outcome.DONE
        was_unknown = step.state is ContingencyState.UNKNOWN
        if was_unknown and now - step.updated_at < self._settings.lease:
            return _Outcome.STOP if row.contingency else _Outcome.LATER
        claimed = self._store.write(partial(claim_contingency, row=step, at=now))
        if claimed is None:
            return _Outcome.DONE
        reach("traces.claimed")
        return self._go(row, claimed, done, was_unknown=was_unknown)

    def _go(self, row: ChedRow, claimed: ContingencyRow, done: Exchanged, *, was_unknown: bool) -> _Outcome:
        try:
            going = self._restorer.step(row, claimed)
            answer = self._answer(row, claimed, going, was_unknown=was_unknown)
        except Away as away:
            return self._back(claimed, sent=away.sent or was_unknown)
        except TracesForbidden:
            return self._back(claimed, sent=was_unknown)
        except Unavailable:
            raise  # our own store: what stands there is found unknown, and looked for
        except GatewayError as error:
            if isinstance(error, DeliveryError) and is_away(error):  # while its files were handed over
                return self._back(claimed, sent=was_unknown)
            self._refused(claimed, error, done)
            return _Outcome.DONE
        if answer is not None and self._settle(row, claimed, answer, going.caller, done):
            done.exchanged.append(answer.reference)
        return _Outcome.DONE

    def _answer(self, row: ChedRow, claimed: ContingencyRow, going: Step, *, was_unknown: bool) -> Answer | None:
        """What TRACES makes of a step; None when it has not got one whose sender was told that it would not."""
        if was_unknown:
            answer = self._transmission.look(going, row.id)
            if answer is not None:
                return answer
            if not row.contingency:
                begun = Begun(row, claimed)
                self._store.write(lambda connection: self._transmission.withdraw(connection, begun, code="IMG-9010"))
                return None
        files = with_files_upstream(going.content, self._store, self._upstream, going.caller, self._context.limits)
        return self._transmission.transmit(replace(going, content=files))

    def _back(self, claimed: ContingencyRow, *, sent: bool) -> _Outcome:
        """TRACES is away again: the step waits, or is looked for the next time."""
        if not sent:
            at = self._context.clock()
            state = ContingencyState.WAITING
            self._store.write(
                lambda connection: settle_contingency(connection, claimed, state=state, code="IMG-9010", at=at)
            )
        return _Outcome.STOP

    def _refused(self, claimed: ContingencyRow, error: GatewayError, done: Exchanged) -> None:
        """TRACES will not take it: an operator has to look, and nothing that builds on it can go."""
        at = self._context.clock()
        words = [each.rule + " " + each.message for each in error.findings] or [error.message, error.found]
        detail = " | ".join(filter(None, words))[:500]

        def unit(connection: Connection) -> None:
            state = ContingencyState.REFUSED
            settle_contingency(connection, claimed, state=state, code=error.code, detail=detail, at=at)
            for later in steps_of_ched(connection, claimed.ched_id):
                if later.seq > claimed.seq and later.state.open:
                    settle_contingency(connection, later, state=state, code="IMG-7220", detail=error.code, at=at)

        self._store.write(unit)
        done.refused.append(error.code)
        _log.warning("traces.refused", ched=claimed.ched_id, code=error.code, detail=detail)

    def _settle(self, row: ChedRow, claimed: ContingencyRow, answer: Answer, caller: Caller, done: Exchanged) -> bool:
        """TRACES has it: the reference and, after the last step, the CHED as TRACES has it now stand here too."""
        at = self._context.clock()
        theirs = self._theirs(answer, caller)

        def unit(connection: Connection) -> bool:
            state = ContingencyState.EXCHANGED
            if not settle_contingency(connection, claimed, state=state, reference=answer.reference, at=at):
                return False
            current = get_ched(connection, row.id) or row
            later = any(step.seq > claimed.seq and step.state.open for step in steps_of_ched(connection, row.id))
            if later:
                parts = ched_content(connection, current)
                own = self._restorer.with_reference(parts.content, answer) if parts is not None else None
                moved = replace(current, reference=answer.reference, updated_at=at)
                self._transmission.record(connection, moved, at, EXCHANGE, content=own)
                return True
            pending = COUNTER_SEAL if claimed.operation == Operation.IN_PROGRESS and current.conclusion else ""
            moved = exchanged(current, answer, at, pending=pending)
            self._transmission.record(connection, moved, at, EXCHANGE, content=theirs)
            return True

        settled = self._store.write(unit)
        if isinstance(settled, Recorded):  # by way of Undo: TRACES gave the reference of another CHED
            self._refused(claimed, conflict_of(settled.conflict, settled.detail), done)
            return False
        reach("traces.settled")
        return settled

    def _theirs(self, answer: Answer, caller: Caller) -> bytes | None:
        """The CHED as TRACES has it; what stands here is kept when it cannot be had now."""
        try:
            return serialise(self._upstream.ched(answer.reference, caller).root)
        except DeliveryError as error:
            _log.info("traces.not_read_back", reference=answer.reference, code=error.code)
            return None

    def _complete(self) -> int:
        """Counter-seals that are due."""
        with self._store.read() as connection:
            waiting = [row for row in pending_cheds(connection, limit=_SEALS) if row.pending == COUNTER_SEAL]
        came = 0
        for row in waiting:
            if self._stopping.is_set():
                break
            came += self._seals.fetch(row, self._restorer.caller(row))
        return came

    def _probe(self) -> bool:
        """Whether what was away is certainly away still; notices its return when nobody asks it anything."""
        with self._store.read() as connection:
            away = [each for each in list_outages(connection, partner=self._partner) if each.ended_at is None]
        if not away or not self._availability.is_worth_trying(CHED.name):
            return False
        try:
            self._upstream.find_cheds(FindChedCriteria(types=("A",), page_size=1), NOBODY)
        except DeliveryError as error:
            if is_away(error):
                self._availability.lost(CHED.name, error)
                return error.code in _NOT_REACHED
        for outage in away:
            if outage.functionality == CHED.name or outage.reason.startswith(_NOT_REACHED):
                self._availability.answered(outage.functionality)
        return False

    def _round(self) -> None:
        done = self.run_once()
        if done is not None and (done.exchanged or done.refused or done.seals):
            _log.info("traces.exchanged", exchanged=len(done.exchanged), refused=len(done.refused), seals=done.seals)


_NOT_REACHED: Final = ("IMG-8001", "IMG-8002", "IMG-8007")
"""What a functionality lacked was the connection, which all of them share."""
