"""From an envelope that waits to a document, and back to the hub with what was found, whatever dies in between.

Four steps, each of which leaves a state that the next start goes on from::

    pull          -> add_import, committed: the bytes are ours           (pulled)
    look inside   -> the document and the decision, in one transaction   (imported, held, unreadable, response)
    acknowledge   -> the hub hears what was decided, never before
    write it down -> acknowledged_at

A kill before the second commit means that the same bytes are looked at again; one before the fourth means that the hub
is told again, and what it says to that is no surprise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from gateway.documents import PHYTOSANITARY_TYPES
from gateway.errors import DeliveryError, GatewayError, HubRefused, Unavailable
from gateway.exchange import ImportOutcome, ReceivedEnvelope, take_envelope
from gateway.faultpoints import reach
from gateway.hub.holding import in_quarantine, keep_in_step
from gateway.hub.responses import take_response
from gateway.hub.sources import read_received
from gateway.hub.wording import WORTH_TELLING, verdict_on
from gateway.ippc.content import ACKNOWLEDGEMENT, decode_content
from gateway.ippc.models import FINAL
from gateway.store import (
    ImportState,
    NewImport,
    Recorded,
    RecordedKind,
    Undo,
    add_import,
    decide_import,
    find_import,
    held_after,
    import_envelope_bytes,
    mark_acknowledged,
    new_id,
    unfinished_imports,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.access import Partner
    from gateway.exchange import Context
    from gateway.exchange.quarantine import Arrival
    from gateway.hub.sources import Source, Waiting
    from gateway.ippc import EnvelopeHeader
    from gateway.ippc.content import Content
    from gateway.ippc.validation_result import ValidationResult
    from gateway.store import ImportRow

__all__ = ["Importer", "concerns_one_envelope"]

MAX_FIELD: Final = 200
"""Characters of a header's field that are kept beside the envelope, where all of them are."""

_SILENCE: Final = frozenset({"IMG-8001", "IMG-8002", "IMG-8004", "IMG-8007"})
"""The hub answers nobody, or not us: it says nothing about the envelope."""

_STORE_AWAY: Final = "IMG-9001"

_log = structlog.get_logger(__name__)


class Importer:
    """Takes envelopes of one source in. Safe to share; two at once on one envelope have one effect.

    Args:
        context: the services.
        source: where the envelopes are.
        validate: what ValidatePhytoXML would find in a certificate (``gateway.hub.validation``).
    """

    def __init__(
        self, context: Context, source: Source, *, validate: Callable[[bytes], Sequence[ValidationResult]]
    ) -> None:
        self._context = context
        self._source = source
        self._validate = validate

    def take(self, waiting: Waiting) -> ImportRow:
        """Bring one envelope to its end, from wherever it stands.

        Raises:
            HubRefused: IMG-7122, another envelope had this number: acknowledging it would lose this one.
            GatewayError: `may_go_on` says whether to go on with the next; the state is kept.
        """
        row = self._find(waiting.partner, waiting.number)
        if row is None:
            self._fetch(waiting)
            row = self._find(waiting.partner, waiting.number)
            assert row is not None
        again = row.acknowledged_at is not None  # the hub lists it as if we had never answered
        if again:
            self._must_be(waiting, row)
        return self._finish(waiting.partner, row, again=again)

    def resume(
        self, partner: Partner, limit: int, troubled: Callable[[str, GatewayError], None]
    ) -> tuple[ImportRow, ...]:
        """What an earlier run left unfinished and can be finished now, oldest first.

        An envelope that the hub refuses to hear about stays unfinished and does not hold up the others; nor does one
        that our own store does not take, of which ``troubled`` is told.

        Raises:
            GatewayError: the hub or our own store does not answer.
        """
        with self._context.store.read() as connection:
            rows = [
                row
                for row in unfinished_imports(connection, partner.id, limit)
                if self._source.owns(connection, partner, row.hub_number)
            ]
        finished = []
        for row in rows:
            try:
                finished.append(self._finish(partner, row))
            except GatewayError as error:
                if not self.may_go_on(error):
                    raise
                if error.code == _STORE_AWAY:
                    troubled(row.hub_number, error)
                _log.warning("hub.not_acknowledged", number=row.hub_number, code=error.code, found=error.found)
        return tuple(finished)

    def may_go_on(self, error: GatewayError) -> bool:
        """Whether the next envelope may fare better than the one that ended like this.

        A store that refuses one envelope and takes other writes has something against that envelope.
        """
        if concerns_one_envelope(error):
            return True
        if error.code != _STORE_AWAY:
            return False
        try:
            self._context.store.write(lambda connection: connection.exec_driver_sql("SELECT 1"))
        except Unavailable:
            return False
        return True

    def decide_again(self, partner: Partner, row: ImportRow, arrive: Arrival | None = None) -> ImportRow:
        """Look into an envelope that is held or unreadable once more, after an operator changed something.

        What came later about the same certificate was perhaps held for want of it, so it follows in its order: a
        certificate that was withdrawn meanwhile does not stand as if it were not. With ``arrive``, of a release from
        quarantine, what is in quarantine itself is left to its own release.
        """
        self._decide(partner, row, arrive)
        row = self._current(partner, row)
        if row.state is ImportState.IMPORTED:
            with self._context.store.read() as connection:
                later = [
                    each
                    for each in held_after(connection, row)
                    if arrive is None or in_quarantine(connection, each.id) is None
                ]
            for each in later:
                self._decide(partner, each)
        return row

    def _finish(self, partner: Partner, row: ImportRow, *, again: bool = False) -> ImportRow:
        if row.state is ImportState.PULLED:
            self._decide(partner, row)
            row = self._current(partner, row)
            reach("hub.decided")
        if row.acknowledged_at is None or again:
            self._acknowledge(row)
            row = self._current(partner, row)
            reach("hub.finished")
        return row

    def _must_be(self, waiting: Waiting, row: ImportRow) -> None:
        """Refuse an envelope that is not the one which is here under its number.

        One that was listed before it was acknowledged, by us or another poller, cannot be looked at: it is settled.

        Raises:
            HubRefused: IMG-7122.
        """
        with self._context.store.read() as connection:
            kept = import_envelope_bytes(connection, row.id)
        try:
            given = self._source.pull(waiting.number)
        except GatewayError as refusal:
            if not concerns_one_envelope(refusal) or self._source.state(waiting.number) not in FINAL:
                raise
            return
        if kept is not None and kept != given and _told(kept) != _told(given):
            raise HubRefused("IMG-7122", where=waiting.number, found="another envelope than was received")

    def _fetch(self, waiting: Waiting) -> None:
        """Pull an envelope and keep its bytes; what cannot be read at all is kept too."""
        raw = self._source.pull(waiting.number)
        reach("hub.pulled")
        try:
            header = read_received(raw).header
        except GatewayError:  # kept all the same; the decision will say what is wrong with it
            header = waiting.header
        if header.hub_delivery_number not in {"", waiting.number}:
            raise DeliveryError("IMG-8003", where=waiting.number, found=f"envelope {header.hub_delivery_number}")
        now = self._context.clock()
        new = NewImport(
            id=new_id(now),
            partner=waiting.partner.id,
            hub_number=waiting.number,
            from_country=header.sender[:MAX_FIELD],
            to_country=header.to[:MAX_FIELD],
            certificate_type=header.certificate_type,
            certificate_status=header.certificate_status,
            certificate_number=header.certificate_number[:MAX_FIELD],
            envelope=raw,
            received_at=now,
        )
        self._context.store.write(lambda connection: add_import(connection, new))
        reach("hub.stored")

    def _decide(self, partner: Partner, row: ImportRow, arrive: Arrival | None = None) -> None:
        with self._context.store.read() as connection:
            raw = import_envelope_bytes(connection, row.id)
        assert raw is not None
        now = self._context.clock()
        try:
            self._look_inside(partner, row, raw, now, arrive)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - see below
            # A defect of ours must neither lose the envelope nor hold up the ones behind it.
            _log.exception("hub.defect", number=row.hub_number, partner=partner.id)
            held = ImportOutcome(ImportState.HELD, "IMG-9002", f"Internal error: {type(error).__name__}")
            self._context.store.write(lambda connection: self._settle(connection, row, held, (), now))

    def _look_inside(self, partner: Partner, row: ImportRow, raw: bytes, now: datetime, arrive: Arrival | None) -> None:
        results: tuple[str, ...] = ()
        try:
            envelope = read_received(raw)
            if envelope.content:  # before the content is decoded: a large one is in memory less often then
                results = self._results(row, envelope.content)
            content = decode_content(envelope.content, limits=self._context.limits)
            header = replace(envelope.header, hub_delivery_number=row.hub_number)
            del envelope
        except GatewayError as refusal:
            text = " | ".join(part for part in (refusal.message, refusal.where, refusal.found) if part)
            unreadable = ImportOutcome(ImportState.UNREADABLE, refusal.code, text)
            self._context.store.write(lambda connection: self._settle(connection, row, unreadable, (), now))
            return
        if content.root.tag == ACKNOWLEDGEMENT:
            self._context.store.write(
                lambda connection: self._settle(
                    connection, row, take_response(connection, partner, row, content.root, now), (), now
                )
            )
            return
        take_envelope(
            self._context,
            partner,
            self._received(header, content, raw),
            settle=lambda connection, outcome: self._settle(connection, row, outcome, results, now, arrive),
            now=now,
        )

    def _results(self, row: ImportRow, content: bytes) -> tuple[str, ...]:
        """What validation found and the sender should know, one line each; the hub validates ePhytos alone."""
        if str(row.certificate_type) not in PHYTOSANITARY_TYPES:
            return ()
        return tuple(
            f"{result.level} {result.area} {result.field}: {result.msg}"
            for result in self._validate(content)
            if result.level in WORTH_TELLING
        )

    def _received(self, header: EnvelopeHeader, content: Content, raw: bytes) -> ReceivedEnvelope:
        return ReceivedEnvelope(
            header=header,
            content=content,
            raw=raw,
            operation=self._source.operation,
            authenticated_by=self._source.authenticated_by,
        )

    def _settle(
        self,
        connection: Connection,
        row: ImportRow,
        outcome: ImportOutcome,
        results: Sequence[str],
        now: datetime,
        arrive: Arrival | None = None,
    ) -> None:
        """Write the decision down; undoes everything where another process decided meanwhile."""
        verdict, message = verdict_on(outcome, results)
        decided = decide_import(
            connection,
            row.id,
            state=outcome.state,
            verdict=verdict,
            message=message,
            code=outcome.code,
            exchange_id=outcome.exchange_id or None,
            now=now,
        )
        if not decided:
            raise Undo(Recorded(RecordedKind.REPEAT))
        keep_in_step(connection, self._context, row, outcome, now=now, arrive=arrive)

    def _acknowledge(self, row: ImportRow) -> None:
        """Tell the hub. A refusal is fine when the hub has it already: that is what an interrupted run looks like."""
        now = self._context.clock()
        try:
            self._source.acknowledge(row.hub_number, row.verdict, row.message, now=now)
        except GatewayError as refusal:
            if not concerns_one_envelope(refusal) or self._source.state(row.hub_number) not in FINAL:
                raise
            _log.info("hub.acknowledged_before", number=row.hub_number, code=refusal.code)
        reach("hub.acknowledged")
        self._context.store.write(lambda connection: mark_acknowledged(connection, row.id, now))

    def _find(self, partner: Partner, number: str) -> ImportRow | None:
        with self._context.store.read() as connection:
            return find_import(connection, partner.id, number)

    def _current(self, partner: Partner, row: ImportRow) -> ImportRow:
        current = self._find(partner, row.hub_number)
        assert current is not None
        return current


def _told(raw: bytes) -> tuple[EnvelopeHeader, object] | None:
    """What an envelope says, without what the hub writes around it; None when it cannot be read."""
    try:
        envelope = read_received(raw)
    except GatewayError:
        return None
    return replace(envelope.header, tracking="", error_message="", forwardings=()), envelope.content


def concerns_one_envelope(error: GatewayError) -> bool:
    """Whether the next envelope may fare better: neither our own store nor the way to the hub is to blame."""
    return not isinstance(error, Unavailable) and error.code not in _SILENCE
