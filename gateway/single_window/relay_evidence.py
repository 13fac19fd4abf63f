"""The trail of a message that is passed on to TRACES: as it came, before it leaves; as it left, with what came of it.

Two records: one of who asked here, whose message id is used up by it (IMG-7405), one of our message to TRACES. A crash
between them leaves the first, which names the message that may have left. So does a store that fails between them: then
what TRACES said is told all the same, because it stands there.

With the first the declaration is taken for who asked (`gateway.store.relayed`), and the message is open; with the
second it is closed, and a message that had no effect leaves the declaration with whom it was.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from adapters.certex import OutcomeUnknown
from gateway.certex.contract import CERTEX
from gateway.certex.models import ChedClearanceRequest, ProcessedChedRequest
from gateway.certex.wire import clearance_request, intervention_request, processed_request
from gateway.errors import CustomsRefused, DeliveryError
from gateway.single_window.checks import check_not_overtaken, check_recorded, used_before
from gateway.single_window.relay_faults import told_of
from gateway.store import (
    CustomsMessage,
    Declaration,
    DeclarationType,
    claim_declaration,
    close_relayed,
    find_customs_message,
    find_relayed,
    give_up_claim,
    new_id,
    record_customs_message,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from adapters.certex import Sent
    from gateway.certex.models import CertexHeader
    from gateway.errors import GatewayError
    from gateway.exchange import Context
    from gateway.single_window.access import CustomsActor
    from gateway.soap import SoapCall
    from gateway.store import Recorded, RelayedDeclaration

__all__ = ["Evidence", "Trail"]

_log = structlog.get_logger(__name__)


class Evidence:
    """Keeps what customs asked here and what TRACES made of it.

    Args:
        context: the services.
        partner: id of TRACES' record.
    """

    def __init__(self, context: Context, partner: str) -> None:
        self._context = context
        self._partner = partner

    def keep(
        self,
        actor: CustomsActor,
        header: CertexHeader,
        call: SoapCall,
        reference: str,
        acknowledgement: bytes,
        *,
        first: Callable[[Connection, str], None] | None = None,
        **detail: Any,
    ) -> str:
        """A message that came; gives the id of its record.

        Args:
            actor: who sent it.
            header: its numbers.
            call: the call.
            reference: of the CHED.
            acknowledgement: what it is answered, where that is known.
            first: done in the same unit of work, with the id of the record.
            detail: for the audit.

        Raises:
            AuthenticationFailed: IMG-2003.
            CustomsRefused: IMG-7405, and whatever ``first`` raises.
        """
        exchange_id = new_id(call.received_at)
        message = CustomsMessage(
            exchange_id=exchange_id,
            partner=actor.id,
            contract=call.contract,
            operation=call.operation,
            received_at=call.received_at,
            subject=reference,
            prefix=header.prefix,
            message_id=header.message_id,
            request=call.raw,
            acknowledgement=acknowledgement,
            nonces=actor.principal.nonces,
            transport={"method": actor.principal.method},
            detail=detail,
        )

        def unit(connection: Connection) -> Recorded:
            if first is not None:
                if find_customs_message(
                    connection, partner=actor.id, prefix=header.prefix, message_id=header.message_id
                ):
                    raise used_before(header)
                first(connection, exchange_id)
            return record_customs_message(connection, message)

        recorded: Recorded = self._context.store.write(unit)
        check_recorded(recorded, header)
        return exchange_id

    @contextmanager
    def of(self, actor: CustomsActor, header: CertexHeader, call: SoapCall, reference: str) -> Iterator[Trail]:
        """The trail of one message that goes on to TRACES.

        Raises:
            GatewayError: what who asked is told of an error of the client.
        """
        trail = Trail(self, actor, header, call, reference)
        try:
            yield trail
        except DeliveryError as error:
            told = told_of(error, reference, trail.sent)
            trail.failed(error, told)
            raise told from error

    def keep_sent(
        self,
        sent: Sent,
        call: SoapCall,
        acknowledgement: bytes,
        settle: Callable[[Connection], None],
        **detail: Any,
    ) -> None:
        """Our own message to TRACES, with what becomes of the declaration."""
        message = CustomsMessage(
            exchange_id=new_id(self._context.clock()),
            partner=self._partner,
            contract=CERTEX.name,
            operation=call.operation,
            received_at=self._context.clock(),
            subject=sent.request.reference,
            prefix=sent.header.prefix,
            message_id=sent.header.message_id,
            request=_written(sent),
            acknowledgement=acknowledgement,
            detail=detail,
        )

        def unit(connection: Connection) -> None:
            settle(connection)
            record_customs_message(connection, message)

        self._context.store.write(unit)


class Trail:
    """What becomes of one message.

    Args:
        evidence: where it is kept.
        actor: who asked.
        header: its numbers.
        call: the call.
        reference: of the CHED.
    """

    def __init__(
        self, evidence: Evidence, actor: CustomsActor, header: CertexHeader, call: SoapCall, reference: str
    ) -> None:
        self._evidence = evidence
        self._actor = actor
        self._header = header
        self._call = call
        self._reference = reference
        self.sent: Sent | None = None
        """The message as it left; None before."""
        self._exchange_id = ""
        self._before: RelayedDeclaration | None = None

    def leaves(self, sent: Sent) -> None:
        """Before the message leaves: whose the declaration is, and that this message is its newest.

        Raises:
            AuthenticationFailed: IMG-2003.
            CustomsRefused: IMG-7404, IMG-7405, IMG-7407.
        """
        declaration = Declaration(DeclarationType(sent.declaration.type), sent.declaration.number)

        def take(connection: Connection, exchange_id: str) -> None:
            self._before = find_relayed(connection, self._reference, declaration)
            other = claim_declaration(
                connection,
                self._reference,
                declaration,
                partner=self._actor.id,
                at=sent.at,
                exchange_id=exchange_id,
            )
            if other is not None and other.partner != self._actor.id:
                raise CustomsRefused("IMG-7407", where=sent.declaration.type, found=declaration.number)
            check_not_overtaken(sent.at, None if other is None else other.sent_at)

        passed_on = f"{sent.header.prefix}/{sent.header.message_id}"
        self._exchange_id = self._evidence.keep(
            self._actor, self._header, self._call, self._reference, b"", first=take, passed_on=passed_on
        )
        self.sent = sent

    def answered(self, word: str, acknowledgement: bytes, *, by_read: bool, stands: bool, judged: bool = True) -> None:
        """When it is known what came of it; raises nothing.

        Args:
            word: what came of it.
            acknowledgement: what who asked is answered.
            by_read: whether a read told.
            stands: whether the declaration has or had quantities, and so stays with who sent this.
            judged: whether TRACES answered about this CHED, so that what was sent earlier is overtaken.
        """

        def settle(connection: Connection) -> None:
            if stands:
                close_relayed(connection, self._exchange_id)
            else:
                give_up_claim(connection, self._exchange_id, self._before, judged=judged)

        self._keep(acknowledgement, settle, word=str(word), by_read=by_read)

    def failed(self, error: DeliveryError, told: GatewayError) -> None:
        """When it was refused, or what came of it is not known; the refusal is on record with it. Raises nothing."""
        if self.sent is None:
            return
        unknown = isinstance(error, OutcomeUnknown)

        def settle(connection: Connection) -> None:
            if not unknown:
                give_up_claim(connection, self._exchange_id, self._before, judged=False)

        self._keep(b"", settle, word="unknown" if unknown else "refused", code=error.code, told=told.code)
        told.exchange_id = self._exchange_id
        told.spent = True

    def _keep(self, acknowledgement: bytes, settle: Callable[[Connection], None], *, word: str, **detail: Any) -> None:
        """What TRACES said of the message, for the record.

        Where that fails, what is known goes on to who asked: a fault of ours would say that nothing was done.
        """
        assert self.sent is not None, "it has left"
        try:
            self._evidence.keep_sent(
                self.sent, self._call, acknowledgement, settle, answers=self._exchange_id, word=word, **detail
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, the message has left
            _log.error(
                "customs.answer_not_kept",
                exchange=self._exchange_id,
                message=self.sent.header.message_id,
                word=word,
                error=type(error).__qualname__,
            )


def _written(sent: Sent) -> bytes:
    """The body of the message as it left."""
    request = sent.request
    if isinstance(request, ProcessedChedRequest):
        return processed_request(request)
    if isinstance(request, ChedClearanceRequest):
        return clearance_request(request)
    return intervention_request(request)
