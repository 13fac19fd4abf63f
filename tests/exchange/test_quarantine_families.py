"""Versions that wait for a held one: bounded, counted, ended with it, and never a way to stop the others."""

from datetime import timedelta

import pytest
from quarantine_harness import Keeper, package, with_codes

from gateway.exchange import ReleaseOutcome
from gateway.exchange.holding import MAX_WAITING
from gateway.faultpoints import reach
from gateway.store import find_audit, get_edition


@pytest.fixture
def keeper(world, opened):
    return Keeper(world, opened(world.partner(untranslatable="quarantine")))


def send(world, keeper, document, code="IMG-6010"):
    world.now += timedelta(seconds=1)
    answer = keeper.caller.submit(document)
    assert answer.code == code, answer.raw
    return answer


def states(keeper):
    return [(row.subject.rpartition("/")[2], row.status_code, row.state.value) for row in keeper.held()]


def counted(keeper):
    with keeper.store.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql("SELECT edition, released FROM quarantine_releases")]


def withdrawn(world, keeper):
    """An issue that is held, and its withdrawal behind it."""
    send(world, keeper, with_codes(world, "X0", number="A"))
    send(world, keeper, world.sealed(number="A", status="40"))
    return keeper.held()


def test_a_chain_of_waiting_versions_is_bounded_and_holds_up_no_other(world, keeper):
    send(world, keeper, with_codes(world, "X0", number="A-0"))
    for number in range(1, MAX_WAITING + 1):
        last = world.sealed(number=f"A-{number}", status="44", replaces=f"A-{number - 1}")
        send(world, keeper, last)
    send(world, keeper, world.sealed(number="B", status="44", replaces=f"A-{MAX_WAITING}"), "IMG-6023")
    send(world, keeper, world.sealed(number="B", status="44", replaces="A-0"), "IMG-6023")
    send(world, keeper, last)
    send(world, keeper, with_codes(world, "X0", number="Z"))
    edition = keeper.publish(package("X0"), release_limit=MAX_WAITING + 2)
    assert keeper.quarantine.release_confirmed() == 3  # and Z; what is a replacement is not replaced again
    assert [state for *_, state in states(keeper)] == ["released"] * 2 + ["held"] * (MAX_WAITING - 1) + ["released"]
    assert counted(keeper) == [(edition, 3)]


def test_a_defect_of_one_message_is_told_and_stops_no_other(world, keeper, monkeypatch):
    for number in ("A", "B"):
        send(world, keeper, with_codes(world, "X0", number=number))
    keeper.publish(package("X0"), release_limit=2)
    looked = []

    def point(name):
        if name == "quarantine.judged":
            looked.append(name)
            if len(looked) == 1:
                raise RecursionError
        reach(name)

    monkeypatch.setattr("gateway.exchange.quarantine.reach", point)
    assert keeper.quarantine.release_confirmed() == 1
    first, second = keeper.held()
    assert (first.state, first.code, first.reason) == ("held", "IMG-9002", "the gateway failed: RecursionError")
    assert second.state == "released"
    assert keeper.quarantine.release_confirmed() == 0
    assert len(looked) == 2
    world.now += timedelta(days=1)
    assert keeper.quarantine.release_confirmed() == 1


def test_other_content_of_a_held_issue_ends_what_waits_for_it_and_says_so(world, keeper):
    issue, withdrawal = withdrawn(world, keeper)
    corrected = with_codes(world, "X0", "X0", number="A")
    answer = send(world, keeper, corrected)
    assert f"It takes the place of {issue.id} " in answer.fault("Message")
    assert f"to be sent again: {withdrawal.id} (AR/851/A with status 40)" in answer.fault("Message")
    assert send(world, keeper, corrected).raw == answer.raw
    assert states(keeper) == [("A", "70", "superseded"), ("A", "40", "superseded"), ("A", "70", "held")]
    keeper.publish(package("X0"), release_limit=5)
    assert keeper.quarantine.release_confirmed() == 1
    world.now += timedelta(days=1)
    assert keeper.quarantine.release_confirmed() == 0
    assert keeper.caller.about("GetCertificateStatus", "A").text("cx:StatusCode") == "70"


def test_the_withdrawal_that_is_sent_again_waits_for_the_correction(world, keeper):
    withdrawn(world, keeper)
    send(world, keeper, with_codes(world, "X0", "X0", number="A"))
    send(world, keeper, world.sealed(number="A", status="40"))
    edition = keeper.publish(package("X0"), release_limit=2)
    assert keeper.quarantine.release_confirmed() == 2
    assert keeper.caller.about("GetCertificateStatus", "A").text("cx:StatusCode") == "40"
    assert counted(keeper) == [(edition, 2)]


def test_a_correction_that_is_accepted_ends_all_that_was_held_of_the_document_and_says_so(world, keeper):
    issue, withdrawal = withdrawn(world, keeper)
    send(world, keeper, world.sealed(number="B", status="44", replaces="A"))
    *_, replacing = keeper.held()
    answer = send(world, keeper, world.sealed(number="A"), None)
    assert answer.status == 200
    for ended in (issue, withdrawal, replacing):
        assert f"WARNING IMG-6021: Quarantine entry {ended.id} ".encode() in answer.raw
    assert {state for *_, state in states(keeper)} == {"superseded"}
    keeper.publish(package("X0"), release_limit=5)
    world.now += timedelta(days=1)
    assert keeper.quarantine.release_confirmed() == 0
    assert keeper.caller.about("GetCertificateStatus", "A").text("cx:StatusCode") == "70"


def test_a_later_version_with_gaps_of_its_own_ends_too(world, keeper):
    send(world, keeper, with_codes(world, "X0", number="A"))
    send(world, keeper, with_codes(world, "X1", number="A", status="40"))
    send(world, keeper, with_codes(world, "X0", "X0", number="A"))
    assert states(keeper) == [("A", "70", "superseded"), ("A", "40", "superseded"), ("A", "70", "held")]


def test_what_follows_is_audited_with_who_released_what_it_followed(world, keeper):
    issue, withdrawal = withdrawn(world, keeper)
    edition = keeper.publish(package("X0"), release_limit=2)
    assert keeper.quarantine.release_confirmed() == 2
    with keeper.store.read() as connection:
        *_, last = find_audit(connection, withdrawal.id)
    assert (last.actor, last.action) == ("gateway", "quarantine released")
    assert last.detail["reason"] == f"edition {edition} of the tables, after {issue.id}"


@pytest.mark.parametrize("by", ["operator", "edition"])
def test_what_was_to_follow_follows_after_the_process_ended(world, keeper, monkeypatch, by):
    issue, withdrawal = withdrawn(world, keeper)
    edition = keeper.publish(package("X0"), release_limit=2 if by == "edition" else 0)
    assert keeper.quarantine.release_confirmed() == 0 if by == "operator" else True
    monkeypatch.setattr(type(keeper.quarantine), "_follow", lambda *_: iter(()))
    if by == "operator":
        assert keeper.quarantine.release(issue.id, actor="op").outcome is ReleaseOutcome.RELEASED
    else:
        assert keeper.quarantine.release(issue.id, actor="gateway", edition=_edition(keeper, edition)).outcome
    assert keeper.entry(withdrawal.id).state == "held"
    monkeypatch.undo()
    assert keeper.quarantine.release_confirmed() == 1
    left = keeper.entry(withdrawal.id)
    assert (left.state, left.actor) == ("released", "op" if by == "operator" else "gateway")
    assert counted(keeper) == ([] if by == "operator" else [(edition, 2)])


def test_what_cannot_follow_uses_up_nothing(world, keeper):
    send(world, keeper, with_codes(world, "X0", number="A"))
    for number in range(4):
        send(world, keeper, world.sealed(number=f"B-{number}", status="44", replaces="A"))
    send(world, keeper, with_codes(world, "X0", number="Z"))
    edition = keeper.publish(package("X0"), release_limit=5)
    assert keeper.quarantine.release_confirmed() == 3  # A, one that replaces it, and Z
    assert [state for *_, state in states(keeper)] == ["released", "released", "held", "held", "held", "released"]
    assert counted(keeper) == [(edition, 3)]
    world.now += timedelta(days=1)
    assert keeper.quarantine.release_confirmed() == 0


def test_beyond_the_bound_nothing_is_judged_or_sealed(world, keeper, monkeypatch):
    for number in range(4):
        send(world, keeper, with_codes(world, "X0", number=f"A-{number}"))
    keeper.publish(package("X0"), release_limit=1)
    sealer = type(keeper.context.sealer)
    seal, seals = sealer.seal, []
    monkeypatch.setattr(sealer, "seal", lambda *given, **named: seals.append(1) or seal(*given, **named))
    assert keeper.quarantine.release_confirmed() == 1
    world.now += timedelta(days=1)
    assert keeper.quarantine.release_confirmed() == 0
    assert len(seals) == 1


def test_an_operators_bound_counts_what_follows(world, keeper):
    issue, withdrawal = withdrawn(world, keeper)
    keeper.publish(package("X0"))
    assert keeper.quarantine.release(issue.id, actor="op", room=1).outcome is ReleaseOutcome.UNCONFIRMED
    assert states(keeper) == [("A", "70", "held"), ("A", "40", "held")]
    done = keeper.quarantine.release(issue.id, actor="op", room=2)
    assert [each.id for each in done.followers] == [withdrawal.id]
    assert [state for *_, state in states(keeper)] == ["released", "released"]


def _edition(keeper, number):
    with keeper.store.read() as connection:
        return get_edition(connection, number)
