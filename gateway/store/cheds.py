"""Writing CHEDs: one call, one transaction, and one winner.

A change is judged for a version of the CHED and made only to that version. The same message again is answered with
the first acknowledgement for as long as its CHED lives; what ends a CHED releases its messages.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from gateway.faultpoints import reach
from gateway.store import tables
from gateway.store.ched_rows import to_columns
from gateway.store.ched_tables import ched_attachments, ched_links, ched_parts, ched_seals, ched_versions, cheds
from gateway.store.ched_terms import terms_of
from gateway.store.identifiers import released_key, repeat_key, seal_hash, to_text
from gateway.store.journal import claim_nonces, insert_exchange, record_audit
from gateway.store.portions import InsertLarge
from gateway.store.records import Conflict, Outcome, Recorded, RecordedKind
from gateway.store.statements import Statement, insert
from gateway.store.writer import Undo

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.store.ched_records import ChedEvidence, ChedWrite

__all__ = ["allocate_number", "ched_repeat_key", "find_ched_repeat", "record_ched"]

_TERMS_AT_ONCE = 200
_UNLESS_THERE = "ON CONFLICT DO NOTHING"
_CHANGED = tuple(
    column.name for column in cheds.columns if column.name not in {"seq", "id", "content_id", "updated_at"}
)

_next_number = Statement(
    "INSERT INTO ched_numbers (type, country, year, last) VALUES (:type, :country, :year, 1) "
    "ON CONFLICT (type, country, year) DO UPDATE SET last = ched_numbers.last + 1 RETURNING last"
)
_insert_ched = insert(cheds, otherwise=f"{_UNLESS_THERE} RETURNING seq")
_change_ched = Statement(
    f"UPDATE cheds SET {', '.join(f'{name} = :{name}' for name in _CHANGED)}, "  # noqa: S608 - names come from the table definition
    # never back: a seal is written with the moment that its maker read, and a customs document may have come meanwhile
    "updated_at = CASE WHEN updated_at > :updated_at THEN updated_at ELSE :updated_at END, "
    "content_id = coalesce(:content_id, content_id) WHERE id = :id AND version = :expected_version"
)
_select_state = Statement("SELECT seq, version, terms FROM cheds WHERE id = :id")
_select_holder = Statement("SELECT id FROM cheds WHERE reference = :reference AND reference <> '' AND id <> :id")
_insert_version = insert(ched_versions)
_insert_parts = insert(ched_parts)  # clustered by its id, for `read_ched_by_reference`: so without `InsertLarge`
_select_tests = Statement(
    "SELECT p.laboratory_tests FROM ched_versions v JOIN ched_parts p ON p.version_id = v.id "
    "WHERE v.ched_id = :ched_id ORDER BY v.number DESC LIMIT 1"
)
_insert_seal = InsertLarge(ched_seals, "content")
_insert_link = insert(ched_links, otherwise=_UNLESS_THERE)
_insert_citation = insert(ched_attachments, otherwise=_UNLESS_THERE)
_insert_exchange_parts = InsertLarge(tables.exchange_parts, "request", "content", "translated")
_insert_seal_value = insert(tables.seal_values, otherwise=_UNLESS_THERE)
_select_seal_value = Statement("SELECT partner FROM seal_values WHERE value_hash = :value_hash")
_select_repeat = Statement(
    "SELECT e.id, e.contract, p.acknowledgement FROM exchanges e JOIN exchange_parts p ON p.exchange_id = e.id "
    "WHERE e.idempotency_key = :key"
)
_select_keys = Statement(
    "SELECT e.id, e.idempotency_key FROM ched_versions v JOIN exchanges e ON e.id = v.exchange_id "
    "WHERE v.ched_id = :ched_id"
)
_set_key = Statement("UPDATE exchanges SET idempotency_key = :key WHERE id = :id")


def ched_repeat_key(*, partner: str, operation: str, body: str, digest: bytes) -> bytes:
    """What makes two messages about CHEDs the same: who, for which body, what is asked, and the canonical document."""
    return repeat_key("ched", partner, operation, body, digest=digest)


def allocate_number(connection: Connection, *, type: str, country: str, year: int) -> int:  # noqa: A002 - CHED type
    """The next number of I.2 for this type, country and year; 1 for the first. Call inside `Store.write`.

    Undone with its unit of work; no number is given twice.
    """
    number: int = _next_number(connection, type=type, country=country, year=year).fetchone()[0]
    return number


def find_ched_repeat(connection: Connection, key: bytes) -> Recorded | None:
    """What a message with this repeat key was answered with, as REPEAT; None when it is new."""
    found = _select_repeat(connection, key=key).fetchone()
    return Recorded(RecordedKind.REPEAT, found[0], bytes(found[2]), contract=found[1]) if found else None


def record_ched(connection: Connection, write: ChedWrite) -> Recorded:
    """Write one change of one CHED with all that belongs to it. Call inside `Store.write`.

    Several may be in one unit of work, so that a CHED and the one that it replaces change together.

    Returns:
        NEW: written. REPEAT: the same message was accepted before; nothing was written but its fresh nonces and a row
        of outcome ``repeat``, and ``acknowledgement`` is the first one's.
        By way of `Undo`, with the whole unit undone: REPLAY, a nonce was used before; CONFLICT with STATE (the CHED
        has moved on from ``expected_version``, is there already, or its reference is another's; ``detail`` says
        which), SEAL_VALUE or MESSAGE_ID. Record the refusal with `record_refusal` in a unit of its own.
    """
    if write.evidence is not None:
        claim_nonces(connection, write.partner, write.evidence.nonces)
        if (repeat := _claim_exchange(connection, write, write.evidence)) is not None:
            return repeat
    _claim_seals(connection, write)
    reach("ched.exchange")
    number = _move(connection, write)
    reach("ched.moved")
    _add_version(connection, write, number)
    if write.terminal:
        _release(connection, write.row.id)
    about = {"ched": write.row.id, "reference": write.row.reference, "status": write.row.status_code, **write.detail}
    _audit(connection, write, f"{write.operation} {Outcome.ACCEPTED}", write.version_id, about)
    reach("ched.recorded")
    evidence = write.evidence
    return Recorded(
        RecordedKind.NEW,
        write.version_id if evidence else "",
        evidence.acknowledgement if evidence else b"",
        contract=evidence.contract if evidence else "",
    )


def _claim_exchange(connection: Connection, write: ChedWrite, evidence: ChedEvidence) -> Recorded | None:
    key = evidence.repeat_key or released_key(b"", write.version_id)
    if not _add_exchange(connection, write, evidence, Outcome.ACCEPTED, key=key):
        found = find_ched_repeat(connection, key)
        if found is None:
            _conflict(Conflict.MESSAGE_ID, evidence.sender_message_id or "")
        _add_exchange(connection, write, evidence, Outcome.REPEAT, repeat_of=found.exchange_id)
        about = {"of": found.exchange_id}
        _audit(connection, write, f"{evidence.operation} {Outcome.REPEAT}", write.version_id, about)
        return found
    _insert_exchange_parts(
        connection,
        exchange_id=write.version_id,
        acknowledgement=evidence.acknowledgement,
        translation_report=evidence.translation_report,
        findings=evidence.findings,
        seal_verdict=evidence.seal_verdict,
        timestamp_token=None,
        certificates=None,
        request=evidence.request,
        content=None,
        translated=None,
    )
    return None


def _add_exchange(
    connection: Connection,
    write: ChedWrite,
    evidence: ChedEvidence,
    outcome: Outcome,
    *,
    key: bytes | None = None,
    repeat_of: str | None = None,
) -> int:
    return insert_exchange(
        connection,
        id=write.version_id,
        partner=write.partner,
        contract=evidence.contract,
        operation=evidence.operation,
        outcome=outcome,
        subject=write.row.reference or write.row.local_reference or write.row.id,
        sender_message_id=evidence.sender_message_id,
        idempotency_key=key,
        repeat_of=repeat_of,
        error_code=None,
        error_detail=None,
        transport=json.dumps(evidence.transport),
        received_at=to_text(write.at),
    ).rowcount


def _claim_seals(connection: Connection, write: ChedWrite) -> None:
    """A signature value belongs to whom it came from first. The same partner may send it again: with a later part."""
    if write.evidence is None:
        return
    for seal in write.seals:
        if seal.value is None:
            continue
        value_hash = seal_hash(seal.value)
        claimed = _insert_seal_value(
            connection, value_hash=value_hash, partner=write.partner, exchange_id=write.version_id
        )
        if not claimed.rowcount:
            (owner,) = _select_seal_value(connection, value_hash=value_hash).fetchone()
            if owner != write.partner:
                _conflict(Conflict.SEAL_VALUE, seal.role)


def _move(connection: Connection, write: ChedWrite) -> int:
    """Create the CHED or move it on, if it still is where the caller saw it; returns the number of the version."""
    terms = terms_of(write.row)
    values = {**to_columns(write.row), "terms": json.dumps(sorted(terms))}
    if write.expected_version is None:
        added = _insert_ched(connection, **values, version=1, content_id=write.version_id).fetchone()
        if added is None:
            _lost(connection, write)
        _change_terms(connection, added[0], frozenset(), terms)
        return 1
    found = _select_state(connection, id=write.row.id).fetchone()
    if found is None:
        _conflict(Conflict.STATE, "not there")
    seq, version, known = found
    number = write.expected_version + 1
    if version != write.expected_version or _reference_of_another(connection, write):
        _lost(connection, write)
    content_id = write.version_id if write.content is not None else None
    moved = _change_ched(
        connection, **values, version=number, content_id=content_id, expected_version=write.expected_version
    )
    if not moved.rowcount:
        _lost(connection, write)
    _change_terms(connection, seq, frozenset(json.loads(known)), terms)
    return number


def _change_terms(connection: Connection, seq: int, known: frozenset[str], wanted: frozenset[str]) -> None:
    for change, terms in ((_delete_terms, known - wanted), (_insert_terms, wanted - known)):
        ordered = sorted(terms)
        for start in range(0, len(ordered), _TERMS_AT_ONCE):
            part = ordered[start : start + _TERMS_AT_ONCE]
            change(len(part))(connection, seq=seq, **{f"term_{number}": term for number, term in enumerate(part)})


@cache
def _insert_terms(count: int) -> Statement:
    """Of so many at once: a question each would cost PostgreSQL more than all else."""
    values = ", ".join(f"(:term_{number}, :seq)" for number in range(count))
    return Statement(f"INSERT INTO ched_terms (term, seq) VALUES {values}")  # noqa: S608 - numbers


@cache
def _delete_terms(count: int) -> Statement:
    names = ", ".join(f":term_{number}" for number in range(count))
    return Statement(f"DELETE FROM ched_terms WHERE term IN ({names}) AND seq = :seq")  # noqa: S608 - numbers


def _add_version(connection: Connection, write: ChedWrite, number: int) -> None:
    _insert_version(
        connection,
        id=write.version_id,
        ched_id=write.row.id,
        number=number,
        exchange_id=write.version_id if write.evidence else None,
        status_code=write.row.status_code,
        part=write.part,
        operation=write.operation,
        partner=write.partner,
        body=write.body,
        digest=write.digest,
        at=to_text(write.at),
        tables=write.tables,
    )
    if write.content is not None:
        tests = write.laboratory_tests
        if tests is None and number > 1:
            found = _select_tests(connection, ched_id=write.row.id).fetchone()
            tests = found[0] if found is not None else None
        _insert_parts(
            connection,
            version_id=write.version_id,
            laboratory_tests=tests,
            original=write.original,
            content=write.content,
        )
    for place, seal in enumerate(write.seals, start=1):
        _insert_seal(
            connection,
            version_id=write.version_id,
            number=place,
            role=seal.role,
            verdict=seal.verdict,
            content=seal.content,
        )
    for link in write.links:
        _insert_link(connection, ched_id=write.row.id, relation=link.relation, reference=link.reference)
    for document_id in write.attachments:
        _insert_citation(connection, document_id=document_id, ched_id=write.row.id)


def _release(connection: Connection, ched_id: str) -> None:
    for exchange_id, key in _select_keys(connection, ched_id=ched_id).fetchall():
        _set_key(connection, id=exchange_id, key=released_key(bytes(key), exchange_id))


def _reference_of_another(connection: Connection, write: ChedWrite) -> bool:
    return _select_holder(connection, id=write.row.id, reference=write.row.reference).fetchone() is not None


def _lost(connection: Connection, write: ChedWrite) -> NoReturn:
    """Say why: the reference is another's, or the CHED has moved on (or is there, when it was to be new)."""
    if _reference_of_another(connection, write):
        _conflict(Conflict.STATE, "reference taken")
    found = _select_state(connection, id=write.row.id).fetchone()
    _conflict(Conflict.STATE, f"version {found[1]}" if found else "not there")


def _audit(connection: Connection, write: ChedWrite, action: str, subject: str, detail: dict[str, Any]) -> None:
    about = {"body": write.body, **detail} if write.body else detail
    record_audit(connection, at=write.at, actor=write.partner, action=action, subject=subject, detail=about)


def _conflict(conflict: Conflict, detail: str = "") -> NoReturn:
    raise Undo(Recorded(RecordedKind.CONFLICT, conflict=conflict, detail=detail))
