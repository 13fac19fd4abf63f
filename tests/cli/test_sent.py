"""What was sent to a partner: shown with the version of the tables and each row, and translated once more."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.cli.desk import ExitCode
from gateway.sandbox.samples import certificate
from gateway.store import (
    Closing,
    DeliveryTranslation,
    DocumentKey,
    Form,
    NewRow,
    Prepared,
    RowKind,
    Submission,
    TableKey,
    add_closings,
    add_rows,
    begin_change,
    open_store,
    publish_change,
    record_submission,
)
from gateway.store.outbox import acquire_lane, claim_next, store_payload
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from mappings import load_tables, report_to_json, translate
from mappings.live import LiveTables

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
COUNTRIES = TableKey(RowKind.MAP, "ephyto", "country")


@pytest.fixture
def store(trial):
    with open_store(f"sqlite:///{trial}/imsoc.db", exclusive=False) as store:
        yield store


@pytest.fixture
def index(store):
    return LiveTables(load_tables(), store).on(NOW.date())


@pytest.fixture
def waiting(store, index):
    """The id of a delivery that nobody has prepared."""
    content = certificate(lines=1)
    canonical = translate(parse(content).root, source="ephyto", target="traces", index=index)
    submission = Submission(
        exchange_id="01TESTSENT",
        partner="third-country",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=NOW,
        request=b"<request/>",
        acknowledgement=b"<acknowledgement/>",
        document=DocumentKey("AR", "851", "AR-EX-1"),
        status_code="70",
        expected_status=None,
        digest=b"d" * 32,
        content=content,
        form=Form.SEALED,
        translated=serialise(canonical.root),
        translation_report=report_to_json(canonical.report),
        tables=canonical.tables,
        deliveries=("third-country",),
    )
    store.write(lambda connection: record_submission(connection, submission))
    return f"{submission.exchange_id}-1", canonical.root


@pytest.fixture
def sent(store, waiting, index):
    """The id of a delivery that was prepared, and how."""
    delivery, canonical = waiting
    made = translate(canonical, source="traces", target="ephyto", index=index, partner="third-country")
    digest = hashlib.sha256(serialise(made.root)).digest()
    how = DeliveryTranslation(made.tables, NOW.date(), digest, report_to_json(made.report))
    until = NOW + timedelta(seconds=30)
    fence = store.write(lambda c: acquire_lane(c, "third-country", owner="test", now=NOW, until=until))
    claimed = store.write(lambda c: claim_next(c, "third-country", fence=fence, now=NOW, until=until))
    assert store.write(lambda c: store_payload(c, claimed, Prepared(b"<sealed/>", how)))
    assert claimed.id == delivery
    return delivery, how


def test_a_delivery_shows_its_tables_and_what_was_translated(imsoc, sent):
    delivery, how = sent
    answer = imsoc.json("deliveries", "show", delivery)
    assert (answer["id"], answer["state"], answer["message"]) == (delivery, "in-flight", "01TESTSENT")
    assert (answer["mapping_tables"], answer["on"]) == (how.tables, "2026-11-20")
    assert answer["sha256"] == hashlib.sha256(b"<sealed/>").hexdigest()
    assert answer["translated"] == json.loads(how.report)
    assert how.tables in imsoc("deliveries", "show", delivery).stdout
    assert imsoc.json("explain", delivery) == {"kind": "delivery"} | answer
    (row,) = imsoc.json("messages", "show", "01TESTSENT")["deliveries"]
    assert row["mapping_tables"] == how.tables


def test_before_it_is_prepared_it_shows_how_it_stands(imsoc, waiting):
    delivery, _ = waiting
    answer = imsoc.json("deliveries", "show", delivery)
    assert (answer["state"], answer["translated"], "sha256" in answer) == ("pending", [], False)
    refused = imsoc.json("mappings", "retranslate", delivery, code=ExitCode.REFUSED)["error"]
    assert (refused["code"], refused["found"]) == ("IMG-6040", "pending: nothing was prepared yet")


def test_a_delivery_that_is_not_there_is_said(imsoc, trial):
    assert imsoc.json("deliveries", "show", "nothing", code=ExitCode.USAGE)["error"]["code"] == "IMG-0105"


def test_what_was_sent_comes_out_again_with_the_tables_of_its_day(imsoc, store, sent, trial):
    delivery, how = sent
    publish(store)
    answer = imsoc.json("mappings", "retranslate", delivery, "-o", trial / "again.xml")
    assert (answer["delivery"], answer["same"], answer["same_codes"]) == (delivery, True, True)
    assert answer["tables"] == how.tables
    assert hashlib.sha256((trial / "again.xml").read_bytes()).digest() == how.digest
    assert "The same codes and rows as were sent." in imsoc("mappings", "retranslate", delivery).stdout

    newest = imsoc.json("mappings", "list")["version"]
    answer = imsoc.json("mappings", "retranslate", delivery, "--tables", newest, code=ExitCode.REFUSED)
    assert (answer["same"], answer["same_codes"]) == (False, False)
    assert any("NL > XN" in each["after"] for each in answer["differences"])
    assert answer["reasons"]


def publish(store):
    """The Netherlands are called otherwise from now on."""

    def unit(connection):
        change = begin_change(connection, at=NOW, author="test")
        add_rows(connection, change, [NewRow(COUNTRIES, "XN", "NL", direction="out", loss="widens", text="a test")])
        add_closings(connection, change, [Closing(COUNTRIES, "ephyto/country/NL", "")])
        about = {"author": "test", "reason": "to see", "kind": "change", "effective_on": "2026-11-20"}
        return publish_change(connection, change, expected=0, at=NOW, **about)

    assert store.write(unit).number == 1
