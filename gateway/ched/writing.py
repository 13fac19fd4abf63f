"""Commits one change of a CHED with everything that belongs to it: number, links, seals, evidence, receipt.

What a change needs from the network (verifying, sealing) is done before or after; inside the unit of work there is only
the store. The reference of a new CHED is given there, so that a number is never given for a message that is not kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gateway.ched.attachments import may_read_file
from gateway.ched.codes import AsSent
from gateway.ched.links import superseded
from gateway.ched.models import Receipt
from gateway.ched.receipts import receipt_from_bytes, receipt_to_bytes
from gateway.ched.references import MAX_NUMBER, ChedReference, local_reference, url_of
from gateway.ched.rewriting import rewritten
from gateway.ched.rows import country_of, row_of
from gateway.ched.states import DECIDED, STATUS_NAMES, TERMINAL, ChedStatus, Operation
from gateway.errors import AuthenticationFailed, ChedRefused, ExchangeRefused
from gateway.exchange.storing import findings_json
from gateway.store import (
    ChedEvidence,
    ChedLinkRow,
    ChedRow,
    ChedWrite,
    Conflict,
    RecordedKind,
    allocate_number,
    ched_repeat_key,
    find_attachment,
    find_ched_repeat,
    lock_family,
    new_id,
    record_ched,
)
from gateway.xml.canonical import C14n, canonicalise, serialise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.ched.links import Relative
    from gateway.ched.models import Actor
    from gateway.ched.signatures import Evidence
    from gateway.documents.ched import Ched, Part
    from gateway.errors import Finding, GatewayError
    from gateway.exchange.context import ChedFollower
    from gateway.soap import SoapCall
    from gateway.store import AttachmentRow, Recorded, Store

__all__ = ["Change", "Message", "Writer", "conflict_of", "message_digest"]

COUNTER_SEAL = "counter-seal"
"""What is pending while the seal of TRACES is not there (Article 41(2))."""


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody sent."""

    actor: Actor
    call: SoapCall
    operation: Operation
    digest: bytes
    """SHA-256 of its canonical content."""
    repeat_key: bytes
    """By which the same message is known when it comes again."""
    sent: AsSent = field(default_factory=AsSent)
    """Its document as it came, where it came in other codes."""
    laboratory_tests: bytes | None = None
    """The blocks that stand beside the document then; None leaves those that are there."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one CHED, judged and complete but for what only the store can say."""

    message: Message
    ched: Ched
    """As submitted, or as it stands for a change of the status alone."""
    base: Ched
    """As it was read from its tree, before anything was put into it."""
    status: ChedStatus
    before: ChedRow | None
    part: Part | None = None
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    relatives: tuple[Relative, ...] = ()
    """CHEDs that change with it."""
    to_be_sealed: bool = False
    """Whether the register seals what stands then."""
    detail: dict[str, Any] = field(default_factory=dict)


def message_digest(document: _Element, *more: bytes) -> bytes:
    """SHA-256 over the canonical document, and over whatever else tells two messages apart.

    The register leaves signatures out: they are made anew for each attempt at the same decision.
    """
    digest = hashlib.sha256(canonicalise(document, algorithm=C14n.EXCLUSIVE))
    for each in more:
        digest.update(hashlib.sha256(each).digest())
    return digest.digest()


class Writer:
    """Writes changes.

    Args:
        store: where.
        portal: base of the addresses of electronic versions.
        allocates: whether this instance gives references (I.2): in the TRACES role only (R-REF).
        also: what is written in the unit of work of every new change, after it.
        followers: who is told of every write, those of relatives among them, after all of them.
    """

    def __init__(
        self,
        store: Store,
        *,
        portal: str,
        allocates: bool,
        also: Callable[[Connection, ChedWrite], None] | None = None,
        followers: tuple[ChedFollower, ...] = (),
    ) -> None:
        self._store = store
        self._followers = followers
        self._also = also
        self._portal = portal
        self._allocates = allocates

    def repeat_key(self, actor: Actor, operation: str, digest: bytes) -> bytes:
        """What makes a message the same one again."""
        body = actor.body.id if actor.body is not None else ""
        return ched_repeat_key(partner=actor.principal.partner.id, operation=operation, body=body, digest=digest)

    def repeated(self, actor: Actor, call: SoapCall, key: bytes) -> Receipt | None:
        """The receipt of the same message when it came before; its fresh single-use values are kept.

        Raises:
            AuthenticationFailed: IMG-2003.
        """
        with self._store.read() as connection:
            if find_ched_repeat(connection, key) is None:
                return None
        at = call.received_at
        write = ChedWrite(
            version_id=new_id(at),
            row=_nobody(actor, at),
            expected_version=0,
            at=at,
            operation=call.operation,
            partner=actor.principal.partner.id,
            evidence=self._evidence(actor, call, key, b"", ()),
        )
        recorded = self._store.write(lambda connection: _only_a_repeat(connection, write, key))
        return _answered(recorded) if recorded is not None else None

    def commit(self, change: Change) -> tuple[Receipt, ChedRow]:
        """Write the change.

        Returns:
            The receipt, and the row as it was written; for a repeat the first receipt.

        Raises:
            ChedRefused: IMG-7206 somebody else was faster.
            ExchangeRefused: IMG-7007 the signature is another partner's, IMG-7008 the message id was used before.
            AuthenticationFailed: IMG-2003.
        """
        message = change.message
        actor, at = message.actor, message.call.received_at
        version_id = new_id(at)
        chid = change.before.id if change.before is not None else version_id
        written: list[ChedRow] = []

        def unit(connection: Connection) -> Recorded:
            written.clear()
            again = find_ched_repeat(connection, message.repeat_key) is not None
            ched = self._as_it_stands(connection, change, chid, number=not again)
            row = row_of(ched, actor, chid=chid, before=change.before, at=at)
            row = replace(row, pending=COUNTER_SEAL if change.to_be_sealed else "")
            receipt = self._receipt(change, ched, row, version_id)
            write = ChedWrite(
                version_id=version_id,
                row=row,
                expected_version=change.before.version if change.before is not None else None,
                at=at,
                operation=message.operation.value,
                partner=actor.principal.partner.id,
                body=actor.body.id if actor.body is not None else "",
                part=change.part.value if change.part is not None else "",
                content=serialise(rewritten(change.base, ched)),
                original=message.sent.original,
                tables=message.sent.tables,
                laboratory_tests=message.laboratory_tests,
                digest=message.digest,
                seals=tuple(each.stored() for each in change.evidence),
                links=tuple(ChedLinkRow(link.relation, link.reference) for link in ched.previous),
                attachments=_cited(connection, ched, actor),
                evidence=replace(
                    self._evidence(actor, message.call, message.repeat_key, receipt_to_bytes(receipt), change.findings),
                    translation_report=message.sent.report,
                ),
                terminal=change.status in TERMINAL,
                detail=change.detail,
            )
            if self._followers and not again:
                lock_family(connection, _lockable(ched, change))
            recorded = record_ched(connection, write)
            if recorded.kind is RecordedKind.NEW:
                written.append(row)
                writes = [(write, change.before)]
                for relative in change.relatives:
                    writes.append((superseded(relative, ched, actor, new_id(at), at), relative.row))
                    record_ched(connection, writes[-1][0])
                for each, before in writes:
                    for follower in self._followers:
                        follower(connection, each, before)
                if self._also is not None:
                    self._also(connection, write)
            return recorded

        recorded = self._store.write(unit)
        receipt = _answered(recorded)
        return receipt, written[0] if written else _nobody(actor, at)

    def _as_it_stands(self, connection: Connection, change: Change, chid: str, *, number: bool) -> Ched:
        """The CHED with what the register fills in: references, status, dates, who entered it (boxes SYS)."""
        at, ched, before = change.message.call.received_at, change.ched, change.before
        reference = before.reference if before is not None else ""
        if not reference and self._allocates and number:
            reference = str(_next_reference(connection, ched, at.year))
        local = ched.local_reference or (before.local_reference if before is not None else "")
        if not reference and not local:
            local = local_reference(country_of(ched.post), at, chid)
        made = before.created_at if before is not None else at
        return replace(
            ched,
            reference=reference,
            local_reference=local,
            status_code=change.status.value,
            status_name=STATUS_NAMES[change.status],
            issued=ched.issued or made.isoformat(timespec="milliseconds"),
            updated=at.isoformat(timespec="milliseconds"),
            url=url_of(self._portal, reference) if reference else "",
        )

    def _receipt(self, change: Change, ched: Ched, row: ChedRow, version_id: str) -> Receipt:
        return Receipt(
            reference=ched.reference,
            local_reference=ched.local_reference,
            status_code=change.status.value,
            at=change.message.call.received_at,
            url=ched.url,
            documents=ched.documents,
            contingency=bool(ched.contingency),
            pending=row.pending,
            findings=change.findings,
            exchange_id=version_id,
        )

    def _evidence(
        self, actor: Actor, call: SoapCall, key: bytes, acknowledgement: bytes, findings: Sequence[Finding]
    ) -> ChedEvidence:
        return ChedEvidence(
            contract=call.contract,
            operation=call.operation,
            request=call.raw,
            acknowledgement=acknowledgement,
            nonces=actor.principal.nonces,
            repeat_key=key,
            sender_message_id=call.message_id,
            transport={"method": actor.principal.method},
            findings=findings_json(findings),
        )


def _lockable(ched: Ched, change: Change) -> tuple[str, ...]:
    """The CHEDs by which the family is found that this change may move quantities in; none for most changes."""
    own = ched.reference if change.before is not None else ""
    moves = change.relatives or change.status in DECIDED
    cited = (*(link.reference for link in ched.previous), *(each.row.reference for each in change.relatives))
    return tuple(filter(None, (own, *cited))) if moves else ()


def _next_reference(connection: Connection, ched: Ched, year: int) -> ChedReference:
    country = country_of(ched.post)
    if ched.type is None or len(country) != 2:  # noqa: PLR2004 - ISO 3166-1 alpha-2
        raise ChedRefused("IMG-7205", where="I.4", found=country, expected="the country of the border control post")
    number = allocate_number(connection, type=ched.type.value, country=country, year=year)
    if number > MAX_NUMBER:
        raise ChedRefused("IMG-7205", where="I.2", found=str(number), expected="seven digits")
    return ChedReference(ched.type, country, year, number)


def _cited(connection: Connection, ched: Ched, actor: Actor) -> tuple[int, ...]:
    """Attachments here that the CHED names and its writer may read, or that its system uploaded for no body.

    One that is not here is the sender's affair; one of somebody else stays closed to the readers of this CHED.
    """
    numbers = []
    for document in ched.documents:
        scheme, _, number = document.attachment.rpartition(":")
        if scheme == "uri:documentid" and number.isascii() and number.isdigit() and len(number) <= 18:  # noqa: PLR2004 - 64 bits
            numbers.append(int(number))
    cited = []
    for each in dict.fromkeys(numbers):
        file = find_attachment(connection, each)
        if file is not None and (_is_of_system(file, actor) or may_read_file(connection, actor, file)):
            cited.append(each)
    return tuple(cited)


def _is_of_system(file: AttachmentRow, actor: Actor) -> bool:
    return not file.body and file.partner == actor.principal.partner.id


def _only_a_repeat(connection: Connection, write: ChedWrite, key: bytes) -> Recorded | None:
    """Asked again inside the unit: what was a repeat a moment ago may have been released meanwhile."""
    if find_ched_repeat(connection, key) is None:
        return None
    return record_ched(connection, write)


def _answered(recorded: Recorded) -> Receipt:
    match recorded.kind:
        case RecordedKind.NEW | RecordedKind.REPEAT:
            return receipt_from_bytes(recorded.acknowledgement)
        case RecordedKind.REPLAY:
            raise AuthenticationFailed("IMG-2003", found=recorded.detail)
        case RecordedKind.CONFLICT:
            raise conflict_of(recorded.conflict, recorded.detail)
        case RecordedKind.HELD:
            raise ExchangeRefused("IMG-6021", where=recorded.exchange_id)


def conflict_of(conflict: Conflict | None, detail: str) -> GatewayError:
    """What a write met in the store, as a refusal."""
    if conflict is Conflict.SEAL_VALUE:
        return ExchangeRefused("IMG-7007", where="Seal", found=detail)
    if conflict is Conflict.MESSAGE_ID:
        return ExchangeRefused("IMG-7008", where="wsa:MessageID", found=detail)
    return ChedRefused("IMG-7206", where="ID", found=detail)


def _nobody(actor: Actor, at: datetime) -> ChedRow:
    """Stands where a write needs a row and none is written: a repeat."""
    return ChedRow(
        id="",
        type="",
        status_code="",
        partner=actor.principal.partner.id,
        created_at=at,
        updated_at=at,
        status_changed_at=at,
    )
