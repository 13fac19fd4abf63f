"""The headline path with a million messages stored, against an empty store, in turns."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks import bulk, report
from benchmarks.measure import Contestant, Process, in_turns
from benchmarks.ours import Ours, make_gateway
from gateway.config import Settings
from gateway.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["measure"]

SIZE = 8000
TURNS = 15
EACH = 60


def measure(keys: Path, rows: int) -> dict[str, Any]:
    """Load one of two gateways with stored messages (small bodies), then let both handle fresh ones.

    Args:
        keys: what ``make_pki`` wrote.
        rows: messages stored before.
    """
    empty, full = (make_gateway(keys, keys / name) for name in ("empty", "full"))
    start = time.perf_counter()
    with open_store(Settings.load(full, {}).store.url, exclusive=True) as store:
        bulk.fill(store, rows)
    loading = time.perf_counter() - start
    with ExitStack() as stack:
        contestants: dict[str, tuple[Contestant, int]] = {
            name: (stack.enter_context(Process(_gateway, keys, settings)), EACH)
            for name, settings in (("empty", empty), ("full", full))
        }
        batches = in_turns(contestants, TURNS)
    file = full.parent / "gateway.db"
    return {
        "rows": rows,
        "loading_seconds": round(loading, 1),
        "file_mib": round(file.stat().st_size / 2**20),
        **{name: report.summary(of_one) for name, of_one in batches.items()},
        "ratio": report.ratio(batches["full"], batches["empty"]),
    }


def _gateway(keys: Path, settings: Path) -> Ours:
    return Ours(keys, SIZE, settings=settings)
