"""Every authenticated call leaves one trace: an accepted message, a refusal, or a read, with the values it spent."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway.errors import AuthenticationFailed, GatewayError, Unavailable
from gateway.store import RecordedKind, Refusal, new_id, record_read, record_refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gateway.exchange.context import Context
    from gateway.exchange.models import Principal

__all__ = ["TracedCall", "refusals_recorded", "spend"]

_REPLAY: Final = "IMG-2003"

WITHOUT_BYTES: Final = frozenset({_REPLAY, "IMG-2101"})
"""Refusals whose request is not kept: whoever caught one message, or has an account without a grant, could fill the
store with it."""

MAX_FINDINGS: Final = 50
"""Findings that the record of a refusal keeps; what they found in the document stays in the request alone."""


class TracedCall(Protocol):
    """What of a call its trace says: a ``SoapCall``, or a question that came without SOAP."""

    @property
    def contract(self) -> str:
        """What the grant names."""

    @property
    def operation(self) -> str:
        """What was asked."""

    @property
    def raw(self) -> bytes:
        """The request, without secrets."""

    @property
    def received_at(self) -> datetime:
        """Aware, UTC."""


@contextmanager
def refusals_recorded(context: Context, principal: Principal, call: TracedCall) -> Iterator[None]:
    """Record what refuses the call inside, and let it go on to the caller with the id of the record.

    A replay is recorded without its values: they are spent already. Our own unavailability is not a refusal, so the
    same message may come again, nonce included.
    """
    try:
        yield
    except Unavailable:
        raise
    except GatewayError as error:
        if error.exchange_id:  # quarantine has recorded it with all that it keeps
            raise
        exchange = new_id(call.received_at)
        replay = error.code == _REPLAY
        refusal = Refusal(
            exchange_id=exchange,
            partner=principal.partner.id,
            contract=call.contract,
            operation=call.operation,
            received_at=call.received_at,
            request=b"" if error.code in WITHOUT_BYTES else call.raw,
            error_code=error.code,
            error_detail=_detail(error),
            subject=error.subject,
            nonces=() if replay or error.spent else principal.nonces,
            transport={"method": principal.method},
        )
        recorded = context.store.write(lambda connection: record_refusal(connection, refusal))
        if recorded.kind is RecordedKind.REPLAY:
            raise AuthenticationFailed(_REPLAY, found=recorded.detail) from error
        error.exchange_id = exchange
        raise


def _detail(error: GatewayError) -> dict[str, Any]:
    """What the sender was told, for the operator whom it will ask."""
    told = {"where": error.where, "found": error.found, "expected": error.expected, "message": error.message}
    findings = [
        {
            "rule": each.rule,
            "severity": each.severity.value,
            "message": each.message,
            "path": each.path,
            "expected": each.expected,
        }
        for each in error.findings[:MAX_FINDINGS]
    ]
    return {**told, "findings": findings} if findings else told


def spend(context: Context, principal: Principal, call: TracedCall, subject: str, detail: dict[str, Any]) -> None:
    """Note a call that changes nothing: its single-use values and who read what (R-11-1).

    Raises:
        AuthenticationFailed: IMG-2003 when a value was used before; then nothing is answered.
    """
    recorded = context.store.write(
        lambda connection: record_read(
            connection,
            partner=principal.partner.id,
            operation=call.operation,
            subject=subject,
            at=call.received_at,
            nonces=principal.nonces,
            detail=detail,
        )
    )
    if recorded.kind is RecordedKind.REPLAY:
        raise AuthenticationFailed(_REPLAY, found=recorded.detail)
