"""Contingency documents: taken by this instance's own register while TRACES is away, and put into the queue (R-46-4).

The rules, parts and statuses are the register's; what is added is the mark, and the step that is exchanged later.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.ched.contingency import OBLIGATIONS, REASON, as_contingency
from gateway.ched.models import SubmissionKind
from gateway.ched.parts import writer_of
from gateway.ched.states import Operation, decided_status
from gateway.ched.writing import message_digest
from gateway.documents.ched import write_ched
from gateway.errors import Unavailable
from gateway.store import ContingencyState, ched_repeat_key, get_ched, settle_contingency, steps_of_ched

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.ched.labels import Labels
    from gateway.ched.models import Actor, Receipt
    from gateway.ched.register import RegisterService
    from gateway.ched.transmission import Begun, Outgoing, Transmission
    from gateway.exchange import Context
    from gateway.soap import SoapCall
    from gateway.store import ChedWrite

    Also = Callable[[Connection, ChedWrite], None]

__all__ = ["Acceptance", "as_accepted"]

_KINDS: Final = {
    Operation.DRAFT: SubmissionKind.DRAFT,
    Operation.SUBMIT: SubmissionKind.FOR_DECISION,
    Operation.IN_PROGRESS: SubmissionKind.DECISION_IN_PROGRESS,
}
_OURS_TO_DO: Final = frozenset({"R-41-1", "R-41-2"})
"""Signatures that this instance verified itself, in the codes in which they were made, or makes when it transmits."""


class Acceptance:
    """Takes contingency documents. Safe to share between threads.

    Args:
        context: the services.
        register: makes this instance's own register, with what is to be written in the same unit of work.
        transmission: keeps the queue.
        labels: the mark by language.
    """

    def __init__(
        self,
        context: Context,
        *,
        register: Callable[[Also | None], RegisterService],
        transmission: Transmission,
        labels: Labels,
    ) -> None:
        self._context = context
        self._register = register
        self._transmission = transmission
        self._labels = labels

    def take(self, going: Outgoing, begun: Begun | None, *, sent: bool, known: bool) -> Receipt:
        """Take a message: judged by the rules of this instance, and put into the queue.

        Args:
            going: the message.
            begun: what was written down when it was sent; it ends with this.
            sent: whether TRACES may have it, so that it is looked for before it is sent.
            known: whether it is about a CHED that stands here, so that a conclusion in it decides that one.

        Raises:
            GatewayError: as the register refuses.
        """
        root = self._marked(going)
        principal = replace(going.actor.principal, nonces=())  # they were kept when the message came
        actor = replace(going.actor, principal=principal)
        register = self._register(partial(self._enqueue, going, begun, sent))
        call = going.call
        match going.operation:
            case Operation.FOLLOW_UP:
                receipt = register.follow_up(actor, root, (), call)
            case Operation.AMEND:
                receipt = register.amend(actor, root, call)
            case Operation.IN_PROGRESS if known and decided_status(going.ched) is not None:
                receipt = register.decide(actor, root, (), call)
            case operation:
                receipt = register.submit(actor, root, _KINDS[operation], call)
        return as_accepted(receipt)

    def cancel(self, actor: Actor, reference: str, reason: str, call: SoapCall) -> Receipt:
        """End a CHED of which TRACES has not heard.

        Raises:
            GatewayError: as the register refuses.
            Unavailable: IMG-9011, TRACES may have heard of it.
        """
        return self._register(self._dropped).cancel(actor, reference, reason, call)

    def key(self, going: Outgoing) -> bytes:
        """Under which the register keeps the message when it came as a contingency document."""
        body = writer_of(going.actor)
        operation = going.operation
        if operation is Operation.IN_PROGRESS and going.decision:
            operation = Operation.DECIDE
        return ched_repeat_key(
            partner=going.actor.principal.partner.id,
            operation=operation.value,
            body=body.id,
            digest=message_digest(self._marked(going)),
        )

    def _marked(self, going: Outgoing) -> _Element:
        mark = self._labels.of(going.actor.language)
        return write_ched(as_contingency(going.ched, mark, going.step.local_reference))

    def _enqueue(
        self,
        going: Outgoing,
        begun: Begun | None,
        sent: bool,  # noqa: FBT001 - bound by partial
        connection: Connection,
        write: ChedWrite,
    ) -> None:
        """In the unit of work of the register: all of it is there, or nothing."""
        at = going.call.received_at
        self._transmission.add_step(connection, write.row.id, write.version_id, going.operation, at, claimed=sent)
        if going.seals:
            row = get_ched(connection, write.row.id)
            if row is not None:
                self._transmission.record(connection, row, at, "signatures", seals=going.seals)
        if begun is not None:
            self._transmission.withdraw(connection, begun, code="IMG-9010", detail="taken as a contingency document")

    def _dropped(self, connection: Connection, write: ChedWrite) -> None:
        """A contingency CHED that ends before TRACES heard of it has nothing to exchange."""
        at = self._context.clock()
        for step in steps_of_ched(connection, write.row.id):
            if step.state is ContingencyState.UNKNOWN:
                raise Unavailable("IMG-9011", where="ID", found=write.row.local_reference)
            if step.state.open:
                settle_contingency(
                    connection, step, state=ContingencyState.REFUSED, code="IMG-7220", detail="cancelled here", at=at
                )


def as_accepted(receipt: Receipt) -> Receipt:
    """The receipt of a contingency document: what is noted of Article 46 instead of what is done on the exchange."""
    findings = (*(each for each in receipt.findings if each.rule not in _OURS_TO_DO), *OBLIGATIONS)
    return replace(receipt, reason=REASON, contingency=True, findings=findings)
