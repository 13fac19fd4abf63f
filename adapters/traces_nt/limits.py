"""What a reply of TRACES may be: as any message, and one file in it may be nearly all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.xml.limits import DEFAULT_LIMITS
from gateway.xml.names import ATT1, CERTBASE1, qn

__all__ = ["REPLY_LIMITS"]

REPLY_LIMITS: Final = replace(
    DEFAULT_LIMITS,
    max_bytes=2 * DEFAULT_LIMITS.max_bytes,
    max_elements=300_000,
    max_attributes=300_000,
    large_text=DEFAULT_LIMITS.large_text | {qn(CERTBASE1, "Attachment"), qn(ATT1, "Attachment")},
    max_large_text=2 * DEFAULT_LIMITS.max_bytes,
)
"""PDFs and attachments come as base64 in one element.

More than a request may be: what was just taken comes back with more around it, and a file as base64 that came beside
the envelope. A reply that is too large would look like an outage of TRACES, which whoever made the CHED could cause.
"""
