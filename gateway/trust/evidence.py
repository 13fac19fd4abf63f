"""Packs what proves an exchange into one ZIP file (R-42-1): originals, acknowledgement, tokens, certificates, report.

Every file is listed in ``manifest.json`` with its SHA-256 and size, so that ``imsoc verify`` names any that changed.
The same parts give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

__all__ = ["FORMAT", "MANIFEST", "EvidenceParts", "build_evidence"]

FORMAT = "imsoc-evidence/1"
MANIFEST = "manifest.json"

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that ZIP knows: file times say nothing here, the manifest does."""


@dataclass(frozen=True, slots=True)
class EvidenceParts:
    """What is known about one exchange; whatever is empty is left out of the container."""

    exchange_id: str
    received_at: datetime
    """Aware."""
    request: bytes
    """As received: the SOAP envelope."""
    document: bytes = b""
    """The sealed document as stored, byte for byte."""
    acknowledgement: bytes = b""
    """The sealed acknowledgement as answered."""
    translation: bytes = b""
    translation_report: bytes = b""
    """JSON."""
    findings: bytes = b""
    """JSON."""
    seal_verdict: bytes = b""
    """JSON."""
    tokens: tuple[bytes, ...] = ()
    """RFC 3161 tokens, DER."""
    certificates: tuple[bytes, ...] = ()
    """DER, signer first."""
    revocation: tuple[bytes, ...] = ()
    """CRLs and OCSP responses that were at hand, DER."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Plain statements for the manifest: partner, route, level and where it comes from."""


def build_evidence(parts: EvidenceParts) -> bytes:
    """The container; deterministic."""
    files = dict(_files(parts))
    manifest = {
        "format": FORMAT,
        "exchange": parts.exchange_id,
        "received": parts.received_at.astimezone(UTC).isoformat(),
        "facts": dict(sorted(parts.facts.items())),
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for name, content in files.items()
        },
    }
    container = io.BytesIO()
    with zipfile.ZipFile(container, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
        for name, content in {MANIFEST: text, **files}.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return container.getvalue()


def _files(parts: EvidenceParts) -> Iterator[tuple[str, bytes]]:
    named = {
        "request.xml": parts.request,
        "document.xml": parts.document,
        "acknowledgement.xml": parts.acknowledgement,
        "translation.xml": parts.translation,
        "translation-report.json": parts.translation_report,
        "findings.json": parts.findings,
        "seal-verdict.json": parts.seal_verdict,
    }
    yield from ((name, content) for name, content in named.items() if content)
    for folder, suffix, contents in (
        ("tokens", "tst", parts.tokens),
        ("certificates", "der", parts.certificates),
        ("revocation", "der", parts.revocation),
    ):
        yield from ((f"{folder}/{number}.{suffix}", content) for number, content in enumerate(contents, start=1))
