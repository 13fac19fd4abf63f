"""A register whose ledgers follow it, the desk of customs on the same store, and what stands in the ledgers."""

from __future__ import annotations

import itertools
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from ched_harness import World, ched_pp

from gateway.certex.models import (
    CertexHeader,
    ChedClearanceRequest,
    ChedInterventionRequest,
    DeclarationReference,
    Declared,
    Item,
    ProcessedChedRequest,
)
from gateway.documents.ched import ChedLink
from gateway.documents.parts import Measure
from gateway.errors import Unavailable
from gateway.exchange import Principal
from gateway.single_window.access import customs_actor
from gateway.single_window.service import CustomsService, Freshness
from gateway.single_window.wiring import followers_of
from gateway.store import Nonce, entries_of, lock_ledger, read_ledger
from gateway.xml.boundary import parse
from gateway.xml.limits import DEFAULT_LIMITS

KILOGRAM = 10**9
"""Quanta."""
CN = "08051022"
OFFICE = "NL000510"
_messages = itertools.count(1)


class Told:
    """Remembers what was told, to whoever might follow."""

    def __init__(self):
        self.changes = []

    def follow(self, _connection, _actor, _ched_id, **_):
        return False, ""

    def changed(self, _connection, ched_id, *, what, at):
        self.changes.append((ched_id, what))

    def written(self, _connection, write, _before):
        self.changes.append((write.row.id, "status"))


class Desk(World):
    """The register of the CHED tests with its ledgers, and customs."""

    def __post_init__(self):
        super().__post_init__()
        self.told = Told()
        self.records.append(
            {
                **self.record("customs-nl", "customs", "NL", ()),
                "contracts": ["customs-certex-ched"],
                "customs": {"offices": ["NL0005*"], "countries": ["NL"], "absent_unit": "refuse"},
            }
        )
        self.plain = self.context
        self.context = replace(self.context, ched_followers=followers_of(DEFAULT_LIMITS, self.told))
        self.register = self.open()
        freshness = Freshness(ZoneInfo("Europe/Brussels"), timedelta(minutes=5), timedelta(minutes=5))
        self.service = CustomsService(self.context, freshness, self.told, self.register.printed)

    @contextmanager
    def unfollowed(self):
        """As it was before there were ledgers."""
        register, context = self.register, self.context
        self.context = self.plain
        self.register = self.open()
        yield
        self.register, self.context = register, context

    # CHEDs

    def certify(self, quantity=500, *, cites=(), name="post", number=1, code=CN, lines=None, **changes):
        """A new CHED of oranges that waits for its decision; its reference."""
        return self.submit(self.oranges(quantity, cites, number, code, lines, **changes), name).reference

    def oranges(self, quantity, cites=(), number=1, code=CN, lines=None, **changes):
        made = ched_pp()
        wanted = lines or ((number, quantity, code),)
        goods = tuple(_line(made.lines[0], *each) for each in wanted)
        whole = Measure(sum((each.net_weight.value for each in goods), Decimal(0)), "KGM")
        package = replace(made.totals.packages[0], count=str(10 * len(goods)))
        totals = replace(made.totals, net_weight=whole, gross_weight=whole, packages=(package,))
        links = tuple(ChedLink(reference, relation) for relation, reference in cites)
        self.now += timedelta(seconds=1)
        return replace(made, lines=goods, totals=totals, previous=links, departure=self.now.isoformat(), **changes)

    def validated(self, quantity=500, **changes):
        reference = self.certify(quantity, **changes)
        self.decide(reference)
        return reference

    # Customs

    def customs(self):
        partner = self.partner("customs-nl")
        nonce = Nonce("nonce", f"customs-{next(_messages)}", self.now + timedelta(hours=1))
        return customs_actor(Principal(partner, "username-token", (nonce,)))

    def reserve(self, reference, number, quantity, *, line=1, code=CN, unit="KGM"):
        """The reason of the refusal, or an empty text."""
        item = Item(goods_item=1, line=line, class_code=code, weight=Declared(str(quantity), unit))
        asked = ProcessedChedRequest(
            sending_date=self.now,
            reference=reference,
            office=OFFICE,
            declaration=DeclarationReference("MRN", number),
            items=(item,),
            reserve=True,
        )
        answer = self.service.reserve(self.customs(), asked, _header(), self._call("ProcessedChedRequest"))
        assert answer.result is not None, "no such CHED"
        return "" if answer.result else answer.reason

    def read_out(self, reference):
        asked = ProcessedChedRequest(sending_date=self.now, reference=reference, office=OFFICE)
        return self.service.read(self.customs(), asked, _header(), self._call("ProcessedChedRequest"))

    def clear(self, reference, number, information="01"):
        """The outcome."""
        asked = ChedClearanceRequest(
            office=OFFICE, sending_date=self.now, document=number, reference=reference, information=information
        )
        return self.service.clear(self.customs(), asked, _header(), self._call("ChedClearanceRequest")).outcome

    def give_back(self, reference, number):
        return self.clear(reference, number, "02")

    def intervene(self, reference, number, kind, quantity=0):
        weight = Declared(str(quantity), "KGM")
        items = (Item(goods_item=1, line=1, class_code=CN, weight=weight),) if quantity else ()
        asked = ChedInterventionRequest(
            office=OFFICE,
            sending_date=self.now,
            document=number,
            taric_document="",
            reference=reference,
            items=items,
            intervention=kind,
        )
        return self.service.intervene(self.customs(), asked, _header(), self._call("ChedInterventionRequest")).outcome

    def _call(self, operation):
        self.now += timedelta(seconds=1)
        body = parse(b"<message/>").root
        return replace(self.call(body, operation, contract="customs-certex-ched"), raw=b"<message/>")

    # What stands

    def ledger(self, reference):
        with self.store.read() as connection:
            return read_ledger(connection, reference)

    def line(self, reference, number=1):
        """(certified, carried, reserved, consumed, available) in kilograms."""
        found = next(each for each in self.ledger(reference).lines if each.number == number)
        totals = (found.certified, found.carried, found.reserved, found.consumed, found.available)
        assert not any(each % KILOGRAM for each in totals)
        return tuple(each // KILOGRAM for each in totals)

    def entries(self, reference, *kinds):
        """(kind, line, kilograms, other CHED) of each entry, of some kinds or all."""
        with self.store.read() as connection:
            found = entries_of(connection, self.ledger(reference).ched_id)
        return [
            (each.kind.value, each.line, each.quanta // KILOGRAM, each.other)
            for each in found
            if not kinds or each.kind.value in kinds
        ]

    def everything(self):
        """Every row that a movement or a decision touches, to see that nothing was left behind."""
        tables = ("cheds", "ched_versions", "ledgers", "ledger_lines", "ledger_entries", "ledger_allocations",
                  "customs_reports", "exchanges", "audit")  # fmt: skip
        with self.store.read() as connection:
            return {name: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {name}"))) for name in tables}

    def locked(self, reference, function):
        """Do something to a ledger in a unit of work of its own."""

        def unit(connection):
            state = lock_ledger(connection, reference)
            return function(connection, state)

        return self.store.write(unit)


class PowerCut(Exception):
    """The moment before the commit."""


@contextmanager
def power_cut(desk):
    """Nothing that is written in here is kept: as if the power had gone when all was written and nothing committed."""
    before = desk.everything()
    reached = []

    def cut(name):
        if name == "commit.before":
            reached.append(name)
            raise PowerCut

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.store.writer.reach", cut)
        patch.setattr("gateway.store.store.reach", cut)
        with suppress(PowerCut, Unavailable):
            yield
    assert reached
    assert desk.everything() == before


def _header():
    return CertexHeader(f"message-{next(_messages)}", "tests")


def _line(line, number, quantity, code):
    classes = (replace(line.classes[0], code=code), *line.classes[1:])
    weight = Measure(Decimal(quantity), "KGM")
    return replace(line, number=number, net_weight=weight, gross_weight=weight, classes=classes)


__all__ = ["CN", "KILOGRAM", "OFFICE", "Desk", "power_cut"]
