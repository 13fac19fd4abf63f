"""The CHEDs of a national instance that has TRACES upstream: every answer is TRACES', in the codes of who asked.

Synchronous (Article 37(1)): the answer of TRACES is the answer of the call. What the national system submits is kept
here with what became of it. While TRACES is away, the policy decides: a clear fault, or a contingency document that the
instance's own register takes (the rules, parts and statuses are the same) and that is exchanged on return.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.ched.access import Sight, is_shown_masked, require_sight
from gateway.ched.codes import Codes
from gateway.ched.models import ChedContent, SubmissionKind
from gateway.ched.projection import projected, shown_row
from gateway.ched.references import read_reference
from gateway.ched.results import criteria_of, row_of_status, row_of_summary
from gateway.ched.rows import row_of
from gateway.ched.states import Operation
from gateway.ched.upstream import is_away, refusal_of
from gateway.documents.ched import Part, read_ched
from gateway.errors import ChedRefused, DeliveryError, Unavailable
from gateway.store import ched_by_reference, cheds_by_local_reference, waiting_contingency
from gateway.traces.contracts import CHED
from gateway.traces.models import MAX_PAGE
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from lxml.etree import _Element

    from adapters.traces_nt import Retrieved
    from gateway.ched.models import Actor, Receipt, SealedCopy
    from gateway.ched.relaying import Relaying
    from gateway.ched.transmission import Outgoing
    from gateway.soap import SoapCall
    from gateway.store import ChedQuery, ChedRow

    T = TypeVar("T")

__all__ = ["RelayService"]

_OPERATIONS: Final = {
    SubmissionKind.DRAFT: (Operation.DRAFT, Part.I),
    SubmissionKind.FOR_DECISION: (Operation.SUBMIT, Part.I),
    SubmissionKind.DECISION_IN_PROGRESS: (Operation.IN_PROGRESS, Part.II),
}
_MAX_OPEN: Final = 1000
"""Steps of contingency CHEDs that a search here looks at."""


class RelayService:
    """``ChedService`` that asks TRACES. All methods may be called from any thread.

    Args:
        relaying: hands writes on; has everything that reads need too.
    """

    def __init__(self, relaying: Relaying) -> None:
        self._relaying = relaying
        self._context = relaying.context
        self._codes = Codes(relaying.context)
        self._store = relaying.context.store
        self._upstream = relaying.upstream
        self._availability = relaying.availability

    # Reading

    def read(self, actor: Actor, reference: str) -> ChedContent:
        """The CHED as TRACES has it, or as it stands here while it waits to be exchanged.

        Raises:
            ChedRefused: IMG-7201.
            AccessDenied: IMG-2110, as TRACES or this instance's own rules say.
            Unavailable: IMG-9010, TRACES is away.
        """
        reference, here = self._known_as(actor, reference)
        if here:
            return self._codes.own(actor, self._relaying.register().read(actor, reference))

        def ask() -> ChedContent:
            found = self._upstream.ched(reference, self._relaying.caller(actor))
            return self._as_seen(actor, found)

        def instead() -> ChedContent:
            return self._relaying.register().read(actor, reference)

        return self._codes.own(actor, self._asked(ask, reference, instead))

    def row(self, actor: Actor, reference: str) -> ChedRow:
        """Status and dates.

        Raises:
            As `read`.
        """
        reference, here = self._known_as(actor, reference)
        if here or actor.body is None:
            return self._relaying.register().row(actor, reference)

        def ask() -> ChedRow:
            found = self._upstream.ched_status(reference, self._relaying.caller(actor))
            return row_of_status(found, self._context.clock())

        return self._asked(ask, reference, lambda: self._relaying.register().row(actor, reference))

    def find(self, actor: Actor, query: ChedQuery) -> Sequence[ChedRow]:
        """One page of what TRACES lets the body see, newest first; contingency CHEDs that wait here come before it.

        Without a body there is nobody whose rights TRACES could know: then only what is here.

        Raises:
            Unavailable: IMG-9010.
        """
        found = self._found(actor, self._codes.asked(actor, query))
        return tuple(self._codes.shown(actor, row) for row in found)

    def _found(self, actor: Actor, query: ChedQuery) -> Sequence[ChedRow]:
        register = self._relaying.register()
        if actor.body is None:
            return register.find(actor, query)
        waiting = self._waiting(actor, query)
        here = waiting[query.offset : query.offset + query.page_size]
        if len(here) == query.page_size:
            return here
        criteria = criteria_of(
            query, page_size=min(query.page_size, MAX_PAGE), offset=max(0, query.offset - len(waiting))
        )

        def ask() -> tuple[ChedRow, ...]:
            found = self._upstream.find_cheds(criteria, self._relaying.caller(actor))
            now = self._context.clock()
            sight = Sight.MASKED if is_shown_masked(actor) else Sight.FULL
            return (*here, *(shown_row(row_of_summary(each, now), sight) for each in found))

        def instead() -> tuple[ChedRow, ...]:
            return tuple(register.find(actor, query))  # those that wait are among them

        return self._asked(ask, "", instead)[: query.page_size]

    def sealed_xml(self, actor: Actor, reference: str) -> bytes:
        """The CHED under TRACES' seal, byte by byte as TRACES gives it.

        Raises:
            ChedRefused: IMG-7207, TRACES has not sealed it, or the reader may have only a copy of it.
            Unavailable: IMG-9010.
        """
        self._require_whole(actor, reference)
        caller = self._relaying.caller(actor, required=True)
        reference, _ = self._known_as(actor, reference)
        return self._asked(lambda: self._upstream.ched_signed_xml(reference, caller), reference)

    def pdf(self, actor: Actor, reference: str, *, signed: bool) -> bytes:
        """TRACES' own PDF; of what waits here, one with the mark of contingency documents.

        Raises:
            As `read`.
        """
        register = self._relaying.register()
        reference, here = self._known_as(actor, reference)
        if here or actor.body is None:
            return register.pdf(actor, reference, signed=signed)
        self._require_whole(actor, reference)
        caller = self._relaying.caller(actor)
        return self._asked(
            lambda: self._upstream.ched_pdf(reference, caller, signed=signed).content,
            reference,
            lambda: register.pdf(actor, reference, signed=signed),
        )

    # Writing

    def submit(self, actor: Actor, document: _Element, kind: SubmissionKind, call: SoapCall) -> Receipt:
        """Part I, and Part II for a decision in progress; TRACES' receipt.

        Raises:
            TranslationRefused: IMG-60xx, a code of the national system has no canonical one (R-37-2).
            RulesRefused, ChedRefused, AccessDenied, SealRefused: as TRACES refused.
            Unavailable: IMG-9010 TRACES is away, IMG-9011 whether it has the CHED is not known yet.
        """
        operation, part = _OPERATIONS[kind]
        return self._write(self._relaying.outgoing(actor, document, operation, part, (), call))

    def decide(
        self,
        actor: Actor,
        document: _Element,
        seals: Sequence[SealedCopy],
        call: SoapCall,
        *,
        laboratory_tests: bytes | None = None,
    ) -> Receipt:
        """Part II: transmitted under this instance's seal no later than it is taken (Article 41(1)(b)).

        Raises:
            As `submit`; SealRefused IMG-42xx for the signatures of the national system; ChedRefused IMG-8023, TRACES
            takes laboratory tests in its web pages only.
        """
        _no_tests(laboratory_tests)
        going = self._relaying.outgoing(actor, document, Operation.IN_PROGRESS, Part.II, seals, call, decision=True)
        return self._write(going)

    def follow_up(
        self,
        actor: Actor,
        document: _Element,
        seals: Sequence[SealedCopy],
        call: SoapCall,
        *,
        laboratory_tests: bytes | None = None,
    ) -> Receipt:
        """Part III; TRACES itself takes it in its web pages only (IMG-8023), a gateway in its role by ChedControl.

        Raises:
            As `submit`.
        """
        _no_tests(laboratory_tests)
        return self._write(self._relaying.outgoing(actor, document, Operation.FOLLOW_UP, Part.III, seals, call))

    def amend(self, actor: Actor, document: _Element, call: SoapCall) -> Receipt:
        """Part I again; TRACES itself takes it in its web pages only (IMG-8023).

        Raises:
            As `submit`.
        """
        return self._write(self._relaying.outgoing(actor, document, Operation.AMEND, Part.I, (), call))

    def cancel(self, actor: Actor, reference: str, reason: str, call: SoapCall) -> Receipt:
        """Deleted or cancelled, at TRACES or, while it waits here, before TRACES ever hears of it.

        Raises:
            As `submit`.
        """
        return self._relaying.cancel(actor, reference, reason, call)

    # Steps

    def _write(self, going: Outgoing) -> Receipt:
        return self._codes.told(going.actor, self._relaying.write(going))

    def _asked(self, ask: Callable[[], T], reference: str, instead: Callable[[], T] | None = None) -> T:
        """TRACES' answer; while it is away what is kept here, where the policy lets work go on."""
        error: DeliveryError | None = None
        if self._availability.is_worth_trying(CHED.name):
            try:
                answer = ask()
            except DeliveryError as refused:
                if not is_away(refused):
                    self._availability.answered(CHED.name)
                    raise refusal_of(refused, reference) from refused
                self._availability.lost(CHED.name, refused)
                error = refused
            else:
                self._availability.answered(CHED.name)
                return answer
        known = not reference or self._relaying.row_of(reference) is not None
        if instead is not None and self._relaying.goes_on and known:
            return instead()
        raise Unavailable("IMG-9010", where=CHED.name, found=error.code if error else "") from error

    def _known_as(self, actor: Actor, reference: str) -> tuple[str, bool]:
        """By what TRACES knows a CHED, and whether it waits to be exchanged: then what stands here is newer.

        A temporary I.3 still means the CHED when it has its I.2.
        """
        with self._store.read() as connection:
            row = ched_by_reference(connection, reference) if reference else None
            if row is None and reference and read_reference(reference) is None:
                rows = cheds_by_local_reference(connection, reference, partner=actor.principal.partner.id)
                row = next((each for each in rows if each.contingency), None)
            if row is None:
                return reference, False
            return row.reference or reference, not row.reference or self._relaying.waits(connection, row)

    def _waiting(self, actor: Actor, query: ChedQuery) -> tuple[ChedRow, ...]:
        """The contingency CHEDs that TRACES has not got, of those that the query finds here."""
        with self._store.read() as connection:
            if not waiting_contingency(connection, self._relaying.partner, limit=1):
                return ()
        found = self._relaying.register().find(actor, replace(query, page_size=_MAX_OPEN, offset=0))
        return tuple(row for row in found if row.contingency and not row.reference)

    @staticmethod
    def _require_whole(actor: Actor, reference: str) -> None:
        """Files of TRACES cannot be masked.

        Raises:
            ChedRefused: IMG-7207, the reader may have only a copy without personal data.
        """
        if is_shown_masked(actor):
            raise ChedRefused("IMG-7207", where="ID", found=reference)

    def _as_seen(self, actor: Actor, found: Retrieved) -> ChedContent:
        """TRACES judged what the body may see; a system that names none is judged here, by its own grants."""
        ched = read_ched(found.root)
        content = serialise(found.root)
        if is_shown_masked(actor) and actor.body is not None:
            return ChedContent(ched.reference, ched.status_code, projected(found.root, Sight.MASKED), masked=True)
        if actor.body is not None:
            return ChedContent(ched.reference, ched.status_code, content, laboratory_tests=found.laboratory_tests)
        at = self._context.clock()
        own = self._relaying.row_of(ched.reference)
        row = row_of(ched, actor, chid="", before=own, at=at)
        sight = require_sight(actor, row if own is not None else replace(row, partner=""))
        if sight is Sight.FULL:
            return ChedContent(ched.reference, ched.status_code, content, laboratory_tests=found.laboratory_tests)
        return ChedContent(ched.reference, ched.status_code, projected(found.root, sight), masked=True)


def _no_tests(laboratory_tests: bytes | None) -> None:
    """No operation of TRACES takes them.

    Raises:
        ChedRefused: IMG-8023.
    """
    if laboratory_tests:
        raise ChedRefused("IMG-8023", where="SPSConsignmentItemLaboratoryTest", expected="no laboratory tests")
