"""What the commands of the demo's operators answered, as facts of a step."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

__all__ = ["answer", "preview_of", "said"]


def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a command with ``--json`` said; a refusal is its code and words, whatever else is its last line."""
    out, errors = process.communicate()
    try:
        document: dict[str, Any] = json.loads(out)
    except ValueError:
        return {"error": {"code": "", "message": (errors or out).strip()[-300:]}}
    return document


def said(document: dict[str, Any]) -> str:
    """A refusal in one line."""
    refusal = document.get("error", {})
    return " ".join(filter(None, (refusal.get("code"), refusal.get("message")))) or "NOTHING"


def preview_of(preview: dict[str, Any]) -> str:
    """What a change would do, in one line."""
    if "messages_different" not in preview:
        return said(preview)
    return (
        f"add {preview['added']}, close {preview['closed']}; change {preview['messages_different']} of"
        f" {preview['messages_looked_at']} stored messages; let {preview['releasable']} of quarantine go"
    )
