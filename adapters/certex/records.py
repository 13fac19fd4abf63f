"""A sent message as a record of plain values, and back: what a customs system keeps until it knows what came of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from adapters.certex.holdings import Holding
from adapters.certex.outcomes import Sent
from gateway.certex.models import (
    Allocated,
    CertexHeader,
    ChedClearanceRequest,
    ChedInterventionRequest,
    DeclarationReference,
    Declared,
    Item,
    ProcessedChedRequest,
)

if TYPE_CHECKING:
    from adapters.certex.orders import Moving

__all__ = ["record_of", "sent_of"]

_CLASSES: Final = {
    "reserve": ProcessedChedRequest,
    "clear": ChedClearanceRequest,
    "intervene": ChedInterventionRequest,
}
_NAMES: Final = {kind: name for name, kind in _CLASSES.items()}


def record_of(sent: Sent) -> dict[str, Any]:
    """A message as JSON has it; moments are ISO 8601."""
    request = {name: _plain(value) for name, value in asdict(sent.request).items()}
    before = None if sent.before is None else asdict(sent.before)
    return {
        "what": _NAMES[type(sent.request)],
        "request": request,
        "header": asdict(sent.header),
        "left": sent.left.isoformat(),
        "before": before,
    }


def sent_of(record: dict[str, Any]) -> Sent:
    """The message again.

    Args:
        record: from `record_of`.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    before = record["before"]
    return Sent(
        request=_request(record),
        header=CertexHeader(**record["header"]),
        left=_moment(record["left"]),
        before=None
        if before is None
        else Holding(
            tuple(map(_allocated, before["reserved"])),
            tuple(map(_allocated, before["consumed"])),
        ),
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _request(record: dict[str, Any]) -> Moving:
    values = {**record["request"], "sending_date": _moment(record["request"]["sending_date"])}
    if "items" in values:
        values["items"] = tuple(map(_item, values["items"]))
    for name in ("push_from", "push_until"):
        if values.get(name):
            values[name] = _moment(values[name])
    if values.get("declaration"):
        values["declaration"] = DeclarationReference(**values["declaration"])
    made: Moving = _CLASSES[record["what"]](**values)
    return made


def _item(values: dict[str, Any]) -> Item:
    quantities = {name: None if values[name] is None else Declared(**values[name]) for name in ("weight", "volume")}
    return Item(**{**values, **quantities})


def _allocated(values: dict[str, Any]) -> Allocated:
    return Allocated(**{**values, "declaration": DeclarationReference(**values["declaration"])})


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} names no offset")
    return moment
