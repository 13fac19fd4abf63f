"""The page's part about customs: its bars and its tables."""

from __future__ import annotations

from typing import Any

__all__ = ["as_lines", "bars"]

CORES_BAR = 0.25
"""Of one core, for the lookups of the whole Union's peak."""
P99_BAR = 25.0
"""Milliseconds."""
GROWTH_BAR = 1.1
"""Reservations in a second over many CHEDs, with the best number of workers / with one."""


def bars(customs: dict[str, Any]) -> list[dict[str, Any]]:
    """What the figures must show."""
    lookups, one = customs["lookups"], customs["one"]
    beside = f"{customs['stored']:,} CHEDs"
    growth = round(max(customs["many"].values()) / customs["many"]["1"], 2)
    spread = customs["spread"]
    wrong = one["failed"] + int(one["oversold"]) + customs["checked"]["troubles"] + spread["asked"] - spread["made"]
    wrong += customs["checked"]["deadlocks"]
    return [
        _at_most(f"cores for 55 customs lookups a second beside {beside}", customs["peak"]["cores"], CORES_BAR),
        _at_most(f"customs lookup beside {beside} (p99, ms)", lookups["p99_ms"], P99_BAR),
        _at_most(f"{one['clients']} clients on one, then on many: failures, deadlocks, oversold, wrong sums", wrong, 0),
        {"bar": f"reservations over many CHEDs, more workers / one at least {GROWTH_BAR}", "value": growth,
         "met": growth >= GROWTH_BAR},
    ]  # fmt: skip


def as_lines(customs: dict[str, Any]) -> list[str]:
    """The tables, in Markdown."""
    lookups, one, workers = customs["lookups"], customs["one"], customs["many"]
    about = (
        f"The document has {customs['document_bytes']:,} bytes. The floor parses the request, reads the same rows, "
        "notes who read, commits and joins the bytes of the answer; it authenticates nobody and checks nothing."
    )
    together = (
        f"{one['clients']} clients reserve on one CHED, in {one['messages']:,} messages: {one['made']:,} made, "
        f"{one['refused']:,} refused because nothing is left, {one['failed']} failed, oversold: "
        f"{'yes' if one['oversold'] else 'no'}; {one['per_second']} a second, median wait {one['p50_ms']} ms, "
        f"longest {one['longest_ms']} ms."
    )
    peak = customs["peak"]
    paced = (
        f"For {peak['seconds']} s a clock sent {peak['per_second']} lookups a second: {peak['cores']} of a core here "
        f"and {peak['database_cores']} in PostgreSQL, p99 {peak['p99_ms']} ms. The columns on the right of the table "
        "are those of lookups one after the other, multiplied."
    )
    checked, spread = customs["checked"], customs["spread"]
    filling = (
        f"Filling took {customs['filling_seconds']} s. {checked['ledgers']:,} ledgers were added up afterwards: "
        f"{checked['troubles']} troubles; the server broke {checked['deadlocks']} deadlocks. "
        f"Of {spread['asked']:,} reservations over many CHEDs {spread['made']:,} stood."
    )
    return [
        f"### Customs: {customs['stored']:,} CHEDs, {customs['entries']:,} movements, on PostgreSQL",
        "",
        "| | p50 ms | p99 ms | longest ms | CPU ms | cores at 55 a second |",
        "|---|---|---|---|---|---|",
        "| lookup | " + " | ".join(str(lookups[name]) for name in _LOOKUP) + " |",
        "| floor | " + " | ".join(str(customs["floor"][name]) for name in _LOOKUP) + " |",
        "",
        about,
        "",
        paced,
        "",
        together,
        "",
        "| worker processes | " + " | ".join(workers) + " |",
        "|---" * (len(workers) + 1) + "|",
        "| reservations a second over 1,000 CHEDs | " + " | ".join(map(str, workers.values())) + " |",
        "",
        filling,
        "",
    ]


_LOOKUP = ("p50_ms", "p99_ms", "longest_ms", "cpu_ms", "cores_at_peak")


def _at_most(name: str, value: float, most: float) -> dict[str, Any]:
    return {"bar": f"{name} at most {most}", "value": value, "met": value <= most}
