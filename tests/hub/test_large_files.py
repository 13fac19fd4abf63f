"""A file that is most of a certificate: taken over and sent on whole; no other text may be as long."""

from __future__ import annotations

import base64
import hashlib
import random
from datetime import timedelta

import pytest
from polling_harness import House, MemoryHub, envelope

from gateway.delivery import DeliveryJob
from gateway.documents import normalise_order
from gateway.exchange import payload_for
from gateway.hub.importing import Importer
from gateway.hub.sources import RemoteSource, Waiting
from gateway.ippc import Envelope, wire
from gateway.ippc.content import decode_content
from gateway.sandbox.samples import with_reference
from gateway.store import DocumentKey
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise, serialise
from mappings import report_to_json, translate


@pytest.fixture
def house(store):
    return House(store)


@pytest.fixture
def hub():
    return MemoryHub()


def take(house, hub, number):
    waiting = Waiting(hub.envelopes[number].header, house.partner())
    return Importer(house.context, RemoteSource(house.partner(), hub), validate=house.validate).take(waiting)


def test_a_file_of_20_mb_comes_in_and_goes_out_again(house, hub):
    attached = base64.b64encode(random.Random(2).randbytes(20_000_000))
    plain = envelope(certificate_number="AR-PDF")
    name = "\U0001f4c4.pdf"
    content = with_reference(plain.content, "PDF", attachment=(name, base64.b64decode(attached)))
    row = take(house, hub, hub.put(Envelope(plain.header, content)))
    assert (row.state, row.verdict) == ("imported", "delivered"), row.message
    job = DeliveryJob(
        id="d-1",
        partner="the-hub",
        exchange_id=row.exchange_id,
        document=DocumentKey("AR", "851", "AR-PDF"),
        status_code="70",
        sender="the-hub",
        attempt=1,
        deadline=house.now + timedelta(seconds=20),
    )
    sent = parse(payload_for(house.context, job).payload, limits=wire.REQUEST_LIMITS).root
    leaving = decode_content(wire.read_envelope(sent[0]).content).root
    (found,) = leaving.iter("{*}AttachmentBinaryObject")
    assert found.get("filename") == name
    assert hashlib.sha256(found.text.encode()).digest() == hashlib.sha256(attached).digest()


def test_any_other_text_of_that_length_is_not_readable(house, hub):
    plain = envelope()
    row = take(house, hub, hub.put(Envelope(plain.header, with_reference(plain.content, "x" * 10_000_001))))
    assert (row.state, row.code, "IMG-1008" in row.message) == ("unreadable", "IMG-7110", True)


def test_what_is_stored_is_what_the_whole_tree_gives(house, hub):
    plain = envelope(certificate_number="AR-WHOLE")
    content = with_reference(plain.content, "PDF", attachment=("a.pdf", random.Random(3).randbytes(2_000_000)))
    number = hub.put(Envelope(plain.header, content))
    row = take(house, hub, number)
    assert row.state == "imported", row.message
    root, policy = parse(content).root, house.context.policy
    index = house.context.index.on(house.now.date())
    whole = translate(
        normalise_order(root)[0], source="ephyto", target=policy.canonical_system, index=index, partner="the-hub"
    )
    ((request, document, translated, report, digest),) = house.rows(
        "SELECT p.request, p.content, p.translated, p.translation_report, v.digest "
        "FROM exchange_parts p JOIN document_versions v ON v.exchange_id = p.exchange_id"
    )
    assert bytes(document) == content
    assert bytes(translated) == serialise(whole.root)
    assert report == report_to_json(whole.report)
    assert bytes(digest) == hashlib.sha256(canonicalise(root, algorithm=C14n.EXCLUSIVE)).digest()
    assert bytes(request) == hub.pull(number).raw
