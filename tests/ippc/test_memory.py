"""A 20 MB envelope in a fresh process: how much memory it takes on its way in and out."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.ippc import Envelope, EnvelopeHeader, wire
from gateway.sandbox.samples import certificate, with_reference
from gateway.soap import SoapVersion
from gateway.soap.envelope import write_envelope

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from Linux's /proc"),
]

SIZE = 20_000_000
HEADER = EnvelopeHeader("AR", "NL", 851, 70, "EZ-1")

PROGRAM = r'''
"""Serves one small and one large request; prints size of the answer, peak and rest of memory in sizes of the large."""
import ctypes, re, sys
from pathlib import Path
from gateway.ippc import Envelope, EnvelopeHeader, wire
from gateway.ippc.content import decode_content
from gateway.soap import Contract, Operation, SoapReply, SoapVersion
from gateway.soap.server import SoapApplication
from gateway.xml.names import HUB, qn
from gateway.xml.schemas import SchemaName, validate

small, large, content, size = sys.argv[1], sys.argv[2], Path(sys.argv[3]).read_bytes(), int(sys.argv[4])

def status(name):
    return int(re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)[1]) * 1024

def deliver(call):
    validate(SchemaName.DELIVERY_SERVICE, call.body)
    envelope = wire.read_envelope(call.body[0], emptied=True)
    assert decode_content(envelope.content).document.count(b"<") > 10
    name = qn(HUB, "DeliverEnvelopeResult")
    return SoapReply(wire.response("DeliverEnvelope", wire.header_xml(envelope.header, name)))

def pull(call):
    envelope = Envelope(EnvelopeHeader("AR", "NL", 851, 70, "EZ-1"), content)
    name = qn(HUB, "PULLSingleImportEnvelopeResult")
    return SoapReply(wire.response("PULLSingleImportEnvelope", wire.envelope_xml(envelope, name)))

operations = tuple(
    Operation(handler, qn(HUB, handler), wire.ACTIONS + handler, function)
    for handler, function in (("DeliverEnvelope", deliver), ("PULLSingleImportEnvelope", pull))
)
only = frozenset({SoapVersion.SOAP11})
contract = Contract("hub", "/hub", "DeliveryService.wsdl", operations, only, limits=wire.REQUEST_LIMITS)
application = SoapApplication([contract])

def send(file):
    """From a file, as from a server's socket: a request is in memory only as far as the gateway reads it."""
    lines = []
    with open(file, "rb") as stream:
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": "/hub", "QUERY_STRING": "", "CONTENT_TYPE": "text/xml",
            "CONTENT_LENGTH": str(Path(file).stat().st_size), "wsgi.input": stream, "wsgi.url_scheme": "http",
            "REMOTE_ADDR": "192.0.2.1",
        }
        answer = application(environ, lambda line, headers: lines.append(line))
    assert lines == ["200 OK"], answer
    return sum(map(len, answer))

send(small)
before = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
given = send(large)
peak = status("VmHWM")
trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
if trim:
    trim(0)  # what glibc keeps for later is nothing that anybody holds
print(given, (peak - before) / size, (status("VmRSS") - before) / size if trim else 0)
'''


STORE = r'''
"""Keeps an envelope with the content of a file, and gives it back; prints both peaks in sizes of the content."""
import re, sys
from datetime import UTC, datetime
from pathlib import Path
from gateway.store import NewEnvelope, add_envelopes, envelope_content, open_store, upgrade

def status(name):
    return int(re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)[1]) * 1024

def peak(action):
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    action()
    return (status("VmHWM") - before) / size

def keep(number, content):
    new = NewEnvelope(
        number=number, partner="ar", recipient="nl", from_country="AR", to_country="NL", certificate_type=851,
        certificate_status=70, certificate_number=number, content=content, repeat_key=number.encode(),
    )
    store.write(lambda connection: add_envelopes(connection, [new], actor="ar", now=datetime.now(UTC)))

def give():
    with store.read() as connection:
        assert envelope_content(connection, "large") == content

content = Path(sys.argv[2]).read_bytes()
size = len(content)
upgrade(f"sqlite:///{sys.argv[1]}")
with open_store(f"sqlite:///{sys.argv[1]}", exclusive=True) as store:
    keep("small", b"x" * 8000)
    print(peak(lambda: keep("large", content)), peak(give))
'''

NAMES = ["report", "отчёт", "\U0001f4c4"]
"""Of files: a ``str`` has one, two and four bytes for each character of a document in which they stand."""


def document(attachments: int, name: str = "") -> bytes:
    """A certificate with attachments that make up nearly all of 20 MB."""
    raw = certificate(number="EZ-1")
    for number in range(attachments):
        blob = random.Random(number).randbytes(SIZE * 3 // 4 // attachments - 3000)
        raw = with_reference(raw, f"R{number}", attachment=(f"{name} {number}.pdf", blob))
    return raw


def delivering(attachments: int, name: str = "") -> bytes:
    return write_envelope(wire.deliver_envelope(Envelope(HEADER, document(attachments, name))), SoapVersion.SOAP11)


def measured(folder: Path, content: bytes, small: bytes, large: bytes) -> tuple[float, ...]:
    files = [folder / name for name in ("small.xml", "large.xml", "content.xml")]
    for file, raw in zip(files, (small, large, content), strict=True):
        file.write_bytes(raw)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, files), str(SIZE)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return tuple(map(float, ended.stdout.split()))


@pytest.mark.parametrize("name", NAMES)
def test_a_20_mb_envelope_is_taken_in_and_its_document_read_below_five_times_its_size(tmp_path, name):
    small, large = delivering(0), delivering(4, name)
    assert len(large) > 0.99 * SIZE
    given, peak, left = measured(tmp_path, b"", small, large)
    assert given < 1000
    assert 1.9 < peak < 4.6, "the request and its tree at least: the measurement measures"
    assert left < 0.5


@pytest.mark.parametrize("name", NAMES)
def test_a_20_mb_envelope_is_given_out_below_four_times_its_size(tmp_path, name):
    pull = write_envelope(wire.single("PULLSingleImportEnvelope", "1"), SoapVersion.SOAP11)
    given, peak, left = measured(tmp_path, document(4, name), delivering(0), pull)
    assert given > 0.99 * SIZE
    assert 0.9 < peak < 2.8, "and the text that it is made of was there before"
    assert left < 0.5


def test_the_store_keeps_20_mb_without_copies_of_them(tmp_path):
    (tmp_path / "content").write_bytes(document(4))
    arguments = [sys.executable, "-c", STORE, str(tmp_path / "db"), str(tmp_path / "content")]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    kept, given = map(float, ended.stdout.split())
    assert kept < 1.4, "the pages that SQLite keeps in its cache"
    assert 0.9 < given < 2.6
