"""TRACES stops and comes back, and who may not read a CHED: the end of the demo's third journey."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.sandbox.hub_return import operator, until
from gateway.sandbox.processes import stop_all
from gateway.sandbox.telling import Step
from gateway.sandbox.traces_client import TracesClient, TracesRefusal, wire
from gateway.sandbox.traces_instances import IMPORTER, NEIGHBOUR, SOMEBODY, THIRD
from gateway.sandbox.traces_samples import plants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.sandbox.instances import Sandbox
    from gateway.sandbox.traces_client import Face
    from gateway.traces.models import ChedSummary

__all__ = ["away", "strangers"]

_LOCAL: Final = ("NL-DEMO-4", "NL-DEMO-5")
"""Box I.3 of the two that are entered while TRACES is away."""


def away(sandbox: Sandbox, importer: TracesClient, port: TracesClient) -> Iterator[Step]:
    """TRACES is stopped, work goes on, TRACES is started again, and everything is exchanged once.

    Args:
        sandbox: its gateway A plays TRACES.
        importer: the national system at gateway B.
        port: a border control post at TRACES.
    """
    stop_all((sandbox.a,))
    receipts = [importer.submit(wire(plants(datetime.now(UTC), local=local))) for local in _LOCAL]
    kept = importer.get(_LOCAL[0])
    paper = sandbox.folder / f"{_LOCAL[0]}.pdf"
    paper.write_bytes(importer.pdf(_LOCAL[0]))
    sandbox.a.launch()
    asked = operator(sandbox.b, "ched", "outages", "--json")
    yield Step(
        "TRACES is stopped. Gateway B goes on: it takes two CHEDs as contingency documents",
        ok=all(not receipt.reference for receipt in receipts) and bool(kept.contingency) and not kept.reference,
        why="Judged by the same rules, marked on screen and on paper, I.2 left empty until TRACES gives it (Art 46).",
        facts=(
            ("mark", kept.contingency or "NONE"),
            ("I.3", ", ".join(_LOCAL)),
            ("I.2", kept.reference or "empty"),
            ("file", f"{paper.name}, {paper.stat().st_size:,} bytes, with the mark"),
            ("told", receipts[0].reasons[0]),
        ),
    )
    out, errors = asked.communicate()
    sandbox.a.wait_until_ready()
    found: list[tuple[ChedSummary, ...]] = []

    def exchanged() -> bool:
        found[:] = [port.find(Type=["PP"], LocalReference=local) for local in _LOCAL]
        return all(found) and all(importer.get(local).reference for local in _LOCAL)

    until(exchanged)
    there = [each.reference for page in found for each in page]
    here = [importer.get(local) for local in _LOCAL]
    yield Step(
        "TRACES is started again: both are exchanged, once and in order, and the two stores agree",
        ok=there == [ched.reference for ched in here] == sorted(set(there)) and all(ched.contingency for ched in here),
        why="Never blindly again: what may have arrived is looked for before it is sent (Art 46(4), R-46-4).",
        facts=(
            ("at TRACES", ", ".join(there) or "NOTHING"),
            ("at gateway B", ", ".join(f"{ched.local_reference} is {ched.reference or 'NOWHERE'}" for ched in here)),
            ("mark", f"{here[0].contingency or 'GONE'}: it stays"),
            ("outages", _outages(out) if asked.returncode == 0 else errors.strip()[-300:]),
        ),
    )


def _outages(text: str) -> str:
    rows = json.loads(text)["outages"]
    return "; ".join(f"{row['functionality']} since {row['began_at']}" for row in rows) or "NONE NOTED"


def strangers(sandbox: Sandbox, traces: Face, port: TracesClient, reference: str) -> Iterator[Step]:
    """A third country reads without personal data, and nobody reads what is none of their business.

    Args:
        sandbox: started.
        traces: gateway A.
        port: the border control post, which sees everything in the CHED.
        reference: of a CHED that was decided.
    """
    secrets = sandbox.secrets
    whole = port.get(reference)
    masked = TracesClient(traces, THIRD, secrets[THIRD]).get(reference)
    names = [ched.consignee.name if ched.consignee else "" for ched in (whole, masked)]
    officers = [
        ched.decision.officer.name if ched.decision and ched.decision.officer else "" for ched in (whole, masked)
    ]
    goods = masked.lines[0].commodity
    hidden = masked.consignee is not None and names[1] != names[0] and officers[1] != officers[0]
    yield Step(
        "The exporting country's authority reads the CHED: without personal data",
        ok=hidden and goods == whole.lines[0].commodity and masked.status_code == whole.status_code,
        why="What it needs is there, who signed and who imports is not (Art 9, R-9-2).",
        facts=(
            ("goods", f"{goods}, status {masked.status_code}"),
            ("consignee", f"{names[0]} → {names[1] or 'nothing'}"),
            ("officer", f"{officers[0]} → {officers[1] or 'nothing'}"),
        ),
    )
    told = {
        "its own operator": _kind(lambda: TracesClient(traces, NEIGHBOUR, secrets[NEIGHBOUR], SOMEBODY).get(reference)),
        "the importer's id": _kind(
            lambda: TracesClient(traces, NEIGHBOUR, secrets[NEIGHBOUR], IMPORTER).get(reference)
        ),
        "a wrong password": _kind(lambda: TracesClient(traces, NEIGHBOUR, "guessed", SOMEBODY).get(reference)),
    }
    denied = "ChedCertificatePermissionDeniedException"
    yield Step(
        "Another Member State's system asks for it: for its own operator, for the importer, with a wrong password",
        ok=list(told.values()) == [denied, denied, "UnauthenticatedException"],
        why="An operator sees what it is named in; a system speaks for its own bodies only (Art 36).",
        facts=tuple(told.items()),
    )


def _kind(ask: Callable[[], object]) -> str:
    try:
        ask()
    except TracesRefusal as refusal:
        return refusal.kind or refusal.message
    return "READ IT"
