"""Every answer is held against its question before it is believed.

An answer of the contract that cannot be the answer to what was asked (another CHED's, a success that shows no holds, a
refusal without a reason) is `AnswerMismatch`, IMG-8032: about a message that moves quantities it tells nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from adapters.certex.faults import AnswerMismatch
from adapters.certex.holdings import are_as_asked, check_ledger, holding_of, were_made_at
from adapters.certex.outcomes import Clearance, ClearanceWord, Reservation, ReservationWord
from gateway.certex.models import ChedInterventionRequest, ProcessedChedRequest
from gateway.customs.releasing import VALIDATED
from gateway.errors import GatewayError
from gateway.xml.boundary import parse
from gateway.xml.names import CERTEX6, RAM21, SPS17, qn, readable

if TYPE_CHECKING:
    from lxml.etree import _Element

    from adapters.certex.holdings import Holding
    from adapters.certex.outcomes import Sent
    from gateway.certex.models import CertexHeader, ClearanceAnswer, ProcessedChedAnswer
    from gateway.xml.limits import Limits

__all__ = [
    "check_echo",
    "check_form",
    "check_read",
    "check_standing",
    "clearance_answered",
    "is_empty",
    "reservation_answered",
]

_NOT_HELD: Final = frozenset({"05", "06"})
"""Reasons with which the declaration cannot hold what it asked for."""
_CONSUMED: Final = "06"
_OPERATION: Final = qn(CERTEX6, "OperationCode")
_DONE: Final = "0"
_MILLISECOND: Final = timedelta(milliseconds=1)
_STATUS: Final = f"{qn(SPS17, 'SPSExchangedDocument')}/{qn(RAM21, 'StatusCode')}"
_TYPE: Final = re.compile(r"CHED(A|PP|P|D)\.")
_TYPES: Final = {"C640": "A", "N853": "P", "C085": "PP", "C678": "D"}
"""The type of CHED behind each document code (data element 12 03)."""
_ID: Final = f"{qn(SPS17, 'SPSExchangedDocument')}/{qn(RAM21, 'ID')}"

_WORDS: Final = {
    "01": ClearanceWord.DONE,
    "02": ClearanceWord.NO_RECORD,
    "03": ClearanceWord.ALREADY,
    "04": ClearanceWord.DONE,
}
_RESERVED: Final = "05"
"""An active reservation exists: only of an intervention is it known what that means."""


def check_echo(asked: CertexHeader, echoed: CertexHeader | None) -> None:
    """Refuse a reply to another message.

    Raises:
        AnswerMismatch: IMG-8032.
    """
    if echoed is None:
        raise AnswerMismatch("CertexHeader", "none", "that of the request")
    if echoed != asked:
        raise AnswerMismatch("CertexHeader", f"{echoed.prefix} {echoed.message_id}", "that of the request")


def check_form(body: _Element) -> None:
    """Refuse a reply that says that the operation failed, or says a thing twice.

    Raises:
        AnswerMismatch: IMG-8032.
    """
    names = [str(child.tag) for child in body.iterchildren("*")]
    for name, count in Counter(names).items():
        if count > 1:
            raise AnswerMismatch(readable(name), f"{count} times", "once")
    code = (body.findtext(_OPERATION) or "").strip()
    if code != _DONE:
        raise AnswerMismatch("OperationCode", code or "none", _DONE)


def is_empty(answer: ProcessedChedAnswer) -> bool:
    """Whether it is the answer for a CHED that is not known: a success with nothing in it (DIGEST 7.5)."""
    return answer.certificate is None and answer.summary is None and answer.result is None and not answer.reason


def check_read(reference: str, answer: ProcessedChedAnswer, limits: Limits) -> None:
    """Hold the answer against the CHED that was read.

    Raises:
        AnswerMismatch: IMG-8032.
    """
    if answer.result is not None or answer.reason:
        raise AnswerMismatch("ReservationResult", "one", "none: nothing was to be reserved")
    _check_content(reference, answer, limits)


def reservation_answered(sent: Sent, answer: ProcessedChedAnswer, limits: Limits) -> Reservation:
    """What the reply to a reservation says.

    Raises:
        AnswerMismatch: IMG-8032, it contradicts itself or the question.
    """
    asked = sent.request
    assert isinstance(asked, ProcessedChedRequest)
    if is_empty(answer):
        return _reservation(ReservationWord.NO_CHED, sent, answer, holding_of(None, sent.declaration))
    _check_content(asked.reference, answer, limits)
    holding = holding_of(answer.summary, sent.declaration)
    held = are_as_asked(holding.reserved, asked.items, asked.office) and not holding.consumed
    if answer.result is None:
        raise AnswerMismatch("ReservationResult", "none", "one: a reservation was asked for")
    if answer.result:
        if answer.reason or answer.failed_item is not None:
            raise AnswerMismatch("ReservationFailureReason", answer.reason, "none beside ReservationResult 1")
        if not held:
            raise AnswerMismatch("ReservedQuantity", "other quantities", "exactly those that were asked for")
        if not were_made_at(holding.reserved, sent.at):
            raise AnswerMismatch("EventDateTime", "another moment", "the SendingDate of the message")
        check_standing(asked, answer, limits)
        return _reservation(ReservationWord.RESERVED, sent, answer, holding, by_this_message=True)
    _check_refusal(sent, answer, holding, held=held)
    return _reservation(ReservationWord.REFUSED, sent, answer, holding)


def clearance_answered(sent: Sent, answer: ClearanceAnswer) -> Clearance:
    """What the reply to a clearance or an intervention says.

    Raises:
        AnswerMismatch: IMG-8032, it is of another message or says what no one knows.
    """
    if abs(answer.sending_date - sent.at) >= _MILLISECOND:
        raise AnswerMismatch("SendingDate", answer.sending_date.isoformat(), "that of the request")
    word = _WORDS.get(answer.outcome)
    if answer.outcome == _RESERVED and isinstance(sent.request, ChedInterventionRequest):
        word = ClearanceWord.NOT_DONE
    if word is None:
        raise AnswerMismatch("QuantityManagementOutcome", answer.outcome, ", ".join(_WORDS))
    return Clearance(
        word=word,
        sent=sent,
        outcome=answer.outcome,
        status_code=answer.status_code,
        by_this_message=word is ClearanceWord.DONE or None,
    )


def _reservation(
    word: ReservationWord,
    sent: Sent,
    answer: ProcessedChedAnswer,
    holding: Holding,
    *,
    by_this_message: bool | None = None,
) -> Reservation:
    return Reservation(word=word, sent=sent, answer=answer, holding=holding, by_this_message=by_this_message)


def _check_refusal(sent: Sent, answer: ProcessedChedAnswer, holding: Holding, *, held: bool) -> None:
    asked = sent.request
    assert isinstance(asked, ProcessedChedRequest)
    if not answer.reason:
        raise AnswerMismatch("ReservationFailureReason", "none", "one beside ReservationResult 0")
    places = {(item.goods_item, item.line) for item in asked.items}
    named = answer.failed_item is None or any(
        item == answer.failed_item and answer.failed_line in {None, line} for item, line in places
    )
    if not named:
        found = f"{answer.failed_item} on line {answer.failed_line}"
        raise AnswerMismatch("ReservationFailureConsignmentItem", found, "one of those that were asked for")
    if held and (answer.reason in _NOT_HELD or were_made_at(holding.reserved, sent.at)):
        raise AnswerMismatch("ReservedQuantity", "what was asked for", f"not that, with reason {answer.reason}")
    if answer.reason == _CONSUMED and answer.summary is not None and not holding.consumed:
        raise AnswerMismatch("ConsumedQuantity", "nothing of the declaration", f"it, with reason {answer.reason}")


def check_standing(asked: ProcessedChedRequest, answer: ProcessedChedAnswer, limits: Limits) -> None:
    """Refuse holds on a CHED on which nothing can be reserved: not validated, or not of the type that is declared.

    An answer without a certificate says nothing about that.

    Raises:
        AnswerMismatch: IMG-8032.
    """
    found, wanted = _TYPE.match(asked.reference), _TYPES.get(asked.taric_document)
    if found is not None and wanted is not None and found.group(1) != wanted:
        where, expected = "TARICDocument", f"a CHED-{wanted} for {asked.taric_document}"
        raise AnswerMismatch(where, f"quantities reserved on a CHED-{found.group(1)}", expected)
    if answer.certificate is None:
        return
    status = _parsed(answer.certificate, limits).findtext(_STATUS, "").strip()
    if status != VALIDATED:
        raise AnswerMismatch("ChedCertificate", f"quantities reserved on a CHED of status {status}", VALIDATED)


def _check_content(reference: str, answer: ProcessedChedAnswer, limits: Limits) -> None:
    """The certificate is that of the CHED, and the quantities are quantities."""
    if answer.summary is not None:
        check_ledger(answer.summary)
    if answer.certificate is None:
        return
    found = _parsed(answer.certificate, limits).findtext(_ID, "")
    if " ".join(found.split()) != reference:
        raise AnswerMismatch("ChedCertificate", found, reference)


def _parsed(certificate: bytes, limits: Limits) -> _Element:
    try:
        return parse(certificate, limits=limits).root
    except GatewayError as error:
        raise AnswerMismatch("ChedCertificate", error.code, "a certificate") from error
