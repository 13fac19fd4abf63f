"""Out of quarantine: which entries would translate, and their release, each judged again as if it had just been sent.

What was proven when a message came (seal, route, rules, trust of that day) is judged for that day; codes are judged
with the tables of now. How a kind of message goes its way is a `Way`: that of CertificateExchange is here, the others
are given by who composes. Whichever it is, the entry leaves in the transaction in which the message arrives at where it
goes: a kill loses nothing and releases nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from gateway.access import check_operation
from gateway.errors import AccessDenied, ExchangeRefused, GatewayError, TranslationRefused, Unavailable
from gateway.exchange.arriving import Arrival
from gateway.exchange.confirmed import filled_by
from gateway.exchange.delivering import OUTGOING, deliver_held
from gateway.exchange.examination import examine
from gateway.exchange.going import WAITING, going, would_go
from gateway.exchange.holding import Received, gap_rows, judged_with
from gateway.exchange.models import Principal, SubmittedDocument
from gateway.exchange.submission import conflict_of, prepare, record
from gateway.faultpoints import reach
from gateway.ippc.content import document_limits
from gateway.store import (
    Form,
    QuarantineQuery,
    QuarantineState,
    RecordedKind,
    find_evidence,
    gaps_of,
    get_edition,
    get_quarantine,
    list_quarantine,
    note_gaps,
    note_judged,
    settle_quarantine,
    take_back,
    unjudged_quarantine,
)
from gateway.store.quarantine_families import BY_OPERATOR, give_back, waiting_behind
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from gateway.exchange.context import Context
    from gateway.store import Edition, GapRow, QuarantineRow
    from mappings import Index

    Way = Callable[[QuarantineRow, Index, "Arrival"], None]

__all__ = ["Arrival", "Quarantine", "ReleaseOutcome", "Released"]

CERTIFICATES: Final = "certificate-exchange"
_OVERTAKEN: Final = "IMG-8012"
_DEFECT: Final = "IMG-9002"
_PAGE: Final = 100

_log = structlog.get_logger(__name__)


class ReleaseOutcome(StrEnum):
    """How an attempt to release an entry ended."""

    RELEASED = "released"
    HELD = "held"
    """It still cannot go; `Released.code` says why."""
    UNCONFIRMED = "unconfirmed"
    """It would translate, and more than was confirmed would have been released."""
    GONE = "gone"
    """It was not held any more."""


@dataclass(frozen=True, slots=True)
class Released:
    """What became of one entry."""

    id: str
    outcome: ReleaseOutcome
    exchange_id: str = ""
    code: str = ""
    message: str = ""
    followers: tuple[Released, ...] = ()
    """What waited for it and was confirmed with it."""


class Quarantine:
    """What is held, and how it leaves. Safe to share; two at once on one entry have one effect.

    Args:
        context: the services.
        ways: by contract, how a held message of it goes on: called with the entry, the tables of now and what it has to
            call in the transaction in which the message arrives, with the id of what it became. It raises what speaks
            against it.
    """

    def __init__(self, context: Context, ways: Mapping[str, Way] | None = None) -> None:
        self._context = context
        self._ways: dict[str, Way] = {
            CERTIFICATES: partial(_certificate, context),
            OUTGOING: partial(deliver_held, context),
            **(ways or {}),
        }

    def index(self) -> Index:
        """The tables of now."""
        return self._context.index.on(self._context.clock().date())

    def find(self, query: QuarantineQuery) -> tuple[QuarantineRow, ...]:
        """What a search finds, whatever became of it."""
        with self._context.store.read() as connection:
            return list_quarantine(connection, query)

    def entry(self, quarantine_id: str) -> QuarantineRow:
        """One entry.

        Raises:
            ExchangeRefused: IMG-6021, there is none.
        """
        with self._context.store.read() as connection:
            entry = get_quarantine(connection, quarantine_id)
        if entry is None:
            raise ExchangeRefused("IMG-6021", where=quarantine_id)
        return entry

    def family(self, quarantine_id: str) -> tuple[QuarantineRow, ...]:
        """One entry, and what goes after it; IMG-6021 as `entry`."""
        entry = self.entry(quarantine_id)
        with self._context.store.read() as connection:
            return entry, *waiting_behind(connection, quarantine_id)

    def explain(self, quarantine_id: str) -> tuple[QuarantineRow, tuple[GapRow, ...]]:
        """One entry with the codes that have no answer; IMG-6021 as `entry`."""
        entry = self.entry(quarantine_id)
        with self._context.store.read() as connection:
            return entry, gaps_of(connection, quarantine_id)

    def would_go(self, row: QuarantineRow) -> bool:
        """Whether a held entry would translate with the tables of now."""
        with self._context.store.read() as connection:
            return row.state is QuarantineState.HELD and would_go(connection, row, self.index())

    def ready(self) -> Iterator[QuarantineRow]:
        """The entries that would translate with the tables of now, oldest first; release may find more that is missing.

        Those that go after another one that is held are not among them: they are released with it.
        """
        return going(self._context.store, self.index())

    def release(
        self, quarantine_id: str, *, actor: str, edition: Edition | None = None, room: int | None = None
    ) -> Released:
        """Judge an entry again and let it go its way, and after it the later versions that wait for it.

        Args:
            quarantine_id: the entry.
            actor: who asked for it.
            edition: count the release against what this edition allows; None: an operator asked for this very one,
                which takes it back if it was discarded: what does not go then is held.
            room: of an operator, how many may go, what waits for it included; None: however many wait.

        Returns:
            What became of it; UNCONFIRMED when there is no room for it and all that waits for it: none of them went.

        Raises:
            ExchangeRefused: IMG-6021, there is no such entry, or it was discarded and something took its place.
            Unavailable: our own store or time-stamping authority; it stays held.
        """
        entry = self.entry(quarantine_id)
        if entry.state is QuarantineState.DISCARDED and edition is None:
            entry = self._taken_back(entry, actor)
        arrival = Arrival(self._context, entry, actor, edition, room)
        done = self._let_go(entry, arrival, actor)
        if done.outcome is not ReleaseOutcome.RELEASED:
            return done
        return replace(done, followers=tuple(self._follow(arrival.followers, actor, edition)))

    def _taken_back(self, entry: QuarantineRow, actor: str) -> QuarantineRow:
        now = self._context.clock()
        if not self._context.store.write(partial(take_back, quarantine_id=entry.id, actor=actor, now=now)):
            expected = "nothing else held of this document and status"
            raise ExchangeRefused("IMG-6021", where=entry.id, found=entry.state, expected=expected)
        return self.entry(entry.id)

    def release_confirmed(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Release what the operator confirmed when the rows were published, and no more; how many went.

        Each entry is looked at once for each version of the tables and each day. Of what would translate, an entry goes
        when the edition that brought the last of its rows allows one more, with all that waits for it; the rest stays
        and waits for an operator.

        Raises:
            Unavailable: our own store or time-stamping authority; the next call goes on.
        """
        index = self.index()
        judged = judged_with(index)
        released = 0
        while not stopping():
            with self._context.store.read() as connection:
                rows = unjudged_quarantine(connection, judged, _PAGE)
            if not rows:
                break
            stay = []
            for row in rows:
                if stopping():
                    break
                done = self._release_confirmed(row, index)
                released += sum(each.outcome is ReleaseOutcome.RELEASED for each in (done, *done.followers))
                if done.outcome is not ReleaseOutcome.RELEASED:
                    stay.append(row.id)
            self._context.store.write(partial(note_judged, ids=stay, judged=judged))
        return released

    def discard(self, quarantine_id: str, *, actor: str, reason: str) -> QuarantineRow:
        """Refuse a held message for good; its sender is told the reason.

        Raises:
            ExchangeRefused: IMG-6021, it is not held.
        """
        self.entry(quarantine_id)
        now = self._context.clock()
        discarded = self._context.store.write(
            lambda connection: settle_quarantine(
                connection, quarantine_id, QuarantineState.DISCARDED, actor=actor, reason=reason, now=now
            )
        )
        entry = self.entry(quarantine_id)
        if not discarded:
            raise ExchangeRefused("IMG-6021", where=quarantine_id, found=entry.state, expected=QuarantineState.HELD)
        return entry

    def _release_confirmed(self, row: QuarantineRow, index: Index) -> Released:
        try:
            confirmed = self._confirmed(row, index)
        except Exception as defect:
            if isinstance(defect, Unavailable):
                raise
            return self._defect(row, defect, index)
        if isinstance(confirmed, ReleaseOutcome):
            return Released(row.id, confirmed)
        actor, edition = confirmed
        return self.release(row.id, actor=actor, edition=edition)

    def _confirmed(self, row: QuarantineRow, index: Index) -> ReleaseOutcome | tuple[str, Edition | None]:
        """Who or what confirmed the release of an entry; else why it stays."""
        with self._context.store.read() as connection:
            if not would_go(connection, row, index):
                return ReleaseOutcome.HELD
            awaited = get_quarantine(connection, row.transport.get(WAITING) or "")
            if awaited is None:
                edition = filled_by(connection, index, gaps_of(connection, row.id), row.partner).edition
                return ("gateway", edition) if edition and edition.release_limit else ReleaseOutcome.UNCONFIRMED
            # It goes in the name of what released the one that it waited for, and counts like that.
            if awaited.state is not QuarantineState.RELEASED or awaited.counted is None:
                return ReleaseOutcome.UNCONFIRMED
            if awaited.counted == BY_OPERATOR and row.counted != BY_OPERATOR:
                return ReleaseOutcome.UNCONFIRMED
            return awaited.actor, get_edition(connection, awaited.counted)

    def _let_go(self, entry: QuarantineRow, arrival: Arrival, actor: str) -> Released:
        """One entry, judged again if there is room for it."""
        if entry.state is not QuarantineState.HELD:
            return Released(entry.id, ReleaseOutcome.GONE, entry.exchange_id or "")
        index = self.index()
        with self._context.store.read() as connection:
            arrival.look(connection)
        if arrival.full:
            return Released(entry.id, ReleaseOutcome.UNCONFIRMED)
        return self._judge_again(entry, arrival, actor, index)

    def _judge_again(self, entry: QuarantineRow, arrival: Arrival, actor: str, index: Index) -> Released:
        try:
            self._way(entry)(entry, index, arrival)
        except Unavailable:
            raise
        except GatewayError as refusal:
            if refusal.code == _OVERTAKEN:
                return self._overtaken(entry, actor)
            if not arrival.full:
                return self._stays(entry, refusal, index)
        except Exception as defect:  # noqa: BLE001 - of one message; the others go on
            return self._defect(entry, defect, index)
        reach("quarantine.released")
        if arrival.full:
            return Released(entry.id, ReleaseOutcome.UNCONFIRMED)
        left = self.entry(entry.id)
        ours = arrival.arrived and left.state is QuarantineState.RELEASED
        return Released(entry.id, ReleaseOutcome.RELEASED if ours else ReleaseOutcome.GONE, left.exchange_id or "")

    def _follow(self, followers: Sequence[str], actor: str, edition: Edition | None) -> Iterator[Released]:
        """Versions that waited for this one go after it, so that what was withdrawn meanwhile does not stand."""
        for each in followers:
            entry = self.entry(each)
            if self.would_go(entry):
                yield self._let_go(entry, Arrival(self._context, entry, actor, edition), actor)
            else:  # what it waits for stays, or it has left meanwhile
                self._context.store.write(partial(give_back, quarantine_id=each))

    def _overtaken(self, entry: QuarantineRow, actor: str) -> Released:
        """An operator sent it again by hand, or a later version has gone to the partner."""
        now = self._context.clock()
        self._context.store.write(
            lambda connection: settle_quarantine(
                connection, entry.id, QuarantineState.SUPERSEDED, actor=actor, reason="it went another way", now=now
            )
        )
        return Released(entry.id, ReleaseOutcome.GONE)

    def _stays(self, entry: QuarantineRow, refusal: GatewayError, index: Index) -> Released:
        gaps: Sequence[GapRow] = gap_rows(refusal.gaps) if isinstance(refusal, TranslationRefused) else ()
        reason = " | ".join(part for part in (refusal.message, refusal.where, refusal.found) if part)
        return self._noted(entry, refusal.code, reason, index, gaps)

    def _defect(self, entry: QuarantineRow, defect: Exception, index: Index) -> Released:
        """A fault of ours with one message: told, and not met again before the tables or the day change."""
        kind = type(defect).__name__
        _log.error("quarantine.defect", code=_DEFECT, entry=entry.id, error=kind, exc_info=defect)
        return self._noted(entry, _DEFECT, f"the gateway failed: {kind}", index)

    def _noted(
        self, entry: QuarantineRow, code: str, reason: str, index: Index, gaps: Sequence[GapRow] = ()
    ) -> Released:
        """Why it stays; it counts no more if it was to follow another."""

        def unit(connection: Connection) -> None:
            note_gaps(connection, entry.id, gaps, code=code, reason=reason, judged=judged_with(index))
            if entry.transport.get(WAITING):
                give_back(connection, entry.id)

        self._context.store.write(unit)
        return Released(entry.id, ReleaseOutcome.HELD, code=code, message=reason)

    def _way(self, entry: QuarantineRow) -> Way:
        way = self._ways.get(entry.contract)
        if way is None:
            raise ExchangeRefused("IMG-6021", where=entry.id, found=f"a message of {entry.contract}")
        return way


def _certificate(context: Context, entry: QuarantineRow, index: Index, arrive: Arrival) -> None:
    """SubmitCertificate, as it would have gone on the day on which it came, in codes that are known now."""
    partner = context.directory.by_id(entry.partner)
    if partner is None:
        raise AccessDenied("IMG-2101", found=entry.partner)
    check_operation(partner, entry.contract, entry.operation)
    with context.store.read() as connection:
        kept = find_evidence(connection, entry.held_in)
    if kept is None or kept.parts is None:
        raise AssertionError("a held message is kept whole")
    form, content = Form(entry.transport["form"]), kept.parts.content
    root = parse(content, limits=document_limits(context.limits)).root
    document = SubmittedDocument(
        root, form, content if form is Form.SEALED else None, entry.transport.get("claimed_route")
    )
    principal = Principal(partner, entry.transport["method"])
    examined = examine(context, principal, document, entry.received_at, index=index)
    reach("quarantine.judged")
    received = Received(entry.contract, entry.operation, kept.request, entry.sender_message_id, context.clock())
    how = {"method": principal.method, "quarantine": entry.id, "received_at": entry.received_at.isoformat()}
    submission = prepare(context, principal, examined, received, how)
    recorded = record(
        context, principal, examined, submission, lambda connection, done: arrive(connection, done.exchange_id)
    )
    if recorded.kind is RecordedKind.CONFLICT:
        raise conflict_of(recorded, submission)
