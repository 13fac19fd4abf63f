"""What is right in all but its codes is kept whole, told, found, released once, and never called accepted."""

import secrets
import threading
from datetime import timedelta

import pytest
from quarantine_harness import Keeper, package, with_codes

from gateway.config import TranslationSettings
from gateway.errors import ExchangeRefused
from gateway.exchange import ReleaseOutcome, evidence_file
from gateway.sandbox.samples import certificate
from gateway.store import Outcome, QuarantineQuery, QuarantineState, find_audit, find_evidence, find_exchange
from mappings.models import MAX_CODE


@pytest.fixture
def keeper(world, opened):
    """A partner whose policy is to keep what cannot be translated."""
    return Keeper(world, opened(world.partner(untranslatable="quarantine"), world.partner("other")))


def findings(answer):
    return [
        (each.findtext("{*}Rule"), each.findtext("{*}Found"), each.findtext("{*}Expected"))
        for each in answer.body.iterfind(".//{*}Finding")
    ]


@pytest.mark.parametrize("inline", [True, False])
def test_a_code_without_a_row_holds_the_message_and_tells_all_that_is_missing(world, keeper, inline):
    answer = keeper.caller.submit(with_codes(world, "X0", "X1", "X0", number="AR-1"), inline=inline, message_id="m-1")
    assert (answer.status, answer.code, answer.fault("Retry")) == (500, "IMG-6010", "later")
    (entry,) = keeper.held()
    assert (answer.fault("Found"), answer.fault("ExchangeID")) == (entry.id, entry.held_in)
    assert "Nothing needs to be sent again" in answer.fault("WhatToDo")
    assert [(rule, found) for rule, found, _ in findings(answer)] == [("IMG-6001", "X0"), ("IMG-6001", "X1")]
    assert findings(answer)[0][2].startswith("map-ephyto-package.csv: X0,?,,in,")
    assert (entry.state, entry.subject, entry.status_code, entry.sender_message_id) == (
        "held", "AR/851/AR-1", "70", "m-1",
    )  # fmt: skip
    assert [(gap.list, gap.code, gap.source, gap.target) for gap in keeper.gaps(entry.id)] == [
        ("package", "X0", "ephyto", "traces"),
        ("package", "X1", "ephyto", "traces"),
    ]
    assert entry.tables == keeper.tables.version


def test_what_is_held_was_not_accepted_and_nobody_finds_it_as_a_certificate(world, keeper):
    keeper.caller.submit(with_codes(world, "X0", number="AR-1"))
    (entry,) = keeper.held()
    with keeper.store.read() as connection:
        exchange = find_exchange(connection, entry.held_in)
        kept = find_evidence(connection, entry.held_in)
        assert evidence_file(connection, entry.held_in)
    assert (exchange.outcome, exchange.error_code) == (Outcome.REFUSED, "IMG-6010")
    assert exchange.error_detail["quarantine"] == entry.id
    assert kept.request == keeper.caller.last
    assert b"X0" in kept.parts.content
    assert None not in (kept.parts.seal_verdict, kept.parts.timestamp_token, kept.parts.certificates)
    assert keeper.count("documents") == keeper.count("document_versions") == keeper.count("deliveries") == 0
    assert keeper.caller.about("GetCertificate", "AR-1").code == "IMG-7004"
    found = keeper.caller.call('<cx:FindCertificatesRequest xmlns:cx="urn:imsoc:gateway:certificate-exchange:1"/>')
    assert found.body.findall("{*}Result") == []


def test_the_same_message_again_is_answered_with_the_same_bytes_and_kept_once(world, keeper):
    document = with_codes(world, "X0", number="AR-1")
    first = keeper.caller.submit(document, message_id="m-1")
    again = keeper.caller.submit(document, message_id="m-1")
    assert first.raw == again.raw
    (entry,) = keeper.held()
    with keeper.store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM exchange_parts").scalar_one() == 1
        repeats = connection.exec_driver_sql("SELECT repeat_of FROM exchanges WHERE repeat_of IS NOT NULL").all()
    assert [row[0] for row in repeats] == [entry.held_in]


def test_its_nonce_is_spent(world, keeper):
    security = keeper.caller.security()
    body = keeper.caller.request("SubmitCertificate", with_codes(world, "X0", number="AR-1"))
    assert keeper.caller.call(body, security=security).code == "IMG-6010"
    assert keeper.caller.call(body, security=security).code == "IMG-2003"


def test_its_message_id_is_spent_for_other_documents(world, keeper):
    keeper.caller.submit(with_codes(world, "X0", number="AR-1"), message_id="m-1")
    assert keeper.caller.submit(with_codes(world, "X0", number="AR-2"), message_id="m-1").code == "IMG-7008"
    assert keeper.caller.submit(world.sealed(number="AR-3"), message_id="m-1").code == "IMG-7008"
    assert keeper.caller.submit(world.sealed(number="AR-3"), message_id="m-2").status == 200
    assert keeper.caller.submit(with_codes(world, "X0", number="AR-4"), message_id="m-2").code == "IMG-7008"


@pytest.mark.parametrize("by", ["document", "message id"])
def test_its_sender_and_nobody_else_is_told_that_it_is_held(world, keeper, caller_of, by):
    keeper.caller.submit(with_codes(world, "X0", number="AR-1"), message_id="m-1")

    def ask(caller):
        if by == "document":
            return caller.about("GetCertificateStatus", "AR-1")
        cx = "urn:imsoc:gateway:certificate-exchange:1"
        return caller.call(
            f'<cx:GetCertificateStatusRequest xmlns:cx="{cx}"><cx:MessageID>m-1</cx:MessageID>'
            "</cx:GetCertificateStatusRequest>"
        )

    (entry,) = keeper.held()
    answer = ask(keeper.caller)
    assert (answer.status, answer.text("cx:StatusCode")) == (200, "HELD")
    assert answer.body.findall("{*}Version") == []
    assert answer.text("cx:Quarantine/cx:ID") == entry.id
    assert (answer.text("cx:Quarantine/cx:State"), answer.text("cx:Quarantine/cx:StatusCode")) == ("held", "70")
    assert [found for _, found, _ in findings(answer)] == ["X0"]
    assert ask(caller_of(keeper.gateway, "other")).code == "IMG-7004"


def test_a_partner_whose_policy_is_to_refuse_is_refused(world, keeper, caller_of):
    answer = caller_of(keeper.gateway, "other").submit(with_codes(world, "X0", number="AR-1"))
    assert (answer.code, keeper.held()) == ("IMG-6001", ())


def test_what_has_another_fault_beside_its_codes_is_refused(world, keeper):
    document = certificate(lines=1, number="AR-1").replace(b"<ram:TypeCode>BX<", b"<ram:TypeCode>X0<")
    broken = document.replace(b"ram:ScientificName>", b"ram:CommonName>")
    assert broken != document
    assert keeper.caller.submit(world.sealed(broken)).code == "IMG-5001"
    assert keeper.caller.submit(with_codes(world, "X0", number="AR-2", status="40")).code == "IMG-7002"
    assert keeper.held() == ()


def test_other_content_of_an_accepted_version_is_refused_whatever_its_codes(world, keeper):
    assert keeper.caller.submit(world.sealed(number="AR-1")).status == 200
    assert keeper.caller.submit(with_codes(world, "X0", number="AR-1")).code == "IMG-7001"


def test_a_corrected_document_takes_the_place_of_what_is_held(world, keeper):
    keeper.caller.submit(with_codes(world, "X0", number="AR-1"))
    world.now += timedelta(seconds=1)
    keeper.caller.submit(with_codes(world, "X1", number="AR-1"))
    first, second = keeper.held()
    assert (first.state, second.state) == ("superseded", "held")
    assert second.id in first.reason
    assert keeper.caller.submit(world.sealed(number="AR-1")).status == 200
    _, second = keeper.held()
    assert (second.state, second.reason) == ("superseded", "the same document was accepted with other content")
    status = keeper.caller.about("GetCertificateStatus", "AR-1")
    assert (status.text("cx:StatusCode"), status.body.find("{*}Quarantine")) == ("70", None)


def test_released_it_is_as_if_it_had_come_with_known_codes(world, keeper):
    document = with_codes(world, "X0", number="AR-1")
    keeper.caller.submit(document, message_id="m-1")
    (entry,) = keeper.held()
    assert list(keeper.quarantine.ready()) == []
    assert keeper.quarantine.release(entry.id, actor="op").outcome is ReleaseOutcome.HELD
    keeper.publish(package("X0"))
    assert [row.id for row in keeper.quarantine.ready()] == [entry.id]
    world.now += timedelta(days=40)  # the seal was proven on the day of receipt
    released = keeper.quarantine.release(entry.id, actor="op")
    assert released.outcome is ReleaseOutcome.RELEASED
    assert keeper.quarantine.release(entry.id, actor="op").outcome is ReleaseOutcome.GONE
    left = keeper.entry(entry.id)
    assert (left.state, left.exchange_id, left.actor) == ("released", released.exchange_id, "op")
    with keeper.store.read() as connection:
        exchange = find_exchange(connection, released.exchange_id)
        actions = [each.action for each in find_audit(connection, entry.id)]
    assert (exchange.outcome, exchange.sender_message_id) == (Outcome.ACCEPTED, "m-1")
    assert exchange.transport["quarantine"] == entry.id
    assert actions == ["quarantine held", "quarantine released"]
    again = keeper.caller.submit(document, message_id="m-1")
    assert again.status == 200
    assert again.raw == keeper.caller.submit(document, message_id="m-1").raw
    assert released.exchange_id.encode() in again.raw
    status = keeper.caller.about("GetCertificateStatus", "AR-1")
    assert (status.text("cx:StatusCode"), status.text("cx:Version/cx:StatusCode")) == ("70", "70")
    assert status.body.find("{*}Quarantine") is None
    given = keeper.caller.about("GetCertificate", "AR-1", more="<cx:Representation>TRANSLATED</cx:Representation>")
    assert (b">BX<" in given.raw, b">X0<" in given.raw) == (True, False)


def test_a_message_that_would_translate_by_now_stays_held_until_it_is_released(world, keeper):
    document = with_codes(world, "X0", number="AR-1")
    first = keeper.caller.submit(document)
    keeper.publish(package("X0"))
    assert keeper.caller.submit(document).raw == first.raw
    assert keeper.count("documents") == 0


def test_of_many_releases_at_once_one_has_an_effect(world, keeper):
    keeper.caller.submit(with_codes(world, "X0", number="AR-1"))
    (entry,) = keeper.held()
    keeper.publish(package("X0"))
    assert keeper.quarantine.index().version.startswith("1@")
    start = threading.Barrier(8)
    outcomes = []

    def release():
        start.wait()
        outcomes.append(keeper.quarantine.release(entry.id, actor="op"))

    threads = [threading.Thread(target=release) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keeper.count("document_versions") == 1
    ended = [each.outcome for each in outcomes]
    assert set(ended) <= {ReleaseOutcome.RELEASED, ReleaseOutcome.GONE}, outcomes
    assert keeper.count("exchanges WHERE outcome = 'accepted'") == 1


def test_what_is_still_missing_is_told_anew(world, keeper):
    keeper.caller.submit(with_codes(world, "X0", "X1", number="AR-1"))
    (entry,) = keeper.held()
    keeper.publish(package("X0"))
    released = keeper.quarantine.release(entry.id, actor="op")
    assert (released.outcome, released.code) == (ReleaseOutcome.HELD, "IMG-6001")
    assert [gap.code for gap in keeper.gaps(entry.id)] == ["X1"]


def test_a_withdrawal_of_what_is_held_is_held_behind_it_and_follows_it(world, keeper):
    keeper.caller.submit(with_codes(world, "X0", number="AR-1"))
    world.now += timedelta(seconds=1)
    withdrawal = world.sealed(number="AR-1", status="40")
    answer = keeper.caller.submit(withdrawal)
    assert (answer.code, findings(answer)) == ("IMG-6010", [])
    first, _ = keeper.held()
    assert first.id in answer.fault("Message")
    assert keeper.caller.submit(withdrawal).raw == answer.raw
    keeper.publish(package("X0"))
    world.now += timedelta(seconds=1)
    keeper.quarantine.release(first.id, actor="op")
    assert [row.state for row in keeper.held()] == ["released", "released"]
    status = keeper.caller.about("GetCertificateStatus", "AR-1")
    assert status.text("cx:StatusCode") == "40"
    assert {each.text for each in status.body.iterfind("{*}Version/{*}StatusCode")} == {"70", "40"}


def test_discarded_it_is_refused_with_the_reason_until_an_operator_releases_it(world, keeper):
    document = with_codes(world, "X0", number="AR-1")
    keeper.caller.submit(document)
    (entry,) = keeper.held()
    keeper.quarantine.discard(entry.id, actor="op", reason="No such package exists; use BX.")
    with pytest.raises(ExchangeRefused) as refused:
        keeper.quarantine.discard(entry.id, actor="op", reason="again")
    assert refused.value.code == "IMG-6021"
    status = keeper.caller.about("GetCertificateStatus", "AR-1")
    assert (status.text("cx:StatusCode"), status.text("cx:Quarantine/cx:State")) == ("41", "discarded")
    assert status.text("cx:Quarantine/cx:Message") == "No such package exists; use BX."
    answer = keeper.caller.submit(document)
    assert (answer.code, answer.fault("Expected")) == ("IMG-6020", "No such package exists; use BX.")
    assert [row.state for row in keeper.held()] == [QuarantineState.DISCARDED]
    keeper.publish(package("X0"))
    assert keeper.caller.submit(document).code == "IMG-6020"
    assert keeper.quarantine.release_confirmed() == 0
    assert keeper.caller.about("GetCertificateStatus", "AR-1").text("cx:StatusCode") == "41"
    assert keeper.quarantine.release(entry.id, actor="op").outcome is ReleaseOutcome.RELEASED
    assert keeper.caller.submit(document).status == 200
    assert keeper.caller.about("GetCertificateStatus", "AR-1").text("cx:StatusCode") == "70"


def test_what_came_in_between_does_not_bring_discarded_content_back(world, keeper):
    document, other = with_codes(world, "X0", number="AR-1"), with_codes(world, "X1", number="AR-1")
    keeper.caller.submit(document)
    (entry,) = keeper.held()
    keeper.quarantine.discard(entry.id, actor="op", reason="Use BX.")
    world.now += timedelta(seconds=1)
    assert keeper.caller.submit(other).code == "IMG-6010"
    assert keeper.caller.submit(document).code == "IMG-6020"
    assert [row.state.value for row in keeper.held()] == ["discarded", "held"]
    with pytest.raises(ExchangeRefused) as refused:
        keeper.quarantine.release(entry.id, actor="op")
    assert refused.value.code == "IMG-6021"
    keeper.publish(package("X0"), package("X1"), release_limit=9)
    assert keeper.quarantine.release_confirmed() == 1
    assert keeper.caller.submit(document).code == "IMG-7001"  # the other content stands by now
    assert [row.state.value for row in keeper.held()] == ["discarded", "released"]


def test_what_is_taken_back_and_not_understood_yet_is_held_again(world, keeper):
    document = with_codes(world, "X0", number="AR-1")
    keeper.caller.submit(document)
    (entry,) = keeper.held()
    keeper.quarantine.discard(entry.id, actor="op", reason="Use BX.")
    assert keeper.quarantine.release(entry.id, actor="op").outcome is ReleaseOutcome.HELD
    assert keeper.caller.submit(document).code == "IMG-6010"
    keeper.publish(package("X0"), release_limit=1)
    assert keeper.quarantine.release_confirmed() == 1


def test_status_tells_of_what_is_held_however_often_it_was_corrected(world, keeper, monkeypatch):
    monkeypatch.setattr(
        QuarantineQuery.__init__, "__kwdefaults__", QuarantineQuery.__init__.__kwdefaults__ | {"limit": 2}
    )
    for code in ("X0", "X1", "X2", "X3"):
        world.now += timedelta(seconds=1)
        keeper.caller.submit(with_codes(world, code, number="AR-1"))
    status = keeper.caller.about("GetCertificateStatus", "AR-1")
    assert (status.text("cx:StatusCode"), status.text("cx:Quarantine/cx:State")) == ("HELD", "held")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 2),
        ({"list": "package"}, 2),
        ({"code": "X1"}, 1),
        ({"list": "unit", "code": "X1"}, 0),
        ({"partner": "ar"}, 2),
        ({"partner": "other"}, 0),
        ({"subject": "AR-1"}, 1),
        ({"subject": "AR/851/AR-1"}, 1),
        ({"subject": "R-1"}, 0),
        ({"state": QuarantineState.RELEASED}, 0),
    ],
)
def test_an_operator_finds_what_is_held(world, keeper, query, found):
    keeper.caller.submit(with_codes(world, "X0", number="AR-1"))
    keeper.caller.submit(with_codes(world, "X1", number="AR-2"))
    assert len(keeper.held(**query)) == found


def with_unit(world, unit, number):
    document = certificate(lines=1, number=number)
    assert b'unitCode="KGM"' in document
    return world.sealed(document.replace(b'unitCode="KGM"', f'unitCode="{unit}"'.encode(), 1))


@pytest.mark.parametrize("unit", [secrets.token_hex(2000), "K\N{ZERO WIDTH SPACE}GM"])
def test_what_no_row_can_name_is_refused_and_echoed_in_part(world, keeper, unit):
    for _ in range(2):
        answer = keeper.caller.submit(with_unit(world, unit, "AR-1"))
        assert (answer.status, answer.code, answer.fault("Retry")) == (500, "IMG-6014", "never")
        world.now += timedelta(seconds=1)
    assert len(answer.raw) < 6000
    assert keeper.held() == ()
    assert keeper.caller.submit(with_codes(world, "X0", number="AR-2")).code == "IMG-6010"


def test_the_longest_code_is_held_with_its_whole_row(world, keeper):
    unit = "".join(secrets.choice("ЖÄ𝔘") for _ in range(MAX_CODE))
    assert keeper.caller.submit(with_unit(world, unit, "AR-1")).code == "IMG-6010"
    (entry,) = keeper.held(list="unit", code=unit)
    (gap,) = keeper.gaps(entry.id)
    assert gap.needed == f"map-ephyto-unit.csv: {unit},?,,in,widens,{world.now.date()},,,"


def test_beyond_its_quota_a_partner_is_refused_and_what_is_held_is_not(world, opened):
    small = TranslationSettings(max_held_per_partner=2)
    keeper = Keeper(world, opened(world.partner(untranslatable="quarantine"), translation=small))
    first = with_codes(world, "X0", number="AR-1")
    assert keeper.caller.submit(first).code == "IMG-6010"
    keeper.caller.submit(with_codes(world, "X0", number="AR-2"))
    assert keeper.caller.submit(with_codes(world, "X0", number="AR-3")).code == "IMG-6001"
    assert keeper.caller.submit(with_codes(world, "BX", number="AR-1", status="40")).status == 500
    assert len(keeper.held()) == 2
    assert keeper.caller.submit(first).code == "IMG-6010"
    assert keeper.caller.submit(with_codes(world, "X1", number="AR-2")).code == "IMG-6010"
    (entry,) = keeper.held(subject="AR-1")
    keeper.quarantine.discard(entry.id, actor="op", reason="Use BX.")
    assert keeper.caller.submit(with_codes(world, "X0", number="AR-3")).code == "IMG-6010"
    assert keeper.caller.submit(first).code == "IMG-6020"
