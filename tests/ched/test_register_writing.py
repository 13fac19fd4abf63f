"""Who writes which part, how often a message counts, and who wins (Art 40(2)(b); R-5-2, R-40-3)."""

import threading
from dataclasses import replace

import pytest
from ched_harness import BODIES, World, arrival, authority, ched_a, ched_pp, decision, element, party

from gateway.ched.models import SubmissionKind
from gateway.documents.ched import (
    ChedLink,
    Coded,
    ControlPost,
    Part,
    Purpose,
    Transport,
    part_digest,
    read_ched,
    write_ched,
)
from gateway.errors import AccessDenied, AuthenticationFailed, ChedRefused, GatewayError, RulesRefused
from gateway.store import ChedQuery, ChedVisibility, ched_by_reference, ched_links, ched_versions, open_store
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise


def code_of(act, *arguments, **named):
    """The code that something is refused with; empty when it is not."""
    try:
        act(*arguments, **named)
    except GatewayError as refused:
        return refused.code
    return ""


def transfer(**changes):
    post = ControlPost(country="DE", code="DEHAM9P", name="Invented control point")
    return ched_pp(**{"purposes": (Purpose(Coded("TRANSFER"), "I.20", post=post),), **changes})


AUTHORS = {"importer", "post", "central"}
"""Of Part I: the operator of I.8, the post of I.4, the central authority of its country."""


class TestParts:
    """Each part from each body: one table for each part."""

    @pytest.mark.parametrize("name", BODIES)
    def test_part_one(self, quick, name):
        expected = "" if name in AUTHORS else "IMG-7210"
        assert code_of(quick.submit, ched_pp(), name) == expected

    @pytest.mark.parametrize("name", BODIES)
    def test_part_two(self, quick, name):
        reference = quick.submit(ched_pp()).reference
        code = code_of(quick.decide, reference, name)
        assert (code == "") is (name == "post")
        assert code in ("", "IMG-2110", "IMG-7210", "IMG-7211")
        expected = "70" if name == "post" else "1"
        assert quick.register.row(quick.actor("commission"), reference).status_code == expected

    @pytest.mark.parametrize("name", BODIES)
    def test_part_three(self, quick, name):
        reference = quick.submit(transfer()).reference
        quick.decide(reference, code="ACCEPTABLE_FOR_TRANSFER")
        code = code_of(quick.follow_up, reference, name)
        assert (code == "") is (name in ("control point", "local"))
        assert code in ("", "IMG-2110", "IMG-7210", "IMG-7212")

    @pytest.mark.parametrize("name", BODIES)
    def test_a_decision_at_once(self, quick, name):
        ched = ched_pp(decision=decision())
        code = code_of(quick.submit, ched, name, SubmissionKind.DECISION_IN_PROGRESS)
        assert code == ("" if name == "post" else "IMG-7211")

    def test_nothing_is_written_for_nobody(self, quick):
        document = element(ched_pp())
        nobody = quick.actor(None)
        with pytest.raises(AccessDenied, match="IMG-2112"):
            quick.register.submit(nobody, document, SubmissionKind.DRAFT, quick.call(document))

    @pytest.mark.parametrize(("author", "other"), [("control point", "local"), ("local", "control point")])
    def test_part_three_is_who_wrote_it(self, quick, author, other):
        reference = quick.submit(transfer()).reference
        quick.decide(reference, code="ACCEPTABLE_FOR_TRANSFER")
        missing = arrival(arrived=Coded("NO"))
        quick.follow_up(reference, author, missing)
        assert code_of(quick.follow_up, reference, other) == "IMG-7212"
        assert quick.stored(reference).follow_up == missing
        assert quick.follow_up(reference, author).status_code == "70"
        assert code_of(quick.follow_up, reference, other, missing) == "IMG-7212"

    @pytest.mark.parametrize(
        ("author", "post", "code"), [("control point", "DEHAM9P", ""), ("manager", "BELGG4", "IMG-7212")]
    )
    def test_a_central_authority_corrects_part_three_of_its_country_only(self, quick, monkeypatch, author, post, code):
        monkeypatch.setitem(BODIES, "central there", authority("AUDE0003", "central", countries=["DE"]))
        world = World(quick.store)
        going = ControlPost(country=post[:2], code=post)
        reference = world.submit(transfer(purposes=(Purpose(Coded("TRANSFER"), "I.20", post=going),))).reference
        world.decide(reference, code="ACCEPTABLE_FOR_TRANSFER")
        world.follow_up(reference, author, arrival(arrived=Coded("NO")))
        assert code_of(world.follow_up, reference, "central there") == code

    def test_who_names_itself_as_post_of_part_three_has_no_right_by_that(self, quick):
        reference = quick.submit(transfer()).reference
        quick.decide(reference, code="ACCEPTABLE_FOR_TRANSFER")
        post = ControlPost(country="BE", code="BELGG4")
        named = replace(quick.stored(reference).purposes[0], post=post)
        assert code_of(quick.follow_up, reference, "manager", purposes=(named,)) == "IMG-7212"


class TestUntouched:
    """Who writes one part leaves the others as they stand."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"consignor": party("ZA-2", "Somebody else", "ZA")},
            {"arrival": "2026-11-25T08:00:00.000+01:00"},
            {"purposes": (Purpose(Coded("RE_ENTRY"), "I.25"),)},
            {"lines": ()},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_a_decision_changes_no_part_one(self, quick, changes):
        reference = quick.submit(ched_pp()).reference
        with pytest.raises(ChedRefused) as refused:
            quick.decide(reference, **changes)
        assert (refused.value.code, refused.value.where) == ("IMG-7213", "Part I")
        assert "I." in refused.value.found

    def test_a_follow_up_changes_no_decision(self, quick):
        reference = quick.submit(transfer()).reference
        quick.decide(reference, code="ACCEPTABLE_FOR_TRANSFER")
        other = decision("ACCEPTABLE_FOR_TRANSFER", physical_result=Coded("NOT_SATISFACTORY"))
        with pytest.raises(ChedRefused) as refused:
            quick.follow_up(reference, "control point", decision=other)
        assert (refused.value.code, refused.value.where) == ("IMG-7213", "Part II")

    def test_a_submission_decides_nothing(self, quick):
        assert code_of(quick.submit, ched_pp(decision=decision())) == "IMG-7213"
        assert code_of(quick.submit, ched_pp(follow_up=arrival())) == "IMG-7213"

    def test_a_decision_keeps_part_one_to_the_last_label(self, quick):
        label = Coded("INTERNAL_MARKET", "Zum Binnenmarkt", "de")
        reference = quick.submit(ched_pp(purposes=(Purpose(label, "I.23"),))).reference
        before = quick.stored(reference)
        relabelled = Coded("INTERNAL_MARKET", "For internal market", "en")
        quick.decide(reference, purposes=(Purpose(relabelled, "I.23"),))
        after = quick.stored(reference)
        assert after.purposes == before.purposes
        assert part_digest(after, Part.I) == part_digest(before, Part.I)
        assert after.decision == decision()

    def test_who_entered_part_one_is_recorded_once(self, quick):
        own = quick.submit(ched_pp()).reference
        for_it = quick.submit(ched_pp(), "post").reference
        quick.decide(own)
        recorded = [quick.stored(reference).issuer for reference in (own, for_it)]
        assert [(issuer.role, issuer.identifier, issuer.activities[0].code) for issuer in recorded] == [
            ("VJ", "OPNL0001", "OPERATOR"),
            ("VJ", "AUNL0001", "AUTHORITY"),
        ]


class TestStatuses:
    def test_a_draft_becomes_a_ched_and_is_decided(self, world):
        drafted = world.draft(ched_pp())
        assert drafted.status_code == "47"
        submitted = world.submit(world.stored(drafted.reference))
        assert (submitted.reference, submitted.status_code) == (drafted.reference, "1")
        decided = world.decide(drafted.reference)
        assert (decided.reference, decided.status_code) == (drafted.reference, "70")
        stored = world.stored(drafted.reference)
        assert (stored.status_code, stored.status_name) == ("70", "Issued (Validated)")
        with world.store.read() as connection:
            row = ched_by_reference(connection, drafted.reference)
            versions = ched_versions(connection, row.id)
        assert [(each.status_code, each.part) for each in versions] == [("47", "I"), ("1", "I"), ("70", "II")]

    @pytest.mark.parametrize(
        ("code", "status"),
        [("ACCEPTABLE_FOR_TRANSFER", "124"), ("NOT_ACCEPTABLE", "41"), ("ACCEPTABLE_FOR_TRANSIT", "99")],
    )
    def test_the_conclusion_gives_the_status(self, quick, code, status):
        reference = quick.submit(transfer()).reference
        assert quick.decide(reference, code=code).status_code == status

    def test_an_arrival_ends_an_onward_movement(self, quick):
        reference = quick.submit(transfer()).reference
        quick.decide(reference, code="ACCEPTABLE_FOR_TRANSFER")
        assert quick.register.row(quick.actor("post"), reference).requires_follow_up
        missing = arrival(arrived=Coded("NO"))
        assert quick.follow_up(reference, "control point", missing).status_code == "124"
        assert quick.follow_up(reference, "control point").status_code == "70"
        assert not quick.register.row(quick.actor("post"), reference).requires_follow_up

    def test_in_progress_and_then_decided_by_the_national_system(self, quick):
        first = quick.submit(ched_pp(decision=decision(conclusion=())), "post", SubmissionKind.DECISION_IN_PROGRESS)
        assert first.status_code == "42"
        known = replace(quick.stored(first.reference), decision=decision())
        second = quick.submit(known, "post", SubmissionKind.DECISION_IN_PROGRESS)
        assert (second.reference, second.status_code) == (first.reference, "70")

    def test_a_horse_travels_on(self, quick):
        post = ControlPost(country="DE", code="DEHAM9P")
        horse = ched_a(purposes=(Purpose(Coded("ONWARD_TRAVEL"), "I.20", post=post),))
        reference = quick.submit(horse).reference
        assert reference.startswith("CHEDA.NL.2026.")
        assert quick.decide(reference, code="ACCEPTABLE_FOR_ONWARD_TRAVEL").status_code == "35"
        silent = arrival(arrived=Coded(""), outcome=Coded("FURTHER_DESTINATION"))
        assert quick.follow_up(reference, "control point", silent).status_code == "70"

    def test_drafts_are_deleted_and_others_cancelled(self, quick):
        draft, waiting, decided = (quick.draft(ched_pp()), quick.submit(ched_pp()), quick.submit(ched_a()))
        quick.decide(decided.reference)
        assert quick.cancel(draft.reference).status_code == "55"
        assert quick.cancel(waiting.reference).status_code == "64"
        assert code_of(quick.cancel, decided.reference) == "IMG-7202"
        assert code_of(quick.decide, waiting.reference) == "IMG-7202"

    def test_a_draft_is_changed_in_whole_and_a_ched_in_its_onward_transport(self, quick):
        draft, waiting = quick.draft(ched_pp()).reference, quick.submit(ched_pp()).reference
        elsewhere = {"arrival": "2026-11-25T08:00:00.000+01:00"}
        truck = {"transports_after": (Transport(Coded("3"), "NL-12-AB", "road_vehicle_registration_after_bcp"),)}
        assert quick.amend(draft, **elsewhere).status_code == "47"
        assert quick.stored(draft).arrival == elsewhere["arrival"]
        assert code_of(quick.amend, waiting, **elsewhere) == "IMG-7213"
        assert quick.amend(waiting, **truck).status_code == "1"
        assert quick.stored(waiting).transports_after[0].identification == "NL-12-AB"
        quick.decide(waiting)
        assert code_of(quick.amend, waiting, transports_after=()) == "IMG-7202"

    @pytest.mark.parametrize("act", ["decide", "follow_up"])
    def test_a_message_without_what_it_is_for_is_refused(self, quick, act):
        reference = quick.submit(ched_pp()).reference
        document = element(quick.stored(reference))
        method = getattr(quick.register, act)
        with pytest.raises(ChedRefused, match="IMG-7214"):
            method(quick.actor("post"), document, (), quick.call(document, act))


class TestOnce:
    def test_the_same_message_again_is_answered_as_the_first_time(self, world):
        first = world.submit(ched_pp())
        second = world.submit(ched_pp())
        assert second == first
        world.decide(first.reference)
        assert world.submit(ched_pp()) == first
        assert len(world.register.find(world.actor("commission"), _query())) == 1

    def test_a_decision_again_too(self, world):
        reference = world.submit(ched_pp()).reference
        document = element(replace(world.stored(reference), decision=decision()))
        call = world.call(document, "SubmitDecision")
        first = world.register.decide(world.actor("post"), document, (), call)
        assert world.register.decide(world.actor("post"), document, (), call) == first
        with world.store.read() as connection:
            assert len(ched_versions(connection, ched_by_reference(connection, reference).id)) == 2

    def test_a_nonce_is_used_once(self, world):
        document = element(ched_pp())
        actor, call = world.actor("importer"), world.call(document)
        world.register.submit(actor, document, SubmissionKind.FOR_DECISION, call)
        with pytest.raises(AuthenticationFailed, match="IMG-2003"):
            world.register.submit(actor, document, SubmissionKind.FOR_DECISION, call)

    def test_after_a_cancellation_the_message_is_a_new_ched(self, world):
        first = world.submit(ched_pp())
        world.cancel(first.reference)
        second = world.submit(ched_pp())
        assert second.reference != first.reference

    def test_another_body_with_the_same_document_is_another_ched(self, quick):
        assert quick.submit(ched_pp()).reference != quick.submit(ched_pp(), "post").reference


def _query():
    return ChedQuery(visibility=ChedVisibility())


class TestTogether:
    """Several at once, on each engine."""

    def test_of_two_decisions_one_wins(self, world):
        reference = world.submit(ched_pp()).reference
        outcomes = _at_once(
            lambda: code_of(world.decide, reference),
            lambda: code_of(world.decide, reference, code="NOT_ACCEPTABLE"),
        )
        won, lost = sorted(outcomes)
        assert won == ""
        assert lost in ("IMG-7206", "IMG-7202", "IMG-7213")
        with world.store.read() as connection:
            assert len(ched_versions(connection, ched_by_reference(connection, reference).id)) == 2

    def test_each_of_many_gets_a_number_of_its_own(self, world):
        arrivals = [f"2026-11-24T08:{minute:02}:00.000+01:00" for minute in range(8)]
        receipts = _at_once(*(lambda at=at: world.submit(ched_pp(arrival=at)) for at in arrivals))
        references = sorted(receipt.reference for receipt in receipts)
        assert references == [f"CHEDPP.NL.2026.{number:07}" for number in range(1, 9)]

    def test_the_same_message_many_times_at_once_is_one_ched(self, world):
        receipts = _at_once(*[lambda: world.submit(ched_pp())] * 6)
        assert {receipt.reference for receipt in receipts} == {"CHEDPP.NL.2026.0000001"}


def _at_once(*acts):
    """Runs all of them at the same moment; their results in order."""
    gate = threading.Barrier(len(acts))
    results = [None] * len(acts)

    def run(place, act):
        gate.wait(10)
        results[place] = act()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert None not in results
    return results


class TestReferences:
    def test_each_type_country_and_year_counts_for_itself(self, quick):
        belfast = ControlPost("GBBEL", "un_locode", "XI", "Belfast", "XIBEL1", "Belfast Port", "", "GBBEL")
        assert quick.submit(ched_pp()).reference == "CHEDPP.NL.2026.0000001"
        assert quick.submit(ched_a()).reference == "CHEDA.NL.2026.0000001"
        assert quick.submit(ched_pp(post=belfast)).reference == "CHEDPP.XI.2026.0000001"
        quick.now = quick.now.replace(year=2027)
        assert quick.submit(ched_pp(arrival="2027-11-24T08:00:00+01:00")).reference == "CHEDPP.NL.2027.0000001"

    def test_a_refused_submission_takes_no_number(self, quick):
        assert code_of(quick.submit, ched_pp(consignor=None)) == "IMG-5001"
        assert quick.submit(ched_pp()).reference == "CHEDPP.NL.2026.0000001"

    def test_nobody_chooses_a_reference(self, quick):
        assert code_of(quick.submit, ched_pp(reference="CHEDPP.NL.2026.0000042")) == "IMG-7201"

    def test_a_draft_without_a_post_gets_no_reference(self, quick):
        assert code_of(quick.draft, ched_pp(post=None), "importer") == "IMG-7205"

    def test_no_reference_is_given_without_the_role_of_traces(self, sqlite_url):
        with open_store(sqlite_url, exclusive=True) as store:
            world = World(store, roles=("national",))
            receipt = world.submit(ched_pp())
            assert receipt.reference == ""
            assert receipt.url == ""
            assert receipt.local_reference.startswith("NL-20261120-")
            stored = world.stored(receipt.local_reference, "importer")
            assert (stored.reference, stored.local_reference) == ("", receipt.local_reference)
            document = element(replace(stored, decision=decision()))
            decided = world.register.decide(world.actor("post"), document, (), world.call(document, "SubmitDecision"))
            assert (decided.reference, decided.status_code) == ("", "70")
            again = world.submit(ched_a())
            assert again.local_reference not in ("", receipt.local_reference)
            with pytest.raises(ChedRefused, match="IMG-7207"):
                world.register.sealed_xml(world.actor("post"), receipt.local_reference)

    def test_the_answer_names_the_electronic_version(self, quick):
        receipt = quick.submit(ched_pp())
        assert receipt.url == f"https://traces.invalid/tracesnt/certificate/ched/{receipt.reference}"
        assert quick.stored(receipt.reference).url == receipt.url


BROKEN = {
    "consignor": None,
    "arrival": "",
    "purposes": (Purpose(Coded("INTERNAL_MARKET"), "I.23"), Purpose(Coded("RE_ENTRY"), "I.25")),
    "dispatch_country": replace(ched_pp().dispatch_country, code="", name=""),
    "transports_before": (),
}
"""Mandatory boxes I.1, I.10, I.13, I.14 empty, and two purposes (G4)."""


class TestRules:
    def test_five_broken_rules_are_five_findings(self, quick):
        with pytest.raises(RulesRefused) as refused:
            quick.submit(ched_pp(transport_conditions=Coded(""), **BROKEN))
        assert refused.value.code == "IMG-5001"
        severe = [finding for finding in refused.value.findings if finding.severity == "SEVERE"]
        assert len(severe) == 5
        assert len({finding.path for finding in severe}) == 5
        boxes = {finding.path.split()[0] for finding in severe}
        assert {"I.1", "I.10", "I.13", "I.14"} <= boxes

    def test_a_draft_is_only_warned(self, quick):
        receipt = quick.draft(ched_pp(transport_conditions=Coded(""), **BROKEN))
        assert receipt.status_code == "47"
        assert len(receipt.findings) == 5
        assert {finding.severity for finding in receipt.findings} == {"WARNING"}

    def test_warnings_come_with_the_receipt(self, quick):
        receipt = quick.submit(ched_pp())
        assert [finding.rule for finding in receipt.findings] == ["R-BOX-TYPE"]

    def test_a_decision_is_judged_by_the_rules_of_its_part(self, quick):
        reference = quick.submit(ched_pp()).reference
        two = decision(conclusion=(Coded("ACCEPTABLE_FOR_INTERNAL_MARKET"), Coded("NOT_ACCEPTABLE")))
        document = element(replace(quick.stored(reference), decision=two))
        with pytest.raises(RulesRefused, match="IMG-5001"):
            quick.register.decide(quick.actor("post"), document, (), quick.call(document, "SubmitDecision"))


class TestLinks:
    def test_a_replacement_ends_the_one_before(self, world):
        old = world.submit(ched_pp()).reference
        new = world.submit(ched_pp(previous=_cites(old, "ACW"))).reference
        ended = world.stored(old)
        assert (ended.status_code, [link.reference for link in ended.subsequent]) == ("44", [new])
        assert [link.reference for link in world.stored(new).previous] == [old]
        assert code_of(world.decide, old) == "IMG-7202"
        third = ched_pp(previous=_cites(old, "ACW"), arrival="2026-11-26T08:00:00+01:00")
        assert code_of(world.submit, third) == "IMG-7202"
        with world.store.read() as connection:
            links = ched_links(connection, ched_by_reference(connection, new).id)
        assert [(link.relation, link.reference) for link in links] == [("ACW", old)]

    def test_a_decided_one_is_replaced_by_its_post_only(self, quick):
        old = quick.submit(ched_pp()).reference
        quick.decide(old)
        new = ched_pp(previous=_cites(old, "ACW"))
        assert code_of(quick.submit, new) == "IMG-7211"
        quick.submit(new, "post")
        assert quick.stored(old).status_code == "44"

    def test_a_split_writes_both_sides_and_changes_no_part(self, quick):
        parent = quick.submit(ched_pp()).reference
        before = quick.stored(parent)
        children = [quick.submit(ched_pp(previous=_cites(parent, "AXG"), arrival=at)).reference for at in ARRIVALS]
        after = quick.stored(parent)
        assert [link.reference for link in after.subsequent] == children
        assert after.status_code == "1"
        assert part_digest(after, Part.I) == part_digest(before, Part.I)

    def test_a_refused_part_makes_the_whole_partially_rejected(self, quick):
        parent = quick.submit(ched_pp()).reference
        first, second = (quick.submit(ched_pp(previous=_cites(parent, "AXG"), arrival=at)).reference for at in ARRIVALS)
        quick.decide(first)
        assert quick.stored(parent).status_code == "1"
        quick.decide(second, code="NOT_ACCEPTABLE")
        assert quick.stored(parent).status_code == "122"
        assert quick.register.row(quick.actor("central elsewhere"), parent).refused

    def test_the_rest_of_a_split_is_rejected_in_part(self, quick):
        parent = quick.submit(ched_pp()).reference
        first = quick.submit(ched_pp(previous=_cites(parent, "AXG"), arrival=ARRIVALS[0])).reference
        quick.decide(first)
        assert quick.decide(parent, code="NOT_ACCEPTABLE").status_code == "122"

    @pytest.mark.parametrize("relation", ["ACW", "AXG"])
    def test_a_predecessor_must_be_here_and_the_senders(self, quick, relation):
        unknown = ched_pp(previous=_cites("CHEDPP.NL.2026.0000077", relation))
        assert code_of(quick.submit, unknown) == "IMG-7204"
        others = ched_pp(operator=party("NL-0815", "Other", "NL"), consignee=party("NL-0815", "Other", "NL"))
        hidden = quick.submit(replace(others, declaration=None), "stranger", SubmissionKind.DRAFT).reference
        assert code_of(quick.submit, ched_pp(previous=_cites(hidden, relation))) == "IMG-7204"

    def test_a_replacement_that_is_refused_leaves_the_old_one(self, quick):
        old = quick.submit(ched_pp()).reference
        assert code_of(quick.submit, ched_pp(previous=_cites(old, "ACW"), consignor=None)) == "IMG-5001"
        assert quick.stored(old).status_code == "1"


ARRIVALS = ("2026-11-24T09:00:00.000+01:00", "2026-11-24T10:00:00.000+01:00")


def _cites(reference, relation):
    return (ChedLink(reference, relation),)


def test_what_was_read_is_what_was_sent(quick):
    """Nothing of a submission is lost but what the register itself fills in."""
    sent = ched_pp()
    reference = quick.submit(sent).reference
    stored = quick.stored(reference)
    same = replace(
        stored,
        reference="",
        status_code=sent.status_code,
        status_name="",
        updated="",
        url="",
        issuer=None,
    )
    assert same == sent
    again = read_ched(parse(serialise(write_ched(stored))).root)
    assert again == stored
