"""The customs of a national gateway that has TRACES behind it: every answer is that of TRACES, under our account.

Who asks is judged here, by the record of the national system: its offices, the countries of the CHED, whose declaration
it is. TRACES knows our account alone. Before anything is moved the ledger is read, for those judgements and so that a
lost answer can be told from none; the message is on record before it leaves, and what came of it afterwards. Whose a
declaration is, and its newest SendingDate, are on record here too: TRACES cannot tell our customs systems apart.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Final

import structlog

from adapters.certex import (
    Clear,
    ClearanceWord,
    Intervene,
    ReservationWord,
    Reserve,
    holding_of,
    is_empty,
    newest_of,
)
from gateway.access import AbsentUnit
from gateway.certex.models import (
    ChedInterventionRequest,
    ClearanceAnswer,
    DeclarationReference,
    GoodsClearance,
    Intervention,
)
from gateway.certex.models import ProcessedChedAnswer as Answer
from gateway.certex.wire import clearance_response, intervention_response, processed_response
from gateway.ched.models import Actor
from gateway.ched.rows import row_of
from gateway.customs.requests import ClearanceOutcome, FailureReason
from gateway.documents.ched import read_ched, write_ched
from gateway.errors import AccessDenied, CustomsRefused, DeliveryError, Unavailable
from gateway.exchange import spend
from gateway.single_window.access import check_office, check_sight
from gateway.single_window.checks import (
    DECLARATION,
    DOCUMENT,
    OFFICE,
    check_age,
    check_declaration,
    check_items,
    check_not_overtaken,
    check_number,
    check_options,
    check_type,
)
from gateway.single_window.relay_evidence import Evidence
from gateway.single_window.relay_faults import told_of
from gateway.single_window.relay_units import with_units
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from mappings.models import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from adapters.certex import CertexClient, Clearance, Holding, Reservation
    from gateway.certex.models import (
        Allocated,
        CertexHeader,
        ChedClearanceRequest,
        ProcessedChedRequest,
        Summary,
    )
    from gateway.exchange import Context
    from gateway.single_window.access import CustomsActor
    from gateway.single_window.relay_upstream import Upstream
    from gateway.single_window.service import Freshness
    from gateway.soap import SoapCall

__all__ = ["RelayingCustoms"]

_log = structlog.get_logger(__name__)

_CUSTOMS: Final = "customs"
"""The code system of customs document codes."""
_OF_CHEDS: Final = "ched-type"
_STANDING: Final = frozenset(
    {ReservationWord.RESERVED, ReservationWord.CONSUMED, ClearanceWord.DONE, ClearanceWord.ALREADY}
)
"""With these the declaration has, or had, quantities."""
_OUTCOMES: Final = {
    ClearanceWord.DONE: ClearanceOutcome.DONE,
    ClearanceWord.ALREADY: ClearanceOutcome.CONSUMED,
    ClearanceWord.NO_RECORD: ClearanceOutcome.NO_RECORD,
}


class RelayingCustoms:
    """``CustomsDesk`` that asks TRACES. All methods may be called from any thread.

    Args:
        context: the services.
        upstream: TRACES, and our account for customs there.
        freshness: how old a message may be.
    """

    def __init__(self, context: Context, upstream: Upstream, freshness: Freshness) -> None:
        self._context = context
        self._upstream = upstream
        self._evidence = Evidence(context, upstream.partner)
        self._freshness = freshness
        self._on_their_way: set[tuple[str, str, str]] = set()
        self._lock = Lock()

    def read(self, actor: CustomsActor, asked: ProcessedChedRequest, header: CertexHeader, call: SoapCall) -> Answer:
        """The CHED with its ledger as TRACES has them.

        Raises:
            AccessDenied: IMG-2110, IMG-2114.
            CustomsRefused: IMG-7408, IMG-7411.
            DeliveryError: IMG-8032, what TRACES answers does not fit.
            Unavailable: IMG-9012, TRACES does not answer.
        """
        check_office(actor, asked.office, OFFICE)
        check_options(asked)
        answer = self._looked(self._upstream.client(), actor, asked, question=asked)
        detail = {"message": header.message_id, "prefix": header.prefix, "office": asked.office}
        spend(self._context, actor.principal, call, asked.reference, detail)
        return self._shown(answer)

    def reserve(self, actor: CustomsActor, asked: ProcessedChedRequest, header: CertexHeader, call: SoapCall) -> Answer:
        """Reserve at TRACES for a declaration; a refusal comes as TRACES gives it.

        What stands there is told even where the certificate cannot be shown.

        Raises:
            AccessDenied: IMG-2110, IMG-2114, IMG-2115.
            CustomsRefused: IMG-7401 to IMG-7405, IMG-7407, IMG-7408, IMG-7411, IMG-7414.
            DeliveryError: IMG-8030, what came of it is not known; IMG-8031, TRACES refused the message.
            Unavailable: IMG-9012, TRACES was not reached; IMG-9001, another message of this system about the
                declaration is on its way.
        """
        self._check(actor, asked.office, asked, call)
        check_options(asked)
        declaration = check_declaration(asked)
        check_number(actor, declaration.type, declaration.number, DECLARATION)
        check_items(asked.items, self._freshness.bounds.goods_items)
        with self._alone(actor, asked.reference, declaration.number):
            return self._reserved(actor, asked, header, call, declaration)

    def clear(
        self, actor: CustomsActor, asked: ChedClearanceRequest, header: CertexHeader, call: SoapCall
    ) -> ClearanceAnswer:
        """Consume at TRACES, or give back there, what a declaration holds.

        Raises:
            AccessDenied: IMG-2110, IMG-2114, IMG-2115.
            CustomsRefused: IMG-7403 to IMG-7407.
            DeliveryError: IMG-8030, what came of it is not known; IMG-8031, TRACES refused the message.
            Unavailable: IMG-9012, TRACES was not reached.
        """
        self._check(actor, asked.office, asked, call)
        order = Clear(
            reference=asked.reference,
            document=asked.document,
            office=asked.office,
            information=GoodsClearance(asked.information),
        )
        return self._settled(actor, asked, header, call, lambda: order, clearance_response)

    def intervene(
        self, actor: CustomsActor, asked: ChedInterventionRequest, header: CertexHeader, call: SoapCall
    ) -> ClearanceAnswer:
        """Correct at TRACES what was written off.

        Raises:
            As `clear`; CustomsRefused IMG-7402, IMG-7410, IMG-7414.
        """
        self._check(actor, asked.office, asked, call)
        check_items(asked.items, self._freshness.bounds.goods_items)

        def order() -> Intervene:
            absent_is_tonne = actor.membership.absent_unit is AbsentUnit.TONNE
            items, misfit = with_units(asked.items, absent_is_tonne=absent_is_tonne)
            if misfit is not None:
                where = f"ConsignmentItem {misfit.goods_item}, line {misfit.line}"
                raise CustomsRefused("IMG-7410", where=where, found="a quantity without a unit", expected="its unit")
            return Intervene(
                reference=asked.reference,
                document=asked.document,
                office=asked.office,
                intervention=Intervention(asked.intervention),
                taric_document=asked.taric_document,
                items=items,
            )

        return self._settled(actor, asked, header, call, order, intervention_response)

    # Steps

    def _reserved(
        self,
        actor: CustomsActor,
        asked: ProcessedChedRequest,
        header: CertexHeader,
        call: SoapCall,
        declaration: DeclarationReference,
    ) -> Answer:
        """Look, judge and reserve, while nothing else of this system moves the declaration."""
        client = self._upstream.client()
        found = self._looked(client, actor, asked, code=asked.taric_document)
        if is_empty(found):
            return self._answered_here(actor, asked, header, call, found)
        before = _own(actor, found, declaration, asked.sending_date)
        if declaration.type == "LRN":
            _check_lrn(actor, found.summary, declaration.number)
        items, misfit = with_units(asked.items, absent_is_tonne=actor.membership.absent_unit is AbsentUnit.TONNE)
        if misfit is not None:
            reason = FailureReason.UNIT if misfit.weight or misfit.volume else FailureReason.NOT_VALID
            item, line = misfit.goods_item, misfit.line
            refusal = replace(found, result=False, reason=reason.value, failed_item=item, failed_line=line)
            return self._answered_here(actor, asked, header, call, refusal)
        order = Reserve(
            reference=asked.reference,
            declaration=declaration,
            office=asked.office,
            items=items,
            document=asked.taric_document,
            language=asked.language,
            pdf=asked.pdf,
        )
        with self._evidence.of(actor, header, call, asked.reference) as kept:
            reserved = client.reserve(order, before=before, note=kept.leaves, at=asked.sending_date)
            answer = _reserved(reserved)
            acknowledgement = b"" if answer is None else processed_response(_bare(answer))
            stands = reserved.word in _STANDING or bool(before) or bool(reserved.holding)
            kept.answered(
                reserved.word,
                acknowledgement,
                by_read=reserved.by_read,
                stands=stands,
                judged=reserved.word is not ReservationWord.NO_CHED,
            )
        if answer is None:
            raise _without_effect(reserved)
        try:
            return self._shown(answer)
        except Exception as error:  # noqa: BLE001 - a fault would say that nothing was done, and it stands at TRACES
            _log.error("customs.without_documents", ched=asked.reference, error=type(error).__qualname__)
            return _bare(answer)

    def _settled(
        self,
        actor: CustomsActor,
        asked: ChedClearanceRequest | ChedInterventionRequest,
        header: CertexHeader,
        call: SoapCall,
        order: Callable[[], Clear | Intervene],
        respond: Callable[[ClearanceAnswer], bytes],
    ) -> ClearanceAnswer:
        """A message that names its declaration as plain text.

        Args:
            actor: who sends it.
            asked: what it says.
            header: its numbers.
            call: the call.
            order: what goes to TRACES; made when the ledger shows that the sender may ask it.
            respond: the answer as it is put on record.
        """
        check_number(actor, "MRN", asked.document, DOCUMENT)
        with self._alone(actor, asked.reference, asked.document):
            return self._moved(actor, asked, header, call, order, respond)

    def _moved(
        self,
        actor: CustomsActor,
        asked: ChedClearanceRequest | ChedInterventionRequest,
        header: CertexHeader,
        call: SoapCall,
        order: Callable[[], Clear | Intervene],
        respond: Callable[[ClearanceAnswer], bytes],
    ) -> ClearanceAnswer:
        """Look, judge and send, while nothing else of this system moves the declaration."""
        client = self._upstream.client()
        code = asked.taric_document if isinstance(asked, ChedInterventionRequest) else ""
        found = self._looked(client, actor, asked, code=code)
        if is_empty(found):
            nothing = ClearanceAnswer(outcome=ClearanceOutcome.NO_RECORD.value, sending_date=asked.sending_date)
            self._evidence.keep(actor, header, call, asked.reference, respond(nothing))
            return nothing
        if _is_lrn(actor, found.summary, asked.document):
            raise CustomsRefused("IMG-7406", where=DOCUMENT, found=asked.document, expected="an MRN")
        before = _own(actor, found, DeclarationReference("MRN", asked.document), asked.sending_date)
        made = order()
        with self._evidence.of(actor, header, call, asked.reference) as kept:
            cleared = client.clear(made, before=before, note=kept.leaves, at=asked.sending_date)
            answer = ClearanceAnswer(
                outcome=_outcome(cleared), sending_date=asked.sending_date, status_code=cleared.status_code
            )
            kept.answered(
                cleared.word,
                respond(answer) if answer.outcome else b"",
                by_read=cleared.by_read,
                stands=cleared.word in _STANDING or bool(before),
            )
        if not answer.outcome:
            raise _without_effect(cleared)
        return answer

    def _check(
        self,
        actor: CustomsActor,
        office: str,
        asked: ProcessedChedRequest | ChedClearanceRequest | ChedInterventionRequest,
        call: SoapCall,
    ) -> None:
        check_office(actor, office, OFFICE)
        freshness = self._freshness
        check_age(asked.sending_date, call.received_at, most=freshness.max_age, skew=freshness.skew)

    @contextmanager
    def _alone(self, actor: CustomsActor, reference: str, number: str) -> Iterator[None]:
        """From the look to the answer one message of a customs system moves a declaration, and no other of its own.

        Another system's is kept away by the record of whose the declaration is.

        Raises:
            Unavailable: IMG-9001.
        """
        key = actor.id, reference, number.casefold()
        with self._lock:
            if key in self._on_their_way:
                found = "another message about this declaration is on its way"
                raise Unavailable("IMG-9001", where=number, found=found)
            self._on_their_way.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._on_their_way.remove(key)

    def _looked(
        self,
        client: CertexClient,
        actor: CustomsActor,
        asked: ProcessedChedRequest | ChedClearanceRequest | ChedInterventionRequest,
        *,
        code: str = "",
        question: ProcessedChedRequest | None = None,
    ) -> Answer:
        """The CHED as TRACES has it, when it is one of the countries of who asks, and of the type that is meant.

        Args:
            client: of TRACES.
            actor: who asks.
            asked: the message.
            code: customs document code of a message that moves; empty for none.
            question: the message, where it is to be passed on as a read.

        Raises:
            AccessDenied: IMG-2110.
            CustomsRefused: IMG-7408.
            GatewayError: as TRACES refused, or is away.
        """
        reference, office = asked.reference, asked.office
        try:
            if question is None:
                answer = client.read(reference, office)
            else:
                code = question.taric_document
                answer = client.read(reference, office, document=code, language=question.language, pdf=question.pdf)
        except DeliveryError as error:
            raise told_of(error, reference) from error
        if not is_empty(answer):
            self._check_certificate(actor, reference, answer, code)
        return answer

    def _check_certificate(self, actor: CustomsActor, reference: str, answer: Answer, code: str) -> None:
        """A CHED that was not shown is nobody's: what cannot be judged is refused."""
        if answer.certificate is None:
            raise AccessDenied("IMG-2110", where="ChedCertificateId", found=reference)
        ched = read_ched(parse(answer.certificate, limits=self._context.limits).root)
        at = self._context.clock()
        row = row_of(ched, Actor(actor.principal, None), chid="", before=None, at=at)
        check_sight(actor, row)
        check_type(row, code, self._type_of)

    def _type_of(self, code: str) -> str:
        index = self._context.index.on(self._context.clock().date())
        return index.lookup(_CUSTOMS, CANONICAL, _OF_CHEDS).find(code).target or ""

    def _shown(self, answer: Answer) -> Answer:
        """Entry data and the decision, without Part III (R-38-1). TRACES tells its changes to our account alone."""
        certificate = answer.certificate
        if certificate is not None:
            ched = read_ched(parse(certificate, limits=self._context.limits).root)
            if ched.follow_up is not None:
                certificate = serialise(write_ched(replace(ched, follow_up=None)))
        return replace(answer, certificate=certificate, push_active=False, push_stop_reason="")

    def _answered_here(
        self, actor: CustomsActor, asked: ProcessedChedRequest, header: CertexHeader, call: SoapCall, answer: Answer
    ) -> Answer:
        """An answer that needs nothing to be moved."""
        self._evidence.keep(actor, header, call, asked.reference, processed_response(_bare(answer)))
        return self._shown(answer)


def _own(actor: CustomsActor, found: Answer, declaration: DeclarationReference, sent: datetime) -> Holding:
    """What the declaration has, when it is one of this customs system: by the offices that the ledger shows.

    Args:
        actor: who asks.
        found: the CHED with its ledger.
        declaration: that the message is about.
        sent: its SendingDate, which must not be before what the ledger shows.

    Raises:
        CustomsRefused: IMG-7404, IMG-7407.
    """
    holding = holding_of(found.summary, declaration)
    for each in (*holding.reserved, *holding.consumed):
        if not actor.membership.speaks_for(each.office):
            raise CustomsRefused("IMG-7407", where=DECLARATION, found=declaration.number)
    newest = newest_of(holding)
    check_not_overtaken(sent, newest if newest is not None and sent < newest else None)
    return holding


def _alike(summary: Summary | None, kind: str, number: str) -> tuple[Allocated, ...]:
    """What stands for declarations of a kind and these characters, in upper or in lower case."""
    rows = () if summary is None else (*summary.reserved, *summary.consumed)
    return tuple(
        each
        for each in rows
        if each.declaration.type == kind and each.declaration.number.casefold() == number.casefold()
    )


def _is_lrn(actor: CustomsActor, summary: Summary | None, number: str) -> bool:
    """Whether an LRN of this customs system has quantities and these characters."""
    return any(actor.membership.speaks_for(each.office) for each in _alike(summary, "LRN", number))


def _check_lrn(actor: CustomsActor, summary: Summary | None, lrn: str) -> None:
    """Refuse an LRN with the characters of another system's MRN: TRACES knows one account for both.

    It could not tell whose the LRN is, and would refuse what that system sends for its MRN.

    Raises:
        CustomsRefused: IMG-7407.
    """
    if not all(actor.membership.speaks_for(each.office) for each in _alike(summary, "MRN", lrn)):
        raise CustomsRefused("IMG-7407", where=DECLARATION, found=lrn)


def _reserved(found: Reservation) -> Answer | None:
    """The answer as the contract has it, also where a read told instead of the reply; None where it has no word."""
    if not found.by_read:
        return found.answer
    if found.word is ReservationWord.RESERVED:
        return replace(found.answer, result=True)
    if found.word is ReservationWord.CONSUMED:
        return replace(found.answer, result=False, reason=FailureReason.WRITTEN_OFF.value)
    return Answer() if found.word is ReservationWord.NO_CHED else None


def _outcome(found: Clearance) -> str:
    """The outcome as the contract has it, also where a read told instead of the reply; empty where it has no word."""
    if found.outcome:
        return found.outcome
    return _OUTCOMES[found.word].value if found.word in _OUTCOMES else ""


def _without_effect(found: Reservation | Clearance) -> Unavailable:
    message = "The message had no effect at TRACES, and what the declaration held before may be gone"
    return Unavailable("IMG-9012", message, where=found.sent.declaration.type, found=found.sent.declaration.number)


def _bare(answer: Answer) -> Answer:
    """Without the CHED, which is on record elsewhere, or is TRACES' own; and without its pushes to our account."""
    return replace(answer, certificate=None, pdf=None, push_active=False, push_stop_reason="")
