"""A client of CustomsCertexChedService, at TRACES or at a gateway in its role, for customs systems (DIGEST 7).

Reads are tried again a few times. What moves quantities is sent once and never again: when its reply is lost or tells
nothing, reads find out what came of it, and when they cannot, `OutcomeUnknown` says so and carries the message, with
which `CertexClient.resolve` asks again later.
"""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self, TypeVar

from adapters.certex.calling import Port
from adapters.certex.checking import check_read, check_standing, clearance_answered, reservation_answered
from adapters.certex.faults import FORBIDDEN, AnswerMismatch, CertexBroken, CertexForbidden, CertexRefused
from adapters.certex.holdings import holding_of
from adapters.certex.outcomes import Clearance, OutcomeUnknown, Reservation, ReservationWord, Sent
from adapters.certex.resolving import judge_clearance, judge_reservation
from gateway.certex.models import CertexHeader, ProcessedChedRequest
from gateway.errors import DeliveryError
from gateway.soap.transport import UnusableReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.certex.holdings import Holding
    from adapters.certex.orders import Clear, Intervene, Reserve
    from adapters.opening import Target
    from gateway.certex.models import ProcessedChedAnswer, Summary

T = TypeVar("T", "Reservation", "Clearance")

__all__ = ["SETTLED_AFTER", "CertexClient", "Patience", "settling_time"]

SETTLED_AFTER: Final = timedelta(minutes=15)
"""After this long a message can have no effect any more.

The other side refuses what is older than its limit: at a gateway five minutes by SendingDate and five more for clocks
that disagree, at TRACES some minutes by the Timestamp (DIGEST 4.2). The rest is for work that was begun in time.
"""
_AT_WORK: Final = timedelta(minutes=5)
"""For what was begun in time."""

_TRIED_AGAIN: Final = frozenset({"IMG-8001", "IMG-8002", "IMG-8003", "IMG-8021"})
"""Of a read: not reached, the answer lost or unusable, the other side broken."""
_UNSENT: Final = frozenset({"IMG-8001", "IMG-8007"})


def settling_time(chosen: timedelta, max_age: timedelta, skew: timedelta) -> timedelta:
    """After how long a message can have no effect any more at another side with the limits that we have.

    The other side judges the SendingDate that customs gave their message here: who takes older ones here expects them
    to be taken there too.

    Args:
        chosen: what is known of the other side.
        max_age: of a SendingDate, here.
        skew: between clocks, here.
    """
    return max(chosen, max_age + skew + _AT_WORK)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often is read, in seconds."""

    attempts: int = 3
    """Of one read."""
    pause: float = 0.5
    """Before the second attempt; doubled before each further one, and varied, so that many clients do not keep step."""
    within: float = 45.0
    """No attempt begins later than this after the first."""
    resolving: float = 0.0
    """How long reads go on while nothing is known about a message, beside the first one."""


class CertexClient:
    """One account at one CERTEX. Safe to share between threads.

    Every method raises:
        DeliveryError: IMG-8001 or IMG-8007, nothing was sent. IMG-8033, the order is not complete, nothing was sent.
        CertexForbidden: IMG-8020, the other side does not know our account; nothing was done there.
        CertexRefused: IMG-8031, the other side refused by a fault; nothing was done there.

    Args:
        port: sends and receives.
        patience: with reads.
        settled_after: after how long a message can have no effect any more; no shorter than the other side's limits.
        clock: aware UTC; what the other side compares SendingDate with.
        monotonic: seconds.
        sleep: waits seconds.
        message_id: 32 hexadecimal digits, never the same twice.
        chance: between 0 and 1.
    """

    def __init__(
        self,
        port: Port,
        *,
        patience: Patience = Patience(),
        settled_after: timedelta = SETTLED_AFTER,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        message_id: Callable[[], str] = lambda: uuid.uuid4().hex,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._port = port
        self._patience = patience
        self._settled_after = settled_after
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._message_id = message_id
        self._chance = chance

    @classmethod
    def open(
        cls,
        target: Target,
        secret: str,
        *,
        client_id: str,
        patience: Patience = Patience(),
        settled_after: timedelta = SETTLED_AFTER,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """From a partner record.

        Args:
            target: the delivery part of the record; its address is the one before ``/tracesnt/ws``, or with it.
            secret: of the account.
            client_id: WebServiceClientId that was registered with the account.
            patience: with reads.
            settled_after: after how long a message can have no effect any more (`settling_time`).
            clock: aware UTC.

        Raises:
            ConfigurationError: IMG-0120 a TLS file is not there.
        """
        port = Port.at(target, secret, client_id=client_id, clock=clock)
        return cls(port, patience=patience, settled_after=settled_after, clock=clock)

    def read(
        self, reference: str, office: str, *, document: str = "", language: str = "en", pdf: bool = False
    ) -> ProcessedChedAnswer:
        """The CHED with its ledger; an answer with nothing in it means that the other side knows no such CHED.

        Args:
            reference: of the CHED, box I.2.
            office: that asks.
            document: customs document code, as ``N853``.
            language: ISO 639-1.
            pdf: whether to bring the printed CHED.

        Raises:
            DeliveryError: IMG-8002 the answer was lost, IMG-8003 it is not the contract's, at the last attempt.
            CertexBroken: IMG-8021, the other side cannot do it now, at the last attempt.
            AnswerMismatch: IMG-8032, the answer does not fit the question.
        """
        begun, pause = self._monotonic(), self._patience.pause
        left = self._patience.attempts
        while True:
            left -= 1
            try:
                return self._read_once(reference, office, document, language, pdf=pdf)
            except DeliveryError as error:
                spent = self._monotonic() - begun
                if error.code not in _TRIED_AGAIN or left < 1 or spent + pause > self._patience.within:
                    raise
            self._sleep(pause * (1 + self._chance()) / 2)
            pause *= 2

    def reserve(
        self,
        order: Reserve,
        *,
        before: Holding | None = None,
        note: Callable[[Sent], None] | None = None,
        at: datetime | None = None,
    ) -> Reservation:
        """Reserve for a declaration; what it held before is replaced.

        Args:
            order: all that the declaration is to hold.
            before: what it had when the caller last read (`holding_of`); makes more lost replies decidable.
            note: called with the message before anything leaves; to keep it, so that not even a crash loses it.
            at: SendingDate, aware; the time of now when None.

        Raises:
            OutcomeUnknown: IMG-8030. Nothing may be released on it, and nothing else be sent for this declaration.
        """
        sent = self._begun(order, before, note, at)
        request = sent.request
        assert isinstance(request, ProcessedChedRequest)
        try:
            answer = self._port.processed(request, sent.header)
            return reservation_answered(sent, answer, self._port.limits)
        except DeliveryError as error:
            if not _is_open(error):
                raise
            return self._found_out(sent, error, self.resolve_reservation)

    def clear(
        self,
        order: Clear | Intervene,
        *,
        before: Holding | None = None,
        note: Callable[[Sent], None] | None = None,
        at: datetime | None = None,
    ) -> Clearance:
        """Release the goods of a declaration or give them back; or correct what was written off.

        Args:
            order: what to do.
            before: what the declaration had when the caller last read.
            note: called with the message before anything leaves.
            at: SendingDate, aware; the time of now when None.

        Raises:
            OutcomeUnknown: IMG-8030.
        """
        sent = self._begun(order, before, note, at)
        request = sent.request
        assert not isinstance(request, ProcessedChedRequest)
        try:
            return clearance_answered(sent, self._port.settled(request, sent.header))
        except DeliveryError as error:
            if not _is_open(error):
                raise
            return self._found_out(sent, error, self.resolve_clearance)

    def resolve(self, sent: Sent) -> Reservation | Clearance:
        """Find out by a read what came of a message; sends nothing that moves anything.

        Raises:
            OutcomeUnknown: IMG-8030, still nobody can tell.
        """
        if isinstance(sent.request, ProcessedChedRequest):
            return self.resolve_reservation(sent)
        return self.resolve_clearance(sent)

    def resolve_reservation(self, sent: Sent) -> Reservation:
        """`resolve` for a reservation.

        Raises:
            OutcomeUnknown: IMG-8030.
        """
        answer, final = self._looked(sent)
        assert isinstance(sent.request, ProcessedChedRequest)
        try:
            verdict = judge_reservation(sent, answer, final=final)
            if verdict.word is ReservationWord.RESERVED:
                check_standing(sent.request, answer, self._port.limits)
            holding = holding_of(answer.summary, sent.declaration)
        except AnswerMismatch as error:
            raise self._unknown(sent, f"{error.message}: {error.found}", answer.summary) from error
        if verdict.word is None:
            raise self._unknown(sent, verdict.why, answer.summary)
        return Reservation(
            word=verdict.word,
            sent=sent,
            answer=answer,
            holding=holding,
            by_read=True,
            by_this_message=verdict.by_this_message,
            why=verdict.why,
        )

    def resolve_clearance(self, sent: Sent) -> Clearance:
        """`resolve` for a clearance or an intervention.

        Raises:
            OutcomeUnknown: IMG-8030.
        """
        answer, final = self._looked(sent)
        try:
            verdict = judge_clearance(sent, answer, final=final)
        except AnswerMismatch as error:
            raise self._unknown(sent, f"{error.message}: {error.found}", answer.summary) from error
        if verdict.word is None:
            raise self._unknown(sent, verdict.why, answer.summary)
        return Clearance(
            word=verdict.word,
            sent=sent,
            by_read=True,
            by_this_message=verdict.by_this_message,
            why=verdict.why,
        )

    # Steps

    def _read_once(
        self, reference: str, office: str, document: str, language: str, *, pdf: bool
    ) -> ProcessedChedAnswer:
        request = ProcessedChedRequest(
            sending_date=_cut(self._clock()),
            reference=reference,
            office=office,
            taric_document=document,
            language=language,
            pdf=pdf,
        )
        try:
            answer = self._port.processed(request, CertexHeader(self._message_id(), office))
        except UnusableReply as unusable:
            if unusable.status in FORBIDDEN:
                raise CertexForbidden("IMG-8020", where=f"HTTP {unusable.status}") from unusable
            raise
        check_read(reference, answer, self._port.limits)
        return answer

    def _begun(
        self,
        order: Reserve | Clear | Intervene,
        before: Holding | None,
        note: Callable[[Sent], None] | None,
        at: datetime | None,
    ) -> Sent:
        now = _cut(self._clock())
        header = CertexHeader(self._message_id(), order.office)
        sent = Sent(request=order.request(at or now), header=header, left=now, before=before)
        if note is not None:
            note(sent)
        return sent

    def _found_out(self, sent: Sent, lost: DeliveryError, resolve: Callable[[Sent], T]) -> T:
        """Read until it is known, or patience is at its end.

        Raises:
            OutcomeUnknown: IMG-8030.
        """
        begun, pause = self._monotonic(), self._patience.pause
        while True:
            try:
                return resolve(sent)
            except OutcomeUnknown as unknown:
                if self._monotonic() - begun + pause > self._patience.resolving:
                    why, ask_at, seen = unknown.why, unknown.ask_at, unknown.seen
                    raise OutcomeUnknown(sent, ask_at, why, code=lost.code, seen=seen) from lost
            self._sleep(pause)
            pause *= 2

    def _looked(self, sent: Sent) -> tuple[ProcessedChedAnswer, bool]:
        """The ledger, and whether the message could have no effect any more when it was asked for."""
        final = self._clock() >= sent.left + self._settled_after
        try:
            return self.read(sent.request.reference, sent.request.office), final
        except DeliveryError as error:
            raise self._unknown(sent, f"no read succeeded: {error.code}") from error

    def _unknown(self, sent: Sent, why: str, seen: Summary | None = None) -> OutcomeUnknown:
        return OutcomeUnknown(sent, max(sent.left + self._settled_after, self._clock()), why, seen=seen)


def _is_open(error: DeliveryError) -> bool:
    """Whether the message may have had an effect all the same."""
    if isinstance(error, CertexRefused):
        return error.arrived_before
    if isinstance(error, CertexBroken):
        return not error.did_nothing
    return error.code not in _UNSENT and not isinstance(error, CertexForbidden)


def _cut(moment: datetime) -> datetime:
    """To milliseconds, in UTC: as exactly as SendingDate is echoed."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
