"""The demo's fourth journey: a code that nobody knows is kept until its row is there, and tables change under way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.sandbox.client import Client, Refused
from gateway.sandbox.hub_return import operator, until
from gateway.sandbox.instances import PATIENT
from gateway.sandbox.journey import FIRST, seal_of
from gateway.sandbox.mappings_imports import imports
from gateway.sandbox.operators import answer, preview_of, said
from gateway.sandbox.samples import certificate
from gateway.sandbox.telling import Step
from gateway.xml.names import CX1, PREFIXES, qn

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator, Iterator

    from gateway.sandbox.instances import Sandbox
    from gateway.trust import Sealer

__all__ = ["mappings_journey"]

_NUMBER: Final = "AR-SANDBOX-2026-0000006"
_IDENTITY: Final = ("AR", "851", _NUMBER)
_UNKNOWN: Final = "X0"
_MEANT: Final = "BX"
_REASON: Final = "Their X0 is a box: letter of 20 November"


def mappings_journey(sandbox: Sandbox) -> Iterator[Step]:
    """A message in quarantine and its release; old tables; imports that must not pass, and one that does; drift.

    Args:
        sandbox: the gateways A and B are started, and the first journey was told.
    """
    sender = Client(sandbox.a.address, PATIENT, sandbox.secrets[PATIENT])
    sealed = _sealed(seal_of(sandbox, "third-country-seal"))
    told = yield from _held(sender, sealed)
    row = told.rows[0].replace("?", _MEANT) if told.rows else ""
    looking = operator(sandbox.a, "quarantine", "show", told.found, "--json")
    trying = operator(sandbox.a, "mappings", "add", "--row", row, "--reason", _REASON, "--dry-run", "--json")
    yield _asked_for(sender, told.found)
    yield _looked_at(looking, trying)
    yield _released(sandbox, sender, row)
    again = operator(sandbox.a, "mappings", "retranslate", _first(sandbox), "--json")
    yield _delivered(sandbox, sender)
    yield _repeated(sender, sealed)
    yield _as_it_was(answer(again))
    yield from imports(sandbox)


def _sealed(sealer: Sealer) -> bytes:
    document = certificate(number=_NUMBER, lines=2, issued=datetime.now(UTC))
    unknown = document.replace(b"<ram:TypeCode>BX<", f"<ram:TypeCode>{_UNKNOWN}<".encode(), 1)
    return sealer.seal(unknown, at=datetime.now(UTC))


def _held(sender: Client, sealed: bytes) -> Generator[Step, None, Refused]:
    told = Refused("", "ACCEPTED", "", "", "", "")
    try:
        sender.submit(sealed, message_id="sandbox-6")
    except Refused as refusal:
        told = refusal
    yield Step(
        "Another partner sends the package code that no row knows; its record says: keep such messages",
        ok=told.code == "IMG-6010" and len(told.rows) == 1,
        why="Seal, route and rules hold; nothing but a row is missing, so nobody has to send it again (Art 37(2)).",
        facts=(
            ("answered", f"{told.code}  {told.message}"),
            ("kept as", told.found),
            ("row to add", "; ".join(told.rows) or "NOT TOLD"),
        ),
    )
    return told


def _asked_for(sender: Client, entry: str) -> Step:
    status = sender.status(*_IDENTITY)
    code = status.findtext(qn(CX1, "StatusCode"), "")
    kept = status.findtext(f"{qn(CX1, 'Quarantine')}/{qn(CX1, 'ID')}", "")
    return Step(
        "Its sender asks what became of it",
        ok=(code, kept) == ("HELD", entry),
        why="Held is not accepted: no reader finds the certificate, and its sender is not left in the dark.",
        facts=(("status", f"{code}, as {kept}"),),
    )


def _looked_at(looking: subprocess.Popen[str], trying: subprocess.Popen[str]) -> Step:
    shown, preview = answer(looking), answer(trying)
    gaps = [f"{gap['list']} {gap['code']}, {gap['from']} to {gap['to']}" for gap in shown.get("gaps", ())]
    return Step(
        "Gateway A's operator looks at it, and at what the row would do before anything is changed",
        ok=len(gaps) == 1 and preview.get("releasable") == 1 and preview.get("published") is False,
        why="A row counts for every message: which codes, stored messages and held ones it touches is said first.",
        facts=(
            ("missing", "; ".join(gaps) or said(shown)),
            ("it would", preview_of(preview)),
        ),
    )


def _released(sandbox: Sandbox, sender: Client, row: str) -> Step:
    added = ("mappings", "add", "--row", row, "--reason", _REASON, "--release", "1", "--yes", "--json")
    done = answer(operator(sandbox.a, *added))
    accepted = ""

    def released() -> bool:
        nonlocal accepted
        status = sender.status(*_IDENTITY)
        code = status.findtext(qn(CX1, "StatusCode"), "")
        accepted = status.findtext(qn(CX1, "ExchangeID"), "") if code != "HELD" else ""
        return bool(accepted)

    until(released)
    return Step(
        "The operator adds it while the gateway serves, for at most one message: that one releases itself",
        ok=done.get("edition") == 1 and bool(accepted),
        why="Every process takes the new edition within a second; never more is released than was confirmed.",
        facts=(
            ("operator", f"imsoc mappings add --row '{row}' --reason … --release 1"),
            ("edition", f"{done.get('edition') or said(done)}: tables {done.get('tables', '')}"),
            ("exchange", accepted or "STILL HELD"),
        ),
    )


def _delivered(sandbox: Sandbox, sender: Client) -> Step:
    state = ""

    def delivered() -> bool:
        nonlocal state
        delivery = sender.status(*_IDENTITY).find(qn(CX1, "Delivery"))
        state = "" if delivery is None else delivery.findtext(qn(CX1, "State"), "")
        return state in ("delivered", "refused", "failed")

    until(delivered)
    codes: set[str] = set()
    if state == "delivered":
        document = Client(sandbox.b.address, "national", sandbox.secrets["national"]).get(*_IDENTITY)
        codes = {str(code.text) for code in document.iterfind(".//ram:PhysicalSPSPackage/ram:TypeCode", PREFIXES)}
    return Step(
        "It was translated with that edition and delivered to gateway B, in B's codes",
        ok=codes == {"D1"},
        why="From here on it is a message like any other, with its translation and its evidence.",
        facts=(
            ("state", state or "NOT DELIVERED"),
            ("package codes", f"{_UNKNOWN} and {_MEANT} as sent; {' and '.join(sorted(codes))} at gateway B"),
        ),
    )


def _repeated(sender: Client, sealed: bytes) -> Step:
    answers = [sender.submit(sealed, message_id="sandbox-6") for _ in range(2)]
    return Step(
        "Its sender repeats the message, and gets the acknowledgement that was recorded",
        ok=answers[0] == answers[1],
        why="What was told to be held is acknowledged once it is accepted: the same bytes for every repetition.",
        facts=(("answers", "equal byte for byte" if answers[0] == answers[1] else "DIFFERENT ONES"),),
    )


def _first(sandbox: Sandbox) -> str:
    """Exchange id of the first journey's certificate at gateway A."""
    status = Client(sandbox.a.address, "third-country", sandbox.secrets["third-country"]).status(*FIRST)
    return status.findtext(qn(CX1, "ExchangeID"), "")


def _as_it_was(done: dict[str, Any]) -> Step:
    same = done.get("same") is True
    return Step(
        "The first certificate of this demo is translated again, with the tables of its own moment",
        ok=same and str(done.get("tables", "")).startswith("0@"),
        why="A message names the version that translated it; no change overwrites a row, so it can be had again.",
        facts=(
            ("tables then", str(done.get("tables") or said(done))),
            ("bytes", f"{done.get('bytes', 0):,}, {'equal to' if same else 'NOT'} what is stored"),
        ),
    )
