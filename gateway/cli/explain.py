"""``imsoc explain``: what a code or a rule means, or what happened to a message, a delivery or an envelope."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.customs_words import explained
from gateway.cli.desk import Desk, Json, facts
from gateway.errors import ConfigurationError, catalogue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["explain"]

_CODE = re.compile(r"(?:IMG-?)?(\d{4})", re.IGNORECASE)
"""Also as it is said aloud: 4001, img4001."""


def explain(
    ctx: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(help="IMG-nnnn, the id of a rule, message or delivery, a hub's number, or 01 to 11 of customs."),
    ],
    as_json: Json = False,
) -> None:
    """Say what an error code or rule means, or what happened to a message or delivery and its codes, or an envelope.

    Two digits are a reason or an outcome of customs: `imsoc explain 05`.
    """
    desk = Desk.of(ctx, as_json)
    code = _CODE.fullmatch(subject.strip())
    if code:
        _explain_code(desk, f"IMG-{code[1]}")
        return
    customs = explained(subject.strip())
    if customs:
        desk.answer({"kind": "customs", "code": subject.strip()} | customs, facts(customs.items()))
        return
    rule = _rule(subject) or _rule(subject.upper())
    if rule is not None:
        desk.answer(rule | {"kind": "rule"}, facts(rule.items()))
        return
    from gateway.cli.deliveries import find_described  # noqa: PLC0415 - only then the store is needed
    from gateway.cli.envelopes import find_envelope_number  # noqa: PLC0415 - only then the store is needed
    from gateway.cli.messages import describe  # noqa: PLC0415 - only then the store is needed
    from gateway.store import get_quarantine  # noqa: PLC0415 - only then the store is needed

    with desk.store() as store:
        known = find_envelope_number(store, subject)
        if known is not None:
            desk.answer({"kind": "envelope"} | known[0], known[1])
            return
        delivery = find_described(store, subject)
        if delivery is not None:
            desk.answer({"kind": "delivery"} | delivery[0], delivery[1])
            return
        with store.read() as connection:
            if get_quarantine(connection, subject) is not None:
                show = desk.command(f"quarantine show {subject}")
                raise ConfigurationError("IMG-0105", "This is held in quarantine", where=subject, expected=show)
        data, view = describe(store, subject)
    desk.answer({"kind": "message"} | data, view)


def _explain_code(desk: Desk, code: str) -> None:
    entry = catalogue().get(code)
    if entry is None:
        raise ConfigurationError(
            "IMG-0105",
            "This error code does not exist",
            where=code,
            expected=f"{min(catalogue())} to {max(catalogue())}",
        )
    fault = {"sender": "the sender's", "receiver": "this gateway's"}[entry.fault]
    view: RenderableType = Group(
        f"{entry.code}  {entry.title}\n",
        facts(
            [
                ("meaning", entry.meaning),
                ("what to do", entry.action),
                ("a retry helps", {"never": "never", "after-change": "after a change", "later": "later"}[entry.retry]),
                ("whose fault", fault),
            ]
        ),
    )
    desk.answer({"kind": "code"} | asdict(entry), view)


def _rule(rule_id: str) -> dict[str, Any] | None:
    """The rule's own description, None when there is no such rule."""
    from gateway.rules import catalogue as rules  # noqa: PLC0415 - start-up

    rule = rules().get(rule_id)
    if rule is None:
        return None
    values = {name: value for name, value in asdict(rule).items() if value}
    values["severity"] = rule.severity.value
    values["check"] = values.pop("kind").value
    return values
