"""The same message from sixteen processes at once, each with its own nonce, over HTTP to real gateways: one effect."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SENDER = Path(__file__).with_name("sender.py")
SENDERS = 16
THREADS_OF_A_WORKER = 6
"""The four that deliver, the one that follows the parent, and the one that serves."""


def send_at_once(ledger, document, folder):
    """The answers of sixteen processes that were all ready before the first of them sent."""
    running = []
    for number in range(SENDERS):
        envelope, answer = folder / f"{number}.request", folder / f"{number}.answer"
        envelope.write_bytes(ledger.envelope(document))
        address = f"{ledger.target.address}/CertificateExchange"
        process = subprocess.Popen(
            [sys.executable, str(SENDER), address, str(envelope), str(answer)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        running.append((process, answer))
    for process, _ in running:
        assert process.stdout.readline() == b"ready\n"
    for process, _ in running:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process, _ in running:
        process.communicate(timeout=60)
        assert process.returncode == 0
    return [answer.read_bytes() for _, answer in running]


@pytest.mark.parametrize(("store", "workers"), [("sqlite", 1), ("postgresql", 2)])
def test_sixteen_processes_at_once_get_one_answer_for_one_effect(pair, world, request, tmp_path, store, workers):
    url = request.getfixturevalue("pg_url") if store == "postgresql" else ""
    a, b, ledger = pair(url=url, server=f"workers = {workers}")
    a.start(real=True)
    wait_for_workers(a, workers)
    document = world.document()

    answers = send_at_once(ledger, document, tmp_path)

    assert len(set(answers)) == 1
    ledger.sent[document.number, document.status] = document
    assert ledger.submit(document)
    assert ledger.acknowledged[document.number, document.status] in answers[0]
    outcomes = dict(a.rows("SELECT outcome, count(*) FROM exchanges GROUP BY outcome"))
    assert outcomes == {"accepted": 1, "repeat": SENDERS}
    for table in ("documents", "document_versions", "deliveries", "seal_values", "exchange_parts"):
        assert a.one(f"SELECT count(*) FROM {table}") == 1, table
    a.wait_settled()
    ledger.assert_kept()
    ledger.assert_everything_arrived_once(b)
    a.assert_sound()
    b.assert_sound()


def wait_for_workers(instance, wanted, seconds=30):
    """Until so many worker processes of the group have their request and delivery threads."""
    end = time.monotonic() + seconds
    while sum(serves(entry, instance.process.pid) for entry in Path("/proc").iterdir()) != wanted:
        assert time.monotonic() < end, f"not {wanted} workers"
        time.sleep(0.05)


def serves(entry, group):
    try:
        members = (entry / "stat").read_text().rpartition(")")[2].split()
        threads = len(list((entry / "task").iterdir()))
    except (OSError, IndexError):
        return False
    return int(members[2]) == group and int(entry.name) != group and threads >= THREADS_OF_A_WORKER
