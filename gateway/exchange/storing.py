"""How findings, verdicts and certificates are written into the store, and read back for evidence: JSON."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from gateway.errors import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.trust import SealVerdict

__all__ = ["certificates_json", "findings_from_json", "findings_json", "seal_json"]


def findings_json(findings: Iterable[Finding]) -> str:
    """A list of objects, one per finding."""
    return _dump(
        [
            {
                "rule": found.rule,
                "severity": found.severity.value,
                "message": found.message,
                "path": found.path,
                "found": found.found,
                "expected": found.expected,
                "source": found.source,
            }
            for found in findings
        ]
    )


def findings_from_json(text: str | None) -> tuple[Finding, ...]:
    """What ``findings_json`` wrote."""
    return tuple(Finding(**{**entry, "severity": Severity(entry["severity"])}) for entry in json.loads(text or "[]"))


def seal_json(seal: SealVerdict) -> str:
    """The verdict as an object: words and times, no bytes."""
    stamp = seal.timestamp
    return _dump(
        {
            "indication": seal.indication.value,
            "sub_indication": seal.sub_indication.value if seal.sub_indication else None,
            "level": seal.level.name.lower(),
            "level_reason": seal.level_reason,
            "signer": seal.signer_subject,
            "signing_time": seal.signing_time.isoformat(),
            "algorithm": seal.algorithm,
            "revocation": seal.revocation,
            "timestamp": None
            if stamp is None
            else {
                "time": stamp.time.isoformat(),
                "level": stamp.level.name.lower(),
                "level_reason": stamp.level_reason,
                "authority": stamp.authority,
                "policy": stamp.policy,
                "serial_number": str(stamp.serial_number),
                "revocation": stamp.revocation,
            },
        }
    )


def certificates_json(seal: SealVerdict) -> bytes:
    """Every certificate of the seal and of its time stamp, as base64 DER, signer first."""
    stamp = seal.timestamp
    return _dump(
        {
            "seal": [base64.b64encode(der).decode("ascii") for der in seal.chain_der],
            "timestamp": [base64.b64encode(der).decode("ascii") for der in stamp.chain_der] if stamp else [],
        }
    ).encode("ascii")


_dump = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
"""One encoder for all: ``json.dumps`` makes a new one for separators that are not its own."""
