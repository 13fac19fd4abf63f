"""A stored message is translated again with the tables that it used: the bytes of its day, or the reason why not."""

from dataclasses import replace

import pytest

from gateway.access.records import partner_from_record
from gateway.errors import ExchangeRefused, TranslationRefused
from gateway.exchange.retranslating import kept_translation, retranslate
from gateway.sandbox.samples import certificate
from gateway.store import (
    Closing,
    RowKind,
    TableKey,
    add_closings,
    begin_change,
    find_partner,
    list_exchanges,
    publish_change,
)
from mappings import load_tables, report_from_json, report_to_json
from mappings.live import LiveTables

HS = "ephyto/classification-system/HS"


@pytest.fixture(params=["sealed", "inline"])
def message(request, world, caller):
    """The id of a message that was accepted."""
    assert caller.submit(world.sealed(), inline=request.param == "inline").status == 200
    (row,) = exchanges(caller)
    return row.id


def exchanges(caller):
    with caller.gateway.context.store.read() as connection:
        return list_exchanges(connection, limit=10)


def kept_of(caller, message, **options):
    with caller.gateway.context.store.read() as connection:
        return kept_translation(connection, message, **options)


def again(caller, kept, index=None):
    with caller.gateway.context.store.read() as connection:
        partner = partner_from_record(find_partner(connection, kept.partner).record)
    return retranslate(kept, partner, index or caller.gateway.context.index.at(kept.tables, kept.day))


@pytest.fixture
def withdraw(caller, world):
    """Takes back a row of the installed tables, as an operator would."""

    def withdraw(row_id):
        table = TableKey(RowKind.MAP, "ephyto", "classification-system")

        def unit(connection):
            change = begin_change(connection, at=world.now, author="test")
            add_closings(connection, change, [Closing(table, row_id, "")])
            return publish_change(
                connection,
                change,
                expected=0,
                at=world.now,
                author="test",
                reason="to see what happens",
                kind="change",
                effective_on=f"{world.now:%Y-%m-%d}",
            )

        assert caller.gateway.context.store.write(unit).number == 1

    return withdraw


def test_the_same_bytes_come_out_whatever_was_changed_since(caller, message, withdraw):
    kept = kept_of(caller, message)
    assert HS in kept.parts.translation_report
    withdraw(HS)
    tables = LiveTables(load_tables(), caller.gateway.context.store)
    assert tables.state.edition == 1
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        again(caller, kept, tables.on(kept.day))
    done = again(caller, kept, tables.at(kept.tables, kept.day))
    assert done.same
    assert (done.again, done.reasons, done.differences) == (kept.parts.translated, (), ())


def test_a_repeat_stands_for_the_first(world, caller):
    sealed = world.sealed()
    caller.submit(sealed)
    caller.submit(sealed)
    first, second = sorted(exchanges(caller), key=lambda row: row.repeat_of or "")
    assert second.repeat_of == first.id
    assert kept_of(caller, second.id).exchange_id == first.id


def test_what_differs_is_told_with_the_reason(caller, message):
    kept = kept_of(caller, message)
    changed = kept.parts.translated.replace(b">NL<", b">BE<")
    done = again(caller, replace(kept, parts=replace(kept.parts, translated=changed)))
    assert not done.same
    assert {(each.before, each.after) for each in done.differences} == {("BE", "NL")}
    assert done.reasons == ("the translation itself is of another release: by the reports every row decides as it did",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"row_id": "structure/old", "version": "0123456789ab"}, "the rules of form are of another release"),
        ({"row_id": "ephyto/unit/old"}, "another row decides at /sps:SPSCertificate"),
        ({"row_id": "land/unit/1"}, "the code system in the partner's record changed: ephyto, land then, ephyto now"),
    ],
)
def test_the_reports_tell_what_changed(caller, message, changes, words):
    kept = kept_of(caller, message)
    first, *others = report_from_json(kept.parts.translation_report)
    report = report_to_json((first._replace(**changes), *others))
    changed = kept.parts.translated.replace(b">NL<", b">BE<")
    parts = replace(kept.parts, translated=changed, translation_report=report)
    assert any(words in reason for reason in again(caller, replace(kept, parts=parts)).reasons)


def test_other_tables_than_the_recorded_ones_are_said(caller, message, world):
    kept = kept_of(caller, message, tables="9@000000000000")
    parts = replace(kept.parts, translated=kept.parts.translated.replace(b">NL<", b">BE<"))
    done = again(caller, replace(kept, parts=parts), caller.gateway.context.index.on(world.now.date()))
    assert done.reasons[0].endswith("not 9@000000000000")


def test_without_a_stored_translation_there_is_nothing_to_repeat(world, caller, message):
    caller.submit(world.sealed(certificate(lines=1).replace(b">BX<", b">X0<")))
    refused = next(row for row in exchanges(caller) if row.error_code == "IMG-6001")
    for wrong in ("nothing", refused.id):
        with pytest.raises(ExchangeRefused, match="IMG-6040"):
            kept_of(caller, wrong)
