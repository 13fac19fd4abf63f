"""Translation alone, ephyto to traces, against its floor: reading the certificate and writing it again.

Linear means that an element of a large certificate costs what one of a small one does, but for the processor's caches.
"""

from __future__ import annotations

import gc
from contextlib import ExitStack
from datetime import UTC, datetime
from statistics import median
from typing import Final

from lxml import etree

from benchmarks.measure import Batch, Contestant, Process, in_turns, time_each
from gateway.sandbox.samples import certificate
from gateway.xml.boundary import parse
from mappings import load_tables, translate

__all__ = ["Rewriting", "Translating", "measure"]

SIZES: Final = {"8 KB": (8_000, 100), "60 KB": (60_000, 20), "1 MB": (1_000_000, 3)}
"""Bytes of the certificate, and how often it is translated in one turn."""


class Translating:
    """One certificate, parsed before, translated again and again; a report is made each time."""

    def __init__(self, size: int) -> None:
        self._root = parse(certificate(size_hint=size)).root
        self._index = load_tables().compile(datetime.now(UTC).date())
        gc.collect()
        gc.freeze()  # as gateway.serve does in its workers

    def run(self, count: int) -> Batch:
        return time_each(self._translate, [self._root] * count)

    def _translate(self, root: etree._Element) -> None:
        translate(root, source="ephyto", target="traces", index=self._index)

    def close(self) -> None:
        pass


class Rewriting:
    """The floor: the same certificate parsed and written, which is what every translation does beside its work."""

    def __init__(self, size: int) -> None:
        self._document = certificate(size_hint=size)
        gc.collect()
        gc.freeze()

    def run(self, count: int) -> Batch:
        return time_each(lambda document: etree.tostring(etree.fromstring(document)), [self._document] * count)

    def close(self) -> None:
        pass


def measure(turns: int) -> dict[str, dict[str, float]]:
    """For each size milliseconds, the best turn's median, and CPU microseconds per element, the best turn's mean.

    The same of the floor. CPU time, because other work on the machine stretches a long translation more than a short.

    Args:
        turns: in each of them every size is translated and rewritten, one after the other.
    """
    contestants: dict[str, tuple[Contestant, int]] = {}
    with ExitStack() as stack:
        for label, (size, count) in SIZES.items():
            for name, make in (("ours", Translating), ("floor", Rewriting)):
                contestants[f"{name} {label}"] = stack.enter_context(Process(make, size)), count
        batches = in_turns(contestants, turns)
    return {label: _figures(batches[f"ours {label}"], batches[f"floor {label}"], SIZES[label][0]) for label in SIZES}


def _figures(ours: list[Batch], floor: list[Batch], size: int) -> dict[str, float]:
    elements = sum(1 for _ in parse(certificate(size_hint=size)).root.iter())
    return {
        "ms": round(min(batch.median for batch in ours) * 1e3, 3),
        "floor_ms": round(min(batch.median for batch in floor) * 1e3, 3),
        "ours/floor": round(median(above.median / below.median for above, below in zip(ours, floor, strict=True)), 1),
        "us_per_element": _each(ours, elements),
        "floor_us_per_element": _each(floor, elements),
    }


def _each(batches: list[Batch], elements: int) -> float:
    return round(min(batch.cpu_each for batch in batches) / elements * 1e6, 3)
