"""Statuses, numbers and message ids: what a sender may do to documents that are already there, also to others'."""

from __future__ import annotations

import threading
import time

import pytest
from exchange_harness import PREFIXES, Caller

from gateway.store import save_partner


@pytest.fixture
def pair(opened):
    """The third country, and another partner with the same grant and the same authority."""
    caller = opened()
    record = caller.world.partner("rival")
    caller.gateway.context.store.write(
        lambda connection: save_partner(connection, "rival", record, author="test", now=caller.world.now)
    )
    time.sleep(1.1)  # until the directory looks again
    return caller, Caller(caller.world, caller.gateway, "rival")


def status_of(caller, number):
    return caller.about("GetCertificateStatus", number)


def test_a_replaced_number_takes_nothing_but_a_withdrawal(opened):
    """A second version with status 44 made the replaced certificate the current one again."""
    caller = opened()
    world = caller.world
    assert caller.submit(world.sealed(number="AR-1")).status == 200
    assert caller.submit(world.sealed(number="AR-2", status="44", replaces="AR-1")).status == 200
    for replaces in ("AR-1", "AR-2", "AR-0"):
        answer = caller.submit(world.sealed(number="AR-1", status="44", replaces=replaces))
        assert answer.code in {"IMG-7002", "IMG-7009"}
    answer = status_of(caller, "AR-1")
    assert [found.text for found in answer.body.findall("cx:Version/cx:StatusCode", PREFIXES)] == ["70"]
    assert answer.text("cx:Version/cx:ReplacedBy") == "AR-2"
    assert caller.submit(world.sealed(number="AR-1", status="40")).status == 200


def test_a_replacement_of_nothing_is_refused(opened):
    caller = opened()
    for number in ("AR-1", "AR-2"):
        answer = caller.submit(caller.world.sealed(number=number, status="44", replaces="AR-1"))
        assert answer.code == "IMG-7009"
    assert status_of(caller, "AR-1").code == "IMG-7004"


def test_replacements_make_no_circle(opened):
    caller = opened()
    world = caller.world
    assert caller.submit(world.sealed(number="AR-1")).status == 200
    assert caller.submit(world.sealed(number="AR-2")).status == 200
    assert caller.submit(world.sealed(number="AR-1", status="44", replaces="AR-2")).status == 200
    assert caller.submit(world.sealed(number="AR-2", status="44", replaces="AR-1")).code in {"IMG-7002", "IMG-7009"}


@pytest.mark.parametrize("status", ["39", "40", "44", "70"])
def test_another_partners_number_is_refused_in_the_same_words_whatever_its_status(pair, status):
    """Whoever may not see a document must not learn its status by trying to continue it."""
    caller, rival = pair
    world = caller.world
    for number, then in (("AR-1", ""), ("AR-2", "40"), ("AR-3", "44")):
        assert caller.submit(world.sealed(number=number)).status == 200
        assert not then or caller.submit(world.sealed(number=number, status=then, replaces=number)).status == 200
    answers = [
        rival.submit(world.sealed(number=number, status=status, replaces=number)) for number in ("AR-1", "AR-2", "AR-3")
    ]
    assert {(answer.code, answer.fault("Found")) for answer in answers} == {("IMG-7003", None)}


def test_a_number_is_no_longer_than_the_contract_can_name(opened):
    """A number of a hundred thousand characters was kept, and broke the answers of everybody who found it."""
    caller = opened()
    world = caller.world
    assert caller.submit(world.sealed(number="N" * 200)).status == 200
    for length in (201, 100_000):
        assert caller.submit(world.sealed(number="N" * length)).code == "IMG-7005"
        assert caller.validate(world.sealed(number="N" * length)).code == "IMG-7005"
    assert caller.call(f'<cx:FindCertificatesRequest xmlns:cx="{PREFIXES["cx"]}"/>').status == 200


def test_rivals_in_one_process_replace_a_certificate_once(opened):
    """Eight replacements, a withdrawal and a new version of one number at once: one of them happens."""
    caller = opened()
    world = caller.world
    assert caller.submit(world.sealed(number="AR-1")).status == 200
    rivals = [world.sealed(number=f"AR-R{number}", status="44", replaces="AR-1") for number in range(8)]
    rivals.append(world.sealed(number="AR-1", status="44", replaces="AR-1"))
    codes = []
    threads = [threading.Thread(target=lambda one=one: codes.append(caller.submit(one).code)) for one in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count(None) == 1
    assert set(codes) <= {None, "IMG-7002", "IMG-7009"}


def test_message_ids_are_each_partners_own_and_name_one_document(pair):
    caller, rival = pair
    world = caller.world
    first = world.sealed(number="AR-1")
    accepted = caller.submit(first, message_id="m")
    assert accepted.status == 200
    assert caller.submit(world.sealed(number="AR-2"), message_id="m").code == "IMG-7008"
    assert caller.submit(first, message_id="m").raw == accepted.raw
    assert caller.submit(first, message_id="other").raw == accepted.raw
    name = "GetCertificateStatusRequest"
    request = f'<cx:{name} xmlns:cx="{PREFIXES["cx"]}"><cx:MessageID>m</cx:MessageID></cx:{name}>'
    assert rival.call(request).code == "IMG-7004"
    assert rival.submit(first, message_id="m").code in {"IMG-7003", "IMG-7007"}
