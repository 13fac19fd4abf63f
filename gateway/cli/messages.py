"""``imsoc messages``: what came in, what became of it, and the proof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Group

from gateway.cli.desk import Desk, Json, facts, listing
from gateway.errors import ConfigurationError, catalogue

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.store import DeliveryParts, DeliveryRow, ExchangeParts, ExchangeRow, Store, VersionParts

__all__ = ["app", "describe", "last_steps", "translated_places"]

app = typer.Typer(help="List and show messages, write their evidence.", no_args_is_help=True)

MAX_STEPS: Final = 3
"""Steps of a path that are shown in a table."""


@app.command("list")
def list_(
    ctx: typer.Context,
    partner: Annotated[str | None, typer.Option(help="Only from this partner.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only refused ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List messages, the newest first."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import Outcome, list_exchanges  # noqa: PLC0415 - start-up

    outcome = Outcome.REFUSED if refused else None
    with desk.store() as store, store.read() as connection:
        rows = [summary(row) for row in list_exchanges(connection, partner=partner, outcome=outcome, limit=limit)]
    columns = ["received_at", "id", "partner", "operation", "subject", "outcome", "error_code"]
    desk.answer({"messages": rows}, listing(columns, rows) if rows else "none")


@app.command()
def show(
    ctx: typer.Context,
    message_id: Annotated[str, typer.Argument(help="Id of a message.", metavar="MESSAGE")],
    as_json: Json = False,
) -> None:
    """Show one message: who, what, its outcome, its versions, deliveries and translated codes."""
    desk = Desk.of(ctx, as_json)
    with desk.store() as store:
        data, view = describe(store, message_id)
    desk.answer(data, view)


@app.command()
def evidence(
    ctx: typer.Context,
    message_id: Annotated[str, typer.Argument(help="Id of a message.", metavar="MESSAGE")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write here. [default: evidence-MESSAGE.zip]")] = None,
    as_json: Json = False,
) -> None:
    """Write the evidence of a message, a ZIP file: what came, what was answered, what was found. See imsoc verify."""
    desk = Desk.of(ctx, as_json)
    from gateway.exchange import evidence_file  # noqa: PLC0415 - start-up

    with desk.store() as store, store.read() as connection:
        content = evidence_file(connection, message_id)
    if content is None:
        raise ConfigurationError("IMG-0105", where=message_id, found="no such message", expected="imsoc messages list")
    file = out or Path(f"evidence-{message_id}.zip")
    try:
        file.write_bytes(content)
    except OSError as error:
        raise ConfigurationError("IMG-0104", where=str(file), found=error.strerror or "not writable") from error
    desk.answer({"file": str(file), "bytes": len(content)}, f"{file}: {len(content)} bytes")


def summary(row: ExchangeRow) -> dict[str, Any]:
    """One message as plain values."""
    return {
        "id": row.id,
        "received_at": f"{row.received_at:%Y-%m-%dT%H:%M:%SZ}",
        "partner": row.partner,
        "contract": row.contract,
        "operation": row.operation,
        "subject": row.subject,
        "sender_message_id": row.sender_message_id,
        "outcome": row.outcome.value,
        "repeat_of": row.repeat_of,
        "error_code": row.error_code,
    }


def describe(store: Store, message_id: str) -> tuple[dict[str, Any], RenderableType]:
    """Everything that is known about a message, as plain values and for a terminal.

    Raises:
        ConfigurationError: IMG-0105, there is no such message.
    """
    from gateway.store import NOT_DELIVERED, find_audit, find_evidence  # noqa: PLC0415 - start-up

    kept_from: list[dict[str, str]] = []
    with store.read() as connection:
        known = find_evidence(connection, message_id)
        if known is not None and known.exchange.repeat_of is not None:
            first = find_evidence(connection, known.exchange.repeat_of)
        else:
            first = known
        if first is not None:
            kept_from = [
                {"partner": partner, "why": why}
                for entry in find_audit(connection, first.exchange.id)
                for partner, why in entry.detail.get(NOT_DELIVERED, {}).items()
            ]
    if known is None or first is None:
        raise ConfigurationError(
            "IMG-0105", where=message_id, found="no such message, number, code or rule", expected="imsoc messages list"
        )
    data = {**summary(known.exchange), "mapping_tables": first.tables}
    views: list[RenderableType] = [facts((name.replace("_", " "), value) for name, value in data.items() if value)]
    customs = _customs(known)
    if customs:
        data["customs"] = customs
        views += ["\nAnswered", facts(_flat(customs))]
    data["refusal"] = dict(known.exchange.error_detail or {})
    views += _refusal(known.exchange.error_code, data["refusal"])
    if first.version is not None:
        data |= {
            "status_code": first.version.status_code,
            "digest": first.version.digest.hex(),
            "route": first.version.route,
            "deliveries": [_delivery(row, parts) for row, parts in first.deliveries],
            "not_delivered": kept_from,
        }
        for name, text in _reports(first.parts):
            data[name] = json.loads(text) if text else []
        views += _tables(data)
        if not data["deliveries"]:
            views.append("\nDelivered to nobody: partners that may read it ask for it themselves.")
    return data, Group(*views)


def _customs(known: ExchangeParts) -> dict[str, Any]:
    """What a message of customs was answered; empty for any other."""
    from gateway.certex.contract import CERTEX  # noqa: PLC0415 - start-up
    from gateway.cli.customs_words import answered, followed  # noqa: PLC0415 - start-up

    row = known.exchange
    if row.contract != CERTEX.name:
        return {}
    return answered(row.contract, row.operation, known.acknowledgement) | followed(known.audit)


def _refusal(code: str | None, said: dict[str, Any]) -> list[RenderableType]:
    """What the sender was told, and what the code means an operator or sender can do."""
    entry = catalogue().get(code or "")
    if entry is None:
        return []
    rows = [(name, said[name]) for name in ("message", "where", "found", "expected") if said.get(name)]
    rows += [("meaning", entry.meaning), ("what to do", entry.action)]
    views: list[RenderableType] = [f"\n{entry.code}  {entry.title}", facts(rows)]
    if said.get("findings"):
        views += ["\nFindings", _table(said["findings"])]
    return views


def _reports(parts: VersionParts | None) -> list[tuple[str, str | None]]:
    """The JSON texts that were stored with a version, under the names that the answer has for them."""
    if parts is None:
        return []
    return [("seal", parts.seal_verdict), ("findings", parts.findings), ("translated", parts.translation_report)]


def _delivery(row: DeliveryRow, parts: DeliveryParts | None) -> dict[str, Any]:
    made = parts.translation if parts else None
    return {
        "id": row.id,
        "partner": row.partner,
        "state": row.state.value,
        "attempts": row.attempts,
        "code": row.code,
        "detail": row.detail,
        "mapping_tables": made.tables if made else None,
    }


def _tables(data: dict[str, Any]) -> list[RenderableType]:
    """What is known about a document's version, each part with its heading; empty ones are left out."""
    views: list[RenderableType] = [facts((name, data[name]) for name in ("status_code", "digest", "route"))]
    for name in ("seal", "findings", "translated", "deliveries", "not_delivered"):
        part = data.get(name)
        if isinstance(part, dict) and isinstance(part.get("places"), list):
            part = part["places"]
        if isinstance(part, dict):
            views += [f"\n{_heading(name)}", facts(_flat(part))]
        elif part:
            views += [f"\n{_heading(name)}", *(translated_places(part) if name == "translated" else [_table(part)])]
    return views


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _flat(part: dict[str, Any]) -> list[tuple[str, object]]:
    """Names and values, those of inner tables too; empty ones are left out."""
    rows: list[tuple[str, object]] = []
    for key, value in part.items():
        name = key.replace("_", " ")
        if isinstance(value, dict):
            rows += [(f"{name}: {inner}", said) for inner, said in _flat(value)]
        elif value not in (None, "", []):
            rows.append((name, value))
    return rows


def _table(rows: list[dict[str, Any]]) -> RenderableType:
    return listing(list(rows[0]), rows)


def translated_places(places: list[dict[str, Any]]) -> list[RenderableType]:
    """Where the translation changed or lost something; the many places that only kept their code are counted."""
    telling = [place for place in places if place.get("source_code") != place.get("target_code")]
    rows = [
        {
            "place": last_steps(str(place.get("path", ""))),
            "from": place.get("source_code"),
            "to": place.get("target_code"),
            "row": place.get("row_id"),
            "loss": "" if place.get("loss") == "none" else place.get("loss"),
        }
        for place in telling
    ]
    kept = len(places) - len(telling)
    views: list[RenderableType] = [_table(rows)] if rows else []
    if kept:
        views.append(f"and {kept} places whose code is the same on both sides (--json lists them with their rows)")
    return views


def last_steps(path: str) -> str:
    """The end of an XPath: what a terminal has room for, and enough to find the place."""
    steps = [step.partition(":")[2] or step for step in path.split("/") if step]
    return "/".join(steps) if len(steps) <= MAX_STEPS else "…/" + "/".join(steps[-MAX_STEPS:])
