"""SubmitCertificate as its senders see it: what is acknowledged, what is repeated, what cannot stand."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from lxml import etree

from gateway.sandbox.samples import certificate
from gateway.store import NOT_DELIVERED, find_audit, find_evidence
from gateway.trust import SEALED_DOCUMENT_POLICY, Anchor, Level, Purpose, TrustStore, verify_sealed
from gateway.xml.boundary import parse
from gateway.xml.schemas import SchemaName, validate

ACK = "ack:SPSAcknowledgement"
NAMES = {
    "ack": "urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21",
}


def references(answer):
    return {
        reference.findtext("ram:RelationshipTypeCode", "", NAMES): reference
        for reference in answer.body.iterfind(".//ram:ReferenceSPSReferencedDocument", NAMES)
    }


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("inline", [True, False])
def test_the_acknowledgement_is_sealed_by_this_gateway_and_names_document_exchange_and_message(
    world, caller, version, inline
):
    answer = caller.submit(world.sealed(number="AR-1"), inline=inline, message_id="m-1", version=version)
    assert answer.status == 200
    validate(SchemaName.CERTIFICATE_EXCHANGE, answer.body)
    element = answer.body.find(ACK, NAMES)
    anchor = Anchor("own", world.own.certificate_der, frozenset({Purpose.SEAL}), Level.QUALIFIED)
    alone = parse(etree.tostring(element)).root
    verdict = verify_sealed(alone, policy=SEALED_DOCUMENT_POLICY, trust=TrustStore([anchor]), at=world.now).seal
    assert "Gateway seal" in verdict.signer_subject
    found = references(answer)
    assert found["AWR"].findtext("ram:ID", "", NAMES) == "AR-1"
    assert found["AWR"].findtext("ram:Information", "", NAMES).startswith("sha-256:")
    assert len(found["CAW"].findtext("ram:ID", "", NAMES)) == 26
    assert found["ACW"].findtext("ram:ID", "", NAMES) == "m-1"


def test_a_repeat_with_a_fresh_nonce_is_answered_byte_for_byte_and_has_no_second_effect(world, caller):
    document = world.sealed(number="AR-1")
    first = caller.submit(document)
    again = caller.submit(document)
    sealed_again = caller.submit(world.sealed(number="AR-1"))
    assert first.status == again.status == sealed_again.status == 200
    assert first.raw == again.raw == sealed_again.raw
    status = caller.about("GetCertificateStatus", "AR-1")
    assert len(status.body.findall("{*}Version")) == 1


def test_the_same_message_from_sixteen_threads_at_once_has_one_effect_and_sixteen_equal_answers(world, caller):
    document = world.sealed(number="AR-1")
    start = threading.Barrier(16)
    answers = []

    def send():
        start.wait()
        answers.append(caller.submit(document))

    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 16
    assert len({answer.raw for answer in answers}) == 1
    with caller.gateway.context.store.read() as connection:
        count = "SELECT count(*) FROM {}"
        assert connection.exec_driver_sql(count.format("document_versions")).scalar_one() == 1
        assert connection.exec_driver_sql(count.format("documents")).scalar_one() == 1


def test_the_same_number_and_status_with_other_content_is_refused(world, caller):
    assert caller.submit(world.sealed(number="AR-1")).status == 200
    answer = caller.submit(world.sealed(certificate(number="AR-1", lines=2)))
    assert (answer.status, answer.code, answer.fault("Retry")) == (500, "IMG-7001", "never")
    assert answer.fault("ExchangeID")
    assert answer.fault("Where").endswith("ram:ID")
    assert answer.fault("Found").startswith("AR/851/AR-1 with status 70 and sha-256 ")
    assert "replacement (status 44)" in answer.fault("WhatToDo")


def test_withdrawal_and_replacement_keep_the_history(world, caller):
    assert caller.submit(world.sealed(number="AR-1")).status == 200
    replacement = caller.submit(world.sealed(number="AR-2", status="44", replaces="AR-1"))
    assert replacement.status == 200
    old = caller.about("GetCertificateStatus", "AR-1")
    assert old.text("cx:StatusCode") == "44"
    assert old.text("cx:Version/cx:ReplacedBy") == "AR-2"
    world.now += timedelta(seconds=1)
    assert caller.submit(world.sealed(number="AR-2", status="40")).status == 200
    history = caller.about("GetCertificateStatus", "AR-2")
    versions = [version.text for version in history.body.iterfind("{*}Version/{*}StatusCode")]
    assert versions == ["44", "40"]
    assert history.text("cx:StatusCode") == "40"


def test_an_issue_that_names_a_predecessor_replaces_it_where_it_stands(world, opened, caller_of):
    gateway = opened(world.partner("ar"), world.partner("other"))
    owner, other = caller_of(gateway, "ar"), caller_of(gateway, "other")
    assert owner.submit(world.sealed(number="AR-1")).status == 200
    assert other.submit(world.sealed(number="AR-2", replaces="AR-1")).status == 200
    assert owner.about("GetCertificateStatus", "AR-1").text("cx:StatusCode") == "70"  # another's word about it
    assert owner.submit(world.sealed(number="AR-3", replaces="AR-1")).status == 200
    old = owner.about("GetCertificateStatus", "AR-1")
    assert (old.text("cx:StatusCode"), old.text("cx:Version/cx:ReplacedBy")) == ("44", "AR-3")
    assert owner.submit(world.sealed(number="AR-4", replaces="AR-1")).status == 200
    assert owner.about("GetCertificateStatus", "AR-1").text("cx:Version/cx:ReplacedBy") == "AR-3"
    assert owner.about("GetCertificateStatus", "AR-4").text("cx:StatusCode") == "70"


def test_of_many_issues_that_replace_the_same_number_at_once_each_stands_and_one_replaces(world, caller):
    assert caller.submit(world.sealed(number="AR-1")).status == 200
    rivals = [world.sealed(number=f"AR-R{number}", replaces="AR-1") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(caller.submit, rivals))
    assert [answer.status for answer in answers] == [200] * 8
    old = caller.about("GetCertificateStatus", "AR-1")
    assert (old.text("cx:StatusCode"), old.text("cx:Version/cx:ReplacedBy")[:4]) == ("44", "AR-R")


@pytest.mark.parametrize(
    ("history", "status", "replaces", "code"),
    [
        ([], "40", None, "IMG-7002"),
        (["70", "40"], "44", "AR-1", "IMG-7002"),
        (["70"], "39", None, "IMG-7002"),
        (["70"], "44", None, "IMG-5001"),
        ([], "44", "AR-NOT-THERE", "IMG-7009"),
        (["70"], "47", None, "IMG-7006"),
    ],
)
def test_a_status_that_may_not_follow_is_refused(world, caller, history, status, replaces, code):
    for known in history:
        assert caller.submit(world.sealed(number="AR-1", status=known)).status == 200
    answer = caller.submit(world.sealed(number="AR-1", status=status, replaces=replaces))
    assert (answer.status, answer.code) == (500, code)


def test_a_repeat_of_what_was_overtaken_is_still_answered_as_recorded(world, caller):
    issued = world.sealed(number="AR-1")
    first = caller.submit(issued)
    assert caller.submit(world.sealed(number="AR-1", status="40")).status == 200
    assert caller.submit(issued).raw == first.raw


def test_a_replacement_can_replace_a_number_once_and_not_a_withdrawn_one(world, caller):
    assert caller.submit(world.sealed(number="AR-1")).status == 200
    first = caller.submit(world.sealed(number="AR-2", status="44", replaces="AR-1"))
    again = caller.submit(world.sealed(number="AR-3", status="44", replaces="AR-1"))
    assert (first.status, again.code) == (200, "IMG-7009")
    assert caller.submit(world.sealed(number="AR-2", status="40")).status == 200
    assert caller.submit(world.sealed(number="AR-4", status="44", replaces="AR-2")).code == "IMG-7009"


def test_another_partner_cannot_change_or_pass_on_a_document(world, opened, caller_of):
    gateway = opened(world.partner("ar"), world.partner("other"))
    owner, other = caller_of(gateway, "ar"), caller_of(gateway, "other")
    document = world.sealed(number="AR-1")
    assert owner.submit(document).status == 200
    assert other.submit(document).code == "IMG-7007"
    assert other.submit(world.sealed(number="AR-1", status="40")).code == "IMG-7003"


def test_one_message_id_means_one_document(world, caller):
    first, second = world.sealed(), world.sealed()
    assert caller.submit(first, message_id="m-1").status == 200
    assert caller.submit(second, message_id="m-1").code == "IMG-7008"
    assert caller.submit(second, message_id="m-2").status == 200


def test_an_unknown_failure_says_nothing_and_keeps_nothing(world, caller, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("gateway.exchange.submission.record_submission", broken)
    answer = caller.submit(world.sealed(number="AR-1"))
    assert (answer.status, answer.code, answer.fault("Retry")) == (500, "IMG-9002", "later")
    assert b"secret detail" not in answer.raw
    monkeypatch.undo()
    assert caller.about("GetCertificate", "AR-1").code == "IMG-7004"
    assert caller.submit(world.sealed(number="AR-1")).status == 200


def test_what_was_accepted_is_there_after_the_store_was_closed_and_opened(world, opened, caller_of):
    gateway = opened()
    document = world.sealed(number="AR-1")
    first = caller_of(gateway).submit(document)
    gateway.close()
    assert caller_of(opened()).submit(document).raw == first.raw


def test_a_nonce_is_single_use_for_every_operation(world, caller):
    document = world.sealed(number="AR-1")
    nonce = secrets.token_bytes(16)
    assert caller.submit(document, security=caller.security(nonce=nonce)).status == 200
    assert caller.submit(document, security=caller.security(nonce=nonce)).code == "IMG-2003"
    assert caller.validate(document, security=caller.security(nonce=nonce)).code == "IMG-2003"
    refused = caller.envelope(caller.request("SubmitCertificate", b"<a/>"))
    assert caller.post(refused).code == "IMG-3001"
    assert caller.post(refused).code == "IMG-2003"


def test_a_transport_message_id_is_single_use(world, caller):
    header = '<a:MessageID xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:1</a:MessageID>'
    document = world.sealed()
    assert caller.submit(document, headers=header).status == 200
    assert caller.submit(document, headers=header).code == "IMG-2003"


def test_replays_are_recorded_without_their_bytes(world, caller):
    raw = caller.envelope(caller.request("SubmitCertificate", world.sealed()))
    assert caller.post(raw).status == 200
    replay = caller.post(raw).fault("ExchangeID")
    with caller.gateway.context.store.read() as connection:
        found = find_evidence(connection, replay)
    assert found.exchange.error_code == "IMG-2003"
    assert found.request == b""


TARGET = {"adapter": "certificate-exchange", "address": "https://partner.invalid/"}


@pytest.mark.parametrize(
    ("countries", "pairs", "types", "told"),
    [
        (["NL"], ["*>BE"], ["*"], "851 AR>NL is not granted: country_pairs *>BE; document_types *"),
        (["NL"], ["*>NL"], ["657"], "851 AR>NL is not granted: country_pairs *>NL; document_types 657"),
        (["*"], ["*>BE"], ["*"], None),
        (["DE"], ["*>BE"], ["*"], None),
        (["NL"], ["*>NL"], ["*"], None),
    ],
)
def test_who_asks_for_the_country_and_was_not_granted_the_document_is_named_in_the_audit(
    world, opened, caller_of, countries, pairs, types, told
):
    target = {**TARGET, "import_countries": countries}
    other = world.partner("other", kind="national", country_pairs=pairs, document_types=types, delivery=target)
    gateway = opened(world.partner(), other)
    answer = caller_of(gateway).submit(world.sealed(number="AR-1"))
    assert answer.status == 200
    assert "other" not in etree.tostring(answer.body).decode()
    exchange = references(answer)["CAW"].findtext("ram:ID", "", NAMES)
    with gateway.context.store.read() as connection:
        (entry,) = [each for each in find_audit(connection, exchange) if each.action == "SubmitCertificate accepted"]
    assert entry.detail.get(NOT_DELIVERED) == ({"other": told} if told else None)
