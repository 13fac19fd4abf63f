"""Where everything that must survive is kept: SQLite or PostgreSQL, one set of promises (ARCHITECTURE section 7)."""

from gateway.store.identifiers import idempotency_key, new_id
from gateway.store.records import Conflict, DocumentKey, Form, Nonce, Recorded, RecordedKind, Refusal, Submission
from gateway.store.schema import current, head, upgrade
from gateway.store.store import Store, open_store
from gateway.store.submissions import record_audit, record_read, record_refusal, record_submission
from gateway.store.writer import Undo

__all__ = [
    "Conflict",
    "DocumentKey",
    "Form",
    "Nonce",
    "Recorded",
    "RecordedKind",
    "Refusal",
    "Store",
    "Submission",
    "Undo",
    "current",
    "head",
    "idempotency_key",
    "new_id",
    "open_store",
    "record_audit",
    "record_read",
    "record_refusal",
    "record_submission",
    "upgrade",
]
