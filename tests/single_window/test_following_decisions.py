"""What a ledger makes of decisions that let no goods be released: transit and the like, refusals of parts."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from certex_harness import MRN, Goods
from ched_harness import arrival, ched_pp, decision
from following_harness import Desk, power_cut
from lookup_harness import Desk as LookupDesk

from gateway.documents.ched import Coded
from gateway.errors import CustomsRefused
from gateway.single_window.lookup_models import ByReference, Window
from gateway.single_window.lookups import Lookups
from gateway.single_window.operating import freeze_ched, thaw_ched
from gateway.store import read_ledger

ELSEWHERE = replace(ched_pp().post, code="NLAMS4", city="Amsterdam", name="Another post")
MARKET = "ACCEPTABLE_FOR_INTERNAL_MARKET"
AWAY = ["ACCEPTABLE_FOR_TRANSIT", "ACCEPTABLE_FOR_TRANSHIPMENT", "ACCEPTABLE_FOR_TRANSFER"]


@pytest.fixture
def desk(store):
    return Desk(store)


def part(desk, parent, quantity=100, **changes):
    """A CHED of another post for goods of this one, that waits there."""
    made = desk.oranges(quantity, (("AXG", parent),), **changes)
    return desk.submit(replace(made, post=ELSEWHERE), "importer").reference


def call(desk):
    return desk._call("GetChed")


class TestConclusions:
    @pytest.mark.parametrize("code", AWAY)
    def test_what_has_left_is_not_released(self, desk, code):
        reference = desk.certify()
        desk.decide(reference, code=code)
        desk.follow_up(reference, "local")
        assert desk.stored(reference).status_code == "70"
        assert desk.reserve(reference, "24NL1", 1) == "04"
        with pytest.raises(CustomsRefused) as refused:
            desk.intervene(reference, "24NL1", "ForceWriteOff", 1)
        assert refused.value.code == "IMG-7410"
        assert desk.line(reference) == (500, 0, 0, 0, 500)
        assert desk.clear(reference, "24NL1") == "02"
        assert desk.read_out(reference).certificate
        (found,) = Lookups(desk.context).answer(desk.customs(), ByReference(reference), Window(20, 0), call(desk)).cheds
        assert (found.valid, code in found.not_valid_because) == (False, True)

    @pytest.mark.parametrize(
        ("code", "is_released"),
        [
            ("ACCEPTABLE_FOR_FREE_CIRCULATION", True),
            ("ACCEPTABLE_FOR_ONWARD_TRANSPORTATION", True),
            ("ACCEPTABLE_IF_CHANNELED", True),
            ("ACCEPTABLE_FOR_TRANSIT", False),
            ("ACCEPTABLE_FOR_NON_FREE_CIRCULATION", False),
            ("ACCEPTABLE_FOR_SPECIFIC_WAREHOUSE", False),
            ("WHATEVER_COMES_NEXT", False),
        ],
    )
    def test_reservations_and_lookups_agree(self, standing, code, is_released):
        ched = standing.ched(decision=decision(code))
        (found,) = LookupDesk(standing).ask(ByReference(ched)).cheds
        standing.later(seconds=1)
        said = standing.caller().reserve(ched, MRN("26XI1"), Goods("1")).said
        assert (found.valid, found.conclusion, said) == (is_released, code, "reserved" if is_released else "04")
        assert (code in found.not_valid_because) is not is_released
        with standing.store.read() as connection:
            assert (read_ledger(connection, ched).version > 0) is is_released

    @pytest.mark.parametrize(
        "found",
        [{"reasons": (Coded("OTHER"),)}, {"conform": Coded("NO")}, {"outcome": Coded("NOT_COMPLIANT")}],
        ids=lambda found: next(iter(found)),
    )
    def test_goods_that_arrive_and_do_not_comply_are_not_released(self, desk, found):
        reference = desk.certify()
        desk.decide(reference, code="ACCEPTABLE_FOR_ONWARD_TRANSPORTATION")
        desk.follow_up(reference, "local", arrival(**found))
        assert desk.stored(reference).status_code == "97"
        assert desk.reserve(reference, "24NL1", 1) == "04"

    def test_the_post_where_goods_are_transferred_to_decides_under_a_ched_of_its_own(self, desk):
        first = desk.certify()
        desk.decide(first, code="ACCEPTABLE_FOR_TRANSFER")
        second = part(desk, first, 500)
        desk.follow_up(first, "local")
        desk.decide(second, "other post")
        assert desk.reserve(first, "24NL1", 1) == "04"
        assert desk.reserve(second, "24NL1", 500) == ""


class TestParts:
    @pytest.mark.parametrize("code", ["NOT_ACCEPTABLE", *AWAY])
    def test_what_another_post_refuses_or_sends_on_is_not_left(self, desk, code):
        parent = desk.validated()
        refused = part(desk, parent)
        assert desk.line(parent) == (500, 0, 0, 0, 500), "while it waits its parent covers its goods"
        with power_cut(desk):
            desk.decide(refused, "other post", code=code)
        desk.decide(refused, "other post", code=code)
        assert desk.stored(parent).status_code == "70"
        assert desk.line(parent) == (500, 100, 0, 0, 400)
        assert desk.entries(parent, "carried") == [("carried", 1, 100, refused)]
        assert desk.reserve(refused, "24NL1", 1) == "04"
        assert desk.reserve(parent, "24NL1", 401) == "05"
        assert desk.reserve(parent, "24NL1", 400) == ""

    def test_what_arrived_after_it_was_sent_on_is_released_under_its_own_number(self, desk):
        parent = desk.validated()
        sent_on = part(desk, parent)
        desk.decide(sent_on, "other post", code="ACCEPTABLE_FOR_ONWARD_TRANSPORTATION")
        assert desk.reserve(sent_on, "24NL1", 1) == "04"
        desk.follow_up(sent_on, "local")
        assert desk.reserve(sent_on, "24NL1", 100) == ""
        assert desk.line(parent) == (500, 100, 0, 0, 400)

    def test_refused_goods_that_are_released_already_freeze_both(self, desk):
        parent = desk.validated()
        desk.reserve(parent, "24NL1", 450)
        refused = part(desk, parent)
        desk.decide(refused, "other post", code="NOT_ACCEPTABLE")
        why = f"50 KGM of line 1 of {refused} are not left on {parent}"
        assert [why in desk.ledger(each).frozen for each in (parent, refused)] == [True, True]
        assert desk.line(parent) == (500, 50, 450, 0, 0)
        desk.give_back(parent, "24NL1")
        assert desk.reserve(parent, "24NL2", 1) == "04", "what came back may be what was refused"

    def test_other_goods_than_the_parents_freeze_both(self, desk):
        parent = desk.validated()
        refused = part(desk, parent, code="08052110")
        desk.decide(refused, "other post", code="NOT_ACCEPTABLE")
        assert desk.line(parent) == (500, 0, 0, 0, 500)
        assert desk.ledger(parent).frozen
        assert desk.reserve(parent, "24NL1", 1) == "04"

    def test_a_parent_that_is_decided_later_gives_then(self, desk):
        parent = desk.certify()
        refused = part(desk, parent)
        desk.decide(refused, "other post", code="NOT_ACCEPTABLE")
        assert desk.stored(parent).status_code == "1"
        desk.decide(parent)
        assert desk.line(parent) == (500, 100, 0, 0, 400)

    def test_a_refused_correction_of_a_part_that_waited_draws(self, desk):
        parent = desk.validated()
        first = desk.certify(100, cites=(("AXG", parent),))
        corrected = desk.certify(80, cites=(("ACW", first),))
        desk.decide(corrected, code="NOT_ACCEPTABLE")
        assert desk.line(parent) == (500, 80, 0, 0, 420)

    def test_a_replaced_refusal_draws_once(self, desk):
        parent = desk.validated()
        refused = part(desk, parent)
        desk.decide(refused, "other post", code="NOT_ACCEPTABLE")
        made = replace(desk.oranges(100, (("ACW", refused),)), post=ELSEWHERE)
        again = desk.submit(made, "other post").reference
        desk.decide(again, "other post")
        assert desk.line(parent) == (500, 100, 0, 0, 400)
        assert desk.line(again) == (100, 0, 0, 0, 100)
        assert desk.reserve(again, "24NL1", 100) == ""


class TestSubsequent:
    """CHEDs of other posts for goods of one whose own decision lets nothing be released: these are there once."""

    @pytest.mark.parametrize("is_followed_up", [False, True], ids=["on its way", "arrived"])
    @pytest.mark.parametrize("code", AWAY)
    def test_goods_on_their_way_are_not_released_twice(self, desk, code, is_followed_up):
        root = desk.certify()
        with power_cut(desk):
            desk.decide(root, code=code)
        desk.decide(root, code=code)
        if is_followed_up:
            desk.follow_up(root, "local")
        self._check_sold_once(desk, root)

    def test_goods_of_a_refused_part_of_an_undecided_one_are_not_released_under_another(self, desk):
        root = desk.certify()
        refused = desk.certify(100, cites=(("AXG", root),))
        desk.decide(refused, code="NOT_ACCEPTABLE")
        assert desk.stored(root).status_code == "122"
        assert desk.line(root) == (500, 100, 0, 0, 400)
        second = part(desk, root, 500)
        desk.decide(second, "other post")
        assert desk.line(second) == (500, 100, 0, 0, 400)
        assert desk.ledger(second).frozen

    def test_goods_of_a_refused_one_are_not_released_twice(self, desk):
        root = desk.certify()
        desk.decide(root, code="NOT_ACCEPTABLE")
        assert desk.line(root) == (500, 0, 0, 0, 500)
        self._check_sold_once(desk, root)

    def test_what_was_decided_before_there_were_ledgers_gives_once_too(self, desk):
        with desk.unfollowed():
            root = desk.certify()
            desk.decide(root, code="ACCEPTABLE_FOR_TRANSFER")
            several = [part(desk, root, 500) for _ in range(2)]
            for each in several:
                desk.decide(each, "other post")
        assert [desk.reserve(each, f"24NL{each[-3:]}", 500) for each in several] == ["", "04"]

    def test_a_successor_that_is_sent_on_gives_to_its_parts_what_is_left(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 200)
        new = desk.certify(cites=(("ACW", old),))
        desk.decide(new, code="ACCEPTABLE_FOR_TRANSFER")
        assert desk.line(new) == (500, 200, 0, 0, 300)
        follows = part(desk, new, 300)
        desk.decide(follows, "other post")
        assert (desk.line(new), desk.line(old)) == ((500, 500, 0, 0, 0), (500, 0, 200, 0, 300))
        assert desk.reserve(follows, "24NL2", 300) == ""

    @staticmethod
    def _check_sold_once(desk, root):
        first, second = (part(desk, root, 500) for _ in range(2))
        desk.decide(first, "other post")
        with power_cut(desk):
            desk.decide(second, "other post")
        desk.decide(second, "other post")
        assert desk.line(root) == (500, 500, 0, 0, 0)
        assert desk.reserve(first, "24NL1", 500) == ""
        assert desk.clear(first, "24NL1") == "01"
        assert desk.line(second) == (500, 500, 0, 0, 0)
        assert desk.ledger(second).frozen == f"500 KGM of line 1 of {second} are not left on {root}"
        assert desk.reserve(second, "24NL2", 1) == "04"


def thaw(desk, reference):
    return desk.store.write(lambda c: thaw_ched(c, reference, "", actor="operator", at=desk.now)).now


def freeze(desk, reference, why):
    desk.store.write(lambda c: freeze_ched(c, reference, why, actor="operator", at=desk.now))


class TestMoreOnReplaced:
    """No more is written off a replaced CHED than what may be released under the number that took its place."""

    @pytest.fixture
    def old(self, desk):
        old = desk.validated()
        desk.reserve(old, "24NL1", 10)
        desk.clear(old, "24NL1")
        return old

    def _check_refused(self, desk, old, *, consumed=10):
        before = desk.everything()
        for number, kind in (("24NL2", "ForceWriteOff"), ("24NL1", "AmendWriteOff")):
            with pytest.raises(CustomsRefused) as refused:
                desk.intervene(old, number, kind, consumed + 1)
            assert (refused.value.code, refused.value.where) == ("IMG-7410", "ChedCertificateId")
        assert desk.everything() == before
        assert desk.intervene(old, "24NL1", "AmendWriteOff", consumed - 1) == "04"
        assert desk.intervene(old, "24NL1", "DeleteWriteOff") == "04"

    def test_a_successor_that_waits(self, desk, old):
        desk.certify(cites=(("ACW", old),))
        self._check_refused(desk, old)

    @pytest.mark.parametrize("code", ["NOT_ACCEPTABLE", *AWAY])
    def test_a_successor_that_was_refused_or_sent_on(self, desk, old, code):
        new = desk.certify(cites=(("ACW", old),))
        desk.decide(new, code=code)
        self._check_refused(desk, old)

    def test_a_successor_of_goods_that_have_left(self, desk, old):
        new = desk.certify(cites=(("ACW", old),))
        desk.decide(new, code="ACCEPTABLE_FOR_TRANSIT")
        desk.follow_up(new, "local")
        self._check_refused(desk, old)

    def test_a_successor_that_an_operator_froze(self, desk, old):
        freeze(desk, desk.validated(cites=(("ACW", old),)), "stolen")
        self._check_refused(desk, old)

    def test_the_last_of_a_chain_says_it(self, desk, old):
        middle = desk.validated(cites=(("ACW", old),))
        last = desk.certify(cites=(("ACW", middle),))
        desk.decide(last, code="NOT_ACCEPTABLE")
        self._check_refused(desk, old)

    def test_one_between_that_was_refused_says_nothing(self, desk, old):
        middle = desk.certify(cites=(("ACW", old),))
        desk.decide(middle, code="NOT_ACCEPTABLE")
        last = desk.validated(cites=(("ACW", middle),))
        assert desk.intervene(old, "24NL2", "ForceWriteOff", 100) == "04"
        assert desk.line(last) == (500, 110, 0, 0, 390)

    def test_a_part_of_which_a_correction_was_refused(self, desk):
        first = desk.validated(300, cites=(("AXG", desk.validated()),))
        desk.reserve(first, "24NL1", 10)
        desk.clear(first, "24NL1")
        corrected = desk.certify(300, cites=(("ACW", first),))
        desk.decide(corrected, code="NOT_ACCEPTABLE")
        self._check_refused(desk, first)


class TestFrozenSources:
    """What was refused, and what an operator froze, comes free by no replacement and by no thaw."""

    @pytest.fixture
    def lacking(self, desk):
        """400 of 500 are held, and 300 are refused: 200 of these are still to be drawn."""
        whole = desk.validated()
        desk.reserve(whole, "24NL1", 400)
        refused = part(desk, whole, 300)
        desk.decide(refused, "other post", code="NOT_ACCEPTABLE")
        return whole, refused

    def test_what_is_given_back_after_a_replacement_is_the_refused(self, desk, lacking):
        whole, refused = lacking
        why = f"200 KGM of line 1 of {refused} are not left on"
        new = desk.certify(cites=(("ACW", whole),))
        with power_cut(desk):
            desk.decide(new)
        desk.decide(new)
        assert f"{whole} is frozen: {why} {whole}" in desk.ledger(new).frozen
        assert thaw(desk, new) == f"{why} {new}"
        desk.give_back(whole, "24NL1")
        assert desk.reserve(new, "24NL2", 1) == "04"
        assert thaw(desk, new) == ""
        assert desk.line(refused) == (300, 0, 0, 0, 300)
        assert desk.reserve(new, "24NL2", 201) == "05"
        assert desk.reserve(new, "24NL2", 200) == ""

    def test_what_came_back_before_the_replacement_is_drawn_with_it(self, desk, lacking):
        whole, refused = lacking
        desk.give_back(whole, "24NL1")
        new = desk.validated(cites=(("ACW", whole),))
        assert desk.line(new) == (500, 300, 0, 0, 200)
        assert desk.line(refused) == (300, 0, 0, 0, 300)
        assert thaw(desk, new) == ""
        assert desk.reserve(new, "24NL2", 200) == ""

    def test_a_thaw_before_the_give_back_lets_nothing_go(self, desk, lacking):
        whole, refused = lacking
        assert thaw(desk, whole) == f"200 KGM of line 1 of {refused} are not left on {whole}"
        desk.give_back(whole, "24NL1")
        assert desk.reserve(whole, "24NL2", 1) == "04"
        assert thaw(desk, whole) == ""
        assert desk.line(whole) == (500, 300, 0, 0, 200)
        assert desk.reserve(whole, "24NL2", 200) == ""

    def test_another_part_draws_after_the_refused_one(self, desk, lacking):
        whole, refused = lacking
        desk.give_back(whole, "24NL1")
        other = part(desk, whole, 400)
        desk.decide(other, "other post")
        assert desk.line(refused) == (300, 0, 0, 0, 300)
        assert desk.line(other) == (400, 200, 0, 0, 200)
        assert desk.ledger(other).frozen

    def test_a_part_that_lacks_and_is_replaced_by_a_refused_one_freezes_its_whole(self, desk):
        whole = desk.validated()
        desk.reserve(whole, "24NL1", 400)
        first = desk.validated(300, cites=(("AXG", whole),))
        assert desk.ledger(whole).frozen == ""
        corrected = desk.certify(300, cites=(("ACW", first),))
        desk.decide(corrected, code="NOT_ACCEPTABLE")
        assert desk.ledger(whole).frozen == f"200 KGM of line 1 of {first} are not left on {whole}"
        desk.give_back(whole, "24NL1")
        assert thaw(desk, whole) == ""
        assert desk.line(whole) == (500, 300, 0, 0, 200)

    def test_an_operators_freeze_stands_after_a_replacement(self, desk):
        old = desk.validated()
        freeze(desk, old, "fraud")
        new = desk.validated(cites=(("ACW", old),))
        assert desk.ledger(new).frozen == f"{old} is frozen: fraud"
        assert desk.reserve(new, "24NL1", 1) == "04"
        assert thaw(desk, new) == ""
        assert desk.reserve(new, "24NL1", 500) == ""


@pytest.mark.parametrize("seed", range(3))
def test_what_posts_refuse_and_customs_release_is_never_more_than_there_was(desk, seed):
    chosen = random.Random(seed)
    whole = desk.validated()
    decided, waiting = [whole], []
    gone = 0
    for number in range(24):
        step = chosen.choice(("split", "decide", "reserve"))
        if step == "split":
            waiting.append(part(desk, whole, chosen.randint(1, 80)))
        elif step == "decide" and waiting:
            reference = waiting.pop(chosen.randrange(len(waiting)))
            code = chosen.choice(("ACCEPTABLE_FOR_INTERNAL_MARKET", "NOT_ACCEPTABLE", "ACCEPTABLE_FOR_TRANSIT"))
            desk.decide(reference, "other post", code=code)
            decided.append(reference)
            certified, carried, *_ = desk.line(reference)
            gone += 0 if code.endswith("MARKET") else certified - carried
        elif step == "reserve":
            desk.reserve(chosen.choice(decided), f"24NL{number}", chosen.randint(1, 120))
        released = sum(desk.line(each)[2] for each in decided)
        left = sum(desk.line(each)[4] for each in decided if desk.stored(each).decision.conclusion[0].code == MARKET)
        assert released + left + gone == 500
