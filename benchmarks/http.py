"""Ours over HTTP: ``imsoc serve`` in a process of its own, under load from ``load``; its CPU and memory are watched."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks import load
from benchmarks.ours import make_gateway
from benchmarks.partner import Partner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["free_port", "measure", "served"]

WARMING = 100
_START_SECONDS = 30


def measure(keys: Path, size: int, *, first: int, then: int) -> dict[str, Any]:
    """Send messages in two steps and see what the second one adds to the server's memory.

    Args:
        keys: what ``make_pki`` wrote.
        size: bytes of the certificate before it is sealed.
        first: messages after which memory is read first.
        then: further messages.
    """
    port = free_port()
    settings = make_gateway(keys, keys / "served", port=port)
    sender = Partner(keys, size, "HTTP")
    steps = []
    with served(settings, port) as server:
        load.send(list(sender.messages(WARMING)), port, keys)
        sent = WARMING
        for upto in (first, first + then):
            messages = list(sender.messages(upto - sent))
            cpu = load.cpu_seconds(server.pid)
            seen = load.send(messages, port, keys)
            cpu = load.cpu_seconds(server.pid) - cpu
            sent = upto
            steps.append(
                {
                    "after": upto,
                    "messages_per_second": round(seen.messages / seen.seconds, 1),
                    "p50_ms": round(seen.p50 * 1e3, 2),
                    "p99_ms": round(seen.p99 * 1e3, 2),
                    "cpu_us": round(cpu / seen.messages * 1e6, 1),
                    "resident_mib": round(load.memory_kib(server.pid) / 1024, 1),
                }
            )
    growth = round(float(steps[-1]["resident_mib"]) / float(steps[0]["resident_mib"]), 3)
    return {"generator": load.GENERATOR, "connections": load.CONNECTIONS, "steps": steps, "growth": growth}


@contextmanager
def served(settings: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """``imsoc serve`` with these settings, listening at this port; ended afterwards.

    Raises:
        RuntimeError: it ended or does not listen, or the measurement failed; with the end of its log.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IMSOC_")}
    log = settings.with_name("server.log")
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "gateway", "-c", str(settings), "serve"], env=environment, stdout=file, stderr=file
        )
    try:
        _wait_for(port, server)
        yield server
    except RuntimeError as error:
        raise RuntimeError(f"{error}\n{log.read_text(errors='replace')[-4000:]}") from error
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(_START_SECONDS * 10):
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server does not listen")
