"""Receipts as the store keeps them, so that the same message again is answered as it was the first time."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gateway.ched.models import Receipt
from gateway.documents.ched import AccompanyingDocument, Coded
from gateway.exchange.storing import findings_from_json, findings_json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["receipt_from_bytes", "receipt_to_bytes"]


def receipt_to_bytes(receipt: Receipt) -> bytes:
    """JSON, UTF-8."""
    kept = asdict(receipt)
    kept["at"] = receipt.at.isoformat()
    kept["findings"] = json.loads(findings_json(receipt.findings))
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def receipt_from_bytes(text: bytes) -> Receipt:
    """What ``receipt_to_bytes`` wrote."""
    kept = json.loads(text)
    return Receipt(
        **{
            **kept,
            "at": datetime.fromisoformat(kept["at"]),
            "documents": tuple(_document(each) for each in kept["documents"]),
            "findings": findings_from_json(json.dumps(kept["findings"])),
        }
    )


def _document(kept: Mapping[str, Any]) -> AccompanyingDocument:
    return AccompanyingDocument(**{**kept, "type": Coded(**kept["type"])})
