"""``python -m benchmarks.run``: floor, naive assembly and ours in one run, and the ratios between them.

The headline path is a submission with a UsernameToken and a B-level seal, answered with an acknowledgement that is
sealed with EC P-256; no time-stamping authority is called. The T path is the same with a time-stamped seal.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import customs, http, hub, reference, report, traces
from benchmarks.floor import Floor
from benchmarks.measure import Contestant, Process, in_turns
from benchmarks.naive import Naive
from benchmarks.ours import Ours, Staged
from benchmarks.partner import make_pki

KB = 1000
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Plan:
    """How much is measured of one size: turns, and messages of each turn for floor, naive and ours."""

    size: int
    turns: int
    floor: int
    naive: int
    ours: int

    @property
    def label(self) -> str:
        return f"{self.size // KB} KB" if self.size < KB * KB else f"{self.size // KB // KB} MB"


QUICK = (Plan(8 * KB, turns=5, floor=40, naive=6, ours=40),)
FULL = (
    Plan(8 * KB, turns=15, floor=100, naive=20, ours=100),
    Plan(60 * KB, turns=9, floor=30, naive=5, ours=30),
    Plan(1000 * KB, turns=5, floor=6, naive=1, ours=6),
)
QUICK_STORED, FULL_STORED = 20_000, 1_000_000
"""CHEDs in the larger store."""
QUICK_ROWS, FULL_ROWS = 100_000, 1_000_000
"""Rows of reference data."""
QUICK_LEDGERS, FULL_LEDGERS = 60_000, 1_000_000
"""CHEDs with a ledger."""


def main() -> int:
    """Run, print, write; with ``--strict`` the exit status is 1 when a bar is missed (machines are noisy)."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="imsoc-bench-", dir=options.folder) as name:
        folder = Path(name)
        make_pki(folder)
        if options.large:
            from benchmarks import large  # noqa: PLC0415 - pulls in the bulk loader, which no other run needs

            result = {"machine": report.machine(folder), "large": large.measure(folder, options.rows)}
        else:
            result = _measure(folder, quick=options.quick)
    result["bars"] = report.bars(result)
    print(report.as_text(result))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.write_docs:
        report.write_document(DOCUMENT, result)
    return 0 if not options.strict or all(bar["met"] for bar in result["bars"]) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--full",
        action="store_true",
        help="8 KB, 60 KB and 1 MB, 10,000 messages and envelopes over HTTP, a million CHEDs and rows (default)",
    )
    length.add_argument("--quick", action="store_true", help="8 KB only, about two minutes")
    length.add_argument("--large", action="store_true", help="with a million messages stored, against an empty store")
    parser.add_argument("--rows", type=int, default=1_000_000, help="messages stored before --large")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--write-docs", action="store_true", help=f"write docs/{DOCUMENT.name}")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a bar is missed")
    parser.add_argument("--folder", type=Path, help="where databases are put; its file system is part of the result")
    return parser.parse_args()


def _measure(folder: Path, *, quick: bool) -> dict[str, Any]:
    result: dict[str, Any] = {"machine": report.machine(folder), "sizes": {}, "stages": {}, "timestamped": {}}
    for plan in QUICK if quick else FULL:
        _say(f"{plan.label}: floor, naive assembly, ours, in turns")
        result["sizes"][plan.label] = _size(folder, plan)
        result["stages"][plan.label] = _stages(folder, plan)
    plan = (QUICK if quick else FULL)[0]
    _say(f"{plan.label} with a time stamp")
    result["timestamped"][plan.label] = _timestamped(folder, plan)
    _say(f"{plan.label} over HTTP")
    result["http"] = http.measure(folder, plan.size, first=300 if quick else 1000, then=700 if quick else 9000)
    _say("the hub's contract over HTTP")
    result["hub"] = hub.measure(
        folder, plan.size, turns=plan.turns, each=plan.ours, waiting=1000 if quick else hub.QUEUE
    )
    _say("TRACES: submission, rules, and reading with many CHEDs stored")
    result["traces"] = traces.measure(
        folder, plan.size, turns=plan.turns, each=plan.ours, stored=QUICK_STORED if quick else FULL_STORED
    )
    _say("reference data: import, start, lookups, and how soon a change is in use")
    result["reference"] = reference.measure(folder, rows=QUICK_ROWS if quick else FULL_ROWS, repeats=3 if quick else 5)
    _say("customs: lookups and reservations beside many CHEDs")
    result["customs"] = customs.measure(
        folder,
        stored=QUICK_LEDGERS if quick else FULL_LEDGERS,
        lookups=300 if quick else 3000,
        reservations=6 if quick else 40,
    )
    return result


def _size(folder: Path, plan: Plan) -> dict[str, Any]:
    with ExitStack() as stack:
        contestants: dict[str, tuple[Contestant, int]] = {
            "floor": (stack.enter_context(Process(Floor, folder, plan.size)), plan.floor),
            "naive": (stack.enter_context(Process(Naive, folder, plan.size)), plan.naive),
            "ours": (stack.enter_context(Process(Ours, folder, plan.size)), plan.ours),
        }
        batches = in_turns(contestants, plan.turns)
    return {
        **{name: report.summary(of_one) for name, of_one in batches.items()},
        "ours/floor": report.ratio(batches["ours"], batches["floor"]),
        "naive/ours": report.ratio(batches["naive"], batches["ours"]),
    }


def _stages(folder: Path, plan: Plan) -> dict[str, dict[str, float]]:
    with Process(Staged, folder, plan.size) as staged:
        batches = in_turns({"ours": (staged, plan.ours)}, 3)["ours"]
    return {
        stage: {
            kind: round(median(batch.parts[stage][number] for batch in batches) * 1e6, 1)
            for number, kind in enumerate(("wall", "cpu"))
        }
        for stage in batches[0].parts
    }


def _timestamped(folder: Path, plan: Plan) -> dict[str, Any]:
    with ExitStack() as stack:
        contestants: dict[str, tuple[Contestant, int]] = {
            "floor": (stack.enter_context(Process(_timestamped_floor, folder, plan.size)), plan.floor),
            "ours": (stack.enter_context(Process(_timestamped_ours, folder, plan.size)), plan.ours),
        }
        batches = in_turns(contestants, max(3, plan.turns // 2))
    return {
        **{name: report.summary(of_one) for name, of_one in batches.items()},
        "ours/floor": report.ratio(batches["ours"], batches["floor"]),
    }


def _timestamped_floor(folder: Path, size: int) -> Floor:
    return Floor(folder, size, timestamped=True)


def _timestamped_ours(folder: Path, size: int) -> Ours:
    return Ours(folder, size, timestamped=True)


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
