"""CHEDs got and found through the service, with a thousand stored and with many more.

Each question is asked of both gateways in turns; all of them leave their trace (R-11-1), so each ends in a commit.
"""

from __future__ import annotations

import gc
import os
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import cheds_store, report
from benchmarks.cheds import body_record, envelope, make_traces_gateway, short
from benchmarks.measure import Batch, Contestant, Process, in_turns, time_each
from benchmarks.wsgi import post
from gateway.app import build_application
from gateway.config import Settings
from gateway.documents.ched import write_ched
from gateway.store import open_store
from gateway.traces.contracts import CHED
from gateway.traces.headers import BodyIdentity, BodyKind
from gateway.traces.models import CnFilter, DateTimeRange, FindChedCriteria
from gateway.traces.wire_ched import find_ched_request, id_request
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.store import ChedRow

__all__ = ["FEW", "GET", "QUESTIONS", "Question", "Reader", "bodies", "fill_gateway", "measure", "settle"]

FEW = 1_000
_COMMISSION = BodyIdentity(BodyKind.AUTHORITY, "EC000001")
_POSTS = cheds_store.POSTS // len(cheds_store.COUNTRIES)


@dataclass(frozen=True, slots=True)
class Question:
    """What one body asks."""

    name: str
    ask: Callable[[random.Random, int], tuple[BodyIdentity, bytes]]
    """Of a chance and the number of CHEDs stored: who asks, and the request."""
    operation: str = "findChedCertificate"
    expected: bytes = b"ConsigneeName>Invented Imports<"


def _find(body: BodyIdentity, **criteria: Any) -> tuple[BodyIdentity, bytes]:
    return body, find_ched_request(FindChedCriteria(page_size=cheds_store.PAGE, **criteria))


def _operator(chance: random.Random) -> BodyIdentity:
    return BodyIdentity(BodyKind.OPERATOR, f"OPR{chance.randrange(cheds_store.OPERATORS):05}")


def _post(chance: random.Random) -> BodyIdentity:
    return BodyIdentity(BodyKind.AUTHORITY, f"AUTH{chance.choice(cheds_store.COUNTRIES)}P{chance.randrange(_POSTS)}")


def _country(chance: random.Random) -> BodyIdentity:
    return BodyIdentity(BodyKind.AUTHORITY, f"CENTRAL{chance.choice(cheds_store.COUNTRIES)}")


def _any(chance: random.Random, stored: int) -> ChedRow:
    return cheds_store.ched(chance.randint(1, stored), stored)


def _lately() -> DateTimeRange:
    return DateTimeRange(cheds_store.LAST - timedelta(days=0.3), cheds_store.LAST + timedelta(days=2))


GET = "getChedCertificate"
QUESTIONS = (
    Question(
        "get",
        lambda chance, stored: (_COMMISSION, id_request(CHED.operation(GET).request, _any(chance, stored).reference)),
        GET,
        b"CHED-PP - Common Health Entry Document",
    ),
    Question("find an operator's own", lambda chance, _: _find(_operator(chance))),
    Question("find a post's, new", lambda chance, _: _find(_post(chance), statuses=("1",))),
    Question("find a country's, by chapter", lambda chance, _: _find(_country(chance), cn_codes=(CnFilter("06"),))),
    Question("find a country's, lately changed", lambda chance, _: _find(_country(chance), updated=_lately())),
    Question(
        "find by origin and status",
        lambda chance, _: _find(_COMMISSION, country_of_origin=chance.choice(cheds_store.ORIGINS), statuses=("70",)),
    ),
    Question(
        "find by local reference",
        lambda chance, stored: _find(_COMMISSION, local_reference=_any(chance, stored).local_reference),
    ),
)
"""What is asked all day (``cheds_store.SEARCHES``), as it arrives."""


def bodies() -> list[str]:
    """Everybody who asks."""
    authority = BodyKind.AUTHORITY.value
    posts = [f"{country}P{number}" for country in cheds_store.COUNTRIES for number in range(_POSTS)]
    return [
        body_record(_COMMISSION.id, authority, roles="commission"),
        *(body_record(f"OPR{number:05}", "operator", country="NL") for number in range(cheds_store.OPERATORS)),
        *(body_record(f"AUTH{post}", authority, roles="border-control-post", post=post) for post in posts),
        *(
            body_record(f"CENTRAL{country}", authority, roles="central", country=country)
            for country in cheds_store.COUNTRIES
        ),
    ]


def measure(keys: Path, many: int, *, turns: int, each: int) -> dict[str, Any]:
    """Fill two gateways and ask both.

    Args:
        keys: what ``make_pki`` wrote.
        many: CHEDs in the larger one; the smaller one has ``FEW``.
        turns: of the two.
        each: of each question in a turn; turns are made shorter and more, since a question takes little time.
    """
    turns, each = turns * 4, max(5, each // 4)
    with ExitStack() as stack:
        readers: dict[str, tuple[Contestant, int]] = {}
        filling = 0.0
        for name, stored in (("few", FEW), ("many", many)):
            settings = make_traces_gateway(keys, f"stored-{name}", bodies())
            filling = fill_gateway(settings, stored)
            readers[name] = (stack.enter_context(Process(Reader, settings, stored)), each)
        database = keys / "stored-many" / "gateway.db"
        settle(database)
        batches = in_turns(readers, (turns + 1) * len(QUESTIONS))
        size = database.stat().st_size
    return {
        "few": FEW,
        "many": many,
        "filling_seconds": round(filling, 1),
        "file_mib": round(size / 2**20),
        "questions": {question.name: _compared(question.name, batches) for question in QUESTIONS},
    }


def _compared(name: str, batches: dict[str, list[Batch]]) -> dict[str, Any]:
    asked = {
        store: [batch for batch in of_one[len(QUESTIONS) :] if name in batch.parts]  # the first round warms
        for store, of_one in batches.items()
    }
    taken = {store: [seconds for batch in of_one for seconds in batch.wall] for store, of_one in asked.items()}
    return {
        **{f"{store}_us": round(median(seconds) * 1e6, 1) for store, seconds in taken.items()},
        "ratio": report.ratio(asked["many"], asked["few"]),
    }


def fill_gateway(settings: Path, stored: int) -> float:
    started = time.perf_counter()
    document = serialise(write_ched(short()))
    with open_store(Settings.load(settings, {}).store.url, exclusive=True) as store:
        cheds_store.fill(store, stored, document=document)
    return time.perf_counter() - started


def settle(database: Path) -> None:
    """Let the system write what it still has and read the file once: the disk is not asked here, the store is."""
    os.sync()
    with database.open("rb") as file:
        while file.read(1 << 24):
            pass


class Reader:
    """A gateway that has CHEDs, and everybody who asks it; each ``run`` asks the next question so many times.

    So the same question is asked of two stores within a moment, whatever else the machine does.
    """

    def __init__(self, settings: Path, stored: int) -> None:
        self._stored = stored
        self._turn = 0
        self._application = build_application(Settings.load(settings, {}))
        gc.collect()
        gc.freeze()

    def run(self, count: int) -> Batch:
        question = QUESTIONS[self._turn % len(QUESTIONS)]
        chance = random.Random(self._turn)
        self._turn += 1
        requests = [envelope(*question.ask(chance, self._stored)) for _ in range(count)]
        batch = time_each(partial(self._ask, question), requests)
        batch.parts[question.name] = (batch.median, batch.cpu_each)
        return batch

    def _ask(self, question: Question, request: bytes) -> None:
        post(self._application, CHED.path, question.operation, request, expected=question.expected)

    def close(self) -> None:
        self._application.close()
