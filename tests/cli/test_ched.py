"""``imsoc ched`` as an operator uses it."""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "ched"))

from ched_harness import ched_pp
from relay_harness import National, Traces

from gateway.cli.desk import ExitCode
from gateway.config import Settings
from gateway.store import acquire_poller, begin_outage, end_outage, open_store

RECORD = """
[partner]
id = "traces-nt"
name = "TRACES"
kind = "traces"
country = "EU"
contracts = []
[partner.delivery]
adapter = "traces-nt"
address = "http://127.0.0.1:9/tracesnt/ws"
document_types = []
"""


@pytest.fixture
def url(trial):
    return Settings.load(trial / "imsoc.toml", {}).store.url


@pytest.fixture
def away(url, tmp_path, _sqlite_template, monkeypatch):
    """Two contingency CHEDs, the first one decided, and a TRACES that is away."""
    monkeypatch.setenv("RELAY_TEST_SECRET", "a secret of the tests")
    file = tmp_path / "traces.db"
    file.write_bytes(_sqlite_template.read_bytes())
    with open_store(f"sqlite:///{file}", exclusive=True) as theirs, open_store(url, exclusive=True) as own:
        traces = Traces(theirs)
        traces.port = 9
        national = National(own, traces, when_away="contingency")
        for number in (1, 2):
            national.world.submit(ched_pp(local_reference=f"OUR-{number}"))
        national.world.decide("OUR-1")
    return national


def upstream(trial, imsoc):
    (trial / "traces.toml").write_text(RECORD)
    imsoc("partners", "add", "traces.toml")
    settings = trial / "imsoc.toml"
    national = re.sub(r"(?m)^roles *=.*$", 'roles = ["national"]', settings.read_text("utf-8"))
    settings.write_text(national + '\n[traces]\nupstream = "traces-nt"\nwhen_away = "contingency"\n', "utf-8")


def test_cheds_are_listed_and_one_is_shown_with_everything_that_was_written(imsoc, away, trial):
    rows = imsoc.json("ched", "find")["cheds"]
    assert [(row["local_reference"], row["status"], row["contingency"]) for row in rows] == [
        ("OUR-2", "1", "yes"),
        ("OUR-1", "70", "yes"),
    ]
    (only,) = imsoc.json("ched", "find", "--status", "70", "--type", "pp")["cheds"]
    assert only["local_reference"] == "OUR-1"
    shown = imsoc.json("ched", "show", "OUR-1", "--content", "ched.xml")
    assert [write["part"] for write in shown["writes"]] == ["I", "II"]
    assert [step["state"] for step in shown["steps"]] == ["waiting", "waiting"]
    assert b"Contingency document" in (trial / "ched.xml").read_bytes()
    assert "OUR-1" in imsoc("ched", "show", "OUR-1").stdout


def test_what_waits_is_listed_in_the_order_of_its_exchange(imsoc, away):
    said = imsoc.json("ched", "waiting")
    assert [(row["local_reference"], row["operation"]) for row in said["steps"]] == [
        ("OUR-1", "createAndSubmitForDecision"),
        ("OUR-2", "createAndSubmitForDecision"),
        ("OUR-1", "createAndSubmitDecisionAsInProgress"),
    ]
    assert said["counter_seals"] == []
    assert imsoc.json("ched", "waiting", "--state", "exchanged")["steps"] == []
    assert "OUR-2" in imsoc("ched", "waiting").stdout


def test_a_step_is_parked_with_the_later_ones_of_its_ched(imsoc, away):
    first = imsoc.json("ched", "waiting")["steps"][0]["step"]
    parked = imsoc.json("ched", "park", str(first), "--reason", "TRACES answers 500")["parked"]
    assert [(row["local_reference"], row["state"], row["code"]) for row in parked] == [
        ("OUR-1", "refused", "IMG-7216")
    ] * 2
    said = imsoc.json("ched", "waiting")
    assert [row["local_reference"] for row in said["steps"]] == ["OUR-2"]
    assert said["parked"] == parked
    assert "TRACES answers 500" in parked[0]["detail"]
    assert "Parked by the operator" in imsoc("ched", "waiting").stdout
    assert imsoc.json("ched", "waiting", "--state", "refused")["steps"] == parked
    for step, reason in ((str(first), "again"), ("4711", "none"), (str(first + 1), " ")):
        refused = imsoc.json("ched", "park", step, "--reason", reason, code=ExitCode.USAGE)
        assert refused["error"]["code"] in ("IMG-0105", "IMG-0106")
    assert len(imsoc.json("ched", "waiting")["steps"]) == 1


def test_nothing_is_parked_while_somebody_exchanges(imsoc, away, url):
    step = str(imsoc.json("ched", "waiting")["steps"][0]["step"])
    now = datetime.now(UTC)
    with open_store(url, exclusive=True) as store:
        store.write(
            lambda connection: acquire_poller(
                connection, "traces-nt", owner="gateway", now=now, until=now + timedelta(minutes=5)
            )
        )
    imsoc.json("ched", "park", step, "--reason", "stuck", code=ExitCode.UNAVAILABLE)
    assert len(imsoc.json("ched", "waiting")["steps"]) == 3


def test_an_exchange_without_an_upstream_is_a_usage_error(imsoc, trial):
    assert imsoc.json("ched", "exchange", code=ExitCode.USAGE)["error"]["code"] == "IMG-0106"


def test_an_exchange_while_traces_is_away_is_an_exit_code_and_loses_nothing(imsoc, away, trial):
    upstream(trial, imsoc)
    assert imsoc.json("ched", "exchange", code=ExitCode.UNAVAILABLE)["away"] is True
    assert len(imsoc.json("ched", "waiting")["steps"]) == 3


def test_an_exchange_of_nothing_is_fine(imsoc, trial):
    upstream(trial, imsoc)
    assert imsoc.json("ched", "exchange") == {"exchanged": [], "refused": [], "counter_seals": 0, "away": False}


def test_outages_say_since_when_and_whether_forms_may_be_printed(imsoc, url, trial):
    began = datetime.now(UTC) - timedelta(hours=3)
    with open_store(url, exclusive=False) as store:
        store.write(
            lambda c: begin_outage(c, partner="t", functionality="ched-submission", at=began, reason="IMG-8001")
        )
        store.write(lambda c: begin_outage(c, partner="t", functionality="ched-certificate", at=began))
        ended = began + timedelta(minutes=10)
        store.write(lambda c: end_outage(c, partner="t", functionality="ched-certificate", at=ended))
    rows = {row["functionality"]: row for row in imsoc.json("ched", "outages")["outages"]}
    assert (rows["ched-submission"]["ended_at"], rows["ched-submission"]["printed_forms"]) == (None, "yes")
    assert (rows["ched-certificate"]["minutes"], rows["ched-certificate"]["printed_forms"]) == (10, "")


def test_notices_are_kept_replaced_and_withdrawn(imsoc, trial):
    begins = (datetime.now(UTC) + timedelta(days=14)).strftime("%Y-%m-%dT20:00:00")
    ends = (datetime.now(UTC) + timedelta(days=15)).strftime("%Y-%m-%dT02:00:00")
    kept = imsoc.json("ched", "announce", begins, "--ends", ends, "--reason", "Release", "--partner", "traces-nt")
    assert (kept["begins_at"], kept["ends_at"], kept["reason"]) == (f"{begins}Z", f"{ends}Z", "Release")
    again = imsoc.json("ched", "announce", begins, "--reason", "Longer release", "--partner", "traces-nt")
    (row,) = imsoc.json("ched", "notices")["notices"]
    assert (row["reason"], row["ends_at"]) == ("Longer release", None)
    imsoc("ched", "withdraw", again["id"])
    assert imsoc.json("ched", "notices")["notices"] == []
    assert imsoc.json("ched", "notices", "--past")["notices"][0]["withdrawn_at"]
    assert imsoc.json("ched", "withdraw", again["id"], code=ExitCode.USAGE)["error"]["code"] == "IMG-0105"


def test_a_notice_that_ends_before_it_begins_or_is_nobodys_is_refused(imsoc, trial):
    words = ("ched", "announce", "2026-12-01T20:00:00")
    assert imsoc.json(*words, code=ExitCode.USAGE)["error"]["where"] == "--partner"
    error = imsoc.json(*words, "--partner", "t", "--ends", "2026-12-01T19:00:00", code=ExitCode.USAGE)["error"]
    assert error["where"] == "--ends"


def test_a_ched_that_is_not_here(imsoc, trial):
    assert imsoc.json("ched", "show", "CHEDPP.NL.2026.1", code=ExitCode.USAGE)["error"]["code"] == "IMG-0105"
