"""Whatever is lost, delayed or falsified: the client never says what is not so (hypothesis, over a real socket)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from fake_certex import AFTER, BEFORE, CHED, GRAMS, LATE, OFFICE, certex, client_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adapters.certex import (
    Clear,
    ClearanceWord,
    OutcomeUnknown,
    ReservationWord,
    Reserve,
    holding_of,
    record_of,
    sent_of,
)
from gateway.certex.models import DeclarationReference, Declared, GoodsClearance, Item
from gateway.errors import DeliveryError

NUMBERS = ("26GB1669CAPTUREA01", "26GB1669CAPTUREB01")
WEIGHTS = (("1", "KGM"), ("1000", "GRM"), ("400", "KGM"), ("0.7", "TNE"), ("2000", "KGM"), ("3", "H87"))

happenings = st.lists(st.sampled_from(("answered", "answered", LATE, *BEFORE, *AFTER)), max_size=3)
reservations = st.tuples(st.just("reserve"), st.sampled_from(NUMBERS), st.sampled_from(WEIGHTS))
clearances = st.tuples(st.just("clear"), st.sampled_from(NUMBERS), st.sampled_from(list(GoodsClearance)))
steps = st.tuples(
    st.one_of(reservations, reservations, clearances),
    happenings,
    st.booleans(),  # whether the client reads first
    st.booleans(),  # whether what is late comes before it asks again
    st.sampled_from((1, 60, 400, 1000)),  # seconds until then
)


class Customs:
    """A customs system that keeps to the one rule: nothing else for a declaration while a message of it is unknown."""

    def __init__(self, fake):
        self.fake = fake
        self.client = client_of(fake)
        self.open = {}
        self.words = {}

    def step(self, order, happens=(), knows=False, arrives=False, seconds=1):  # noqa: FBT002 - drawn
        what, number, how = order
        if number not in self.open:
            before = self.before(number) if knows else None
            self.fake.script.extend(happens)
            self.try_(number, lambda: self.send(what, number, how, before))
            self.fake.script.clear()
        self.fake.now += timedelta(seconds=seconds)
        if arrives:
            self.fake.arrive()
        for each, sent in list(self.open.items()):
            self.try_(each, lambda sent=sent: self.client.resolve(sent_of(record_of(sent))))

    def before(self, number):
        self.fake.script.clear()
        return holding_of(self.client.read(CHED, OFFICE).summary, DeclarationReference("MRN", number))

    def send(self, what, number, how, before):
        if what == "clear":
            return self.client.clear(
                Clear(reference=CHED, document=number, office=OFFICE, information=how), before=before
            )
        item = Item(goods_item=1, line=1, class_code="040100", weight=Declared(*how))
        declaration = DeclarationReference("MRN", number)
        order = Reserve(reference=CHED, declaration=declaration, office=OFFICE, items=(item,))
        return self.client.reserve(order, before=before)

    def try_(self, number, call):
        self.open.pop(number, None)
        self.words.pop(number, None)
        try:
            found = call()
        except OutcomeUnknown as unknown:
            self.open[number] = unknown.sent
        except DeliveryError as error:
            assert error.code == "IMG-8031"  # noqa: PT017 - anything else would leave it open
        else:
            self.words[number] = found
            self.check(number, found)

    def check(self, number, found):
        """The word against what the server has."""
        key = ("MRN", number)
        held, gone = self.fake.held.get(key), self.fake.consumed.get(key)
        if found.word is ReservationWord.RESERVED:
            wanted = found.sent.request.items[0].weight
            assert [(each.quantity, each.unit) for each in held] == [(wanted.quantity, wanted.unit)]
            assert not gone
        elif found.word is ReservationWord.CONSUMED or found.word is ClearanceWord.ALREADY:
            assert gone
        elif found.word is ReservationWord.NOT_RESERVED:
            wanted = found.sent.request.items[0].weight
            assert [(each.quantity, each.unit) for each in held or ()] != [(wanted.quantity, wanted.unit)]
        elif found.word is ClearanceWord.DONE:
            released = found.sent.kind == "release"
            assert not held
            assert bool(gone) is released
        elif found.word is ClearanceWord.NO_RECORD:
            assert not held
            assert not gone
        elif found.word is ClearanceWord.NOT_DONE:
            assert held


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=1, max_size=8))
@example(
    [
        (("reserve", NUMBERS[0], WEIGHTS[0]), [LATE], False, True, 1),
        (("clear", NUMBERS[0], GoodsClearance.RELEASED), [], False, False, 1),
    ]
)
def test_a_word_is_true_when_it_is_given_and_stays_true_when_what_was_late_arrives(several):
    with certex() as fake:
        customs = Customs(fake)
        for each in several:
            customs.step(*each)
            taken = sum((hold.grams for _, holds in fake.all() for hold in holds), Decimal())
            assert taken <= fake.certified * GRAMS["KGM"]
        fake.arrive()
        for number, found in customs.words.items():
            customs.check(number, found)
        assert not fake.problems


@pytest.mark.parametrize("seconds", [60, 500, 899])
def test_what_is_not_there_is_no_word_before_its_time(seconds):
    with certex() as fake:
        customs = Customs(fake)
        customs.step(("reserve", NUMBERS[0], WEIGHTS[0]), [LATE], seconds=seconds)
        assert customs.open
        customs.step(("reserve", NUMBERS[1], WEIGHTS[0]), seconds=901 - seconds)
        assert customs.words[NUMBERS[0]].word is ReservationWord.NOT_RESERVED
