"""A file of 14 MB in a certificate is taken over, kept, given out and sent on; no other text may be as long."""

import base64
import hashlib
import random
from datetime import timedelta

import pytest
from exchange_harness import Caller, add_partners

from gateway.app import build_application
from gateway.delivery import DeliveryJob
from gateway.exchange import payload_for
from gateway.sandbox.samples import certificate, with_reference
from gateway.store import DocumentKey, list_deliveries, upgrade
from gateway.trust import Anchor, Level, Purpose, TrustStore, verify_file
from gateway.xml.boundary import parse
from gateway.xml.limits import Limits

FILE = random.Random(14).randbytes(14_000_000)
TARGET = {"adapter": "certificate-exchange", "address": "http://127.0.0.1:9/", "import_countries": ["NL"]}
GRANTS = {"kind": "national", "document_types": ["*"], "country_pairs": ["*>NL"], "code_system": "traces"}


def with_file(number, content=FILE):
    return with_reference(certificate(number=number, lines=1), "PDF", attachment=("large.pdf", content))


def sealed(world, raw):
    return world.sealer.seal(whole(raw), at=world.now)


def whole(raw):
    return parse(raw, limits=Limits(max_text_length=30_000_000)).root


def trust(world):
    purposes = frozenset({Purpose.SEAL, Purpose.TIMESTAMP})
    authorities = (world.own, world.third, world.tsa_root)
    return TrustStore([Anchor("any", each.certificate_der, purposes, Level.QUALIFIED) for each in authorities])


def file_in(element):
    (found,) = element.iter("{*}AttachmentBinaryObject")
    return hashlib.sha256(base64.b64decode(found.text)).hexdigest()


@pytest.mark.parametrize("inline", [True, False])
def test_it_comes_in_goes_out_and_is_taken_over_by_the_next_gateway(world, opened, caller_of, tmp_path, inline):
    gateway = opened(world.partner(), world.partner("nl", **GRANTS, delivery=TARGET))
    sender, document = caller_of(gateway), sealed(world, with_file("AR-14"))
    assert sender.submit(document, inline=inline).status == 200
    given = sender.about("GetCertificate", "AR-14")
    expected = hashlib.sha256(FILE).hexdigest()
    if inline:
        assert file_in(given.body) == expected
    else:
        assert base64.b64decode(given.text("cx:SealedDocument")) == document
    evidence = base64.b64decode(sender.about("GetEvidence", "AR-14").text("cx:Evidence"))
    report = verify_file(evidence, at=world.now, trust=trust(world))
    assert report.passed
    with gateway.context.store.read() as connection:
        (row,) = list_deliveries(connection)
    job = DeliveryJob(
        id="d-1",
        partner="nl",
        exchange_id=row.exchange_id,
        document=DocumentKey("AR", "851", "AR-14"),
        status_code="70",
        sender="ar",
        attempt=1,
        deadline=world.now + timedelta(seconds=20),
    )
    payload = payload_for(gateway.context, job).payload
    assert file_in(whole(payload)) == expected
    url = f"sqlite:///{tmp_path / 'next.db'}"
    upgrade(url)
    anchors = [world.anchor(world.own, "seal", "advanced")]
    us = world.partner("us", code_system="traces", anchors=anchors, timestamp="optional")
    add_partners(url, [us], world.now)
    following = build_application(world.settings(url), clock=lambda: world.now)
    try:
        reader = Caller(world, following, "us")
        assert reader.call(payload).status == 200
        assert file_in(reader.about("GetCertificate", "AR-14").body) == expected
    finally:
        following.close()


@pytest.mark.parametrize("inline", [True, False])
def test_any_other_text_of_that_length_is_refused(world, caller, inline):
    document = sealed(world, with_reference(certificate(number="AR-15", lines=1), "x" * 10_000_001))
    answer = caller.submit(document, inline=inline)
    assert (answer.code, answer.status) == ("IMG-1008", 500)


def test_the_operators_own_limit_of_a_file_holds(world, opened, caller_of):
    gateway = opened(limits=Limits(max_large_text=1_000_000))
    answer = caller_of(gateway).submit(sealed(world, with_file("AR-16")), inline=True)
    assert answer.code == "IMG-1008"
