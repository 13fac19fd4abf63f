"""Before a change is made: which stored messages would say something else, and which held ones would go."""

from datetime import timedelta

import pytest
from quarantine_harness import Keeper, package, with_codes

from gateway.access.records import partner_from_record
from gateway.exchange.preview import differences, find_candidates, gap_codes, releasable
from gateway.store import RowKind, TableKey, find_partner, list_exchanges
from mappings.changes import RowsInHand, plan_change
from mappings.sheet_rows import SheetRow

PACKAGES = TableKey(RowKind.MAP, "ephyto", "package")


@pytest.fixture
def keeper(world, opened):
    return Keeper(world, opened(world.partner(untranslatable="quarantine")))


def plan_for(keeper, row, table=PACKAGES):
    rows = RowsInHand("the row", table, (SheetRow(1, *row),))
    return plan_change(keeper.tables, rows, effective_on=keeper.world.now.date())


def preview(keeper, row, *, limit=100, table=PACKAGES):
    """The differences that a row would make in stored messages."""
    with keeper.store.read() as connection:
        everybody = [partner_from_record(find_partner(connection, each.partner).record)
                     for each in list_exchanges(connection, limit=1)]  # fmt: skip
    partners = {each.id: each for each in everybody}
    day = keeper.world.now.date()
    with plan_for(keeper, row, table) as plan:
        before, after = keeper.tables.on(day), keeper.tables.try_change(plan.as_change()).on(day)
        found = list(find_candidates(keeper.store, plan, partners, limit=limit))
        told = [each for one in found for each in differences(one, partners[one.exchange.partner], before, after)]
    return found, told


def test_a_message_that_would_say_something_else_is_told_with_place_before_and_after(world, keeper):
    assert keeper.caller.submit(with_codes(world, "BX", number="AR-1")).status == 200
    keeper.publish(package("X0", "BX"))
    world.now += timedelta(seconds=1)
    assert keeper.caller.submit(with_codes(world, "X0", number="AR-2")).status == 200
    found, told = preview(keeper, ("X0", "CT", "", "in", "widens"))
    # Of the row that ends BX is the other side: a message with it is looked at too.
    assert [each.exchange.subject for each in found] == ["AR/851/AR-2", "AR/851/AR-1"]
    assert [(each.subject, each.code, each.before, each.after) for each in told] == [("AR/851/AR-2", "X0", "BX", "CT")]
    assert told[0].place.endswith("/ram:TypeCode")


def test_a_message_that_would_be_refused_is_told(world, keeper):
    keeper.publish(package("X0", "BX"))
    assert keeper.caller.submit(with_codes(world, "X0", number="AR-1")).status == 200
    _, (told,) = preview(keeper, ("X0", "", "", "none", "none"))
    assert (told.code, told.before, told.after) == ("X0", "translated", "refused: IMG-6007")


def test_messages_that_a_change_does_not_concern_are_not_translated_again(world, keeper):
    assert keeper.caller.submit(with_codes(world, "BX", number="AR-1")).status == 200
    assert preview(keeper, ("X0", "CT", "", "in", "widens")) == ([], [])
    elsewhere = PACKAGES._replace(system="national-b")
    assert preview(keeper, ("BX", "CT", "", "in", "widens"), table=elsewhere) == ([], [])
    assert preview(keeper, ("BX", "CT", "", "in", "widens"), table=PACKAGES._replace(partner="zz")) == ([], [])


def test_so_many_messages_are_looked_at_and_no_more(world, keeper):
    keeper.publish(package("X0", "BX"))
    for number in ("AR-1", "AR-2"):
        world.now += timedelta(seconds=1)
        assert keeper.caller.submit(with_codes(world, "X0", number=number)).status == 200
    found, _ = preview(keeper, ("X0", "CT", "", "in", "widens"), limit=1)
    assert [each.exchange.subject for each in found] == ["AR/851/AR-2"]


def test_held_messages_that_would_go_are_counted(world, keeper):
    for number, codes in (("AR-1", ("X0",)), ("AR-2", ("X0", "X1"))):
        world.now += timedelta(seconds=1)
        assert keeper.caller.submit(with_codes(world, *codes, number=number)).code == "IMG-6010"
    assert gap_codes(keeper.store, "package") == {"X0", "X1"}
    assert gap_codes(keeper.store, "unit") == set()
    with plan_for(keeper, ("X0", "BX", "", "in", "widens")) as plan:
        after = keeper.tables.try_change(plan.as_change()).on(world.now.date())
    assert list(releasable(keeper.store, keeper.tables.on(world.now.date()))) == []
    assert [row.subject for row in releasable(keeper.store, after)] == ["AR/851/AR-1"]


def test_what_goes_after_a_held_message_is_counted_and_is_not_released_by_itself(world, keeper):
    keeper.caller.submit(with_codes(world, "X0", number="AR-1"))
    world.now += timedelta(seconds=1)
    assert keeper.caller.submit(world.sealed(number="AR-1", status="40")).code == "IMG-6010"
    index = keeper.tables.on(world.now.date())
    assert (list(releasable(keeper.store, index)), list(keeper.quarantine.ready())) == ([], [])
    keeper.publish(package("X0", "BX"))
    first, withdrawal = keeper.held()
    index = keeper.tables.on(world.now.date())
    assert [row.id for row in releasable(keeper.store, index)] == [first.id, withdrawal.id]
    assert [row.id for row in keeper.quarantine.ready()] == [first.id]
