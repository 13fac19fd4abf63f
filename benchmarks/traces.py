"""TRACES faces: submitting a CHED beside submitting a certificate, the rules alone, reading with many CHEDs stored.

The application is called in process, as its server would call it: authentication, headers, access, schema, rules,
commit and reply are in every figure.
"""

from __future__ import annotations

import gc
import hashlib
import sqlite3
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from lxml import etree

from benchmarks import report
from benchmarks.cheds import OPERATOR, Submitter, body_record, decided, make_traces_gateway
from benchmarks.measure import Batch, Contestant, Process, in_turns, resident_kib, time_each
from benchmarks.ours import Ours, make_gateway
from benchmarks.stored import measure as measure_stored
from benchmarks.wsgi import post
from gateway.app import build_application
from gateway.ched.wiring import facts_of
from gateway.config import Settings
from gateway.documents.ched import Part
from gateway.rules.ched import evaluate_ched
from gateway.traces.contracts import SUBMISSION
from gateway.xml.schemas import validate
from mappings import load_tables
from mappings.reference import load_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.partner import Message

__all__ = ["LINES", "ChedFloor", "Cheds", "RuleSet", "measure"]

LINES = (1, 20)
"""Lines of goods: a CHED of one line has 8 KB, as the certificate that it is compared with."""


def measure(keys: Path, size: int, *, turns: int, each: int, stored: int) -> dict[str, Any]:
    """All three.

    Args:
        keys: what ``make_pki`` wrote.
        size: bytes of the certificate that a submission is compared with.
        turns: of the contestants.
        each: messages of each turn.
        stored: CHEDs in the larger store.
    """
    return {
        "submission": _submission(keys, size, turns, each),
        "rules": _rules(turns, each),
        "stored": measure_stored(keys, stored, turns=turns, each=each),
    }


def _submission(keys: Path, size: int, turns: int, each: int) -> dict[str, Any]:
    names = [f"CHED, {_lines(lines)}" for lines in LINES]
    with ExitStack() as stack:
        contestants: dict[str, tuple[Contestant, int]] = {
            "floor": (stack.enter_context(Process(ChedFloor, keys, LINES[0])), each),
            "certificate": (stack.enter_context(Process(_certificates, keys, size)), each),
        }
        for name, lines in zip(names, LINES, strict=True):
            contestants[name] = (stack.enter_context(Process(Cheds, keys, lines)), each)
        batches = in_turns(contestants, turns)
    return {
        **{name: report.summary(of_one) for name, of_one in batches.items()},
        "bytes": {name: Submitter(lines, "SIZE").size for name, lines in zip(names, LINES, strict=True)},
        "ched/certificate": report.ratio(batches[names[0]], batches["certificate"]),
        "long ched/certificate": report.ratio(batches[names[-1]], batches["certificate"]),
        "ched/floor": report.ratio(batches[names[0]], batches["floor"]),
    }


def _certificates(keys: Path, size: int) -> Ours:
    return Ours(keys, size, settings=make_gateway(keys, keys / "beside-cheds"))


def _lines(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"


class Cheds:
    """A gateway in the TRACES role and an operator who submits CHEDs for decision.

    Args:
        keys: what ``make_pki`` wrote; the gateway's folder is made there.
        lines: of goods in each CHED.
    """

    def __init__(self, keys: Path, lines: int) -> None:
        operator = body_record(OPERATOR.id, OPERATOR.kind.value, country="NL", number="NL-4711")
        settings = make_traces_gateway(keys, f"cheds-{lines}", [operator])
        self._submitter = Submitter(lines, f"BENCH-{lines}")
        self.application = build_application(Settings.load(settings, {}))
        gc.collect()
        gc.freeze()  # as gateway.serve does in its workers

    def run(self, count: int) -> Batch:
        return time_each(self.submit, list(self._submitter.messages(count)))

    def submit(self, message: Message) -> bytes:
        return post(self.application, SUBMISSION.path, message.action, message.body, expected=b">CHEDPP.NL.")

    def close(self) -> None:
        self.application.close()


class ChedFloor:
    """What nobody can leave out of taking a CHED, each step alone: it bears no seal and its receipt has none.

    Parse, XSD, exclusive canonical form, SHA-256, one durable commit of the message.
    """

    def __init__(self, folder: Path, lines: int) -> None:
        self._submitter = Submitter(lines, "FLOOR")
        self._database = sqlite3.connect(folder / f"floor-cheds-{lines}.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    def run(self, count: int) -> Batch:
        bodies = [message.body for message in self._submitter.messages(count)]
        requests = [_request(etree.fromstring(body)) for body in bodies]
        octets = [_canonical(request) for request in requests]
        steps: dict[str, tuple[Callable[[Any], object], Sequence[object]]] = {
            "parse": (etree.fromstring, bodies),
            "XSD (libxml2)": (lambda request: validate(SUBMISSION.schema, request), requests),
            "exclusive c14n": (_canonical, requests),
            "SHA-256": (lambda data: hashlib.sha256(data).digest(), octets),
            "durable commit (SQLite WAL FULL)": (self._commit, bodies),
        }
        gc.collect()
        parts = {}
        for name, (step, material) in steps.items():
            batch = time_each(step, material)
            parts[name] = (batch.median, batch.cpu_each)
        wall, cpu = (sum(part[kind] for part in parts.values()) for kind in (0, 1))
        return Batch([wall] * count, cpu * count, parts, resident_kib())

    def close(self) -> None:
        self._database.close()

    def _commit(self, body: bytes) -> None:
        self._database.execute("INSERT INTO message (body) VALUES (?)", (body,))


def _request(root: etree._Element) -> etree._Element:
    return root[-1][0]


def _canonical(root: etree._Element) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=True)


class RuleSet:
    """``imsoc-2019`` over a CHED that is read already, with the reference data of an instance."""

    def __init__(self, lines: int, part: Part | None) -> None:
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._part = part
        self._lines = lines
        self._facts = facts_of(load_reference(load_tables()))
        gc.collect()
        gc.freeze()

    def run(self, count: int) -> Batch:
        ched = decided(self._lines, now=self._now)
        on = self._now.date()
        return time_each(lambda _: evaluate_ched(ched, on=on, known=self._facts, part=self._part), range(count))

    def close(self) -> None:
        pass


def _rules(turns: int, each: int) -> dict[str, Any]:
    kinds = {"Part I": Part.I, "all parts": None}
    with ExitStack() as stack:
        batches = in_turns(
            {
                f"{_lines(lines)}, {name}": (stack.enter_context(Process(RuleSet, lines, part)), 10 * each)
                for lines in LINES
                for name, part in kinds.items()
            },
            turns,
        )
    return {
        name: {
            "p50_us": round(median(seconds for batch in of_one for seconds in batch.wall) * 1e6, 1),
            "cpu_us": round(median(batch.cpu_each for batch in of_one) * 1e6, 1),
        }
        for name, of_one in batches.items()
    }


def _main() -> None:
    """``python -m benchmarks.traces``: a quick look, without the rest of the benchmarks."""
    import json  # noqa: PLC0415 - for this look only
    import tempfile  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from benchmarks.partner import make_pki  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="imsoc-bench-") as name:
        keys = Path(name)
        make_pki(keys)
        started = time.perf_counter()
        print(json.dumps(measure(keys, 8000, turns=5, each=40, stored=20_000), indent=1))
        print(f"in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    _main()
