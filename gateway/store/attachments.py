"""Files that documents cite by a number (CertificateAttachments, box I.9)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.store.ched_tables import attachment_parts, attachments
from gateway.store.identifiers import from_text, to_text
from gateway.store.journal import claim_nonces, record_audit
from gateway.store.portions import InsertLarge
from gateway.store.statements import Statement, insert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.store.records import Nonce

__all__ = [
    "AttachmentRow",
    "NewAttachment",
    "add_attachment",
    "attachment_content",
    "find_attachment",
    "find_attachment_upstream",
    "set_attachment_upstream",
]

_COLUMNS = "document_id, name, content_type, size, digest, partner, body, upstream, created_at"

_insert = insert(attachments, otherwise=f"RETURNING {_COLUMNS}")
_insert_parts = InsertLarge(attachment_parts, "content")
_find = Statement(f"SELECT {_COLUMNS} FROM attachments WHERE document_id = :document_id")  # noqa: S608 - names above
_find_upstream = Statement(
    f"SELECT {_COLUMNS} FROM attachments WHERE upstream = :upstream AND upstream <> '' "  # noqa: S608 - names above
    "ORDER BY document_id DESC LIMIT 1"
)
_content = Statement("SELECT content FROM attachment_parts WHERE document_id = :document_id")
_set_upstream = Statement("UPDATE attachments SET upstream = :upstream WHERE document_id = :document_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttachment:
    """A file that somebody uploads."""

    name: str
    content_type: str
    content: bytes
    partner: str
    body: str = ""
    upstream: str = ""
    """Its document id at the instance upstream, where it is there too."""


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """A file, without its bytes."""

    document_id: int
    name: str
    content_type: str
    size: int
    """Bytes."""
    digest: bytes
    """SHA-256."""
    partner: str
    body: str
    upstream: str
    created_at: datetime


def add_attachment(
    connection: Connection, new: NewAttachment, *, at: datetime, nonces: tuple[Nonce, ...] = ()
) -> AttachmentRow:
    """Keep a file; its ``document_id`` is what documents cite. Call inside `Store.write`.

    A nonce that was used before undoes the unit: `Store.write` then returns a `Recorded` of kind REPLAY.
    """
    claim_nonces(connection, new.partner, nonces)
    found = _insert(
        connection,
        name=new.name,
        content_type=new.content_type,
        size=len(new.content),
        digest=hashlib.sha256(new.content).digest(),
        partner=new.partner,
        body=new.body,
        upstream=new.upstream,
        created_at=to_text(at),
    ).fetchone()
    row = _row(found)
    _insert_parts(connection, document_id=row.document_id, content=new.content)
    about = {"body": row.body, "size": row.size}
    subject = f"attachment/{row.document_id}"
    record_audit(connection, at=at, actor=new.partner, action="attachment added", subject=subject, detail=about)
    return row


def find_attachment(connection: Connection, document_id: int) -> AttachmentRow | None:
    """The file of that number, without its bytes."""
    found = _find(connection, document_id=document_id).fetchone()
    return _row(found) if found else None


def find_attachment_upstream(connection: Connection, upstream: str) -> AttachmentRow | None:
    """The file that has this number at the instance upstream."""
    found = _find_upstream(connection, upstream=upstream).fetchone()
    return _row(found) if found else None


def attachment_content(connection: Connection, document_id: int) -> bytes | None:
    """The bytes of a file."""
    found = _content(connection, document_id=document_id).fetchone()
    return bytes(found[0]) if found else None


def set_attachment_upstream(connection: Connection, document_id: int, upstream: str) -> bool:
    """Note the number that the instance upstream gave; False when there is no such file."""
    return bool(_set_upstream(connection, document_id=document_id, upstream=upstream).rowcount)


def _row(values: Any) -> AttachmentRow:
    document_id, name, content_type, size, digest, partner, body, upstream, created_at = values
    created = from_text(created_at)
    return AttachmentRow(document_id, name, content_type, size, bytes(digest), partner, body, upstream, created)
