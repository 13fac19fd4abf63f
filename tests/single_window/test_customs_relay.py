"""Customs ask a national gateway; TRACES answers, over a real socket, unless something is lost on the way."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from certex_harness import CXB3, LRN, MRN, SECRET, Goods
from relay_customs_harness import GATEWAY, Behind, National

from adapters.certex import CertexClient, OutcomeUnknown, Patience, ReservationWord
from gateway.errors import ConfigurationError, CustomsRefused, Unavailable, XmlRefused
from gateway.single_window import relay, relay_evidence, relay_upstream, service
from gateway.single_window.operating import free_passed_on
from gateway.single_window.relay_outcomes import list_unknown, outcome_found, passed_on
from gateway.store import Declaration, DeclarationType, find_partner

A = MRN("26GB1669RELAYEDA01")


@pytest.fixture(scope="module")
def pair(tmp_path_factory, _sqlite_template, seal_files):
    """TRACES and a national gateway, which the tests share: each brings its own CHED."""
    folder = tmp_path_factory.mktemp("relay")
    urls = [f"sqlite:///{shutil.copy(_sqlite_template, folder / name)}" for name in ("traces.db", "national.db")]
    behind = Behind(folder, urls[0], seal_files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay_upstream, "PATIENCE", Patience(attempts=2, pause=0.0, within=5.0, resolving=0.0))
        national = National(folder, urls[1], behind, seal_files)
    yield behind, national
    national.close()
    behind.close()


@pytest.fixture
def behind(pair):
    behind, _ = pair
    behind.requests.clear()
    yield behind
    assert not behind.script


@pytest.fixture
def national(pair):
    _, national = pair
    national.forget()
    return national


@pytest.fixture
def ched(behind):
    return behind.world.ched()


def trail(national, actor):
    """What the audit has of an actor's messages in this test."""
    return [detail for who, _, detail in national.trail() if who == actor]


@pytest.fixture(
    params=[Unavailable("IMG-9001", where="store.writer"), OSError("no space left on the device")], ids=repr
)
def keeps_nothing_of(request, monkeypatch):
    """``keeps_nothing_of(partner)``: the store fails from now on, whenever a message of that partner is recorded."""

    def failing(partner):
        record = relay_evidence.record_customs_message

        def fail(connection, message):
            if message.partner == partner:
                raise request.param
            return record(connection, message)

        monkeypatch.setattr(relay_evidence, "record_customs_message", fail)

    return failing


def test_a_read_is_answered_as_traces_answers_it(national, behind, ched):
    behind.world.caller().reserve(ched, MRN("26GB1669ANOTHER001"), ("2", "KGM"))
    own, direct = national.caller().read(ched), behind.world.caller().read(ched)
    assert own.said == "read"
    assert own.ledger == direct.ledger
    assert own.certificate is not None
    assert own.reserved[0].event == direct.reserved[0].event
    assert trail(national, "customs-xi")[-1]["office"] == "XI000002"


def test_an_unknown_ched_is_an_answer_with_nothing_in_it(national):
    assert national.caller().read("CHEDP.XI.2026.9999999").said == "unknown"
    assert national.caller().reserve("CHEDP.XI.2026.9999999", A, ("1", "KGM")).said == "unknown"
    assert national.caller().release("CHEDP.XI.2026.9999999", A).said == "outcome 02"


def test_a_reservation_stands_at_traces_and_both_messages_are_on_record(national, behind, ched):
    answer = national.caller().reserve(ched, A, ("0.5", "TNE"), message_id="a" * 32)
    assert answer.said == "reserved"
    assert answer.certificate is not None
    assert answer.reserved[0].event == f"{national.now:%Y-%m-%dT%H:%M:%S}.000Z"
    assert behind.world.caller().read(ched).held_by(A) == {("MRN", "1", "1"): ("0.5", "TNE")}
    (asked,) = trail(national, "customs-xi")
    (passed,) = trail(national, "traces")
    assert asked["passed_on"].startswith("XI000002/")
    assert passed["word"] == "reserved"
    assert not passed["by_read"]
    assert "a" * 32 not in asked["passed_on"]


@pytest.mark.parametrize(
    ("goods", "said"),
    [
        (("99999999", "KGM"), "05 1/1"),
        (("1", "KGM", "99999999"), "03 1/1"),
        (("1", "KGM", "0401", "1", "999"), "07 1/-"),
        (("1", "H87"), "10 1/1"),
        (("-1", "KGM"), "11 1/1"),
    ],
)
def test_a_refusal_comes_as_traces_gives_it(national, ched, goods, said):
    answer = national.caller().reserve(ched, A, goods)
    assert answer.said == said
    assert answer.has_ledger


def test_goods_are_cleared_at_traces(national, behind, ched):
    caller = national.caller()
    caller.reserve(ched, A, ("2", "KGM"))
    assert caller.release(ched, A).said == "outcome 01"
    assert caller.release(ched, A).said == "outcome 03"
    assert behind.world.caller().read(ched).consumed_by(A) == {("MRN", "1", "1"): ("2", "KGM")}
    other = MRN("26GB1669RELAYEDB01")
    caller.reserve(ched, other, ("3", "KGM"))
    assert caller.delete(ched, other).said == "outcome 01"
    assert caller.delete(ched, other).said == "outcome 02"
    assert caller.reserve(ched, A, ("1", "KGM")).said == "06"


def test_an_intervention_is_made_at_traces(national, behind, ched):
    assert national.caller().intervene(ched, A, "ForceWriteOff", ("7", "KGM")).said == "outcome 01"
    assert behind.world.caller().read(ched).consumed_by(A) == {("MRN", "1", "1"): ("7", "KGM")}
    assert national.caller().intervene(ched, A, "DeleteWriteOff").said == "outcome 01"
    assert not behind.world.caller().read(ched).consumed


def test_who_asks_is_judged_by_its_own_record(national, behind, ched):
    mine, other = national.caller(), national.caller("customs-xi-other")
    mine.reserve(ched, A, ("2", "KGM"))
    before = len(behind.requests)
    assert other.reserve(ched, A, ("1", "KGM")).said == "IMG-7407"
    assert other.release(ched, A).said == "IMG-7407"
    assert mine.read(ched, office="XI000077").said == "IMG-2114"
    assert mine.reserve(ched, A, ("1", "KGM"), office="XI000077").said == "IMG-2114"
    foreign = national.caller("customs-fr")
    for answer in (foreign.read(ched), foreign.reserve(ched, A, ("1", "KGM")), foreign.release(ched, A)):
        assert answer.said == "IMG-2110"
    assert national.caller("no-offices").read(ched).said == "IMG-2113"
    assert behind.sent("ChedClearanceRequest") == 0
    assert len(behind.requests) == before + 5  # reads alone
    assert behind.world.caller().read(ched).held_by(A) == {("MRN", "1", "1"): ("2", "KGM")}


def test_what_is_wrong_with_the_message_itself_is_said_here(national, ched):
    caller = national.caller()
    assert caller.reserve(ched, None, ("1", "KGM")).said == "IMG-7401"
    assert caller.reserve(ched, A, ("1", "KGM"), ("2", "KGM")).said == "IMG-7402"
    assert caller.reserve(ched, A, ("1", "KGM"), at="2026-09-01T00:00:00Z").said == "IMG-7404"
    caller.reserve(ched, LRN(A), ("1", "KGM"))
    assert caller.release(ched, A).said == "IMG-7406"


@pytest.mark.parametrize("number", [A, A.lower()])
def test_an_own_lrn_is_in_the_way_and_that_of_another_system_is_not(national, behind, ched, number):
    mine, other = national.caller(), behind.world.caller("customs-xi-other")
    assert mine.reserve(ched, A, ("2", "KGM")).said == "reserved"
    assert other.reserve(ched, LRN(number), ("1", "KGM")).said == "reserved"
    national.later(seconds=1)
    assert mine.release(ched, A).said == "outcome 01"
    assert mine.intervene(ched, A, "DeleteWriteOff").said == "outcome 01"
    another = behind.world.ched()
    assert mine.reserve(another, LRN(number), ("1", "KGM")).said == "reserved"
    assert mine.release(another, A).said == "IMG-7406"


@pytest.mark.parametrize("number", [A, A.lower()])
def test_nobody_here_puts_an_lrn_beside_the_mrn_of_another_system(national, ched, number):
    """TRACES knows one account for both, and could not tell whose the LRN is."""
    mine, other = national.caller(), national.caller("customs-xi-other")
    assert mine.reserve(ched, A, ("2", "KGM")).said == "reserved"
    assert other.reserve(ched, LRN(number), ("1", "KGM")).said == "IMG-7407"
    assert other.reserve(ched, LRN("L1"), ("1", "KGM")).said == "reserved"
    national.later(seconds=1)
    assert mine.release(ched, A).said == "outcome 01"


PERIOD = (
    f'<b:PushMarker xmlns:b="{CXB3}">1</b:PushMarker><b:ValidityPeriodForThePush xmlns:b="{CXB3}">'
    "<b:DateTimeFrom>2026-09-01T00:00:00Z</b:DateTimeFrom></b:ValidityPeriodForThePush>"
)
TWICE = (("1", "KGM"), ("2", "KGM"))
MANY = tuple(Goods("1", item=str(number)) for number in range(1, 1001))
EARLY = {
    "an option of a read": (lambda c, ched: c.read(ched, transformation="IM"), "IMG-7411"),
    "an option of a reservation": (lambda c, ched: c.reserve(ched, A, ("1", "KGM"), transformation="IM"), "IMG-7411"),
    "a period of a read": (lambda c, ched: c.read(ched, push=PERIOD), "IMG-7411"),
    "a period of a reservation": (lambda c, ched: c.reserve(ched, A, ("1", "KGM"), push=PERIOD), "IMG-7411"),
    "an MRN in lower case": (lambda c, ched: c.reserve(ched, MRN(A.lower()), ("1", "KGM")), "IMG-7403"),
    "a release of an MRN in lower case": (lambda c, ched: c.release(ched, A.lower()), "IMG-7403"),
    "an LRN with a character that is not seen": (
        lambda c, ched: c.reserve(ched, LRN("L\u200b1"), ("1", "KGM")),
        "IMG-7403",
    ),
    "an MRN of another country than the record's": (
        lambda c, ched: c.world.caller("customs-xi-mrns").reserve(ched, MRN("26XI00020000000001"), ("1", "KGM")),
        "IMG-2115",
    ),
    "a deletion for an MRN of another country": (
        lambda c, ched: c.world.caller("customs-xi-mrns").delete(ched, "26XI00020000000001"),
        "IMG-2115",
    ),
    "more goods items than a declaration has": (lambda c, ched: c.reserve(ched, A, *MANY), "IMG-7414"),
    "a correction with more goods items than a declaration has": (
        lambda c, ched: c.intervene(ched, A, "ForceWriteOff", *MANY),
        "IMG-7414",
    ),
    "goods of somebody else's office": (
        lambda c, ched: c.intervene(ched, A, "ForceWriteOff", *TWICE, office="XI000077"),
        "IMG-2114",
    ),
    "goods of an old message": (
        lambda c, ched: c.intervene(ched, A, "ForceWriteOff", *TWICE, at="2026-09-01T00:00:00Z"),
        "IMG-7404",
    ),
    "a unit of somebody else's office": (
        lambda c, ched: c.intervene(ched, A, "ForceWriteOff", ("1", ""), office="XI000077"),
        "IMG-2114",
    ),
}


@pytest.mark.parametrize(("ask", "said"), EARLY.values(), ids=EARLY)
def test_the_desk_and_the_relay_refuse_alike_before_a_ledger_is_asked(national, behind, ched, ask, said):
    assert ask(behind.world.caller(), ched).said == said
    assert ask(national.caller(), ched).said == said
    assert not behind.requests


def test_units_of_a_ched_of_other_countries_are_not_looked_at(national, behind, ched):
    for world, caller in ((behind.world, "customs-fr"), (national, "customs-fr")):
        asked = world.caller(caller).intervene(ched, A, "ForceWriteOff", ("1", ""))
        assert asked.said == "IMG-2110"


def test_a_message_id_is_used_once_and_nothing_is_passed_on_twice(national, behind, ched):
    caller = national.caller()
    caller.reserve(ched, A, ("2", "KGM"), message_id="b" * 32)
    passed = behind.sent("ProcessedChedRequest")
    assert caller.reserve(ched, A, ("3", "KGM"), message_id="b" * 32).said == "IMG-7405"
    assert behind.sent("ProcessedChedRequest") == passed + 1  # the look before it
    assert behind.world.caller().read(ched).held_by(A) == {("MRN", "1", "1"): ("2", "KGM")}


def test_a_reply_that_is_lost_is_found_by_a_read(national, behind, ched):
    behind.script.extend(["", "silent"])
    answer = national.caller().reserve(ched, A, ("2", "KGM"))
    assert answer.said == "reserved"
    assert trail(national, "traces")[-1]["by_read"]
    assert answer.held_by(A) == {("MRN", "1", "1"): ("2", "KGM")}
    behind.script.extend(["", "silent"])
    assert national.caller().release(ched, A).said == "outcome 01"
    behind.script.extend(["", "silent"])
    assert national.caller().release(ched, A).said == "outcome 01"  # as exactly as a ledger shows moments


def test_a_message_that_may_still_come_is_unknown_and_a_fault(national, behind, ched):
    caller = national.caller()
    behind.script.extend(["", "lost"])
    answer = caller.reserve(ched, A, ("2", "KGM"), message_id="c" * 32)
    assert answer.said == "IMG-8030"
    assert answer.fault == "ProcessedChedRequestFault"
    (passed,) = trail(national, "traces")
    assert (passed["word"], passed["told"]) == ("unknown", "IMG-8030")
    assert caller.reserve(ched, A, ("2", "KGM"), message_id="c" * 32).said == "IMG-7405"
    behind.script.extend(["", "lost"])
    assert caller.release(ched, A).said == "IMG-8030"
    assert behind.sent("ChedClearanceRequest") == 1
    assert not behind.world.caller().read(ched).reserved


@pytest.mark.parametrize(
    ("customs", "minutes"),
    [({}, 15), ({"settled_after_seconds": 7200}, 120), ({"max_message_age_seconds": 3600}, 70)],
)
def test_from_when_on_a_read_tells_is_told_by_the_limits_of_both_sides(
    tmp_path, sqlite_url, seal_files, behind, ched, monkeypatch, customs, minutes
):
    monkeypatch.setattr(relay_upstream, "PATIENCE", Patience(attempts=1, pause=0.0, within=5.0, resolving=0.0))
    world = National(tmp_path, sqlite_url, behind, seal_files, **customs)
    behind.script.extend(["", "lost"])
    answer = world.caller().reserve(ched, A, ("2", "KGM"))
    world.close()
    when = world.now + timedelta(minutes=minutes)
    assert answer.said == "IMG-8030"
    assert f"a read after {when:%Y-%m-%dT%H:%M:%S}" in answer.raw.decode()


def test_what_stands_is_told_though_it_cannot_be_kept_what_traces_said(national, behind, ched, keeps_nothing_of):
    keeps_nothing_of("traces")
    assert national.caller().reserve(ched, A, ("2", "KGM")).said == "reserved"
    assert national.caller().release(ched, A).said == "outcome 01"
    assert behind.world.caller().read(ched).consumed_by(A) == {("MRN", "1", "1"): ("2", "KGM")}
    assert [each["passed_on"][:9] for each in trail(national, "customs-xi")] == ["XI000002/"] * 2
    assert not trail(national, "traces")


def test_what_is_not_known_is_told_though_it_cannot_be_kept(national, behind, ched, keeps_nothing_of):
    caller = national.caller()
    keeps_nothing_of("traces")
    behind.script.extend(["", "lost"])
    assert caller.reserve(ched, A, ("2", "KGM"), message_id=f"lost-{ched}").said == "IMG-8030"
    assert caller.reserve(ched, A, ("2", "KGM"), message_id=f"lost-{ched}").said == "IMG-7405"
    early = caller.instant()
    national.later(minutes=1)
    caller.reserve(ched, A, ("2", "KGM"))
    assert caller.reserve(ched, A, ("3", "KGM"), at=early).said == "IMG-7404"


def test_nothing_leaves_that_is_not_on_record(national, behind, ched, keeps_nothing_of):
    keeps_nothing_of("customs-xi")
    assert national.caller().reserve(ched, A, ("2", "KGM")).said in {"IMG-9001", "IMG-9002"}
    assert behind.sent("ProcessedChedRequest") == 1  # the look before it
    assert not behind.world.caller().read(ched).reserved


def test_a_reservation_that_stands_is_told_though_its_certificate_cannot_be_shown(national, ched, monkeypatch):
    read, seen = relay.read_ched, []

    def fails(root):
        seen.append(root)
        if len(seen) > 1:  # the first is the look, by which is judged who asks
            raise XmlRefused("IMG-1001")
        return read(root)

    monkeypatch.setattr(relay, "read_ched", fails)
    answer = national.caller().reserve(ched, A, ("2", "KGM"))
    assert (answer.said, answer.certificate) == ("reserved", None)
    assert answer.held_by(A) == {("MRN", "1", "1"): ("2", "KGM")}


def test_when_traces_is_away_nothing_is_moved_and_the_customs_are_told(national, behind, ched):
    caller = national.caller()
    with behind.away():
        answers = caller.read(ched), caller.reserve(ched, A, ("2", "KGM")), caller.release(ched, A)
    for answer in answers:
        assert answer.said == "IMG-9012"
        assert b"nothing was passed on to it" in answer.raw
    assert b"may be gone" not in answers[0].raw
    assert not trail(national, "customs-xi")
    assert not trail(national, "traces")


def test_a_quantity_without_a_unit_is_never_passed_on(national, behind, ched):
    tonnes = national.caller("customs-xi-tonnes")
    assert tonnes.reserve(ched, A, ("0.25", "")).said == "reserved"
    assert behind.world.caller().read(ched).held_by(A) == {("MRN", "1", "1"): ("0.25", "TNE")}
    other = MRN("26GB1669RELAYEDB01")
    refused = national.caller().reserve(ched, other, ("0.25", ""))
    assert refused.said == "10 1/1"
    assert refused.has_ledger
    assert national.caller().reserve(ched, other, ("", "")).said == "11 1/1"
    assert national.caller().intervene(ched, other, "ForceWriteOff", ("0.25", "")).said == "IMG-7410"
    assert not behind.world.caller().read(ched).held_by(other)


def test_what_traces_refuses_of_our_account_is_said_without_its_words(national, behind, ched):
    account = next(each for each in behind.records if each["id"] == GATEWAY)
    behind.know({**account, "customs": {**account["customs"], "offices": ["XI000014"]}})
    answer = national.caller().reserve(ched, A, ("2", "KGM"))
    assert b"errorMessage>IMG-8031 CERTEX refused the message: IMG-2114 Not an office" in answer.raw
    assert b"XI000014" not in answer.raw
    behind.know({**account, "customs": {**account["customs"], "countries": ["FR"]}})
    assert national.caller().read(ched).said == "IMG-2110"
    behind.know({**account, "enabled": False})
    assert national.caller().read(ched).said == "IMG-9012"
    behind.know(account)


def test_what_was_overtaken_is_refused_before_it_is_passed_on(national, behind, ched):
    """Also where TRACES itself would not mind the order of messages."""
    caller = national.caller()
    early = caller.instant()
    national.later(minutes=1)
    assert caller.delete(ched, A).said == "outcome 02"
    assert caller.reserve(ched, A, ("3", "KGM"), at=early).said == "IMG-7404"
    release = caller.release(ched, A, raw=True)
    national.later(seconds=20)
    assert caller.reserve(ched, A, ("2", "KGM")).said == "reserved"
    assert caller.post(release, "ChedClearanceRequest").said == "IMG-7404"
    assert behind.world.caller().read(ched).held_by(A) == {("MRN", "1", "1"): ("2", "KGM")}
    assert behind.sent("ChedClearanceRequest") == 1


def test_what_the_ledger_shows_overtakes_too(national, behind, ched):
    """The hold came by another way than this gateway: only its moment tells."""
    caller = national.caller()
    early = caller.instant()
    national.later(minutes=1)
    behind.world.caller().reserve(ched, A, ("2", "KGM"))
    assert caller.reserve(ched, A, ("3", "KGM"), at=early).said == "IMG-7404"
    assert behind.sent("ProcessedChedRequest") == 1  # the look before it


def test_a_refusal_of_traces_names_the_declaration(national, behind, ched):
    behind.world.caller().reserve(ched, A, ("2", "KGM"))
    answer = national.caller().reserve(ched, A, ("3", "KGM"))
    assert answer.said == "IMG-7407"
    assert f"at MRN; found {A}" in answer.raw.decode()
    (passed,) = trail(national, "traces")
    assert (passed["word"], passed["told"]) == ("refused", "IMG-7407")


@pytest.fixture
def meeting(monkeypatch):
    """Every look at TRACES waits until two have looked."""
    read, both = CertexClient.read, threading.Barrier(2)

    def waits(*args, **options):
        answer = read(*args, **options)
        with suppress(threading.BrokenBarrierError):
            both.wait(5)
        return answer

    monkeypatch.setattr(CertexClient, "read", waits)
    return both


def test_of_two_systems_with_one_declaration_at_one_moment_one_alone_reserves(national, behind, ched, meeting):
    mine, other = national.caller(), national.caller("customs-xi-other")
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(who.reserve, ched, A, (quantity, "KGM")) for who, quantity in ((mine, "600"), (other, "5"))
        ]
        said = [each.result().said for each in asked]
    meeting.abort()
    assert sorted(said) == ["IMG-7407", "reserved"]
    quantity = "600" if said[0] == "reserved" else "5"
    assert behind.world.caller().read(ched).held_by(A) == {("MRN", "1", "1"): (quantity, "KGM")}


def test_of_two_messages_of_one_system_about_one_declaration_one_is_on_its_way(national, behind, ched, monkeypatch):
    caller, read = national.caller(), CertexClient.read
    inside = []

    def meanwhile(*args, **options):
        if not inside:
            inside.append(None)
            inside.append(national.caller().release(ched, A).said)
        return read(*args, **options)

    monkeypatch.setattr(CertexClient, "read", meanwhile)
    assert caller.reserve(ched, A, ("2", "KGM")).said == "reserved"
    assert inside[1] == "IMG-9001"
    assert caller.release(ched, A).said == "outcome 01"


def test_whose_a_declaration_is_outlives_what_it_holds(national, ched):
    mine, other = national.caller(), national.caller("customs-xi-other")
    assert mine.reserve(ched, A, ("2", "KGM")).said == "reserved"
    assert mine.delete(ched, A).said == "outcome 01"
    national.later(seconds=1)
    assert other.reserve(ched, A, ("1", "KGM")).said == "IMG-7407"
    assert other.intervene(ched, A, "ForceWriteOff", ("1", "KGM")).said == "IMG-7407"
    with pytest.raises(CustomsRefused, match="IMG-7413"):
        free(national, ched, MRN("26GB1669NOBODYS0001"))
    assert free(national, ched, A) == "customs-xi"
    assert other.reserve(ched, A, ("1", "KGM")).said == "reserved"
    assert mine.reserve(ched, A, ("1", "KGM")).said == "IMG-7407"


def test_a_message_that_had_no_effect_makes_a_declaration_nobodys(national, behind, ched):
    mine, other = national.caller(), national.caller("customs-xi-other")
    assert other.release(ched, A).said == "outcome 02"
    assert other.reserve(ched, A, ("99999999", "KGM")).said == "05 1/1"
    assert mine.reserve(ched, A, ("2", "KGM")).said == "reserved"
    assert mine.reserve(ched, A, ("99999999", "KGM")).said == "05 1/1"
    assert not behind.world.caller().read(ched).reserved
    assert other.reserve(ched, A, ("1", "KGM")).said == "IMG-7407"


def test_a_message_of_which_nothing_is_known_keeps_the_declaration(national, behind, ched):
    mine, other = national.caller(), national.caller("customs-xi-other")
    behind.script.extend(["", "lost"])
    assert mine.reserve(ched, A, ("2", "KGM")).said == "IMG-8030"
    assert other.reserve(ched, A, ("1", "KGM")).said == "IMG-7407"
    assert mine.reserve(ched, A, ("2", "KGM")).said == "reserved"


def test_an_operator_asks_for_a_message_of_which_nothing_is_known(national, behind, ched):
    behind.script.extend(["", "lost"])
    assert national.caller("customs-xi-tonnes").reserve(ched, A, ("0.002", "")).said == "IMG-8030"
    (listed,) = unknown(national, ched)
    assert (listed.partner, listed.declaration.number) == ("customs-xi-tonnes", A)
    with national.store.read() as connection:
        sent = passed_on(connection, listed.exchange_id)
    assert (sent.declaration.number, sent.request.items[0].weight.unit) == (A, "TNE")
    assert f"{sent.header.prefix}/{sent.header.message_id}" == trail(national, "customs-xi-tonnes")[-1]["passed_on"]
    client = relay_upstream.Upstream(national.application.context, "traces").opened()
    with pytest.raises(OutcomeUnknown):
        client.resolve(sent)
    national.later(minutes=16)
    word = client.resolve(sent).word
    assert word is ReservationWord.NOT_RESERVED
    national.store.write(
        lambda connection: outcome_found(connection, listed.exchange_id, word, actor="operator", at=national.now)
    )
    assert not unknown(national, ched)


def test_what_is_known_is_not_listed(national, ched):
    caller = national.caller()
    caller.reserve(ched, A, ("2", "KGM"))
    caller.reserve(ched, A, ("1", "H87"))
    caller.release(ched, A)
    assert not unknown(national, ched)


def unknown(national, ched):
    with national.store.read() as connection:
        return [each for each in list_unknown(connection, limit=1000) if each.reference == ched]


def test_two_systems_put_no_lrn_beside_an_mrn_that_one_of_them_had(national, ched):
    mine, other = national.caller(), national.caller("customs-xi-other")
    assert mine.reserve(ched, A, ("2", "KGM")).said == "reserved"
    assert mine.delete(ched, A).said == "outcome 01"
    assert other.reserve(ched, LRN(A.lower()), ("1", "KGM")).said == "IMG-7407"


def free(national, reference, number):
    return national.store.write(
        lambda connection: free_passed_on(
            connection,
            reference,
            Declaration(DeclarationType.MRN, number),
            actor="operator",
            reason="a test",
            at=national.now,
        )
    )


def test_a_ched_of_another_type_than_the_code_says_is_refused_here(national, behind, ched, monkeypatch):
    monkeypatch.setattr(service, "check_type", lambda *_: None)  # a TRACES that does not mind the code
    caller = national.caller()
    assert caller.read(ched, taric="C640").said == "IMG-7408"
    assert caller.reserve(ched, A, ("1", "KGM"), taric="C640").said == "IMG-7408"
    assert caller.read(ched, taric="N853").said == "read"
    assert caller.reserve(ched, A, ("1", "KGM"), taric="N853").said == "reserved"


@pytest.fixture
def record(national):
    """``record(change)``: the record of TRACES as an operator changes it; None removes it. Put back afterwards."""
    with national.store.read() as connection:
        known = find_partner(connection, "traces").record

    def change(**changes):
        national.know({**known, **changes, "delivery": {**known["delivery"], **changes.get("delivery", {})}})

    yield change
    change()


def test_a_running_gateway_sees_another_record_of_traces(national, behind, ched, record):
    caller = national.caller()
    assert caller.read(ched).said == "read"
    record(delivery={"address": "http://127.0.0.1:9/tracesnt/ws"})
    assert caller.read(ched).said == "IMG-9012"
    assert caller.reserve(ched, A, ("1", "KGM")).said == "IMG-9012"
    record()
    assert caller.read(ched).said == "read"
    record(enabled=False)
    before = len(behind.requests)
    assert caller.read(ched).said == "IMG-9012"
    assert caller.reserve(ched, A, ("1", "KGM")).said == "IMG-9012"
    assert caller.release(ched, A).said == "IMG-9012"
    assert len(behind.requests) == before
    record()
    assert caller.reserve(ched, A, ("1", "KGM")).said == "reserved"


def test_a_running_gateway_sees_another_secret_and_opens_nothing_anew_without(national, behind, ched, record, tmp_path):
    secret = tmp_path / "another.txt"
    secret.write_text("not the one that TRACES knows")
    record(delivery={"secret": f"file:{secret}"})
    assert national.caller().read(ched).said == "IMG-9012"
    secret.write_text(SECRET)
    assert national.caller().read(ched).said == "read"
    secret.unlink()
    assert national.caller().read(ched).said == "IMG-9012"
    record()
    upstream = relay_upstream.Upstream(national.application.context, "traces")
    assert upstream.opened() is upstream.opened()


@pytest.mark.parametrize(("name", "code"), [("nobody", "IMG-0101"), ("customs-xi", "IMG-0123")])
def test_the_record_of_traces_must_be_there_and_say_where_it_is(national, name, code):
    with pytest.raises(ConfigurationError, match=code):
        relay_upstream.Upstream(national.application.context, name).opened()
