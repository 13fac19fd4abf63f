"""Customs: lookups beside a million CHEDs and five million movements on PostgreSQL, and reservations that compete.

The application is called in process, as its server would call it: authentication, access, ledger, certificate, trace,
commit and reply are in every figure. Requests are written here as text, as any customs system would write them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import secrets
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import psycopg
from lxml import etree

from benchmarks import customs_store, postgresql
from benchmarks.cheds import decided
from benchmarks.customs_store import KG
from benchmarks.measure import Batch, Process, percentile, time_each
from benchmarks.ours import make_gateway
from benchmarks.partner import security
from benchmarks.wsgi import post
from gateway.app import build_application
from gateway.certex.contract import CERTEX
from gateway.config import Settings
from gateway.documents.ched import write_ched
from gateway.store import check_ledgers, open_store, read_ledger
from gateway.xml.canonical import serialise

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CLIENTS", "Asker", "measure"]

PEAK: Final = 55
"""Lookups in a second: the whole Union's peak."""
CLIENTS: Final = 32
MANY: Final = 1_000
"""CHEDs over which reservations are spread."""
WORKERS: Final = (1, 2, 4)
SYSTEM: Final = "bench-customs"
OFFICE: Final = "NL000510"

_RECORD: Final = f"""
[partner]
id = "{SYSTEM}"
name = "Customs of the benchmark"
kind = "customs"
country = "NL"
contracts = ["customs-certex-ched"]
timestamp = "optional"
[partner.authentication]
username = "{SYSTEM}"
secret = "file:{{secret}}"
[partner.customs]
offices = ["NL*"]
countries = ["*"]
"""
_ENVELOPE: Final = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header>{security}'
    '<b:LanguageCode xmlns:b="http://ec.europa.eu/sanco/tracesnt/base/v3">en</b:LanguageCode>'
    '<b:WebServiceClientId xmlns:b="http://ec.europa.eu/sanco/tracesnt/base/v3">bench</b:WebServiceClientId>'
    '<c:CertexHeader xmlns:c="http://ec.europa.eu/sanco/tracesnt/customs_certex/ched/v06" '
    'xmlns="http://ec.europa.eu/sanco/tracesnt/customs_certex/base/v03"><MessageId>{id}</MessageId>'
    "<UniqRequesterPrefix>{office}</UniqRequesterPrefix></c:CertexHeader>"
    '<o:CustomsOfficeReferenceNumber xmlns:o="http://ec.europa.eu/tracesnt/body/v1">{office}'
    "</o:CustomsOfficeReferenceNumber></soap:Header><soap:Body>"
    '<c:ProcessedChedRequest xmlns:c="http://ec.europa.eu/sanco/tracesnt/customs_certex/ched/v06" '
    'xmlns="http://ec.europa.eu/sanco/tracesnt/customs_certex/base/v03"><c:SendingDate>{now}</c:SendingDate>'
    "<c:ChedCertificateId>{ched}</c:ChedCertificateId>{declaration}<c:CompetentCustomsOffice>"
    "<ReferenceNumber>{office}</ReferenceNumber></c:CompetentCustomsOffice>{goods}<c:Language>en</c:Language>"
    "<c:QuantityManagementIndication>{reserve}</c:QuantityManagementIndication>"
    "</c:ProcessedChedRequest></soap:Body></soap:Envelope>"
)
_NOBODY: Final = "<c:CustomsDeclarationReferenceNumber/>"
_DECLARATION: Final = "<c:CustomsDeclarationReferenceNumber><MRN>{mrn}</MRN></c:CustomsDeclarationReferenceNumber>"
_GOODS: Final = (
    "<c:CommodityDescriptionForChed><GoodsItemNumber>1</GoodsItemNumber><CertificateLineNumber>1</CertificateLineNumber>"
    "<ClassCode>08051022</ClassCode><NetWeightQuantity>{kg}</NetWeightQuantity>"
    "<NetWeightUnitOfMeasure>KGM</NetWeightUnitOfMeasure></c:CommodityDescriptionForChed>"
)
_RESULT: Final = re.compile(rb"ReservationResult>([01])<")
_MADE: Final = b"ReservationResult>1<"
"""In the answer to a reservation that was made, and in no other."""
_SHOWN: Final = b"HarmonizedSystemSubheadingcode>0805"
"""In every answer that shows a ledger."""
_PATIENCE: Final = 60.0
"""Seconds that one waits for another."""


def measure(keys: Path, *, stored: int, lookups: int, reservations: int) -> dict[str, Any] | None:
    """All figures; None where no PostgreSQL is installed.

    Args:
        keys: what ``make_pki`` wrote.
        stored: CHEDs.
        lookups: how many are timed.
        reservations: of each of the clients that compete for one CHED, and per worker of those that do not.
    """
    with postgresql.server() as url:
        if url is None:
            return None
        settings = _gateway(keys, url)
        validated = replace(decided(1, now=datetime.now(UTC).replace(microsecond=0)), follow_up=None)
        document = serialise(write_ched(validated))
        began = time.perf_counter()
        customs_store.load(url, stored, document)
        filling = time.perf_counter() - began
        found = {
            "stored": stored,
            "entries": stored * customs_store.ENTRIES,
            "document_bytes": len(document),
            "filling_seconds": round(filling, 1),
            "lookups": _lookups(settings, stored, lookups),
            "peak": _peak(settings, url, stored, max(PEAK, lookups // 5)),
            "floor": _floor(url, stored, lookups),
            "one": _one(settings, stored, reservations),
            **_many(settings, url, stored, reservations * 4),
        }
        with open_store(url, exclusive=False) as store, store.read() as connection:
            checked, troubles = check_ledgers(connection, limit=MANY)
        found["checked"] = {"ledgers": len(checked), "troubles": len(troubles), "deadlocks": _deadlocks(url)}
        return found


class Asker:
    """A gateway's process that answers customs.

    Args:
        settings: its file.
        stored: CHEDs in its store.
        reserving: whether it is asked to reserve, spread over `MANY` CHEDs, instead of to read.
        rate: messages a second; 0 asks as soon as the last one was answered.
    """

    def __init__(self, settings: Path, stored: int, *, reserving: bool = False, rate: int = 0) -> None:
        self._application = build_application(Settings.load(settings, {}))
        self._stored = stored
        self._reserving = reserving
        self._rate = rate
        self._numbers = customs_store.full(stored)
        self._chance = random.Random(secrets.token_hex())

    def run(self, count: int) -> Batch:
        """Ask so often, each time about another CHED."""
        return time_each(self._ask, self._messages(count))

    def close(self) -> None:
        """End."""
        self._application.close()

    def _messages(self, count: int) -> Iterator[bytes]:
        few = self._numbers[:-1][:MANY]  # nothing is left of the last one (`_one`)
        began = time.perf_counter()
        for place in range(count):
            if self._rate:
                time.sleep(max(0.0, began + place / self._rate - time.perf_counter()))
            number = self._chance.choice(few if self._reserving else self._numbers)
            yield envelope(customs_store.reference(number), kg="0.001" if self._reserving else "")

    def _ask(self, body: bytes) -> None:
        post(self._application, CERTEX.path, _ACTION, body, expected=_MADE if self._reserving else _SHOWN)


_ACTION: Final = CERTEX.operations[0].action


def envelope(ched: str, *, kg: str = "") -> bytes:
    """A message: a read, or a reservation of so many kilograms for an MRN of its own."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    declaration = _DECLARATION.format(mrn=f"26NL{secrets.token_hex(7).upper()}") if kg else _NOBODY
    return _ENVELOPE.format(
        security=security(SYSTEM),
        id=secrets.token_hex(16),
        office=OFFICE,
        now=now,
        ched=ched,
        declaration=declaration,
        goods=_GOODS.format(kg=kg) if kg else "",
        reserve=int(bool(kg)),
    ).encode()


def _gateway(keys: Path, url: str) -> Path:
    folder = keys / "customs"
    return make_gateway(keys, folder, partners=(_RECORD.format(secret=folder / "secret.txt"),), store=url)


def _lookups(settings: Path, stored: int, count: int) -> dict[str, float]:
    with Process(Asker, settings, stored) as asker:
        asker.run(max(50, count // 10))  # connections, caches, compiled schemas
        batch = asker.run(count)
    return _figures(batch)


def _peak(settings: Path, url: str, stored: int, count: int) -> dict[str, float]:
    """Lookups at the rate of the peak, as a clock sends them: what they take of a core here and in the database."""
    with Process(partial(Asker, rate=PEAK), settings, stored) as asker:
        asker.run(PEAK)
        database, began = _database_seconds(url), time.perf_counter()
        batch = asker.run(count)
        seconds = time.perf_counter() - began
        database = _database_seconds(url) - database
    return {
        "seconds": round(seconds, 1),
        "per_second": round(count / seconds, 1),
        "p99_ms": round(percentile(batch.wall, 0.99) * 1e3, 2),
        "cores": round(batch.cpu / seconds, 3),
        "database_cores": round(database / seconds, 3),
    }


def _database_seconds(url: str) -> float:
    """CPU seconds of the server and of all its processes, also of those that ended (Linux)."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert found is not None
        server = _stat(Path(f"/proc/{found[0]}/stat"))[1]
        stats = [_stat(each) for each in Path("/proc").glob("[0-9]*/stat")]
        ticks = sum(sum(spent[:2]) for pid, parent, *spent in stats if parent == server)
        ticks += sum(sum(spent) for pid, _, *spent in stats if pid == server)
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(path: Path) -> tuple[int, ...]:
    """Process, parent, own time (user, system), that of its children which ended (user, system), in clock ticks."""
    try:
        head, _, rest = path.read_text("utf-8", "replace").rpartition(")")
    except OSError:
        return (0, 0, 0, 0, 0, 0)
    fields = rest.split()
    return (int(head.split(" ", 1)[0]), int(fields[1]), *map(int, fields[11:15]))


def _deadlocks(url: str) -> int:
    """How many the server has broken since it began; each was tried again, so no answer tells."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT coalesce(sum(deadlocks), 0) FROM pg_stat_database").fetchone()
    assert found is not None
    return int(found[0])


def _figures(batch: Batch) -> dict[str, float]:
    return {
        "p50_ms": round(median(batch.wall) * 1e3, 2),
        "p99_ms": round(percentile(batch.wall, 0.99) * 1e3, 2),
        "longest_ms": round(max(batch.wall) * 1e3, 2),
        "cpu_ms": round(batch.cpu_each * 1e3, 2),
        "cores_at_peak": round(batch.cpu_each * PEAK, 3),
    }


def _floor(url: str, stored: int, count: int) -> dict[str, float]:
    """The primitives of a lookup, without anything that makes it right."""
    with Process(Floor, url, stored) as floor:
        floor.run(50)
        return _figures(floor.run(count))


class Floor:
    """Reads and joins.

    Args:
        url: of the database.
        stored: CHEDs in it.
    """

    def __init__(self, url: str, stored: int) -> None:
        self._connection = psycopg.connect(url)
        self._numbers = customs_store.full(stored)
        self._chance = random.Random(secrets.token_hex())

    def run(self, count: int) -> Batch:
        """Read so many CHEDs."""
        references = [customs_store.reference(self._chance.choice(self._numbers)) for _ in range(count)]
        return time_each(self._ask, [(each, envelope(each)) for each in references])

    def close(self) -> None:
        """End."""
        self._connection.close()

    def _ask(self, question: tuple[str, bytes]) -> bytes:
        reference, body = question
        etree.fromstring(body)
        cursor = self._connection.cursor()
        cursor.execute("SELECT c.id, p.content FROM cheds c JOIN ched_parts p ON p.version_id = c.content_id "
                       "WHERE c.reference = %s AND c.reference <> ''", (reference,))  # fmt: skip
        ched_id, content = cursor.fetchone() or ("", b"")
        lines = cursor.execute("SELECT * FROM ledger_lines WHERE ched_id = %s", (ched_id,)).fetchall()
        held = cursor.execute("SELECT * FROM ledger_allocations WHERE ched_id = %s", (ched_id,)).fetchall()
        cursor.execute("INSERT INTO audit (at, actor, action, subject, detail) VALUES ('', 'floor', '', %s, '{}')",
                       (reference,))  # fmt: skip
        self._connection.commit()
        return b"".join((content, repr(lines).encode(), repr(held).encode()))


def _one(settings: Path, stored: int, each: int) -> dict[str, Any]:
    """All clients reserve on one CHED, which has not enough for all of them."""
    application = build_application(Settings.load(settings, {}))
    ched = customs_store.reference(customs_store.full(stored)[-1])
    with application.context.store.read() as connection:
        state = read_ledger(connection, ched)
    assert state is not None
    enough = CLIENTS * each * 3 // 4
    kg = state.lines[0].available // KG // enough
    waits, answers, failures = list[float](), Counter[bytes](), list[str]()
    start = threading.Barrier(CLIENTS + 1)

    def client() -> None:
        bodies = [envelope(ched, kg=str(kg)) for _ in range(each)]
        start.wait(_PATIENCE)
        for body in bodies:
            began = time.perf_counter()
            try:
                reply = post(application, CERTEX.path, _ACTION, body, expected=b"ReservationResult")
            except Exception as error:  # noqa: BLE001 - whatever it is, this message was not answered
                failures.append(str(error))
                continue
            waits.append(time.perf_counter() - began)
            found = _RESULT.search(reply)
            answers[found[1] if found else b""] += 1

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    start.wait(_PATIENCE)
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    with application.context.store.read() as connection:
        after = read_ledger(connection, ched)
    application.close()
    assert after is not None
    held = sum(row.quanta for row in after.allocations) - sum(row.quanta for row in state.allocations)
    return {
        "clients": CLIENTS,
        "messages": CLIENTS * each,
        "made": answers[b"1"],
        "refused": answers[b"0"],
        "failed": len(failures),
        "oversold": after.lines[0].available < 0 or held != answers[b"1"] * kg * KG,
        "per_second": round(len(waits) / seconds, 1),
        "p50_ms": round(median(waits) * 1e3, 1),
        "longest_ms": round(max(waits) * 1e3, 1),
    }


def _many(settings: Path, url: str, stored: int, each: int) -> dict[str, Any]:
    """Reservations in a second by the number of worker processes, spread over many CHEDs; and how many were made.

    Raises:
        RuntimeError: a worker failed, or had an answer in which nothing was reserved.
        BrokenBarrierError: a worker failed, or one waited too long for another.
    """
    before, rates = _held(url), {}
    for workers in WORKERS:
        barrier = multiprocessing.Barrier(workers + 1)
        processes = [
            multiprocessing.Process(target=_reserve, args=(settings, stored, each, barrier)) for _ in range(workers)
        ]
        for process in processes:
            process.start()
        barrier.wait(_PATIENCE)
        began = time.perf_counter()
        barrier.wait(_PATIENCE)
        seconds = time.perf_counter() - began
        for process in processes:
            process.join(_PATIENCE)
        if any(process.exitcode for process in processes):
            raise RuntimeError(f"exit codes of workers: {[process.exitcode for process in processes]}")
        rates[str(workers)] = round(workers * each / seconds, 1)
    asked = sum(workers * (_WARM + each) for workers in WORKERS)
    return {"many": rates, "spread": {"asked": asked, "made": _held(url) - before}}


def _held(url: str) -> int:
    """Reservations that stand, of every declaration."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM ledger_allocations WHERE state = 'reserved'").fetchone()
    assert found is not None
    return int(found[0])


_WARM: Final = 10


def _reserve(settings: Path, stored: int, each: int, barrier: Any) -> None:
    try:
        asker = Asker(settings, stored, reserving=True)
        asker.run(_WARM)
        barrier.wait(_PATIENCE)
        asker.run(each)
        barrier.wait(_PATIENCE)
        asker.close()
    except BaseException:
        barrier.abort()  # nobody waits for this one
        raise


if __name__ == "__main__":
    import tempfile

    from benchmarks.partner import make_pki

    with tempfile.TemporaryDirectory() as name:
        make_pki(Path(name))
        size = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
        print(json.dumps(measure(Path(name), stored=size, lookups=500, reservations=10), indent=1))
