"""Files that certificates cite: uploaded first, cited by number, fetched by who may read the CHED (DIGEST 5.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.ched.access import Sight, is_shown_masked, sight_of
from gateway.ched.single_use import keep_values, values_kept
from gateway.errors import AccessDenied, AuthenticationFailed, ChedRefused, Unavailable
from gateway.store import (
    NewAttachment,
    Recorded,
    add_attachment,
    attachment_content,
    cheds_citing,
    find_attachment,
    find_attachment_upstream,
)
from gateway.traces.models import Attachment, AttachmentReference

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.ched.models import Actor
    from gateway.exchange import Context
    from gateway.soap import SoapCall
    from gateway.store import AttachmentRow, Nonce

__all__ = ["AttachmentSource", "Attachments", "may_read_file"]

_UNKNOWN_TYPE = "application/octet-stream"
_AWAY = "IMG-9010"


class AttachmentSource(Protocol):
    """The instance upstream, which keeps the files of its CHEDs itself.

    Every method raises Unavailable IMG-9010 when it does not answer, and another GatewayError when it refuses.
    """

    def submit_attachment(self, attachment: Attachment, actor: Actor) -> AttachmentReference:
        """Hand a file over."""

    def attachment(self, reference: AttachmentReference, actor: Actor) -> Attachment:
        """Fetch one."""


class Attachments:
    """The files of this instance.

    Args:
        context: the services.
        source: the instance upstream; None in the TRACES role.
        contingency: whether a file is kept here, with a number of ours, while the upstream is away.
    """

    def __init__(self, context: Context, *, source: AttachmentSource | None = None, contingency: bool = False) -> None:
        self._context = context
        self._source = source
        self._contingency = contingency

    def submit(self, actor: Actor, attachment: Attachment, call: SoapCall) -> AttachmentReference:
        """Keep a file, and give the number that certificates cite it by: the upstream's where there is one.

        Raises:
            ChedRefused: IMG-7301 it has no content, or no name that a reader can save it by.
            AuthenticationFailed: IMG-2003 the message was seen before.
            GatewayError: as the upstream refused.
            Unavailable: IMG-9010, the upstream is away, and nothing is taken for later.
        """
        if not attachment.content or not _is_file_name(attachment.file_name):
            name = attachment.file_name or "no name"
            raise ChedRefused("IMG-7301", where="Attachment", found=name, expected="a name without a path, and content")
        if self._source is not None:
            keep_values(self._context.store, actor)
            with values_kept():
                upstream = self._hand_over(self._source, actor, attachment)
                return self._keep(actor, attachment, call, upstream, nonces=())
        return self._keep(actor, attachment, call, "", nonces=actor.principal.nonces)

    def get(self, actor: Actor, asked: AttachmentReference) -> Attachment:
        """A file, for who uploaded it and for who may read a CHED that cites it.

        Raises:
            ChedRefused: IMG-7302 there is none of this number and name.
            AccessDenied: IMG-2110.
        """
        with self._context.store.read() as connection:
            row = self._find(connection, asked)
            if row is not None and may_read_file(connection, actor, row):
                content = attachment_content(connection, row.document_id)
                return Attachment(row.name, content or b"", row.content_type, row.created_at)
        if row is not None and not row.upstream:
            raise AccessDenied("IMG-2110", where="DocumentId", found=str(asked.document_id))
        if self._source is not None:  # what the upstream has too, it judges by the CHEDs that cite it there
            if is_shown_masked(actor):
                raise AccessDenied("IMG-2110", where="DocumentId", found=str(asked.document_id))
            return self._source.attachment(asked, actor)
        raise ChedRefused("IMG-7302", where="DocumentId", found=f"{asked.document_id} {asked.file_name}")

    def _keep(
        self, actor: Actor, attachment: Attachment, call: SoapCall, upstream: str, *, nonces: tuple[Nonce, ...]
    ) -> AttachmentReference:
        new = NewAttachment(
            name=attachment.file_name,
            content_type=attachment.content_type or _UNKNOWN_TYPE,
            content=attachment.content,
            partner=actor.principal.partner.id,
            body=actor.body.id if actor.body is not None else "",
            upstream=upstream,
        )
        kept: AttachmentRow | Recorded = self._context.store.write(
            lambda connection: add_attachment(connection, new, at=call.received_at, nonces=nonces)
        )
        if isinstance(kept, Recorded):
            raise AuthenticationFailed("IMG-2003", found=kept.detail)
        return AttachmentReference(kept.name, int(upstream) if upstream else kept.document_id)

    def _hand_over(self, source: AttachmentSource, actor: Actor, attachment: Attachment) -> str:
        try:
            return str(source.submit_attachment(attachment, actor).document_id)
        except Unavailable as away:
            if self._contingency and away.code == _AWAY:
                return ""
            raise

    def _find(self, connection: Connection, asked: AttachmentReference) -> AttachmentRow | None:
        """By the upstream's number first: ours stand beside them only for files that it does not have yet."""
        row = find_attachment_upstream(connection, str(asked.document_id)) if self._source is not None else None
        if row is None:
            row = find_attachment(connection, asked.document_id)
            if row is not None and row.upstream:
                row = None
        return row if row is not None and row.name == asked.file_name else None


def may_read_file(connection: Connection, actor: Actor, row: AttachmentRow) -> bool:
    """Whether the actor uploaded a file, or may read a CHED that cites it.

    Only such a citation is kept: else whoever writes a number into a CHED of its own could read that file.
    """
    body = actor.body.id if actor.body is not None else ""
    if row.partner == actor.principal.partner.id and row.body == body:
        return True
    citing = cheds_citing(connection, row.document_id)
    return any(sight_of(actor, ched) in (Sight.FULL, Sight.ENTRY) for ched in citing)


def _is_file_name(name: str) -> bool:
    """Whether a client that saves a file by its name keeps to its own folder, whatever its system."""
    return bool(name) and name not in {".", ".."} and name.isprintable() and not set(name) & set('/\\:*?"<>|')
