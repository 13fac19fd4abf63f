"""Reading CHEDs one by one: by id, by reference, with their bytes, versions, seals and links."""

from __future__ import annotations

from functools import cache
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from gateway.store.ched_records import ChedLinkRow, ChedParts, ChedSeal, ChedTranslation, ChedVersionRow
from gateway.store.ched_rows import COLUMNS, NAMES, from_columns
from gateway.store.ched_terms import document_term
from gateway.store.identifiers import from_text
from gateway.store.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from sqlalchemy import Connection

    from gateway.store.ched_records import ChedRow

__all__ = [
    "ched_by_reference",
    "ched_content",
    "ched_links",
    "ched_of_exchange",
    "ched_seals",
    "ched_version_content",
    "ched_versions",
    "cheds_accompanied_by",
    "cheds_by_local_reference",
    "cheds_by_references",
    "cheds_citing",
    "cheds_linking_to",
    "find_ched_translation",
    "get_ched",
    "pending_cheds",
    "read_ched_by_reference",
]

_SELECT = f"SELECT {COLUMNS} FROM cheds c "  # noqa: S608 - names come from the table definition
_PARTS = "p.content, p.original, p.laboratory_tests"
_BY_REFERENCE = "WHERE c.reference = :reference AND c.reference <> ''"

_AT_ONCE = 200
_REFERENCE = attrgetter("reference")
_LOOKED_AT = 1_000
"""CHEDs with a document of one number: more have a number that says nothing, as "-"."""

_by_id = Statement(f"{_SELECT}WHERE c.id = :id")
_by_reference = Statement(f"{_SELECT}{_BY_REFERENCE}")
_by_reference_with_parts = Statement(
    f"SELECT {COLUMNS}, {_PARTS} FROM cheds c JOIN ched_parts p ON p.version_id = c.content_id {_BY_REFERENCE}"  # noqa: S608 - as above
)
_by_local_reference = Statement(
    f"{_SELECT}WHERE c.local_reference = :local_reference AND c.local_reference <> '' ORDER BY c.seq DESC"
)
_by_exchange = Statement(f"{_SELECT}JOIN ched_versions v ON v.ched_id = c.id WHERE v.exchange_id = :exchange_id")
_pending = Statement(f"{_SELECT}WHERE c.pending <> '' AND c.seq > :after ORDER BY c.seq LIMIT :limit")
_citing = Statement(
    f"{_SELECT}JOIN ched_attachments a ON a.ched_id = c.id WHERE a.document_id = :document_id ORDER BY c.seq"
)
_accompanied = Statement(
    f"SELECT {COLUMNS} FROM ched_terms t JOIN cheds c ON c.seq = t.seq WHERE t.term = :term "  # noqa: S608 - as above
    f"ORDER BY t.seq DESC LIMIT {_LOOKED_AT}"
)
_linking = Statement(
    f"SELECT {COLUMNS}, l.relation FROM cheds c JOIN ched_links l ON l.ched_id = c.id "  # noqa: S608 - as above
    "WHERE l.reference = :reference ORDER BY c.seq, l.relation"
)
_links = Statement("SELECT relation, reference FROM ched_links WHERE ched_id = :ched_id ORDER BY relation, reference")
_content = Statement(f"SELECT {_PARTS} FROM ched_parts p WHERE p.version_id = :version_id")  # noqa: S608 - as above
_versions = Statement(
    "SELECT id, ched_id, number, exchange_id, status_code, part, operation, partner, body, digest, at, tables "
    "FROM ched_versions WHERE ched_id = :ched_id ORDER BY number"
)
_translation = Statement(
    "SELECT v.partner, v.tables, v.at, (SELECT max(q.updated_at) FROM quarantine q "
    "WHERE q.exchange_id = v.exchange_id AND q.state = 'released'), p.original, e.translation_report "
    "FROM ched_versions v LEFT JOIN ched_parts p ON p.version_id = v.id "
    "LEFT JOIN exchange_parts e ON e.exchange_id = v.exchange_id "
    "WHERE v.exchange_id = :exchange_id"
)
_seals = Statement(
    "SELECT s.version_id, s.role, s.content, s.verdict FROM ched_versions v JOIN ched_seals s ON s.version_id = v.id "
    "WHERE v.ched_id = :ched_id ORDER BY v.number, s.number"
)


def get_ched(connection: Connection, ched_id: str) -> ChedRow | None:
    """The CHED of that id of ours."""
    return _one(_by_id(connection, id=ched_id).fetchone())


def ched_by_reference(connection: Connection, reference: str) -> ChedRow | None:
    """The CHED of that I.2."""
    return _one(_by_reference(connection, reference=reference).fetchone())


def cheds_by_references(connection: Connection, references: Iterable[str]) -> Iterator[ChedRow]:
    """The CHEDs of these I.2, in the order of the references; read in portions, as far as they are asked for."""
    wanted = sorted(set(references) - {""})
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        names = {f"name_{number}": name for number, name in enumerate(part)}
        yield from sorted(_all(_by_references(len(part))(connection, **names).fetchall()), key=_REFERENCE)


@cache
def _by_references(count: int) -> Statement:
    names = ", ".join(f":name_{number}" for number in range(count))
    return Statement(f"{_SELECT}WHERE c.reference IN ({names}) AND c.reference <> ''")


def read_ched_by_reference(connection: Connection, reference: str) -> tuple[ChedRow, ChedParts] | None:
    """The CHED of that I.2 with its document as it stands."""
    found = _by_reference_with_parts(connection, reference=reference).fetchone()
    return (from_columns(found[: len(NAMES)]), _parts(found[len(NAMES) :])) if found else None


def cheds_by_local_reference(
    connection: Connection, local_reference: str, *, partner: str | None = None
) -> tuple[ChedRow, ...]:
    """The CHEDs of that I.3, newest first; those that one partner created."""
    rows = _all(_by_local_reference(connection, local_reference=local_reference).fetchall())
    return tuple(row for row in rows if partner is None or row.partner == partner)


def ched_of_exchange(connection: Connection, exchange_id: str) -> ChedRow | None:
    """The CHED that this accepted message wrote."""
    return _one(_by_exchange(connection, exchange_id=exchange_id).fetchone())


def pending_cheds(connection: Connection, *, limit: int, after: int = 0) -> tuple[ChedRow, ...]:
    """The CHEDs that wait for something (`ChedRow.pending`), oldest first; ``after`` is the last ``seq`` before."""
    return _all(_pending(connection, limit=limit, after=after).fetchall())


def cheds_citing(connection: Connection, document_id: int) -> tuple[ChedRow, ...]:
    """The CHEDs whose document cites this attachment: who may read one of them may read the file."""
    return _all(_citing(connection, document_id=document_id).fetchall())


def cheds_accompanied_by(connection: Connection, number: str, *, limit: int = 100) -> tuple[ChedRow, ...]:
    """The CHEDs that name a document of this number in box I.9, newest first (`ChedRow.documents`).

    Documents of transport are not looked for, nor are CHEDs last written before the gateway kept their documents.

    Args:
        connection: any.
        number: as the CHED writes it.
        limit: the most that are given.
    """
    found = _all(_accompanied(connection, term=document_term(number)).fetchall())
    fitting = (row for row in found if any(document.number == number for document in row.documents))
    return tuple(islice(fitting, limit))


def ched_content(connection: Connection, row: ChedRow) -> ChedParts | None:
    """The document as it stands."""
    return ched_version_content(connection, row.content_id)


def ched_version_content(connection: Connection, version_id: str) -> ChedParts | None:
    """The bytes that a version brought; None when it brought none."""
    found = _content(connection, version_id=version_id).fetchone()
    return _parts(found) if found else None


def ched_versions(connection: Connection, ched_id: str) -> tuple[ChedVersionRow, ...]:
    """Every write of a CHED, oldest first."""
    return tuple(_version(row) for row in _versions(connection, ched_id=ched_id).fetchall())


def find_ched_translation(connection: Connection, exchange_id: str) -> ChedTranslation | None:
    """How the document of a CHED that a message brought was translated; None when the message wrote no CHED."""
    found = _translation(connection, exchange_id=exchange_id).fetchone()
    if found is None:
        return None
    partner, tables, at, released, original, report = found
    content = bytes(original) if original is not None else None
    return ChedTranslation(partner, tables, from_text(released or at), content, report)


def ched_seals(connection: Connection, ched_id: str) -> tuple[tuple[str, ChedSeal], ...]:
    """The signatures and seals of a CHED, each with the id of the version that brought it, oldest first."""
    return tuple(
        (version_id, ChedSeal(role, bytes(content), verdict))
        for version_id, role, content, verdict in _seals(connection, ched_id=ched_id).fetchall()
    )


def ched_links(connection: Connection, ched_id: str) -> tuple[ChedLinkRow, ...]:
    """The CHEDs that one refers to."""
    return tuple(ChedLinkRow(*row) for row in _links(connection, ched_id=ched_id).fetchall())


def cheds_linking_to(connection: Connection, reference: str) -> tuple[tuple[ChedRow, str], ...]:
    """The CHEDs that refer to this one, each with the relation, oldest first."""
    return tuple((from_columns(row[:-1]), row[-1]) for row in _linking(connection, reference=reference).fetchall())


def _one(found: Any) -> ChedRow | None:
    return from_columns(found) if found else None


def _all(found: list[Any]) -> tuple[ChedRow, ...]:
    return tuple(from_columns(row) for row in found)


def _version(values: Any) -> ChedVersionRow:
    id_, ched_id, number, exchange_id, status_code, part, operation, partner, body, digest, at, tables = values
    return ChedVersionRow(
        id_,
        ched_id,
        number,
        exchange_id,
        status_code,
        part,
        operation,
        partner,
        body,
        bytes(digest),
        from_text(at),
        tables,
    )


def _parts(values: Any) -> ChedParts:
    content, original, laboratory_tests = values
    return ChedParts(
        bytes(content),
        bytes(original) if original is not None else None,
        bytes(laboratory_tests) if laboratory_tests is not None else None,
    )
