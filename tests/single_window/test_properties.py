"""Whatever declarations do, in whatever order and at the same time: nothing is sold twice and nothing is lost.

Every answer is compared with a model that is written here from DIGEST 7.5 and docs/customs-answers.md and shares no
code with the gateway: two dicts and Decimal.
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

from certex_harness import LRN, MRN, CertexWorld, Goods, line
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.documents.parts import Measure
from gateway.store import EntryKind, check_ledger, entries_of, read_ledger

MILLI = Decimal("0.001")
WEIGHTS = {"MGM": MILLI, "GRM": Decimal(1), "KGM": Decimal(10**3), "DTN": Decimal(10**5), "TNE": Decimal(10**6),
           "KTN": Decimal(10**9)}  # fmt: skip
PIECES = {"H87": Decimal(1), "NAR": Decimal(1), "DZN": Decimal(12), "CEN": Decimal(100)}
VOLUMES = {"MLT": MILLI, "LTR": Decimal(1), "HLT": Decimal(100), "MTQ": Decimal(10**3)}
UNITS = {"1": WEIGHTS, "2": WEIGHTS, "3": PIECES, "4": WEIGHTS, "5": VOLUMES}
"""By line: what its units are worth in grams, pieces or litres."""
CODES = {"1": "0401", "2": "0402", "3": "0102", "4": "0406", "5": "0403"}
CERTIFIED = {"1": Decimal(10_000), "2": Decimal(5000), "3": Decimal(30), "4": Decimal(999_999_999_999),
             "5": Decimal("20.5")}  # fmt: skip
"""In grams, pieces and litres."""
SHOWN_IN = {"1": "KGM", "2": "GRM", "3": "H87", "4": "TNE", "5": "LTR"}
FINEST = Decimal("0.000001")
"""Of a gram, a piece or a litre: the ledger counts no finer."""
KINDS = {"MRN": MRN, "LRN": LRN}
VALIDATED = "70"


def new_ched(world):
    return world.ched(
        line(1, "0401", "10"),
        line(2, "0402", "5000", "GRM"),
        line(3, "0102", pieces="30"),
        line(4, "0406", "999999.999999", "TNE"),
        replace(line(5, "0403"), net_weight=None, net_volume=Measure(Decimal("20.5"), "LTR")),
    )


def text_of(number):
    """A decimal as a message has it."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def goods_of(quantity, unit, place, **more):
    """Pieces and litres go as a volume."""
    return Goods(quantity, unit, CODES[place], line=place, volume=unit in (PIECES | VOLUMES))._replace(**more)


class Model:
    """What CERTEX would say. ``held`` and ``consumed`` are goods by declaration, which is (kind, number)."""

    def __init__(self):
        self.held, self.consumed = {}, {}
        self.status = VALIDATED
        self.is_open = False
        """Whether there is a ledger: since the first message that could move it while the CHED was validated."""

    def set_status(self, status):
        self.status = status

    def look(self):
        self.is_open |= self.status == VALIDATED

    @property
    def done(self):
        return "outcome 01" if self.status == VALIDATED else "outcome 04"

    def available(self, number, *, without=None):
        """Of one line, in grams or pieces; ``without``: as if this declaration held nothing."""
        taken = [
            worth(goods)
            for book in (self.held, self.consumed)
            for declaration, items in book.items()
            for goods in items
            if goods.line == number and declaration != without
        ]
        return CERTIFIED[number] - sum(taken)

    def reserve(self, declaration, goods):
        self.look()
        if self.status != VALIDATED:
            return "04"
        if declaration in self.consumed:
            return "06"
        refused = self.misfit(declaration, goods)
        if refused.startswith("05"):
            self.held.pop(declaration, None)
        elif not refused:
            self.held[declaration] = goods
        return refused or "reserved"

    def misfit(self, declaration, goods):
        """Why these goods cannot be, as `Answer.said` puts it; empty when they can."""
        for each in goods:
            if reason := unfit(each):
                return f"{reason} {each.item}/{'-' if reason == '07' else each.line}"
        needed = defaultdict(Decimal)
        for each in goods:
            needed[each.line] += worth(each)
            if needed[each.line] > self.available(each.line, without=declaration):
                return f"05 {each.item}/{each.line}"
        return ""

    def clear(self, number, information):
        self.look()
        if self.is_ambiguous(number):
            return "IMG-7406"
        declaration = ("MRN", number)
        if declaration in self.consumed:
            return "outcome 03"
        if declaration not in self.held:
            return "outcome 02"
        goods = self.held.pop(declaration)
        if information == "01":
            self.consumed[declaration] = goods
            return self.done
        return "outcome 01"

    def intervene(self, number, kind, goods):
        self.look()
        if self.is_ambiguous(number):
            return "IMG-7406"
        declaration = ("MRN", number)
        if declaration in self.held:
            return "outcome 05"
        known = declaration in self.consumed
        if kind == "ForceWriteOff" and known:
            return "outcome 03"
        if kind != "ForceWriteOff" and not known:
            return "outcome 02"
        if kind == "DeleteWriteOff":
            del self.consumed[declaration]
        elif not self.is_open or self.misfit(declaration, goods) or self.takes_what_it_may_not(declaration, goods):
            return "IMG-7410"
        else:
            self.consumed[declaration] = goods
        return self.done

    def takes_what_it_may_not(self, declaration, goods):
        """More of a line than before, of goods that nobody may release."""
        before, after = defaultdict(Decimal), defaultdict(Decimal)
        for totals, items in ((before, self.consumed.get(declaration, ())), (after, goods)):
            for each in items:
                totals[each.line] += worth(each)
        return self.status != VALIDATED and any(after[place] > before[place] for place in after)

    def is_ambiguous(self, number):
        return any(kind == "LRN" and lrn.upper() == number for kind, lrn in (*self.held, *self.consumed))

    def books(self):
        """As `books_of` reads them from an answer."""
        return (
            {number: self.available(number) for number in CERTIFIED},
            _book(self.held),
            _book(self.consumed),
        )


def _book(goods):
    return {
        (*declaration, each.item, each.line, each.quantity, each.unit)
        for declaration, items in goods.items()
        for each in items
    }


def worth(goods):
    return Decimal(goods.quantity) * UNITS[goods.line][goods.unit]


def unfit(goods):
    """The reason for which an item cannot be by itself, in the order of docs/customs-answers.md."""
    if goods.line not in UNITS:
        return "07"
    if not goods.code.startswith(CODES[goods.line]):
        return "03"
    if goods.unit not in UNITS[goods.line]:
        return "10"
    quantity = worth(goods)
    return "11" if quantity <= 0 or quantity % FINEST else ""


def books_of(answer):
    """The ledger of an answer; what is not a plain decimal without a sign is an error."""

    def plain(text):
        assert text.replace(".", "", 1).isdigit(), text
        return text

    available = {
        each.line: Decimal(plain(each.quantity)) * UNITS[each.line][SHOWN_IN[each.line]] for each in answer.available
    }
    reserved, consumed = (
        {(each.kind, each.number, each.item, each.line, plain(each.quantity), each.unit) for each in allocations}
        for allocations in (answer.reserved, answer.consumed)
    )
    assert len(reserved) + len(consumed) == len(answer.reserved) + len(answer.consumed)
    return available, reserved, consumed


def nothing_is_lost(books):
    """Available and reserved and consumed are what was certified, line by line, and none is below nothing."""
    available, reserved, consumed = books
    for number, certified in CERTIFIED.items():
        taken = sum(
            Decimal(quantity) * UNITS[number][unit]
            for _, _, _, at, quantity, unit in (*reserved, *consumed)
            if at == number
        )
        assert available[number] >= 0
        assert available[number] + taken == certified


def check_entries(world, reference):
    """The position is the sum of the recorded movements, added up here; and the operator's check says so too."""
    with world.store.read() as connection:
        state = read_ledger(connection, reference)
        entries = entries_of(connection, state.ched_id, limit=100_000)
        assert check_ledger(connection, state.ched_id) == []
    for row in state.lines:
        total = defaultdict(int)
        for entry in entries:
            if entry.line == row.number:
                assert entry.quanta > 0
                total[entry.kind] += entry.quanta
        reserved = total[EntryKind.RESERVED] - total[EntryKind.RETURNED] - total[EntryKind.CONSUMED]
        consumed = total[EntryKind.CONSUMED] + total[EntryKind.FORCED] - total[EntryKind.REVERSED]
        carried = total[EntryKind.CARRIED] - total[EntryKind.RELEASED]
        assert (row.certified, row.carried, row.reserved, row.consumed) == (
            total[EntryKind.CERTIFIED],
            carried,
            reserved,
            consumed,
        )
        assert row.available + carried + reserved + consumed == row.certified
        assert min(row.available, carried, reserved, consumed) >= 0
    return entries


# One after the other, in any order

NUMBERS = ("D1", "D2", "D3")
UNUSUAL = ["0", "0.0000001", "0.000001", "0.1", "0.999999", "2.5", "4999.999999", "5000", "999999.999999",
           "123456789.123456", "999999999999"]  # fmt: skip
QUANTITIES = st.one_of(
    st.sampled_from(UNUSUAL),
    st.decimals("0.000001", 4, places=6).map(text_of),
    st.decimals("0.001", 10**7, places=3).map(text_of),
)
GOODS = st.builds(
    lambda quantity, place, unit, code: goods_of(quantity, unit, place, **code),
    QUANTITIES,
    st.sampled_from("12345"),
    st.sampled_from(["GRM", "KGM", *WEIGHTS, *PIECES, *VOLUMES]),
    st.sampled_from([{}] * 14 + [{"code": "9999"}]),
)
FITTING = st.sampled_from("12345").flatmap(
    lambda place: st.builds(
        lambda share, unit: goods_of(
            text_of((CERTIFIED[place] * share / 1000 / UNITS[place][unit]).quantize(FINEST)), unit, place
        ),
        st.integers(1, 600),
        st.sampled_from(sorted(UNITS[place])),
    )
)
"""A share of what the line has, in any of its units; rarely nothing, where it is less than the unit can say."""
HEAVY = st.integers(2, 6).map(lambda quantity: Goods(str(quantity), "KGM", CODES["1"], line="1"))
"""So much that two of them are the most that line 1 has, or just too much."""
ITEMS = st.one_of(
    st.lists(GOODS | FITTING, min_size=1, max_size=3),
    st.lists(FITTING, min_size=1, max_size=3),
    st.lists(HEAVY, min_size=1, max_size=2),
).map(lambda goods: [each._replace(item=str(number)) for number, each in enumerate(goods, start=1)])
MRNS = st.tuples(st.just("MRN"), st.sampled_from(NUMBERS))
LRNS = st.tuples(st.just("LRN"), st.sampled_from([*NUMBERS, NUMBERS[0].lower()]))
DECLARATIONS = st.one_of(MRNS, MRNS, MRNS, LRNS)
ACTS = st.one_of(
    st.tuples(st.just("reserve"), DECLARATIONS, ITEMS),
    st.tuples(st.just("reserve"), DECLARATIONS, ITEMS),
    st.tuples(st.just("clear"), st.sampled_from(NUMBERS), st.sampled_from(["01", "02"])),
    st.tuples(
        st.just("intervene"),
        st.sampled_from(NUMBERS),
        st.sampled_from(["ForceWriteOff", "AmendWriteOff", "DeleteWriteOff"]),
        ITEMS,
    ),
    st.tuples(st.just("set_status"), st.sampled_from([VALIDATED, VALIDATED, "41", "64"])),
)


def perform(caller, reference, act):
    """The answer to one act of customs."""
    if act[0] == "reserve":
        _, (kind, number), goods = act
        return caller.reserve(reference, KINDS[kind](number), *goods)
    if act[0] == "clear":
        return caller.clear(reference, act[1], act[2])
    return caller.intervene(reference, act[1], act[2], *act[3])


@settings(max_examples=40, deadline=None, database=None, print_blob=True)
@given(acts=st.lists(ACTS, min_size=15, max_size=32))
def test_any_interleaving_is_answered_as_the_model_answers(standing, acts):
    reference, caller, model = new_ched(standing), standing.caller(), Model()
    for act in acts:
        standing.later(milliseconds=7)
        if act[0] == "set_status":
            standing.set_status(reference, act[1])
            model.set_status(act[1])
            continue
        answer = perform(caller, reference, act)
        assert answer.said == getattr(model, act[0])(*act[1:]), act
        if answer.has_ledger:
            assert books_of(answer) == model.books()
    books = books_of(caller.read(reference))
    assert books == model.books()
    nothing_is_lost(books)
    if model.is_open:
        check_entries(standing, reference)


# At the same time

WORKERS, ACTS_EACH = 8, 32
SYSTEMS = ("customs-xi", "customs-xi-other", "customs-xi-tonnes")


class Desk:
    """One office's work on a CHED that others work on too: it knows its own declarations and nothing of the rest.

    Now and then it is the one at whose time the CHED is not validated for a moment; to the others that happens at any
    time.
    """

    def __init__(self, world, caller, reference, name, closing):
        self.world, self.caller, self.reference, self.closing = world, caller, reference, closing
        self.chance = random.Random(name)
        self.own = [f"{name}N{number}" for number in range(3)]
        self.lrn = self.own[0].lower()
        """Of an LRN: while it holds, the first MRN cannot be cleared."""
        self.model = Model()
        self.sold_out = self.made = 0

    def work(self, acts=ACTS_EACH):
        for _ in range(acts):
            number, turn = self.chance.choice(self.own), self.chance.random()
            if turn < 0.6:
                self._reserve("MRN", number)
            elif turn < 0.66:
                self._reserve("LRN", self.lrn)
            elif turn < 0.82:
                self._clear(number, self.chance.choice(["01", "02", "02", "02"]))
            elif turn < 0.95:
                kinds = ["ForceWriteOff", "AmendWriteOff", "DeleteWriteOff", "DeleteWriteOff"]
                self._intervene(number, self.chance.choice(kinds))
            else:
                self._work_while_it_is_not_validated(number)
            if self.chance.random() < 0.1:
                self._read()
        return self.model, self.made, self.sold_out

    def _goods(self):
        return [
            goods_of(self._quantity(place, unit), unit, place, item=place)
            for place in self.chance.sample("123", self.chance.randint(1, 3))
            for unit in [self.chance.choice(["MGM", "GRM", "KGM", "TNE"] if place != "3" else ["H87", "NAR"])]
        ]

    def _quantity(self, place, unit):
        millionths = self.chance.randint(1, 3 * 10**9 if place != "3" else 9 * 10**6)
        return text_of(millionths * FINEST / UNITS[place][unit])

    def _reserve(self, kind, number):
        declaration, goods = (kind, number), self._goods()
        answer = self.caller.reserve(self.reference, KINDS[kind](number), *goods)
        said = answer.said
        assert not answer.is_fault, said
        books = self._looked_at(answer)
        if said == "04":
            pass
        elif declaration in self.model.consumed:
            assert said == "06"
        elif said == "reserved":
            self.made += 1
            self.model.held[declaration] = goods
        else:
            assert said.startswith("05")
            self.sold_out += 1
            self.model.held.pop(declaration, None)
            wanted = next(each for each in goods if f"05 {each.item}/{each.line}" == said)
            assert worth(wanted) > books[0][wanted.line], "refused although it was there"
        self._stands(books)

    def _clear(self, number, information):
        said = self.caller.clear(self.reference, number, information).said
        expected = self.model.clear(number, information)
        assert said == expected or (information, expected, said) == ("01", "outcome 01", "outcome 04")

    def _intervene(self, number, kind):
        goods = [] if kind == "DeleteWriteOff" else self._goods()
        said = self.caller.intervene(self.reference, number, kind, *goods).said
        declaration = ("MRN", number)
        if said == "IMG-7410":  # what others have is not known here
            assert not self.model.is_ambiguous(number)
            assert declaration not in self.model.held
            assert kind == ("AmendWriteOff" if declaration in self.model.consumed else "ForceWriteOff")
            self.sold_out += 1
            return
        expected = self.model.intervene(number, kind, goods)
        assert said == expected or (expected, said) == ("outcome 01", "outcome 04")

    def _work_while_it_is_not_validated(self, number):
        with self.closing:
            self.world.set_status(self.reference, "64")
            self.model.set_status("64")
            goods = self._goods()
            said = self.caller.reserve(self.reference, MRN(number), *goods).said
            assert said == self.model.reserve(("MRN", number), goods) == "04"
            said = self.caller.release(self.reference, number).said
            assert said == self.model.clear(number, "01")
            self.world.set_status(self.reference, VALIDATED)
            self.model.set_status(VALIDATED)

    def _read(self):
        self._stands(self._looked_at(self.caller.read(self.reference)))

    @staticmethod
    def _looked_at(answer):
        """Every single answer shows a whole ledger: what it says at that moment adds up."""
        books = books_of(answer)
        nothing_is_lost(books)
        return books

    def _stands(self, books):
        for shown, mine in zip(books[1:], self.model.books()[1:], strict=True):
            assert {each for each in shown if each[1] in (*self.own, self.lrn)} == mine


def everything_adds_up(world, reference, results):
    books = books_of(world.caller().read(reference))
    nothing_is_lost(books)
    for shown, place in ((books[1], 1), (books[2], 2)):
        assert shown == set().union(*(model.books()[place] for model, _, _ in results))
    check_entries(world, reference)
    assert sum(made for _, made, _ in results) > 8
    assert sum(sold_out for _, _, sold_out in results) > 8, "nobody was ever refused"


def test_offices_at_the_same_time_in_threads(standing):
    reference = new_ched(standing)
    start, closing = threading.Barrier(WORKERS), threading.Lock()
    callers = [standing.caller(name) for name in itertools.islice(itertools.cycle(SYSTEMS), WORKERS)]

    def work(number):
        desk = Desk(standing, callers[number], reference, f"T{number}", closing)
        start.wait(30)
        return desk.work()

    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(work, range(WORKERS)))
    everything_adds_up(standing, reference, results)


def test_clerks_of_one_office_on_the_same_declarations(standing):
    """Whoever comes first: every answer shows a ledger that adds up, and what stands is what one of them sent."""
    reference, numbers = new_ched(standing), ("S1", "S2")
    start = threading.Barrier(WORKERS)

    def work(worker):
        caller, chance, sent = standing.caller(), random.Random(worker), set()
        start.wait(30)
        for turn in range(ACTS_EACH // 2):
            number = chance.choice(numbers)
            if chance.random() < 0.75:
                goods = Goods(str(1 + worker * ACTS_EACH + turn), "GRM", CODES["1"], line="1")
                sent.add(("MRN", number, "1", "1", goods.quantity, "GRM"))
                answer = caller.reserve(reference, MRN(number), goods)
                assert answer.said in ("reserved", "06")
                nothing_is_lost(books_of(answer))
            else:
                answer = caller.clear(reference, number, "01" if turn > ACTS_EACH // 3 else "02")
                assert answer.said in ("outcome 01", "outcome 02", "outcome 03")
        return sent

    with ThreadPoolExecutor(WORKERS) as pool:
        sent = set().union(*pool.map(work, range(WORKERS)))
    books = books_of(standing.caller().read(reference))
    nothing_is_lost(books)
    assert books[1] | books[2] <= sent
    assert len(books[1] | books[2]) == len({(kind, number) for kind, number, *_ in books[1] | books[2]})
    check_entries(standing, reference)


PROCESSES = 4
fork = multiprocessing.get_context("fork")


def test_offices_at_the_same_time_in_processes(tmp_path, pg_url, seal_files):
    """PostgreSQL: each process has an application of its own, as more than one server would."""
    world = CertexWorld(tmp_path, pg_url, seal=seal_files)
    reference = new_ched(world)
    world.close()  # its connections are not for children
    start, answers, closing = fork.Barrier(PROCESSES), fork.SimpleQueue(), fork.Lock()

    def work(number):
        own = CertexWorld(tmp_path, pg_url, seal=seal_files, records=())
        desk = Desk(own, own.caller(SYSTEMS[number % len(SYSTEMS)]), reference, f"P{number}", closing)
        start.wait(60)
        try:
            answers.put(desk.work())
        except BaseException as error:
            answers.put(repr(error))
            raise
        own.close()

    children = [fork.Process(target=work, args=(number,)) for number in range(PROCESSES)]
    for child in children:
        child.start()
    results = [answers.get() for _ in children]
    for child in children:
        child.join()
    assert not [each for each in results if isinstance(each, str)]
    world = CertexWorld(tmp_path, pg_url, seal=seal_files, records=())
    everything_adds_up(world, reference, results)
    world.close()


def test_only_one_of_two_gets_the_last_of_it(standing):
    """Again and again, both ask for all that is left at the same moment: never both, never none."""
    callers = standing.caller("customs-xi"), standing.caller("customs-xi-other")
    start = threading.Barrier(2)

    def ask(number, reference):
        start.wait(30)
        return callers[number].reserve(reference, MRN(f"L{number}"), Goods("10", code="0401")).said

    with ThreadPoolExecutor(2) as pool:
        for _ in range(25):
            reference = new_ched(standing)
            said = list(pool.map(ask, range(2), [reference, reference]))
            assert sorted(said) == ["05 1/1", "reserved"]


def test_a_message_that_comes_twice_at_once_moves_the_ledger_once(standing):
    """As a proxy that sends again may do it: one is answered, the other is told that the id was used."""
    caller, start = standing.caller(), threading.Barrier(2)

    def ask(reference):
        start.wait(30)
        return caller.reserve(reference, MRN("TWICE"), Goods("4"), message_id=f"twice-{reference[-7:]}").said

    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            reference = new_ched(standing)
            assert sorted(pool.map(ask, [reference, reference])) == ["IMG-7405", "reserved"]
            kinds = [entry.kind for entry in check_entries(standing, reference)]
            assert kinds.count(EntryKind.RESERVED) == 1
