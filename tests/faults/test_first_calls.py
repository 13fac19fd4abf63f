"""The first calls of a process may all come at once: after a restart under load they do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

FIRST_CALLS = """
import os, sys, threading
from gateway.xml.schema_files import SchemaName, compiled

def first_calls():
    together, failures = threading.Barrier(8), []

    def call():
        together.wait()
        try:
            compiled(SchemaName.CERTIFICATE_EXCHANGE)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os._exit(1 if failures else 0)

bad = 0
for _ in range(int(sys.argv[1])):
    process = os.fork()
    if not process:
        first_calls()
    bad += os.waitpid(process, 0)[1] != 0
sys.exit(bad)
"""
"""Each child is a process in which libxml2 has compiled no schema yet; without a lock about one in thirty broke for
good."""

PROCESSES = "300" if "IMSOC_FAULTS" in os.environ else "60"


def test_threads_that_meet_their_first_schema_together_all_get_it():
    done = subprocess.run([sys.executable, "-c", FIRST_CALLS, PROCESSES], check=False, timeout=300)
    assert done.returncode == 0, f"{done.returncode} of {PROCESSES} processes were broken"


def test_a_gateway_that_starts_under_load_answers_every_first_call(pair, world):
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - this test alone sends at once

    a, b, ledger = pair()
    for _ in range(3):
        documents = [world.document() for _ in range(12)]
        a.start()
        with ThreadPoolExecutor(12) as pool:
            assert all(pool.map(ledger.submit, documents))
        a.wait_settled()
        a.kill()
    ledger.assert_everything_arrived_once(b)
    ledger.assert_kept()
