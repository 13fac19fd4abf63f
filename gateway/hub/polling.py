"""Asks hubs what waits for us, and takes it in: one poller per hub, however many processes there are.

A round resumes what was interrupted, takes what is new, sends our answers, asks about what was sent, and now and then
fetches the code lists. It runs under a lease in the store, so that a process that died is followed by another and two
never poll at once. A hub that does not answer is asked again after growing pauses; an envelope that makes trouble by
itself waits alone.
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from gateway.access import Polling
from gateway.delivery.models import DeliverySettings
from gateway.delivery.settling import backoff
from gateway.delivery.tracking import track
from gateway.errors import ConfigurationError, GatewayError
from gateway.hub.answers import deliver_answers
from gateway.hub.importing import Importer
from gateway.hub.rounds import Intake, Lease, Round
from gateway.hub.sources import LocalSource, RemoteSource, is_pushed
from gateway.store import acquire_poller, due_poller, find_poller, release_poller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from adapters.ippc_hub import IppcHubClient
    from gateway.access import Partner
    from gateway.exchange import Context
    from gateway.exchange.quarantine import Arrival
    from gateway.hub.service import HubService
    from gateway.hub.sources import Source, Waiting
    from gateway.ippc.validation_result import ValidationResult
    from gateway.store import ImportRow, Store

__all__ = ["ADAPTER", "LOCAL", "Poller", "PollerSettings", "Round"]

ADAPTER: Final = "ippc-hub"
"""The delivery adapter of partners that can be polled."""

LOCAL: Final = ""
"""In the place of a partner's id: this instance's own stand-in, for what waits there for us."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollerSettings:
    """How patient the poller is; how often a hub is asked stands in its partner record."""

    lease: timedelta = timedelta(seconds=60)
    """How long a poller may be silent before another takes its hub; longer than any client's timeout."""
    backoff_first: timedelta = timedelta(seconds=5)
    backoff_max: timedelta = timedelta(minutes=15)
    look: timedelta = timedelta(seconds=1)
    """How often the poller looks whether anything is due."""
    local: Polling = field(default_factory=lambda: Polling(interval_seconds=1.0))
    """How often our own stand-in is asked."""
    hubs_at_once: int = 2
    """Threads, hence hubs polled at the same time."""


class Poller:
    """Polls every partner that has ``[partner.polling]``, and this instance's own stand-in.

    Args:
        context: the services; on SQLite the store must have been opened exclusively.
        clients: the client of a partner; may raise GatewayError when its record does not allow one.
        validate: what ValidatePhytoXML would find in a certificate.
        hub: our stand-in of the hub, where the instance is one.
        synchronise: fetches a hub's code lists and names those that changed; None leaves them alone.
        settings: patience.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        context: Context,
        clients: Callable[[Partner], IppcHubClient],
        *,
        validate: Callable[[bytes], Sequence[ValidationResult]],
        hub: HubService | None = None,
        synchronise: Callable[[IppcHubClient, Store, str, datetime], Mapping[str, object]] | None = None,
        settings: PollerSettings | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._context = context
        self._clients = clients
        self._validate = validate
        self._hub = hub
        self._synchronise = synchronise
        self._settings = settings or PollerSettings()
        self._jitter = jitter
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._threads: tuple[threading.Thread, ...] = ()
        self._stopping = threading.Event()
        self._lists_at: dict[str, datetime] = {}
        self._intake = Intake(context.clock, self._pause)
        self._resumed = hub is None
        self._left: dict[str, tuple[int, Iterator[Waiting]]] = {}
        """What a full batch left of a listing, and the lease it was made under: good for the very next one, so that
        10,000 waiting envelopes are not listed 100 times."""

    def start(self) -> None:
        """Poll in the background until `stop`."""
        self._stopping.clear()
        self._threads = tuple(
            threading.Thread(target=self._loop, name=f"polling-{number}", daemon=True)
            for number in range(self._settings.hubs_at_once)
        )
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: timedelta = timedelta(seconds=25)) -> bool:
        """Finish the envelopes in hand, take no more; returns whether all threads ended in time."""
        self._stopping.set()
        end = time.monotonic() + timeout.total_seconds()
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def due(self) -> tuple[str, ...]:
        """The ids of partners whose time has come and that nobody polls; `LOCAL` is among them when it has work.

        Raises:
            Unavailable: IMG-9001, the store does not answer.
        """
        now = self._context.clock()
        with self._context.store.read() as connection:
            return tuple(each for each in self._worth_asking() if due_poller(connection, each, now=now))

    def candidates(self) -> tuple[str, ...]:
        """The ids of all partners that are polled, and `LOCAL` where this instance receives for countries itself."""
        hubs = tuple(each.id for each in self._context.directory.partners() if is_polled(each))
        return (LOCAL, *hubs) if self._hub is not None else hubs

    def run_once(self, partner_id: str) -> Round | None:
        """One round in this thread, whether it is due or not.

        Returns:
            What it did, its failure included; None when another poller has the lease.

        Raises:
            ConfigurationError: IMG-0123, the partner is not polled.
            Unavailable: IMG-9001, the store does not answer.
        """
        polling = self._polling(partner_id)
        now = self._context.clock()
        with self._context.store.read() as connection:
            known = find_poller(connection, partner_id)
        if known is not None and known.lease_owner and known.lease_until and known.lease_until > now:
            return None
        failures = known.failures if known else 0
        begin = max(now, known.not_before) if known and known.not_before else now
        acquire = partial(
            acquire_poller, partner=partner_id, owner=self._owner, now=begin, until=now + self._settings.lease
        )
        fence = self._context.store.write(acquire)
        if fence is None:
            return None
        done = Round(partner_id)
        try:
            self._round(partner_id, polling, fence, done)
        except GatewayError as error:
            done.failure = error
        finally:
            self._release(partner_id, polling, fence, done, failures)
        return done

    def client(self, partner_id: str) -> IppcHubClient:
        """The client of a partner that is polled.

        Raises:
            ConfigurationError: IMG-0123, it is not.
        """
        return self._clients(self._partner(partner_id))

    def pause(self, failures: int) -> timedelta:
        """How long to wait after so many failures in a row."""
        return self._pause(failures)

    def decide_again(self, row: ImportRow, arrive: Arrival | None = None) -> ImportRow:
        """Look into an envelope that is held or unreadable once more, after an operator changed something.

        Raises:
            ConfigurationError: IMG-0123, the partner that it came from is gone, or no longer a hub.
        """
        partner = self._context.directory.by_id(row.partner)
        with self._context.store.read() as connection:
            here = partner is not None and is_pushed(connection, partner, row.hub_number)
        source: Source
        if here and partner is not None and self._hub is not None:
            source = LocalSource(self._hub, self._context.store, self._context.directory)
        else:
            partner = self._partner(row.partner)
            source = RemoteSource(partner, self._clients(partner))
        return Importer(self._context, source, validate=self._validate).decide_again(partner, row, arrive)

    def _release(self, partner_id: str, polling: Polling, fence: int, done: Round, failures: int) -> None:
        now = self._context.clock()
        failures = failures + 1 if done.failure else 0
        rest = timedelta(seconds=0 if done.more else polling.interval_seconds)
        pause = self._pause(failures) if failures else rest
        release = partial(
            release_poller, partner=partner_id, fence=fence, now=now, not_before=now + pause, failures=failures
        )
        self._context.store.write(release)
        if done.failure:
            code, found = done.failure.code, done.failure.found
            _log.warning("hub.unanswered", partner=partner_id, code=code, found=found, failures=failures)
        elif done.states or done.answers or done.tracked.finished or done.lists:
            lists = ", ".join(map(str, done.lists))
            about = {"answers": done.answers, "tracked": done.tracked.finished, "lists": lists}
            _log.info("hub.polled", partner=partner_id, **done.states, **about)

    def _round(self, partner_id: str, polling: Polling, fence: int, done: Round) -> None:
        if partner_id == LOCAL:
            assert self._hub is not None
            context = self._context
            self._take(LocalSource(self._hub, context.store, context.directory), LOCAL, polling, fence, done)
            self._resumed = self._resumed or not done.troubled
            return
        partner = self._partner(partner_id)
        client = self._clients(partner)
        self._take(RemoteSource(partner, client), partner_id, polling, fence, done)
        done.answers = deliver_answers(
            self._context,
            client,
            partner_id,
            pause=self._pause,
            limit=polling.batch,
            go_on=lambda: not self._stopping.is_set(),
        )
        done.tracked = track(self._context.store, client, partner_id, clock=self._context.clock, limit=polling.batch)
        self._fetch_lists(client, partner_id, polling, done)

    def _take(self, source: Source, lane: str, polling: Polling, fence: int, done: Round) -> None:
        """What was interrupted, then what is new, until the batch is full."""
        owners = self._context.directory.partners() if lane == LOCAL else (self._partner(lane),)
        lease = Lease(self._context, lane, fence, self._settings.lease)
        before, listing = self._left.pop(lane, (-1, iter(())))
        if before + 1 != fence:
            listing = iter(source.waiting())
        self._intake.take(
            Importer(self._context, source, validate=self._validate),
            listing,
            owners,
            batch=polling.batch,
            go_on=lambda: not self._stopping.is_set() and lease.holds(),
            done=done,
        )
        if done.more:
            self._left[lane] = fence, listing

    def _fetch_lists(self, client: IppcHubClient, partner_id: str, polling: Polling, done: Round) -> None:
        now = self._context.clock()
        if self._synchronise is None or not polling.lists_hours or now < self._lists_at.get(partner_id, now):
            return
        changed = self._synchronise(client, self._context.store, partner_id, now)
        self._lists_at[partner_id] = now + timedelta(hours=polling.lists_hours)
        done.lists = tuple(sorted(changed))

    def _worth_asking(self) -> tuple[str, ...]:
        """Ourselves at the start and when something waits, so that an idle stand-in costs no write."""
        idle = self._resumed and (self._hub is None or not self._hub.headers(None, limit=1))
        return tuple(each for each in self.candidates() if each != LOCAL or not idle)

    def _partner(self, partner_id: str) -> Partner:
        partner = self._context.directory.by_id(partner_id)
        if partner is not None and is_polled(partner):
            return partner
        polled = ", ".join(filter(None, self.candidates())) or "none"
        if partner is None:
            raise ConfigurationError(
                "IMG-0105", "There is no such partner", where=partner_id, found="nothing", expected=f"polled: {polled}"
            )
        where, expected = f"partner {partner_id}", f"[partner.polling] and the adapter {ADAPTER}; polled: {polled}"
        raise ConfigurationError("IMG-0123", "This partner is not polled", where=where, expected=expected)

    def _polling(self, partner_id: str) -> Polling:
        if partner_id == LOCAL and self._hub is not None:
            return self._settings.local
        polling = self._partner(partner_id).polling
        assert polling is not None
        return polling

    def _pause(self, failures: int) -> timedelta:
        settings = self._settings
        patience = DeliverySettings(backoff_first=settings.backoff_first, backoff_max=settings.backoff_max)
        return backoff(failures, patience, self._jitter())

    def _loop(self) -> None:
        while not self._stopping.is_set():
            more = False
            try:
                for partner_id in self.due():
                    if self._stopping.is_set():
                        return
                    done = self.run_once(partner_id)
                    more = more or bool(done and done.more)
            except Exception as error:  # noqa: BLE001 - a poller that dies is a silent outage
                _log.warning("hub.interrupted", error=type(error).__name__)
            if not more:
                self._stopping.wait(self._settings.look.total_seconds())


def is_polled(partner: Partner) -> bool:
    """Whether a partner record asks for polling."""
    delivery, polling = partner.delivery, partner.polling
    return bool(
        partner.enabled and polling and polling.enabled and delivery is not None and delivery.adapter == ADAPTER
    )
