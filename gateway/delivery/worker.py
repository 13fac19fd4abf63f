"""The worker: takes lanes with due work, one delivery after the other, and writes down how each ended.

At every instruction the process may die. What then holds: a delivery that was claimed but not rendered was not sent;
one that was rendered may have been sent, so the next worker asks the partner before it sends; one that was settled is
done. Nothing is lost, and the receiver, who knows the message id, takes nothing twice.

A delivery is a version of a document or a push; `_job_of` is all that is different here.
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, assert_never

import structlog

from gateway.delivery.models import DeliveryJob, DeliveryOutcome, DeliveryResult, DeliverySettings, PushJob
from gateway.delivery.settling import settlement
from gateway.errors import DeliveryError, GatewayError, Retry, TranslationRefused
from gateway.faultpoints import reach
from gateway.store.outbox import acquire_lane, claim_next, due_lanes, release_lane, settle, store_payload
from gateway.store.outbox_records import DocumentContent, PushContent
from gateway.store.records import DeliveryState
from gateway.store.reference_changes import find_lost_change, forget_change
from gateway.store.upkeep import purge_nonces

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from gateway.delivery.models import Adapter, Job
    from gateway.store.outbox_records import Claimed, Settlement
    from gateway.store.records import Prepared
    from gateway.store.store import Store

    Hold = Callable[[Connection, DeliveryJob, TranslationRefused, datetime], bool]

__all__ = ["Worker"]

_log = structlog.get_logger(__name__)

_UNSENT: Final = frozenset({"IMG-8001", "IMG-8007"})
"""Codes that promise that nothing was sent."""

_MARGIN = timedelta(seconds=3)
"""What an adapter has to leave of the lease for writing the answer down."""

_HOUSEKEEPING = timedelta(minutes=1)
_PURGE = 500
"""Nonces forgotten in one transaction."""
_LOST_ROWS = 2_000
"""Rows of lost changes of the tables forgotten in one transaction."""


class _Untranslatable(NamedTuple):
    """A document that has codes which the partner's system does not know."""

    job: DeliveryJob
    settlement: Settlement
    refusal: TranslationRefused


class Worker:
    """Delivers what is in the outbox, and in the background forgets expired nonces.

    Args:
        store: shared with the process; on SQLite it must have been opened exclusively.
        adapters: gives the adapter of a partner; may raise GatewayError when its record does not allow one.
        prepare: translates, renders and seals what a job sends, outside any transaction; called once per delivery.
        hold: asked about a payload whose codes the partner's system does not have, in the transaction that settles the
            delivery: whether it is in quarantine now, by the partner's policy.
        settings: patience.
        clock: aware UTC now.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        store: Store,
        adapters: Callable[[str], Adapter[Job]],
        prepare: Callable[[Job], Prepared],
        *,
        hold: Hold | None = None,
        settings: DeliverySettings | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._adapters = adapters
        self._prepare = prepare
        self._hold = hold
        self._settings = settings or DeliverySettings()
        self._clock = clock
        self._jitter = jitter
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._threads: tuple[threading.Thread, ...] = ()
        self._stopping = False
        self._news = 0
        self._bell = threading.Condition()
        self._unsubscribe: Callable[[], None] | None = None
        self._housekeeping = threading.Lock()
        self._housekeeping_at = datetime.min.replace(tzinfo=UTC)

    def start(self) -> None:
        """Work in the background until `stop`; new work of this process is seen at once, of others by polling."""
        self._stopping = False
        self._unsubscribe = self._store.subscribe(self.wake)
        self._threads = tuple(
            threading.Thread(target=self._loop, name=f"delivery-{number}", daemon=True)
            for number in range(self._settings.lanes_at_once)
        )
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: timedelta = timedelta(seconds=25)) -> bool:
        """Finish the deliveries in hand, take no more.

        Returns:
            Whether all threads ended in time. One that did not is left to die with the process: its delivery is
            resolved by a read at the next start.
        """
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._stopping = True
        self.wake()
        end = time.monotonic() + timeout.total_seconds()
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def wake(self) -> None:
        """Look for work now."""
        with self._bell:
            self._news += 1
            self._bell.notify_all()

    def run_once(self) -> int:
        """Do what is due now, in this thread; returns how many attempts were made.

        Raises:
            Unavailable: IMG-9001, the store does not answer.
        """
        done = 0
        with self._store.read() as connection:
            lanes = due_lanes(connection, self._clock())
        for partner in lanes:
            if self._stopping:
                break
            done += self._serve(partner)
        return done

    def _loop(self) -> None:
        while not self._stopping:
            heard = self._news
            try:
                done = self.run_once()
                self._housekeep()
            except Exception as error:  # noqa: BLE001 - a worker thread that dies is a silent outage
                _log.warning("delivery.interrupted", error=type(error).__name__)
                done = 0
            if not done:
                with self._bell:
                    self._bell.wait_for(partial(self._called_since, heard), self._settings.poll.total_seconds())

    def _housekeep(self) -> None:
        """Forget expired nonces and lost changes of tables, now and then, in portions that hold up no message."""
        now = self._clock()
        if now < self._housekeeping_at or not self._housekeeping.acquire(blocking=False):
            return
        try:
            while self._store.write(partial(purge_nonces, now=now, limit=_PURGE)) == _PURGE and not self._stopping:
                pass
            self._forget_lost_changes(now)
            self._housekeeping_at = now + _HOUSEKEEPING
        finally:
            self._housekeeping.release()

    def _forget_lost_changes(self, now: datetime) -> None:
        """What processes that ended before they published have left in the tables; nobody sees it, it takes space."""
        while not self._stopping:
            with self._store.read() as connection:
                change = find_lost_change(connection, now)
            if change is None:
                return
            forget = partial(forget_change, change=change, limit=_LOST_ROWS)
            while not self._stopping and not self._store.write(forget):
                pass

    def _called_since(self, heard: int) -> bool:
        return self._stopping or self._news != heard

    def _serve(self, partner: str) -> int:
        """One turn of a lane, under one lease."""
        now = self._clock()
        acquire = partial(acquire_lane, partner=partner, owner=self._owner, now=now, until=now + self._settings.lease)
        fence = self._store.write(acquire)
        if fence is None:
            return 0
        done = 0
        try:
            while done < self._settings.turn and not self._stopping and self._attempt(partner, fence):
                done += 1
        finally:
            self._store.write(partial(release_lane, partner=partner, fence=fence, now=self._clock()))
        return done

    def _attempt(self, partner: str, fence: int) -> bool:
        """One delivery; False when the lane has nothing due any more, or is no longer ours."""
        now = self._clock()
        until = now + self._settings.lease
        claimed = self._store.write(partial(claim_next, partner=partner, fence=fence, now=now, until=until))
        if claimed is None:
            return False
        reach("delivery.claimed")
        outcome = self._work(claimed, deadline=until - min(_MARGIN, self._settings.lease / 2))
        if outcome is None:
            return False
        now = self._clock()
        if isinstance(outcome, DeliveryResult):
            outcome = settlement(claimed, outcome, self._settings, now=now, jitter=self._jitter())
        if isinstance(outcome, _Untranslatable):
            settled = self._store.write(partial(self._settle_untranslatable, claimed=claimed, found=outcome, now=now))
            outcome = outcome.settlement
        else:
            settled = self._store.write(partial(settle, claimed=claimed, settlement=outcome, now=now))
        if not settled:
            _log.warning("delivery.lease_lost", delivery=claimed.id, partner=partner)
            return False
        reach("delivery.settled")
        _log.info(
            "delivery.attempted",
            delivery=claimed.id,
            partner=partner,
            state=outcome.state,
            code=outcome.code,
            attempts=claimed.attempts,
        )
        return True

    def _settle_untranslatable(
        self, connection: Connection, *, claimed: Claimed, found: _Untranslatable, now: datetime
    ) -> bool:
        """Failed, and in quarantine where the partner's policy is to keep it."""
        if not settle(connection, claimed, found.settlement, now=now):
            return False
        if self._hold is not None:
            self._hold(connection, found.job, found.refusal, now)
        return True

    def _work(self, claimed: Claimed, deadline: datetime) -> DeliveryResult | Settlement | _Untranslatable | None:
        """Everything that happens outside transactions; None when the lease was lost on the way."""
        job = _job_of(claimed, deadline)
        try:
            adapter = self._adapters(claimed.partner)
            prepared = self._prepare(job) if claimed.payload is None else None
        except Exception as error:  # noqa: BLE001 - one delivery's trouble must not stop the lane
            unprepared = self._unprepared(claimed, error)
            failed = unprepared.state is DeliveryState.FAILED
            if failed and isinstance(job, DeliveryJob) and isinstance(error, TranslationRefused):
                return _Untranslatable(job, unprepared, error)
            return unprepared
        if prepared is not None:
            reach("delivery.prepared")
            if not self._store.write(partial(store_payload, claimed=claimed, prepared=prepared)):
                return None
            reach("delivery.payload-stored")
            job = replace(job, payload=prepared.payload)
        try:
            result = adapter.resolve(job) if claimed.unknown else adapter.deliver(job)
        except Exception as error:  # noqa: BLE001 - whatever it was, the answer is lost
            result = _result_of(error)
        reach("delivery.sent")
        return result

    def _unprepared(self, claimed: Claimed, error: Exception) -> Settlement:
        """Nothing was sent in this attempt: try again when that can help, otherwise leave it to the operator."""
        if isinstance(error, GatewayError):
            result = DeliveryResult(DeliveryOutcome.LATER, error.code, _sentence(error))
            hopeless = not claimed.unknown and error.retry is not Retry.LATER
        else:
            _log.error("delivery.defect", delivery=claimed.id, exc_info=error)
            result = DeliveryResult(DeliveryOutcome.LATER, "IMG-9002", type(error).__name__)
            hopeless = False
        ours = settlement(claimed, result, self._settings, now=self._clock(), jitter=self._jitter())
        state = DeliveryState.FAILED if hopeless else ours.state
        # The partner said nothing, so its circuit stays as it was.
        return replace(ours, state=state, lane_failures=claimed.lane_failures)


def _job_of(claimed: Claimed, deadline: datetime) -> DeliveryJob | PushJob:
    """What the adapter gets."""
    common: dict[str, Any] = {
        "id": claimed.id,
        "partner": claimed.partner,
        "attempt": claimed.attempts,
        "deadline": deadline,
        "payload": claimed.payload or b"",
    }
    match claimed.content:
        case DocumentContent(exchange_id, document, status, sender):
            return DeliveryJob(exchange_id=exchange_id, document=document, status_code=status, sender=sender, **common)
        case PushContent(subscription=subscription, number=number):
            return PushJob(subscription=subscription, number=number, **common)
        case _:
            assert_never(claimed.content)


def _result_of(error: Exception) -> DeliveryResult:
    """An adapter's exception: only `_UNSENT` promises that nothing was sent."""
    if isinstance(error, DeliveryError) and error.code in _UNSENT:
        return DeliveryResult(DeliveryOutcome.UNREACHABLE, error.code, _sentence(error))
    if isinstance(error, GatewayError):
        return DeliveryResult(DeliveryOutcome.UNKNOWN, error.code, _sentence(error))
    _log.error("delivery.defect", exc_info=error)
    return DeliveryResult(DeliveryOutcome.UNKNOWN, "IMG-8002", type(error).__name__)


def _sentence(error: GatewayError) -> str:
    return " | ".join(part for part in (error.message, error.where, error.found) if part)
