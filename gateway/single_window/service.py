"""The desk of this instance: CHEDs of the register with their ledgers (Art 38, Regulation (EU) 2022/2399; DIGEST 7)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import structlog

from gateway.access import AbsentUnit
from gateway.certex.models import (
    ChedInterventionRequest,
    ClearanceAnswer,
    GoodsClearance,
    Intervention,
    ProcessedChedAnswer,
)
from gateway.certex.wire import clearance_response, intervention_response, processed_response
from gateway.ched.customs_box import find_reports
from gateway.customs.judging import give_back, judge_reservation, of_declaration, write_off
from gateway.customs.requests import ClearanceOutcome, DeclaredItem, DeclaredQuantity, Reservation
from gateway.single_window.access import check_office, check_sight, is_known
from gateway.single_window.checks import (
    DECLARATION,
    DOCUMENT,
    OFFICE,
    Bounds,
    check_age,
    check_declaration,
    check_items,
    check_number,
    check_options,
    check_own,
    check_recorded,
    check_type,
    of_text,
)
from gateway.single_window.content import Stored, certificate_for_customs
from gateway.single_window.following import is_missing
from gateway.single_window.interventions import intervened
from gateway.single_window.moving import Message, Mover, Verdict, with_lines
from gateway.single_window.opening import open_to_show
from gateway.single_window.showing import summary_of
from gateway.store import (
    Declaration,
    DeclarationType,
    find_customs_message,
    read_ledger_content,
    record_audit,
    record_read,
)
from mappings.models import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta, tzinfo

    from sqlalchemy import Connection

    from gateway.certex.models import (
        CertexHeader,
        ChedClearanceRequest,
        DeclarationReference,
        Declared,
        Item,
        ProcessedChedRequest,
    )
    from gateway.customs.requests import Decision, Settled
    from gateway.documents.ched import Ched
    from gateway.exchange import Context
    from gateway.single_window.access import CustomsActor
    from gateway.single_window.pushing import PushKeeper
    from gateway.soap import SoapCall
    from gateway.store import AllocationRow, ChedRow, CustomsReport, LedgerState, Recorded

__all__ = ["CustomsService", "Freshness"]

_CUSTOMS: Final = "customs"
"""The code system of customs document codes."""
_log = structlog.get_logger(__name__)

_OF_CHEDS: Final = "ched-type"


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is still taken, as fresh and in number, and whose clock is shown."""

    zone: tzinfo
    """Local time of EventDateTime, where a partner's record names no zone."""
    max_age: timedelta
    """Of SendingDate."""
    skew: timedelta
    """Between clocks."""
    bounds: Bounds = field(default_factory=Bounds)


class CustomsService:
    """The CHEDs of this instance and their ledgers, for customs. All methods may be called from any thread.

    Args:
        context: the services.
        freshness: how old a message may be, and whose local time is shown.
        pushes: who follows CHEDs.
        printed: a CHED as a PDF in a language.
    """

    def __init__(
        self, context: Context, freshness: Freshness, pushes: PushKeeper, printed: Callable[[Ched, str], bytes]
    ) -> None:
        self._context = context
        self._freshness = freshness
        self._pushes = pushes
        self._printed = printed
        self._mover = Mover(context, pushes, freshness.bounds.allocations)

    def read(
        self, actor: CustomsActor, asked: ProcessedChedRequest, header: CertexHeader, call: SoapCall
    ) -> ProcessedChedAnswer:
        """The CHED with its ledger; nothing moves, so the message may be of any age.

        A ledger that could not be opened is shown without lines.
        """
        check_office(actor, asked.office, OFFICE)
        check_options(asked)
        found, reports = self._found(asked)
        if found is None or not is_known(found[1]):
            self._noted(actor, call, asked, header, None)
            return ProcessedChedAnswer()
        check_sight(actor, found[1])
        check_type(found[1], asked.taric_document, self._type_of)
        if is_missing(found[0]):
            open_to_show(self._context, self._pushes, (asked.reference,), partner=actor.id, at=call.received_at)
            again, reports = self._found(asked)
            found = again or found
        push = self._noted(actor, call, asked, header, found[1])
        if asked.push:  # changes are told from now on: the answer has all that were made before
            again, reports = self._found(asked)
            found = again or found
        state, row, content = found
        state = with_lines(state, content, self._context.limits)
        answer = ProcessedChedAnswer(
            summary=summary_of(state, self._zone(actor)), push_active=push[0], push_stop_reason=push[1]
        )
        return self._with_documents(answer, actor, asked, Stored(row, content, reports))

    def _found(
        self, asked: ProcessedChedRequest
    ) -> tuple[tuple[LedgerState, ChedRow, bytes] | None, list[CustomsReport]]:
        """The CHED with its ledger, and what was reported for it, as they stand now."""
        with self._context.store.read() as connection:
            found = read_ledger_content(connection, asked.reference)
            return found, find_reports(connection, found[1].id) if found is not None else []

    def reserve(
        self, actor: CustomsActor, asked: ProcessedChedRequest, header: CertexHeader, call: SoapCall
    ) -> ProcessedChedAnswer:
        """Reserve for a declaration; what it held before is replaced.

        What stands is told even where the certificate cannot be shown or printed.
        """
        self._check(actor, asked.office, asked.sending_date, call)
        check_options(asked)
        declaration = _declaration(check_declaration(asked))
        check_number(actor, declaration.type, declaration.number, DECLARATION)
        check_items(asked.items, self._freshness.bounds.goods_items)
        reservation = self._reservation(actor, declaration, asked.items, asked.office, asked.sending_date)
        answers: list[ProcessedChedAnswer] = []

        def judge(state: LedgerState, row: ChedRow) -> Verdict:
            check_type(row, asked.taric_document, self._type_of)
            check_own(actor, of_declaration(state, reservation.declaration))
            decision = judge_reservation(state, reservation)

            def render(after: LedgerState) -> bytes:
                answers[:] = [self._answered(actor, after, decision, reservation.declaration)]
                return processed_response(answers[0])

            return Verdict(render, decision.movements, reservation.declaration)

        message = Message(actor, header, call, asked.reference, asked.office, asked.sending_date)
        moved = self._mover.move(message, judge, lambda: processed_response(ProcessedChedAnswer()), push=asked.push)
        if moved is None:
            return ProcessedChedAnswer()
        active, stopped = moved.push
        answer = replace(answers[0], push_active=active, push_stop_reason=stopped)
        try:
            return self._with_documents(answer, actor, asked, moved.stored)
        except Exception as error:  # noqa: BLE001 - a fault would say that nothing was done, and the ledger has moved
            self._note_without(message, error)
            return answer

    def clear(
        self, actor: CustomsActor, asked: ChedClearanceRequest, header: CertexHeader, call: SoapCall
    ) -> ClearanceAnswer:
        """Consume or give back what a declaration holds."""
        self._check(actor, asked.office, asked.sending_date, call)
        released = GoodsClearance(asked.information) is GoodsClearance.RELEASED

        def settle(state: LedgerState, own: tuple[AllocationRow, ...]) -> Settled:
            settled = write_off if released else give_back
            return settled(state, own, asked.office, asked.sending_date)

        return self._settle(actor, asked, header, call, settle, shown=released)

    def intervene(
        self, actor: CustomsActor, asked: ChedInterventionRequest, header: CertexHeader, call: SoapCall
    ) -> ClearanceAnswer:
        """Correct what was written off."""
        self._check(actor, asked.office, asked.sending_date, call)
        check_items(asked.items, self._freshness.bounds.goods_items)
        kind = Intervention(asked.intervention)
        declaration = Declaration(DeclarationType.MRN, asked.document)
        wanted = self._reservation(actor, declaration, asked.items, asked.office, asked.sending_date)
        return self._settle(
            actor,
            asked,
            header,
            call,
            lambda state, own: intervened(state, own, kind, wanted),
            shown=kind is not Intervention.DELETE,
        )

    def _settle(
        self,
        actor: CustomsActor,
        asked: ChedClearanceRequest | ChedInterventionRequest,
        header: CertexHeader,
        call: SoapCall,
        settle: Callable[[LedgerState, tuple[AllocationRow, ...]], Settled],
        *,
        shown: bool,
    ) -> ClearanceAnswer:
        """A message that names its declaration as plain text.

        Args:
            actor: who sends it.
            asked: what it says.
            header: its numbers.
            call: the call.
            settle: what the ledger makes of it.
            shown: whether the customs document goes into II.23 when something moved.
        """
        check_number(actor, DeclarationType.MRN, asked.document, DOCUMENT)
        code = asked.taric_document if isinstance(asked, ChedInterventionRequest) else ""
        respond = intervention_response if isinstance(asked, ChedInterventionRequest) else clearance_response
        answers: list[ClearanceAnswer] = []

        def judge(state: LedgerState, row: ChedRow) -> Verdict:
            check_type(row, code, self._type_of)
            own = of_text(actor, state, asked.document)
            check_own(actor, own)
            settled = settle(state, own)

            def render(after: LedgerState) -> bytes:
                changed = settled.outcome is ClearanceOutcome.DONE_STATUS_CHANGED
                answers[:] = [
                    ClearanceAnswer(
                        outcome=settled.outcome.value,
                        sending_date=asked.sending_date,
                        status_code=after.status_code if changed else "",
                    )
                ]
                return respond(answers[0])

            return Verdict(
                render,
                settled.movements,
                Declaration(DeclarationType.MRN, asked.document),
                document=asked.document if shown and settled.movements else "",
                type_code=code or self._code_of(row.type),
            )

        nothing = ClearanceAnswer(outcome=ClearanceOutcome.NO_RECORD.value, sending_date=asked.sending_date)
        message = Message(actor, header, call, asked.reference, asked.office, asked.sending_date)
        moved = self._mover.move(message, judge, lambda: respond(nothing))
        return nothing if moved is None else answers[0]

    # Steps

    def _check(self, actor: CustomsActor, office: str, sent: datetime, call: SoapCall) -> None:
        check_office(actor, office, OFFICE)
        freshness = self._freshness
        check_age(sent, call.received_at, most=freshness.max_age, skew=freshness.skew)

    def _zone(self, actor: CustomsActor) -> tzinfo:
        name = actor.membership.time_zone
        return ZoneInfo(name) if name else self._freshness.zone

    def _type_of(self, code: str) -> str:
        index = self._context.index.on(self._context.clock().date())
        return index.lookup(_CUSTOMS, CANONICAL, _OF_CHEDS).find(code).target or ""

    def _code_of(self, ched_type: str) -> str:
        """The customs document code of a type of CHED; empty where the tables have none."""
        index = self._context.index.on(self._context.clock().date())
        found = index.lookup(CANONICAL, _CUSTOMS, _OF_CHEDS).get(ched_type)
        return (found.target or "") if found is not None else ""

    def _reservation(
        self, actor: CustomsActor, declaration: Declaration, items: Iterable[Item], office: str, at: datetime
    ) -> Reservation:
        return Reservation(
            declaration=declaration,
            items=tuple(
                DeclaredItem(
                    each.goods_item, each.line, each.class_code, _quantity(each.weight), _quantity(each.volume)
                )
                for each in items
            ),
            office=office,
            at=at,
            absent_unit_is_tonne=actor.membership.absent_unit is AbsentUnit.TONNE,
        )

    def _answered(
        self, actor: CustomsActor, state: LedgerState, decision: Decision, declaration: Declaration
    ) -> ProcessedChedAnswer:
        made = declaration if decision.made else None
        return ProcessedChedAnswer(
            summary=summary_of(state, self._zone(actor), made),
            result=decision.made,
            reason=decision.reason.value if decision.reason is not None else "",
            failed_item=decision.goods_item,
            failed_line=decision.line,
        )

    def _with_documents(
        self, answer: ProcessedChedAnswer, actor: CustomsActor, asked: ProcessedChedRequest, stored: Stored
    ) -> ProcessedChedAnswer:
        certificate, ched = certificate_for_customs(stored, self._context.limits)
        pdf = self._printed(ched, actor.language) if asked.pdf else None
        return replace(answer, certificate=certificate, pdf=pdf)

    def _note_without(self, message: Message, error: Exception) -> None:
        """That a message was answered without the documents that its record names; where that can be kept."""
        name = type(error).__qualname__
        _log.error("customs.without_documents", ched=message.reference, error=name)
        call, header, partner = message.call, message.header, message.actor.id

        def unit(connection: Connection) -> None:
            record_audit(
                connection,
                at=call.received_at,
                actor=partner,
                action=f"{call.operation} without documents",
                subject=find_customs_message(
                    connection, partner=partner, prefix=header.prefix, message_id=header.message_id
                )
                or "",
                detail={"reference": message.reference, "error": name, "without_documents": True},
            )

        try:
            self._context.store.write(unit)
        except Exception as lost:  # noqa: BLE001 - the reservation stands, whatever else fails
            _log.error("customs.not_noted", ched=message.reference, error=type(lost).__qualname__)

    def _noted(
        self,
        actor: CustomsActor,
        call: SoapCall,
        asked: ProcessedChedRequest,
        header: CertexHeader,
        row: ChedRow | None,
    ) -> tuple[bool, str]:
        """Leave the trace of a read (R-11-1) before its answer is given, and begin or end to push."""
        detail = {"message": header.message_id, "prefix": header.prefix, "office": asked.office}
        followed: list[tuple[bool, str]] = []

        def unit(connection: Connection) -> Recorded:
            followed.clear()
            if row is not None:
                at, office = call.received_at, asked.office
                followed.append(self._pushes.follow(connection, actor, row.id, on=asked.push, office=office, at=at))
            return record_read(
                connection,
                partner=actor.id,
                operation=call.operation,
                subject=asked.reference,
                at=call.received_at,
                nonces=actor.principal.nonces,
                detail=detail,
            )

        recorded: Recorded = self._context.store.write(unit)
        check_recorded(recorded, header)
        return followed[0] if followed else (False, "")


def _declaration(reference: DeclarationReference) -> Declaration:
    return Declaration(DeclarationType(reference.type), reference.number)


def _quantity(declared: Declared | None) -> DeclaredQuantity | None:
    return None if declared is None else DeclaredQuantity(declared.quantity, declared.unit)
