"""Files that were uploaded while TRACES was away: handed over before the CHED that cites them, once (Article 46(4))."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.documents.ched import read_ched, write_ched
from gateway.store import attachment_content, find_attachment, find_attachment_upstream, set_attachment_upstream
from gateway.traces.models import Attachment
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from adapters.traces_nt import Caller
    from gateway.ched.upstream import Upstream
    from gateway.documents.ched import AccompanyingDocument
    from gateway.store import Store
    from gateway.xml.limits import Limits

__all__ = ["with_files_upstream"]

_SCHEME: Final = "uri:documentid"
_MAX_DIGITS: Final = 18


def with_files_upstream(content: bytes, store: Store, upstream: Upstream, caller: Caller, limits: Limits) -> bytes:
    """The CHED with TRACES' numbers of the files that it cites.

    Args:
        content: ``SPSCertificate``.
        store: where the files are; remembers the numbers, so that a file goes over once.
        upstream: TRACES.
        caller: for whom.
        limits: of documents.

    Raises:
        DeliveryError: as the client.
    """
    ched = read_ched(parse(content, limits=limits).root)
    if not any(each.attachment.startswith(_SCHEME) for each in ched.documents):
        return content
    documents = tuple(_handed_over(each, store, upstream, caller) for each in ched.documents)
    return content if documents == ched.documents else serialise(write_ched(replace(ched, documents=documents)))


def _handed_over(
    document: AccompanyingDocument, store: Store, upstream: Upstream, caller: Caller
) -> AccompanyingDocument:
    scheme, _, number = document.attachment.rpartition(":")
    if scheme != _SCHEME or not (number.isascii() and number.isdigit()) or len(number) > _MAX_DIGITS:
        return document
    with store.read() as connection:
        theirs = find_attachment_upstream(connection, number)
        row = find_attachment(connection, int(number))
        if (theirs is not None and theirs.name == document.file_name) or row is None or row.name != document.file_name:
            return document  # TRACES' own number, or a file that is somebody else's affair
        content = attachment_content(connection, row.document_id) or b""
    if row.upstream:  # it went over in an earlier attempt
        return replace(document, attachment=f"{_SCHEME}:{row.upstream}")
    there = upstream.submit_attachment(Attachment(row.name, content, row.content_type), caller)
    store.write(partial(set_attachment_upstream, document_id=row.document_id, upstream=str(there.document_id)))
    return replace(document, attachment=there.uri)
