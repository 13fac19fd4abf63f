"""Out of quarantine: which entries would translate, and their release, each judged again as if it had just been sent.

What was proven when a message came (seal, route, rules, trust of that day) is judged for that day; codes are judged
with the tables of now. How a kind of message goes its way is a `Way`: that of CertificateExchange is here, the others
are given by who composes. Whichever it is, the entry leaves in the transaction in which the message arrives at where it
goes: a kill loses nothing and releases nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.access import check_operation
from gateway.errors import AccessDenied, ExchangeRefused, GatewayError, TranslationRefused, Unavailable
from gateway.exchange.confirmed import filled_by
from gateway.exchange.delivering import OUTGOING, deliver_held
from gateway.exchange.examination import examine
from gateway.exchange.going import WAITING, going, would_go
from gateway.exchange.holding import AWAITED, Received, gap_rows, judged_with
from gateway.exchange.models import Principal, SubmittedDocument
from gateway.exchange.submission import conflict_of, prepare, record
from gateway.faultpoints import reach
from gateway.ippc.content import document_limits
from gateway.store import (
    Form,
    QuarantineQuery,
    QuarantineState,
    Recorded,
    RecordedKind,
    Undo,
    claim_release,
    find_evidence,
    gaps_of,
    get_quarantine,
    list_quarantine,
    note_gaps,
    note_judged,
    settle_quarantine,
    unjudged_quarantine,
)
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
_PAGE: Final = 100


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


class Arrival:
    """What a way calls in the transaction in which a released message arrives, with the id of what it became."""

    def __init__(self, context: Context, entry: QuarantineRow, actor: str, edition: Edition | None) -> None:
        self._context = context
        self._entry = entry
        self._actor = actor
        self._edition = edition
        self.full = False
        """Whether more than was confirmed would have been released."""
        self.arrived = False
        """Whether it was this release that let the entry go, if it is gone."""

    def __call__(self, connection: Connection, exchange_id: str) -> None:
        """The entry leaves.

        Raises:
            Undo: it may not, or was not held any more; nothing of the transaction stands.
        """
        self.claim(connection)
        edition = self._edition
        left = settle_quarantine(
            connection,
            self._entry.id,
            QuarantineState.RELEASED,
            actor=self._actor,
            reason=f"edition {edition.number} of the tables" if edition else "released by an operator",
            now=self._context.clock(),
            exchange_id=exchange_id,
        )
        if not left:
            raise Undo(Recorded(RecordedKind.HELD, self._entry.id))
        self.arrived = True

    def claim(self, connection: Connection) -> None:
        """Count the release, in a transaction before it where that cannot be one with the arrival.

        Raises:
            Undo: no more were confirmed.
        """
        edition = self._edition
        if edition is None:
            return
        count = 1 + len(_waiting(connection, self._entry))
        self.full = not claim_release(
            connection, self._entry.id, edition.number, allowed=edition.release_limit, count=count
        )
        if self.full:
            raise Undo(Recorded(RecordedKind.HELD, self._entry.id))


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

    def release(self, quarantine_id: str, *, actor: str, edition: Edition | None = None) -> Released:
        """Judge an entry again and let it go its way, with the versions of its document that wait for it.

        Args:
            quarantine_id: the entry.
            actor: who asked for it.
            edition: count the release against what this edition allows; None: an operator asked for this very one.

        Raises:
            ExchangeRefused: IMG-6021, there is no such entry.
            Unavailable: our own store or time-stamping authority; it stays held.
        """
        entry = self.entry(quarantine_id)
        if entry.state is not QuarantineState.HELD:
            return Released(entry.id, ReleaseOutcome.GONE, entry.exchange_id or "")
        index = self.index()
        arrival = Arrival(self._context, entry, actor, edition)
        try:
            self._way(entry)(entry, index, arrival)
        except Unavailable:
            raise
        except GatewayError as refusal:
            if refusal.code == _OVERTAKEN:
                return self._overtaken(entry, actor)
            if not arrival.full:
                return self._stays(entry, refusal, index)
        reach("quarantine.released")
        if arrival.full:
            return Released(entry.id, ReleaseOutcome.UNCONFIRMED)
        left = self.entry(entry.id)
        ours = arrival.arrived and left.state is QuarantineState.RELEASED
        outcome = ReleaseOutcome.RELEASED if ours else ReleaseOutcome.GONE
        if outcome is ReleaseOutcome.RELEASED:
            self._follow(entry, actor)
        return Released(entry.id, outcome, left.exchange_id or "")

    def release_confirmed(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Release what the operator confirmed when the rows were published, and no more; how many went.

        Each entry is looked at once for each version of the tables and each day. Of what would translate, an entry goes
        when the edition that brought the last of its rows allows one more; the rest stays and waits for an operator.

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
                outcome = self._release_confirmed(row, index)
                released += outcome is ReleaseOutcome.RELEASED
                if outcome is not ReleaseOutcome.RELEASED:
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

    def _release_confirmed(self, row: QuarantineRow, index: Index) -> ReleaseOutcome:
        with self._context.store.read() as connection:
            gaps = gaps_of(connection, row.id)
            if not would_go(connection, row, index):
                return ReleaseOutcome.HELD
            filled = filled_by(connection, index, gaps, row.partner)
        if row.transport.get(WAITING):  # it was counted with what it waited for
            return self.release(row.id, actor="gateway").outcome
        if not filled.allowed:
            return ReleaseOutcome.UNCONFIRMED
        return self.release(row.id, actor="gateway", edition=filled.edition).outcome

    def _follow(self, entry: QuarantineRow, actor: str) -> None:
        """Versions that waited for this one go after it, so that what was withdrawn meanwhile does not stand."""
        with self._context.store.read() as connection:
            waiting = _waiting(connection, entry)
        for each in waiting:
            self.release(each.id, actor=actor)

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
        self._context.store.write(
            lambda connection: note_gaps(
                connection, entry.id, gaps, code=refusal.code, reason=reason, judged=judged_with(index)
            )
        )
        return Released(entry.id, ReleaseOutcome.HELD, code=refusal.code, message=reason)

    def _way(self, entry: QuarantineRow) -> Way:
        way = self._ways.get(entry.contract)
        if way is None:
            raise ExchangeRefused("IMG-6021", where=entry.id, found=f"a message of {entry.contract}")
        return way


def _waiting(connection: Connection, entry: QuarantineRow) -> list[QuarantineRow]:
    """What waits for an entry, oldest first, each with what waits for it in turn: later versions of its document."""
    query = QuarantineQuery(state=QuarantineState.HELD, list=AWAITED, code=entry.id, oldest_first=True)
    chain: list[QuarantineRow] = []
    for row in list_quarantine(connection, query):
        chain += [row, *_waiting(connection, row)]
    return chain


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
