"""A message of a national system made ready for TRACES: canonical codes, a local reference, verified signatures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.ched.codes import Codes
from gateway.ched.contingency import local_id
from gateway.ched.labels import Labels
from gateway.ched.parts import writer_of
from gateway.ched.signatures import Case, require_signatures, verify_all
from gateway.ched.size import check_size
from gateway.ched.states import ChedStatus, Operation, decided_status
from gateway.ched.steps import Step
from gateway.ched.transmission import Outgoing
from gateway.ched.writing import message_digest
from gateway.documents.ched import read_ched, write_ched
from gateway.store import ched_repeat_key, cheds_by_local_reference
from gateway.traces.headers import BodyIdentity, BodyKind
from gateway.traces.models import SealFile
from gateway.xml.canonical import serialise
from mappings import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from gateway.ched.models import Actor, SealedCopy
    from gateway.ched.signatures import Evidence
    from gateway.documents.ched import Ched, Part
    from gateway.exchange import Context
    from gateway.soap import SoapCall

__all__ = ["Preparer", "RelaySettings"]

_FIRST_STATUS: Final = {
    Operation.DRAFT: ChedStatus.DRAFT,
    Operation.SUBMIT: ChedStatus.NEW,
    Operation.IN_PROGRESS: ChedStatus.IN_PROGRESS,
}


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The operator's choices."""

    partner: str
    """Id of the record of TRACES."""
    goes_on: bool = False
    """While TRACES is away: contingency documents (True), or a fault."""
    signatures_required: bool = True
    lease: timedelta = timedelta(seconds=60)
    """After which nobody can still be waiting for TRACES' answer to a step."""
    labels: Labels = Labels()  # noqa: RUF009 - no state


class Preparer:
    """Makes messages ready. Safe to share between threads.

    Args:
        context: the services.
        settings: the operator's choices.
    """

    def __init__(self, context: Context, settings: RelaySettings) -> None:
        self._context = context
        self._settings = settings
        self._codes = Codes(context)

    def verify(
        self, actor: Actor, call: SoapCall, document: _Element | None = None, copies: Sequence[SealedCopy] = ()
    ) -> tuple[Evidence, ...]:
        """Every signature that came; without a document the one over the body alone.

        Raises:
            SealRefused: IMG-40xx, IMG-42xx.
        """
        partner = actor.principal.partner
        return verify_all(
            call.body if document is None else document,
            copies,
            call,
            trust=self._context.trust.of(partner),
            at=call.received_at,
            limits=self._context.limits,
            stamped=self._settings.signatures_required and partner.timestamp_required,
            read=partial(self._codes.read, actor),
        )

    def outgoing(
        self,
        actor: Actor,
        document: _Element,
        operation: Operation,
        part: Part,
        copies: Sequence[SealedCopy],
        call: SoapCall,
        *,
        decision: bool = False,
    ) -> Outgoing:
        """A message in canonical codes, its signatures verified.

        Raises:
            AccessDenied: IMG-2112, it is sent for no body.
            TranslationRefused: IMG-60xx.
            SealRefused: IMG-40xx, IMG-42xx.
        """
        body = writer_of(actor)
        partner = actor.principal.partner
        digest = message_digest(document, *(copy.content for copy in copies))
        root, sent = self._codes.canonical(actor, document)
        received = read_ched(root)
        check_size(received)
        ched = self._addressed(actor, received, operation, digest)
        evidence = self.verify(actor, call, document, copies)
        if decision and self._settings.signatures_required:
            require_signatures(Case.IN_TRACES, evidence)
        step = Step(
            operation=operation,
            content=serialise(write_ched(ched)),
            type=ched.type.value if ched.type is not None else "",
            reference=ched.reference,
            local_reference=ched.local_reference,
            made_at=call.received_at,
            body=BodyIdentity(BodyKind(body.kind.value), body.id),
            language=actor.language,
            # They are over the message as it came: of a translated one nobody could verify them.
            seals=tuple(SealFile(copy.role.value, copy.content) for copy in copies)
            if partner.code_system == CANONICAL
            else (),
        )
        status = _status(operation, ched)
        return Outgoing(
            actor=actor,
            call=call,
            operation=operation,
            ched=replace(ched, status_code=status) if status else ched,
            step=step,
            repeat_key=ched_repeat_key(
                partner=partner.id, operation=f"relay {operation.value}", body=body.id, digest=digest
            ),
            sent=sent,
            seals=tuple(each.stored() for each in evidence),
            part=part.value,
            decision=decision,
            digest=digest,
        )

    def _addressed(self, actor: Actor, ched: Ched, operation: Operation, digest: bytes) -> Ched:
        """With the I.3 by which a lost one is looked for, and the I.2 of a contingency CHED that was exchanged."""
        if ched.reference:
            return ched
        if operation not in {Operation.DRAFT, Operation.SUBMIT} and ched.local_reference:
            with self._context.store.read() as connection:
                partner = actor.principal.partner.id
                rows = cheds_by_local_reference(connection, ched.local_reference, partner=partner)
            row = next((each for each in rows if each.contingency and each.status_code != ChedStatus.DELETED), None)
            if row is not None:
                return replace(ched, reference=row.reference)
        return replace(ched, local_reference=ched.local_reference or local_id(ched, digest))


def _status(operation: Operation, ched: Ched) -> str:
    """The status that the message leads to, as far as it says so itself."""
    decided = decided_status(ched) if operation is Operation.IN_PROGRESS else None
    return decided or _FIRST_STATUS.get(operation) or ched.status_code
