"""Load over HTTP: every request is made ahead and sent once; ``wrk`` sends them where it is installed.

Without ``wrk`` processes of our own do, one per connection; they cost more of the machine that the server needs too.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import percentile, resident_kib
from benchmarks.wsgi import PATH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.partner import Message

__all__ = ["GENERATOR", "Load", "cpu_seconds", "members", "memory_kib", "send"]

GENERATOR = "wrk" if shutil.which("wrk") else "processes of our own"
CONNECTIONS = 8
_SCRIPT = Path(__file__).with_name("feed.lua")
_LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Load:
    """What a run over HTTP showed."""

    messages: int
    seconds: float
    p50: float
    p99: float


def send(messages: Iterable[Message], port: int, folder: Path) -> Load:
    """Send the messages over ``CONNECTIONS`` connections and wait for every answer.

    Raises:
        RuntimeError: an answer was not an acknowledgement, or did not come.
    """
    requests = [_request(message, port) for message in messages]
    answer = (_wrk if GENERATOR == "wrk" else _own)(requests, port, folder)
    if answer["answered"] != len(requests) or answer["refused"] or answer["socket_errors"]:
        raise RuntimeError(f"of {len(requests)} requests: {answer}")
    return Load(len(requests), answer["seconds"], answer["p50"], answer["p99"])


def _request(message: Message, port: int) -> bytes:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: text/xml; charset=utf-8\r\n"
        f'SOAPAction: "{message.action}"\r\nContent-Length: {len(message.body)}\r\n\r\n'
    )
    return head.encode() + message.body


def _wrk(requests: list[bytes], port: int, folder: Path) -> dict[str, float]:
    feed = folder / "requests.bin"
    with feed.open("wb") as file:
        file.writelines(b"%08d%b" % (len(request), request) for request in requests)
    connections = min(CONNECTIONS, len(requests))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{_LIMIT_SECONDS}s", "--timeout", "600s", "-s", str(_SCRIPT)]
    command += [f"http://127.0.0.1:{port}{PATH}", "--", str(feed), str(len(requests))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said_at_end = process.stderr.read()
    feed.unlink()
    try:
        return {**json.loads(said), **json.loads(said_at_end)}
    except ValueError:
        raise RuntimeError(f"wrk: {said}{said_at_end}") from None


def _own(requests: list[bytes], port: int, folder: Path) -> dict[str, float]:
    del folder
    context = multiprocessing.get_context("fork")
    start = time.perf_counter()
    with context.Pool(CONNECTIONS) as pool:
        shares = [(requests[number::CONNECTIONS], port) for number in range(CONNECTIONS)]
        answers = pool.starmap(_one_connection, shares, chunksize=1)
    seconds = time.perf_counter() - start
    latencies = [latency for share, _ in answers for latency in share]
    return {
        "answered": len(latencies),
        "refused": sum(refused for _, refused in answers),
        "seconds": seconds,
        "p50": percentile(latencies, 0.5),
        "p99": percentile(latencies, 0.99),
        "socket_errors": 0,
    }


def _one_connection(requests: list[bytes], port: int) -> tuple[list[float], int]:
    latencies, refused = [], 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            start = time.perf_counter()
            connection.sendall(request)
            response = HTTPResponse(connection)
            response.begin()
            body = response.read()
            latencies.append(time.perf_counter() - start)
            refused += response.status != 200 or b"SPSAcknowledgement" not in body
    return latencies, refused


def members(pid: int) -> list[int]:
    """A process and everything below it (Linux)."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found = [pid]
    for known in found:
        found.extend(child for child, parent in parents.items() if parent == known)
    return found


def cpu_seconds(pid: int) -> float:
    """CPU seconds, user and system, that a process and those below it have used so far."""
    ticks = 0
    for member in members(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_kib(pid: int) -> int:
    """Resident memory of a process and those below it; pages that they share count twice."""
    return sum(resident_kib(member) for member in members(pid))
