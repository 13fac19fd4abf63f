"""The header of every TRACES reply that is no fault (DIGEST 4.4): the number of the request, and a short Timestamp."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from gateway.soap.security import read_instant
from gateway.xml.names import MSG, WSSE, WSU, qn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lxml.etree import _Element

    from gateway.soap import SoapCall

__all__ = ["LIFETIME", "ReplyHeaders", "read_reply_headers", "reply_header", "write_reply_header"]

LIFETIME: Final = timedelta(seconds=5)
"""From Created to Expires, as in every capture."""

_REQUEST_ID: Final = "WS_REQUEST_ID"
_MESSAGE: Final = qn(MSG, "Message")
_MAX_ID: Final = 100


@dataclass(frozen=True, slots=True)
class ReplyHeaders:
    """What the headers of a reply say; each part may be missing."""

    request_id: str = ""
    """The other side's number of the call: what its support asks for."""
    created: datetime | None = None
    """Aware, UTC."""


def reply_header(
    clock: Callable[[], datetime] = lambda: datetime.now(UTC), request_id: Callable[[], uuid.UUID] = uuid.uuid4
) -> Callable[[SoapCall], bytes]:
    """For ``Contract.reply_header``.

    Args:
        clock: aware time at which the reply leaves; written with its own offset, which the platform has local.
        request_id: a fresh number for each reply.
    """

    def header(_call: SoapCall) -> bytes:
        return write_reply_header(clock().astimezone(), request_id())

    return header


def write_reply_header(at: datetime, request_id: uuid.UUID) -> bytes:
    """The two header blocks, serialised; the Timestamp has no Id, as in the captures."""
    created, expires = (moment.isoformat(timespec="milliseconds") for moment in (at, at + LIFETIME))
    return (
        f'<Message xmlns="{MSG}" severity="debugging"><ID>{_REQUEST_ID}</ID><Message>{request_id}</Message></Message>'
        f'<wsse:Security xmlns:wsse="{WSSE}"><wsu:Timestamp xmlns:wsu="{WSU}"><wsu:Created>{created}</wsu:Created>'
        f"<wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp></wsse:Security>"
    ).encode()


def read_reply_headers(blocks: Sequence[_Element]) -> ReplyHeaders:
    """What a reply's headers say; they are for people who look for a call, so nothing in them refuses a reply.

    Raises:
        SoapRefused: IMG-1108 the Timestamp holds no instant.
    """
    request_id, created = "", None
    for block in blocks:
        if block.tag == _MESSAGE and block.findtext(qn(MSG, "ID")) == _REQUEST_ID:
            request_id = (block.findtext(_MESSAGE) or "").strip()[:_MAX_ID]
        elif block.tag == qn(WSSE, "Security"):
            text = block.findtext(f"{qn(WSU, 'Timestamp')}/{qn(WSU, 'Created')}")
            created = None if text is None else read_instant(text.strip(), "wsu:Timestamp/wsu:Created")
    return ReplyHeaders(request_id, created)
