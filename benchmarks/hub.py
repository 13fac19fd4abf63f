"""The ePhyto hub's contract over HTTP: delivering beside submitting, pulling a long queue, one very large envelope.

The client certificate comes in the ``Client-Cert`` header (RFC 9440), as a reverse proxy hands it on: TLS would cost
both contracts the same and hide the difference. One connection, one call after the other.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import load
from benchmarks.http import served
from benchmarks.hub_caller import (
    RECEIVER,
    SENDER,
    Caller,
    Server,
    deliver_request,
    envelope,
    expect,
    hub_number,
    request,
)
from benchmarks.measure import percentile
from benchmarks.partner import Partner
from gateway.config import Settings
from gateway.sandbox.samples import certificate, with_reference
from gateway.store import NewEnvelope, add_envelopes, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from benchmarks.partner import Message

__all__ = ["measure"]

LARGE = 20_000_000
"""Bytes of the certificate in the large envelope; nearly all of it are attachments."""
QUEUE = 10_000
"""Envelopes that wait in a full run; as many as one call lists."""
_PORTION = 500
"""Envelopes stored in one transaction ahead of the pulling."""


def measure(keys: Path, size: int, *, turns: int, each: int, waiting: int) -> dict[str, Any]:
    """All three.

    Args:
        keys: what ``make_pki`` wrote.
        size: bytes of a certificate.
        turns: of delivering and submitting.
        each: messages of each turn.
        waiting: envelopes in the queue that is pulled.
    """
    return {
        "deliver": _deliver(Server(keys, "hub-deliver"), keys, size, turns, each),
        "pull": _pull(Server(keys, "hub-pull"), size, waiting),
        "large": _large(Server(keys, "hub-large")),
    }


def _deliver(server: Server, keys: Path, size: int, turns: int, each: int) -> dict[str, Any]:
    partner = Partner(keys, size, "HUB")
    numbers = iter(range(10**9))
    delivering, submitting = server.caller("AR"), Caller(server.port, {})
    taken: dict[str, list[list[float]]] = {"DeliverEnvelope": [], "SubmitCertificate": []}
    cpu = dict.fromkeys(taken, 0.0)
    with served(server.settings, server.port) as process:
        for turn in range(turns + 1):
            envelopes = [envelope(f"AR-BENCH-{next(numbers):08}", size) for _ in range(each)]
            messages = list(partner.messages(each))
            for name, caller, batch in (
                ("SubmitCertificate", submitting, [partial(_submit, submitting, message) for message in messages]),
                ("DeliverEnvelope", delivering, [partial(_hand_over, delivering, body) for body in envelopes]),
            ):
                caller.fresh()
                before = load.cpu_seconds(process.pid)
                seconds = [send() for send in batch]
                if turn:  # the first one warms
                    taken[name].append(seconds)
                    cpu[name] += load.cpu_seconds(process.pid) - before
    ratios = [median(one) / median(other) for one, other in zip(*taken.values(), strict=True)]
    return {
        **{
            name: {
                "messages": turns * each,
                "p50_ms": round(median(seconds for batch in batches for seconds in batch) * 1e3, 2),
                "p99_ms": round(percentile([seconds for batch in batches for seconds in batch], 0.99) * 1e3, 2),
                "cpu_us": round(cpu[name] / (turns * each) * 1e6, 1),
            }
            for name, batches in taken.items()
        },
        "ratio": {"median": round(median(ratios), 2), "range": [round(min(ratios), 2), round(max(ratios), 2)]},
    }


def _submit(caller: Caller, message: Message) -> float:
    start = time.perf_counter()
    answer = caller.post("/CertificateExchange", message.action, message.body)
    seconds = time.perf_counter() - start
    expect(answer, b"SPSAcknowledgement")
    return seconds


def _hand_over(caller: Caller, body: bytes) -> float:
    seconds, answer = caller.call("DeliverEnvelope", body)
    expect(answer, b">PendingDelivery<")
    return seconds


def _pull(server: Server, size: int, waiting: int) -> dict[str, Any]:
    warming = 50
    numbers = [f"bench-{number:06}" for number in range(waiting + warming)]
    _fill(server.settings, numbers, certificate(number="AR-BENCH-WAITING", size_hint=size))
    taken = []
    caller = server.caller("NL")
    with served(server.settings, server.port):
        listing, headers = caller.call("GetImportEnvelopeHeaders", request("GetImportEnvelopeHeaders"))
        for number in numbers:
            start = time.perf_counter()
            _, pulled = caller.call("PULLSingleImportEnvelope", request("PULLSingleImportEnvelope", number))
            caller.call("AcknowledgeEnvelopeReceipt", request("AcknowledgeEnvelopeReceipt", number))
            taken.append(time.perf_counter() - start)
            expect(pulled, b"Content>")
        _, left = caller.call("GetImportEnvelopeHeaders", request("GetImportEnvelopeHeaders"))
    if b">PendingDelivery<" in left:
        raise RuntimeError("envelopes are left that were acknowledged")
    measured = taken[warming:]
    tenth = max(1, len(measured) // 10)
    first, last = median(measured[:tenth]), median(measured[-tenth:])
    return {
        "envelopes": waiting,
        "headers_in_one_call": headers.count(b">PendingDelivery<"),
        "headers_ms": round(listing * 1e3, 1),
        "first_tenth_ms": round(first * 1e3, 3),
        "last_tenth_ms": round(last * 1e3, 3),
        "p99_ms": round(percentile(measured, 0.99) * 1e3, 2),
        "growth": round(last / first, 3),
    }


def _fill(settings: Path, numbers: list[str], content: bytes) -> None:
    now = datetime.now(UTC)
    with open_store(Settings.load(settings, {}).store.url, exclusive=True) as store:
        for first in range(0, len(numbers), _PORTION):
            portion = [_waiting(number, content) for number in numbers[first : first + _PORTION]]
            store.write(partial(_add, portion=portion, now=now))


def _add(connection: Connection, portion: list[NewEnvelope], now: datetime) -> None:
    for one in portion:
        add_envelopes(connection, [one], actor=SENDER, now=now)


def _waiting(number: str, content: bytes) -> NewEnvelope:
    return NewEnvelope(
        number=number,
        partner=SENDER,
        recipient=RECEIVER,
        from_country="AR",
        to_country="NL",
        certificate_type=851,
        certificate_status=70,
        certificate_number=f"AR-{number}",
        content=content,
        repeat_key=hashlib.sha256(number.encode()).digest(),
    )


def _large(server: Server) -> dict[str, Any]:
    attachments = [os.urandom(LARGE // 4 * 3 // 4 - 2_000) for _ in range(4)]
    document = certificate(number="AR-LARGE")
    for content in attachments:
        # a name beyond Latin-1, as real ones are: Python then holds the text at two bytes for each character
        document = with_reference(document, "BULK", attachment=("отчёт.pdf", content))
    large = deliver_request("AR-LARGE", document)
    sender, receiver = server.caller("AR"), server.caller("NL")
    steps: dict[str, Any] = {}
    with served(server.settings, server.port) as process:
        small = hub_number(sender.call("DeliverEnvelope", envelope("AR-SMALL", 8000))[1])
        receiver.call("PULLSingleImportEnvelope", request("PULLSingleImportEnvelope", small))
        with _peak(process.pid, len(document), steps, "DeliverEnvelope"):
            seconds, answer = sender.call("DeliverEnvelope", large)
        expect(answer, b">PendingDelivery<")
        steps["DeliverEnvelope"]["seconds"] = round(seconds, 2)
        number = hub_number(answer)
        with _peak(process.pid, len(document), steps, "PULLSingleImportEnvelope"):
            seconds, answer = receiver.call("PULLSingleImportEnvelope", request("PULLSingleImportEnvelope", number))
        steps["PULLSingleImportEnvelope"]["seconds"] = round(seconds, 2)
    if any(base64.b64encode(content) not in answer for content in attachments):
        raise RuntimeError("an attachment did not come back")
    return {"bytes": len(document), "steps": steps, "worst": max(step["over_size"] for step in steps.values())}


@contextmanager
def _peak(pid: int, size: int, steps: dict[str, Any], name: str) -> Iterator[None]:
    """How far the serving process goes above what it held before, in sizes of the envelope (Linux)."""
    members = load.members(pid)
    before = {}
    for member in members:
        Path(f"/proc/{member}/clear_refs").write_text("5")  # the peak counts from here
        before[member] = _status(member, "VmRSS")
    yield
    peaks = {member: _status(member, "VmHWM") for member in members}
    serving = max(members, key=lambda member: peaks[member] - before[member])
    grown = (peaks[serving] - before[serving]) * 1024
    steps[name] = {
        "before_mib": round(before[serving] / 1024, 1),
        "peak_mib": round(peaks[serving] / 1024, 1),
        "over_size": round(grown / size, 2),
    }


def _status(pid: int, name: str) -> int:
    """KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
