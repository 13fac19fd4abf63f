"""What was sent is translated again with the tables of its day: the same document before the seal, or why not."""

from io import BytesIO
from zipfile import ZipFile

import pytest
from sqlalchemy import text
from test_quarantine_deliveries import PACKAGES, row, sender_of, submit

from gateway.errors import ExchangeRefused
from gateway.exchange import evidence_file
from gateway.exchange.repeating import kept_report, repeat
from gateway.store import Closing, find_delivery, list_deliveries
from mappings import report_from_json


@pytest.fixture
def sender(world, opened):
    made = sender_of(world, opened, "refuse")
    made.publish(row())
    return made


@pytest.fixture
def delivery(world, sender):
    """The id of what was sent in the partner's codes."""
    submit(world, sender)
    sender.worker.run_once()
    with sender.store.read() as connection:
        (found,) = list_deliveries(connection)
    assert found.state.value == "delivered"
    return found.id


def kept_of(sender, subject, **options):
    with sender.store.read() as connection:
        return kept_report(connection, subject, **options)


def again(sender, kept):
    partner = sender.context.directory.by_id(kept.partner)
    return repeat(kept, partner, sender.context.index.at(kept.tables, kept.day))


def test_what_was_sent_names_its_tables_and_every_row(world, sender, delivery):
    with sender.store.read() as connection:
        sent, parts = find_delivery(connection, delivery)
    assert parts.payload == sender.sent.payloads[0]
    made = parts.translation
    assert (made.tables, made.effective_on) == (sender.context.index.version, world.now.date())
    crate = next(each for each in report_from_json(made.report) if each.target_code == "CRATE")
    assert crate.row_id.startswith("national-b/package/")
    with sender.store.read() as connection, ZipFile(BytesIO(evidence_file(connection, sent.exchange_id))) as evidence:
        told = b"".join(evidence.read(name) for name in evidence.namelist() if name.endswith((".md", ".txt", ".json")))
    assert "mapping tables of what was sent to nl" in told.decode()
    assert made.tables in told.decode()


def test_the_same_codes_and_rows_come_out_whatever_was_changed_since(sender, delivery):
    kept = kept_of(sender, delivery)
    crate = next(each.row_id for each in report_from_json(kept.report) if each.target_code == "CRATE")
    sender.publish(row("BOX-NEW"), closings=[Closing(PACKAGES, crate, "")])
    done = again(sender, kept)
    assert (done.same, done.same_codes, done.differences, done.reasons) == (True, True, (), ())

    newest = again(sender, kept_of(sender, delivery, tables=sender.context.index.version))
    assert (newest.same, newest.same_codes) == (False, False)
    assert newest.differences
    for each in newest.differences:
        assert "FB > CRATE" in each.before
        assert "FB > BOX-NEW" in each.after
    assert any("another row decides" in reason for reason in newest.reasons)


def test_before_it_is_prepared_there_is_nothing_to_repeat(world, sender):
    submit(world, sender)
    with sender.store.read() as connection:
        (waiting,) = list_deliveries(connection)
    with pytest.raises(ExchangeRefused, match="IMG-6040") as refused:
        kept_of(sender, waiting.id)
    assert "nothing was prepared yet" in refused.value.found


def test_what_was_prepared_before_versions_were_recorded_is_said(sender, delivery):
    sender.store.write(lambda c: c.execute(text("DELETE FROM delivery_translations")))
    with pytest.raises(ExchangeRefused, match="IMG-6040") as refused:
        kept_of(sender, delivery)
    assert "no version of the tables" in refused.value.found


def test_the_id_of_neither_is_for_others_to_know(sender):
    assert kept_of(sender, "nothing") is None
