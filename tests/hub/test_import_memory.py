"""A 20 MB envelope in a fresh process: how much memory it takes from the hub's reply to a document of the exchange."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from polling_harness import MemoryHub, envelope

from gateway.ippc import Envelope
from gateway.sandbox.samples import with_reference

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from Linux's /proc"),
]

SIZE = 20_000_000

PROGRAM = r'''
"""Takes one small and one large envelope over; prints the peak of the large one and what stays, in its size."""
import ctypes, re, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from polling_harness import House, MemoryHub, envelope

from gateway.hub.importing import Importer
from gateway.hub.sources import RemoteSource, Waiting
from gateway.hub.validation import validate_phyto_xml
from gateway.store import open_store, upgrade

size, reply, url = int(sys.argv[2]), Path(sys.argv[3]), f"sqlite:///{sys.argv[4]}"

def status(name):
    return int(re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)[1]) * 1024

class FromFile(RemoteSource):
    def pull(self, number):
        return reply.read_bytes()

upgrade(url)
with open_store(url, exclusive=True) as store:
    house, hub = House(store), MemoryHub()

    def validate(text):
        day = house.now.date()
        return validate_phyto_xml(text, index=house.context.index.on(day), on=day, limits=house.context.limits)

    def take(source, number, header):
        return Importer(house.context, source, validate=validate).take(Waiting(header, house.partner()))

    number = hub.put(envelope())
    take(RemoteSource(house.partner(), hub), number, hub.envelopes[number].header)
    large = envelope(certificate_number="AR-LARGE")
    number = hub.put(large)
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    row = take(FromFile(house.partner(), hub), number, hub.envelopes[number].header)
    peak = status("VmHWM")
    assert row.state == "imported", row.message
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)  # what glibc keeps for later is nothing that anybody holds
    print((peak - before) / size, (status("VmRSS") - before) / size if trim else 0)
'''


@pytest.mark.parametrize("files", [1, 4])
def test_a_20_mb_envelope_becomes_a_document_below_six_times_its_size(tmp_path, files):
    plain = envelope(certificate_number="AR-LARGE")
    content = plain.content
    for number in range(files):
        blob = random.Random(number).randbytes(SIZE * 3 // 4 // files - 3000)
        content = with_reference(content, f"R{number}", attachment=(f"\U0001f4c4 {number}.pdf", blob))
    hub = MemoryHub()
    hub.put(envelope())
    reply = hub.pull(hub.put(Envelope(plain.header, content))).raw
    assert len(reply) > 0.99 * SIZE
    (tmp_path / "reply.xml").write_bytes(reply)
    here = str(Path(__file__).parent)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, here, str(SIZE), str(tmp_path / "reply.xml"), str(tmp_path / "db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    peak, left = map(float, ended.stdout.split())
    assert 2.9 < peak < 5.9, "the envelope, its document and its tree at least: the measurement measures"
    assert left < 1.4, "the pages that SQLite keeps in its cache"
