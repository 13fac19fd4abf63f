"""Timing: what a batch of messages cost, and how contestants take turns.

Each contestant lives in a process of its own, so that its memory and its CPU time (all threads) are its own, and they
run in turns, so that a machine that is busy with other work is busy for all of them. Ratios are taken turn by turn.
"""

from __future__ import annotations

import gc
import multiprocessing
import time
import traceback
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection

__all__ = ["Batch", "Contestant", "Process", "in_turns", "percentile", "resident_kib", "time_each"]


@dataclass
class Batch:
    """What a number of messages cost, handled one after the other."""

    wall: list[float]
    """Seconds of each message."""
    cpu: float
    """CPU seconds of all messages, all threads, user and system."""
    parts: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of each part, where parts are measured: median wall seconds and mean CPU seconds per message."""
    resident_kib: int = 0

    @property
    def median(self) -> float:
        return median(self.wall)

    @property
    def cpu_each(self) -> float:
        return self.cpu / len(self.wall)


class Contestant(Protocol):
    """Something that is measured."""

    def run(self, count: int) -> Batch:
        """Handle this many messages that it has not seen before; making them is not timed."""

    def close(self) -> None: ...


def time_each(handle: Callable[[Any], object], messages: Iterable[Any]) -> Batch:
    """Handle the messages one by one."""
    gc.collect()
    wall = []
    clock = time.perf_counter
    cpu = time.process_time()
    for message in messages:
        start = clock()
        handle(message)
        wall.append(clock() - start)
    return Batch(wall, time.process_time() - cpu, resident_kib=resident_kib())


def resident_kib(pid: int | str = "self") -> int:
    """Resident memory of a process (Linux), 0 where it cannot be read."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Process:
    """A contestant in its own process.

    Args:
        make: a module-level callable; called in the process with the arguments.
    """

    def __init__(self, make: Callable[..., Contestant], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, partial(make, *arguments)), daemon=True)
        self._process.start()
        theirs.close()
        self._receive()

    def run(self, count: int) -> Batch:
        self._pipe.send(count)
        batch = self._receive()
        assert isinstance(batch, Batch)
        return batch

    def close(self) -> None:
        self._pipe.send(0)
        self._process.join(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self) -> object:
        answer = self._pipe.recv()
        if isinstance(answer, str):
            raise RuntimeError(answer)  # noqa: TRY004 - the traceback of the other process, not a type
        return answer


def _serve(pipe: Connection, make: Callable[[], Contestant]) -> None:
    try:
        contestant = make()
        pipe.send(None)
        while count := pipe.recv():
            pipe.send(contestant.run(count))
        contestant.close()
    except Exception:  # noqa: BLE001 - whatever it is, the run ends with it
        pipe.send(traceback.format_exc())


def in_turns(contestants: dict[str, tuple[Contestant, int]], turns: int) -> dict[str, list[Batch]]:
    """Let the contestants handle their number of messages, one after the other, this many times.

    One turn more is made first and thrown away: caches fill, schemas compile.
    """
    batches: dict[str, list[Batch]] = {name: [] for name in contestants}
    for turn in range(turns + 1):
        for name, (contestant, count) in contestants.items():
            batch = contestant.run(max(1, count // 4) if turn == 0 else count)
            if turn:
                batches[name].append(batch)
    return batches
