"""What the codes of CERTEX mean, in words, and what a message about a ledger was answered (DIGEST 7.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.customs.requests import ClearanceOutcome, FailureReason
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.store import AuditEntry

__all__ = ["OUTCOMES", "REASONS", "answered", "explained", "followed", "in_words"]

REASONS: Final[Mapping[str, str]] = {
    FailureReason.CODE: "the code of the goods is not that of the line of the CHED, or is shorter than it",
    FailureReason.STATUS: "the CHED cannot be reserved on: it is not validated, or its ledger is frozen",
    FailureReason.QUANTITY: "not enough is left; what the declaration held on this CHED before is given back",
    FailureReason.WRITTEN_OFF: "goods of the declaration are written off on this CHED already",
    FailureReason.LINE: "the CHED has no such line",
    FailureReason.UNIT: "the unit is missing, is not known, or does not measure what the line measures",
    FailureReason.NOT_VALID: "the quantity cannot be validated: none, not above zero, too fine, or two that differ",
}
"""Why a reservation was not made."""
OUTCOMES: Final[Mapping[str, str]] = {
    ClearanceOutcome.DONE: "done",
    ClearanceOutcome.NO_RECORD: "nothing is held for this declaration",
    ClearanceOutcome.CONSUMED: "the goods were written off before; nothing changed",
    ClearanceOutcome.DONE_STATUS_CHANGED: "done, and the CHED is not validated any more",
    ClearanceOutcome.RESERVED: "a reservation stands; clear it first",
}
"""What became of a clearance or an intervention."""

_TRAIL: Final = ("passed_on", "answers", "word", "by_read", "code", "told")
"""What the audit of a national gateway says of a message that went on."""


def in_words(code: str, words: Mapping[str, str]) -> str:
    """``05: not enough is left…``; the bare code where it is not known, empty where there is none."""
    return f"{code}: {words[code]}" if code in words else code


def explained(code: str) -> dict[str, str]:
    """What two digits mean as a reason and as an outcome; empty where they mean nothing."""
    found = {"as the reason of a reservation": REASONS, "as the outcome of a clearance or intervention": OUTCOMES}
    return {where: words[code] for where, words in found.items() if code in words}


def answered(contract: str, operation: str, acknowledgement: bytes | None) -> dict[str, Any]:
    """What a customs message was answered, from the reply that is kept; empty for a message of anything else.

    Args:
        contract: of the message.
        operation: of the message.
        acknowledgement: the body of the reply.
    """
    from gateway.certex import wire  # noqa: PLC0415 - start-up
    from gateway.certex.contract import CERTEX, CLEARANCE, INTERVENTION, PROCESSED  # noqa: PLC0415 - as above
    from gateway.xml.boundary import parse  # noqa: PLC0415 - as above

    if contract != CERTEX.name or not acknowledgement:
        return {}
    try:
        body = parse(acknowledgement).root
        if operation == PROCESSED:
            reply = wire.read_processed_response(body)
            if reply.result is None:
                return {"answer": "nothing was reserved: no such CHED"}
            said: dict[str, Any] = {
                "reservation_result": int(reply.result),
                "answer": "reserved" if reply.result else "not reserved",
                "reason": reply.reason,
                "goods_item": reply.failed_item,
                "line": reply.failed_line,
            }
            said["reason_in_words"] = REASONS.get(reply.reason, "")
        elif operation in {CLEARANCE, INTERVENTION}:
            read = wire.read_clearance_response if operation == CLEARANCE else wire.read_intervention_response
            settled = read(body)
            said = {
                "outcome": settled.outcome,
                "answer": OUTCOMES.get(settled.outcome, ""),
                "status": settled.status_code,
            }
        else:
            return {}
    except GatewayError:
        return {}
    return {name: value for name, value in said.items() if value not in (None, "")}


def followed(audit: Iterable[AuditEntry]) -> dict[str, Any]:
    """Which message of ours to TRACES a customs message became, or which one it answers, and what came of it."""
    return {
        name: value
        for entry in audit
        for name, value in entry.detail.items()
        if name in _TRAIL and value not in (None, "")
    }
