"""``imsoc customs`` towards a partner: over a real socket, with answers that get lost."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "adapters"))  # a CERTEX for tests

from fake_certex import CHED, OFFICE, Hold, certex

from gateway.certex.models import (
    ChedClearanceRequest,
    DeclarationReference,
    Declared,
    GoodsClearance,
    Item,
    ProcessedChedRequest,
)
from gateway.certex.wire import clearance_request, processed_request
from gateway.store import (
    CustomsMessage,
    Declaration,
    DeclarationType,
    claim_declaration,
    find_audit,
    new_id,
    record_customs_message,
)

MRN = "26GB1669CAPTUREA01"
RECORD = """
[partner]
id = "traces-customs"
name = "TRACES for customs"
kind = "traces"
country = "EU"
contracts = []

[partner.delivery]
adapter = "{adapter}"
address = "{address}"
username = "customs"
secret = "env:CERTEX_TEST_SECRET"
timeout_seconds = 3
"""


@pytest.fixture
def fake(trial, imsoc, monkeypatch):
    monkeypatch.setenv("CERTEX_TEST_SECRET", "invented")
    with certex(now=datetime.now(UTC)) as server:
        Path("customs.toml").write_text(RECORD.format(adapter="traces-nt", address=server.address), "utf-8")
        imsoc("partners", "add", "customs.toml")
        yield server


def at(command, *more):
    return ["customs", command, "traces-customs", CHED, "--office", OFFICE, *more]


def reserve(*more, quantity="0.5"):
    return at("reserve-at", "--mrn", MRN, "--item", f"1/1/040100/{quantity}/KGM", "--patience", "0", *more)


def clear(*more):
    return at("clear-at", "--mrn", MRN, "--patience", "0", *more)


def kept():
    return sorted(each.name for each in Path().glob("customs-*.json"))


def test_a_ched_is_asked_for(imsoc, fake):
    found = imsoc.json(*at("ask", "--certificate", "ched.xml"))
    assert found["known"]
    assert found["available"] == [{"line": 1, "code": "0401", "quantity": "1000", "unit": "KGM"}]
    assert CHED in Path("ched.xml").read_text("utf-8")
    assert "0401" in imsoc(*at("ask")).stdout
    unknown = ["customs", "ask", "traces-customs", "CHEDP.XI.2026.9999999", "--office", OFFICE]
    assert not imsoc.json(*unknown, code=1)["known"]
    assert "knows no CHED" in imsoc(*unknown, code=1).stdout


def test_the_status_of_a_ched_comes_before_its_quantities(imsoc, fake):
    found = imsoc.json(*at("ask"))
    assert (found["status"], found["conclusion"]) == ("70", "ACCEPTABLE_FOR_INTERNAL_MARKET")
    assert found["may_be_released"]
    text = imsoc(*at("ask")).stdout
    assert text.index("70 Issued (Validated): validated") < text.index("Available")
    fake.conclusion = "ACCEPTABLE_FOR_TRANSIT"
    assert not imsoc.json(*at("ask"))["may_be_released"]
    assert "NOT TO BE RELEASED" in imsoc(*at("ask")).stdout


@pytest.mark.parametrize("status", ["64", "44", "1"])
def test_a_ched_that_is_not_validated_is_told_in_words(imsoc, fake, status):
    fake.status = status
    found = imsoc.json(*at("ask"))
    assert (found["status"], found["may_be_released"]) == (status, False)
    assert "NOT VALIDATED: nothing can be reserved" in imsoc(*at("ask")).stdout


def test_a_refusal_says_why_and_what_is_left(imsoc, fake):
    imsoc(*reserve())
    found = imsoc(*reserve(quantity="1000.1"), code=1).stdout
    assert "what the declaration held on this CHED before is given back" in found
    assert "The declaration holds nothing." in found


@pytest.mark.parametrize("command", [reserve, lambda: clear("--released")])
def test_a_partner_that_is_away_leaves_nothing_to_wait_for(imsoc, fake, command):
    record = RECORD.format(adapter="traces-nt", address="http://127.0.0.1:9/tracesnt/ws")
    Path("customs.toml").write_text(record, "utf-8")
    imsoc("partners", "add", "customs.toml")
    told = imsoc(*command(), code=3).stderr
    assert "IMG-8001" in told
    assert "nothing is sent later by itself" in told
    assert "the message is sent again by itself" not in told
    assert not kept()


def test_goods_are_reserved_and_cleared(imsoc, fake):
    found = imsoc.json(*reserve())
    assert found["outcome"] == "reserved"
    assert [(each["quantity"], each["declaration"]) for each in found["holds"]] == [("0.5", f"MRN {MRN}")]
    assert imsoc.json(*clear("--released"))["code"] == "01"
    assert imsoc.json(*clear("--not-released"), code=1)["outcome"] == "already"
    refused = imsoc(*reserve(), code=1).stdout
    assert "refused" in refused
    assert "06" in refused
    assert not kept()


def test_a_volume_and_an_lrn_can_be_said(imsoc, fake):
    imsoc(*at("reserve-at", "--lrn", "L1", "--item", "1/1/040100/1/LTR/volume"), code=1)
    message = fake.requests[-1]
    assert message.findtext(".//{*}LRN") == "L1"
    assert message.findtext(".//{*}NetVolumeUnitOfMeasure") == "LTR"
    assert message.find(".//{*}NetWeightQuantity") is None


@pytest.mark.parametrize("arrived", [True, False])
def test_what_is_not_known_is_asked_for_later(imsoc, fake, arrived):
    fake.script.extend(["answered", "late"])
    found = imsoc.json(*reserve(), code=3)
    assert found["outcome"] == "unknown"
    assert found["code"] == "IMG-8030"
    assert [found["message"]] == kept()
    assert found["command"] == f"imsoc customs ask-outcome traces-customs {found['message']}"
    still = imsoc("customs", "ask-outcome", "traces-customs", found["message"], code=3)
    assert "IMG-8030" in still.stderr
    assert "ask-outcome" in still.stderr
    if arrived:
        fake.arrive()
        assert imsoc.json("customs", "ask-outcome", "traces-customs", found["message"])["outcome"] == "reserved"
    else:
        age(found["message"])
        asked = imsoc.json("customs", "ask-outcome", "traces-customs", found["message"], code=1)
        assert asked["outcome"] == "not-reserved"
    assert not kept()
    assert sum(each.findtext(".//{*}QuantityManagementIndication") == "1" for each in fake.requests) == 1


def test_a_lost_clearance_is_asked_for_later(imsoc, fake):
    imsoc(*reserve())
    fake.script.extend(["answered", "late"])
    message = imsoc.json(*clear("--released"), code=3)["message"]
    fake.arrive()
    assert imsoc.json("customs", "ask-outcome", "traces-customs", message)["outcome"] == "done"


def age(name):
    """As if the message had left an hour ago."""
    record = json.loads(Path(name).read_text("utf-8"))
    record["left"] = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    Path(name).write_text(json.dumps(record), "utf-8")


@pytest.mark.parametrize(
    ("variable", "seconds"),
    [("IMSOC_CUSTOMS_SETTLED_AFTER_SECONDS", "7200"), ("IMSOC_CUSTOMS_MAX_MESSAGE_AGE_SECONDS", "3600")],
)
def test_a_message_that_the_partner_may_still_take_is_not_settled(imsoc, fake, monkeypatch, variable, seconds):
    fake.script.extend(["answered", "late"])
    message = imsoc.json(*reserve(), code=3)["message"]
    age(message)
    monkeypatch.setenv(variable, seconds)
    assert imsoc.json("customs", "ask-outcome", "traces-customs", message, code=3)["outcome"] == "unknown"
    monkeypatch.delenv(variable)
    assert imsoc.json("customs", "ask-outcome", "traces-customs", message, code=1)["outcome"] == "not-reserved"


def test_nothing_is_sent_for_an_order_that_cannot_be(imsoc, fake):
    wrong = [
        at("reserve-at", "--item", "1/1/040100/1/KGM"),
        at("reserve-at", "--mrn", MRN, "--lrn", MRN, "--item", "1/1/040100/1/KGM"),
        at("reserve-at", "--mrn", MRN, "--item", "1/1/040100/1"),
        at("reserve-at", "--mrn", MRN, "--item", "1/one/040100/1/KGM"),
        at("reserve-at", "--mrn", MRN, "--item", "1/1/040100/1/KGM/much"),
    ]
    for each in wrong:
        assert imsoc.json(*each, code=2)["error"]["code"] == "IMG-0106"
    without_unit = at("reserve-at", "--mrn", MRN, "--item", "1/1/040100/1/")
    assert imsoc.json(*without_unit, code=1)["error"]["code"] == "IMG-8033"
    nowhere = reserve("--keep", "no/such/folder")
    assert imsoc.json(*nowhere, code=2)["error"]["code"] == "IMG-0104"
    assert not kept()
    assert not fake.held


def test_files_and_partners_that_are_none_are_named(imsoc, fake):
    Path("other.json").write_text("{}", "utf-8")
    assert imsoc.json("customs", "ask-outcome", "traces-customs", "other.json", code=2)["error"]["code"] == "IMG-0104"
    Path("customs.toml").write_text(RECORD.format(adapter="ippc-hub", address="http://127.0.0.1:1"), "utf-8")
    imsoc("partners", "add", "customs.toml")
    assert imsoc.json(*at("ask"), code=2)["error"]["code"] == "IMG-0105"


def test_a_refusal_leaves_no_file(imsoc, fake):
    fake.falsified = lambda *_: (401, b"", None)
    assert imsoc.json(*reserve(), code=3)["error"]["code"] == "IMG-8020"
    assert not kept()


ENVELOPE = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>'


@pytest.fixture
def passed_on(fake, trial, stored):
    """``passed_on(request, operation, at)``: kept before it left, and nothing is known of it since; its id."""
    settings = trial / "imsoc.toml"
    text = re.sub(r"(?m)^roles = .*$", 'roles = ["national"]', settings.read_text("utf-8"))
    settings.write_text(text + '\n[customs]\nupstream = "traces-customs"\n', "utf-8")

    def passed_on(request, operation, at):
        exchange_id = new_id(at)
        message = CustomsMessage(
            exchange_id=exchange_id,
            partner="customs-xi",
            contract="customs-certex-ched",
            operation=operation,
            received_at=at,
            subject=CHED,
            prefix=OFFICE,
            message_id="0" * 32,
            request=ENVELOPE % request,
            acknowledgement=b"",
            detail={"passed_on": f"{OFFICE}/{'1' * 32}"},
        )
        mine = Declaration(DeclarationType.MRN, MRN)

        def unit(connection):
            claim_declaration(connection, CHED, mine, partner="customs-xi", at=at, exchange_id=exchange_id)
            record_customs_message(connection, message)

        stored(unit)
        return exchange_id

    return passed_on


def asked(at, quantity="2", unit="KGM"):
    return ProcessedChedRequest(
        sending_date=at,
        reference=CHED,
        office=OFFICE,
        declaration=DeclarationReference("MRN", MRN),
        items=(Item(goods_item=1, line=1, class_code="040100", weight=Declared(quantity, unit)),),
        reserve=True,
    )


def test_messages_that_were_passed_on_and_are_not_known_are_listed_and_asked_for(imsoc, fake, passed_on, stored):
    assert imsoc("customs", "ask-outcome", "traces-customs").stdout.strip() == "none"
    now = datetime.now(UTC).replace(microsecond=0)
    message = passed_on(processed_request(asked(now)), "processedChedRequest", now)
    (row,) = imsoc.json("customs", "ask-outcome", "traces-customs")["messages"]
    assert (row["message"], row["partner"]) == (message, "customs-xi")
    assert (row["ched"], row["declaration"]) == (CHED, f"MRN {MRN}")
    still = imsoc.json("customs", "ask-outcome", "traces-customs", message, code=3)
    assert still["outcome"] == "unknown"
    assert still["command"].endswith(f"customs ask-outcome traces-customs {message}")
    fake.held["MRN", MRN] = [Hold(1, 1, "040100", "KGM", "2", OFFICE, now)]
    assert imsoc.json("customs", "ask-outcome", "traces-customs", message)["outcome"] == "reserved"
    assert imsoc.json("customs", "ask-outcome", "traces-customs")["messages"] == []
    trail = stored(lambda connection: find_audit(connection, message))
    assert (trail[-1].action, trail[-1].detail) == ("customs outcome", {"word": "reserved"})
    assert fake.requests
    assert {each.findtext(".//{*}QuantityManagementIndication") for each in fake.requests} == {"0"}


def test_a_quantity_without_a_unit_was_passed_on_in_tonnes(imsoc, fake, passed_on):
    now = datetime.now(UTC).replace(microsecond=0)
    message = passed_on(processed_request(asked(now, "0.5", "")), "processedChedRequest", now)
    fake.held["MRN", MRN] = [Hold(1, 1, "040100", "TNE", "0.5", OFFICE, now)]
    assert imsoc.json("customs", "ask-outcome", "traces-customs", message)["outcome"] == "reserved"


def test_a_clearance_that_was_passed_on_is_asked_for(imsoc, fake, passed_on):
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    request = ChedClearanceRequest(
        office=OFFICE, sending_date=at, document=MRN, reference=CHED, information=GoodsClearance.RELEASED.value
    )
    message = passed_on(clearance_request(request), "chedClearanceRequest", at)
    assert imsoc.json("customs", "ask-outcome", "traces-customs", message, code=1)["outcome"] == "no-record"
    assert imsoc("customs", "ask-outcome", "traces-customs").stdout.strip() == "none"


def test_only_what_was_passed_on_can_be_asked_for_by_its_id(imsoc, fake, passed_on):
    nothing = imsoc.json("customs", "ask-outcome", "traces-customs", "0" * 26, code=2)["error"]
    assert nothing["code"] == "IMG-0106"
    elsewhere = imsoc.json("customs", "ask-outcome", "another", code=2)["error"]
    assert (elsewhere["code"], elsewhere["expected"]) == ("IMG-0105", "traces-customs")
