"""``imsoc hub`` as an operator uses it, with a hub in memory at the other end."""

import csv
from pathlib import Path

import pytest
from polling_harness import MemoryHub, envelope

import gateway.app
from gateway.cli.desk import ExitCode
from gateway.ippc import Envelope
from gateway.ippc.profile import NppoDocument, NppoProfile
from gateway.store import open_store
from gateway.xml.boundary import parse

RECORD = """
[partner]
id = "the-hub"
name = "the ePhyto hub"
kind = "hub"
country = "*"
contracts = ["ippc-hub"]
document_types = ["851"]
country_pairs = ["*>NL"]
code_system = "ephyto"
[partner.delivery]
adapter = "ippc-hub"
address = "https://hub.example/hub/DeliveryService"
[partner.polling]
lists_hours = 0
"""
LIST = """<hub:GetUnitMeasuresResponse xmlns:hub="http://ephyto.ippc.int/">{}</hub:GetUnitMeasuresResponse>"""
UNIT = """<hub:UnitMeasure><active>true</active><code>{}</code><name>{}</name><type>WEIGHT</type></hub:UnitMeasure>"""


class Hub(MemoryHub):
    """With what the operator's commands ask besides."""

    units = ("KGM", "kilogram"), ("GRM", "gram")

    def active_nppos(self):
        documents = NppoDocument(851, 70, active=True), NppoDocument(851, 40, active=False)
        return (NppoProfile("AR", receive=True, send=True, documents=documents),)

    def code_list(self, which):
        units = "".join(UNIT.format(*unit) for unit in self.units) if which == "UnitMeasure" else ""
        return parse(LIST.format(units).encode()).root


@pytest.fixture
def hub(imsoc, trial, monkeypatch):
    """The hub, and a partner record that polls it."""
    made = Hub()
    monkeypatch.setattr(gateway.app.IppcHubClient, "open", lambda _target: made)
    (trial / "hub.toml").write_text(RECORD)
    imsoc("partners", "add", "hub.toml")
    return made


def test_poll_takes_what_waits_and_tells_it_in_a_table(imsoc, hub):
    good, held, unreadable = hub.put(envelope()), hub.put(envelope(to="BE")), hub.put(Envelope(envelope().header, b"?"))
    said = imsoc.json("hub", "poll")
    (row,) = said["rounds"]
    assert (row["hub"], row["imported"], row["held"], row["unreadable"], row["result"]) == ("the-hub", 1, 1, 1, "done")
    assert (hub.states[good], hub.states[held]) == ("Delivered", "DeliveredWithWarnings")
    assert hub.states[unreadable] == "DeliveredNotReadable"
    assert "the-hub" in imsoc("hub", "poll", "the-hub").stdout


def test_a_hub_that_is_silent_is_an_exit_code(imsoc, hub):
    hub.down = True
    said = imsoc.json("hub", "poll", code=ExitCode.UNAVAILABLE)
    assert said["rounds"][0]["result"].startswith("IMG-8001")


def test_a_partner_that_is_not_polled_is_a_usage_error(imsoc, hub):
    assert imsoc.json("hub", "poll", "third-country", code=ExitCode.USAGE)["error"]["code"] == "IMG-0123"


def test_a_partner_that_there_is_not_is_said_with_those_that_are_polled(imsoc, hub):
    for command in ("poll", "sync"):
        error = imsoc.json("hub", command, "nosuch", code=ExitCode.USAGE)["error"]
        assert (error["code"], error["message"]) == ("IMG-0105", "There is no such partner")
        assert (error["where"], error["expected"]) == ("nosuch", "polled: the-hub")


def test_a_file_that_is_gone_is_named_in_the_table(imsoc, trial):
    (trial / "hub.toml").write_text(RECORD.replace("[partner.polling]", 'ca = "gone.pem"\n[partner.polling]', 1))
    said = imsoc("partners", "add", "hub.toml").stderr
    assert "IMG-0120 partner.delivery.ca" in said
    assert "gone.pem" in said
    (row,) = imsoc.json("hub", "poll", code=ExitCode.UNAVAILABLE)["rounds"]
    assert row["result"].startswith("IMG-0120 ")
    assert "gone.pem" in row["result"]


def test_a_number_that_came_for_us_is_explained(imsoc, hub):
    held = hub.put(envelope(to="BE"))
    imsoc("hub", "poll")
    said = imsoc.json("explain", held)
    assert (said["kind"], [row["state"] for row in said["imports"]]) == ("envelope", ["held"])
    assert "imsoc hub show" in imsoc("explain", held).stdout


def test_imports_are_listed_by_state_and_shown_with_what_they_became(imsoc, hub):
    good, held = hub.put(envelope()), hub.put(envelope(to="BE"))
    imsoc("hub", "poll")
    every = imsoc.json("hub", "imports")["imports"]
    assert [row["number"] for row in every] == [held, good]
    (row,) = imsoc.json("hub", "imports", "--state", "held")["imports"]
    assert (row["number"], row["code"], row["verdict"]) == (held, "IMG-2102", "warnings")
    shown = imsoc.json("hub", "show", good)
    assert [step["action"] for step in shown["steps"]] == ["hub import imported", "hub import acknowledged"]
    assert shown["message_data"]["seal"]["level"] == "none"
    assert shown["message_data"]["route"] in (None, "iii", "iv")
    text = imsoc("hub", "show", good).stdout
    assert "mutual TLS with the hub" in text
    error = imsoc.json("hub", "imports", "--state", "lost", code=ExitCode.USAGE)["error"]
    assert (error["code"], "held" in error["expected"], "values" in error["action"]) == ("IMG-0106", True, True)
    assert imsoc.json("hub", "show", "HUB-7777", code=ExitCode.USAGE)["error"]["code"] == "IMG-0105"


def test_retry_takes_a_held_one_over_once_the_grant_is_there_and_refuses_before(imsoc, hub, trial):
    held = hub.put(envelope(to="BE"))
    imsoc("hub", "poll")
    assert imsoc.json("hub", "retry", held, code=ExitCode.REFUSED)["code"] == "IMG-2102"
    (trial / "hub.toml").write_text(RECORD.replace("*>NL", "*>*"))
    imsoc("partners", "add", "hub.toml")
    said = imsoc.json("hub", "retry", held)
    assert (said["state"], said["code"]) == ("imported", "")
    assert imsoc.json("hub", "retry", held, code=ExitCode.USAGE)["error"]["code"] == "IMG-0106"


def test_the_doctor_tells_what_is_held_and_how_to_go_on(imsoc, hub):
    def told():
        return [each for each in imsoc.json("doctor", "--offline")["checks"] if each["name"] == "envelopes"]

    assert told() == []
    number = hub.put(envelope(to="BE"))
    imsoc("hub", "poll")
    (check,) = told()
    assert (check["state"], check["detail"]) == ("warn", f"1 held, the last one {number} of the-hub: IMG-2102")
    assert "hub retry" in check["repair"]


def test_what_was_held_for_want_of_a_held_one_follows_it(imsoc, hub, trial):
    first = envelope(to="BE")
    numbers = [
        hub.put(first),
        hub.put(envelope(to="BE", certificate_number=first.header.certificate_number, certificate_status=40)),
        hub.put(envelope(to="FR")),
    ]
    imsoc("hub", "poll")
    refused = imsoc.json("hub", "retry", code=ExitCode.REFUSED)["imports"]
    assert [(row["number"], row["state"]) for row in refused] == [(number, "held") for number in numbers]
    (trial / "hub.toml").write_text(RECORD.replace("*>NL", "*>BE"))
    imsoc("partners", "add", "hub.toml")
    assert imsoc.json("hub", "retry", numbers[0])["state"] == "imported"
    assert imsoc.json("hub", "show", numbers[1])["state"] == "imported"
    (left,) = imsoc.json("hub", "retry", code=ExitCode.REFUSED)["imports"]
    assert (left["number"], left["code"]) == (numbers[2], "IMG-2102")
    (trial / "hub.toml").write_text(RECORD.replace("*>NL", "*>*"))
    imsoc("partners", "add", "hub.toml")
    (row,) = imsoc.json("hub", "retry")["imports"]
    assert (row["number"], row["state"]) == (numbers[2], "imported")
    assert imsoc.json("hub", "retry")["imports"] == []


def test_an_answer_travels_back_and_is_audited(imsoc, hub, trial):
    number = hub.put(envelope())
    imsoc("hub", "poll")
    imsoc("hub", "respond", number, "--status", "41", "--reason", "Pest & <found>")
    ((header, acknowledgement),) = hub.responses
    assert (header.sender, header.to, header.certificate_status) == ("NL", "AR", 41)
    assert b"Pest &amp; &lt;found&gt;" in acknowledgement
    with open_store(f"sqlite:///{trial}/imsoc.db", exclusive=False) as store, store.read() as connection:
        detail = connection.exec_driver_sql("SELECT detail FROM audit WHERE action = 'hub answer'").scalar_one()
    assert '"status": 41' in detail
    back = hub.put(Envelope(header, acknowledgement))
    imsoc("hub", "poll")
    assert imsoc.json("hub", "respond", back, "--status", "39", code=ExitCode.USAGE)["error"]["code"] == "IMG-0126"


def test_an_answer_is_shown_with_its_number_and_what_became_of_it(imsoc, hub):
    number = hub.put(envelope())
    imsoc("hub", "poll")
    given = imsoc.json("hub", "respond", number, "--status", "41", "--reason", "Pest found")
    assert (given["state"], given["number"], given["repeated"]) == ("tracking", "ANSWER-1", False)
    hub.states["ANSWER-1"], hub.messages["ANSWER-1"] = "Delivered", "seen"
    with open_store("sqlite:///imsoc.db", exclusive=False) as store:
        store.write(lambda c: c.exec_driver_sql("UPDATE hub_answers SET next_attempt_at = created_at"))
    imsoc("hub", "poll")
    (shown,) = imsoc.json("hub", "show", number)["answers"]
    assert (shown["status"], shown["reason"], shown["number"]) == (41, "Pest found", "ANSWER-1")
    assert (shown["state"], shown["said"], shown["message"]) == ("delivered", "Delivered", "seen")
    (sent,) = imsoc.json("hub", "sent")["sent"]
    assert (sent["answers"], sent["status"], sent["number"], sent["state"]) == (number, 41, "ANSWER-1", "Delivered")
    assert "Pest found" in imsoc("hub", "show", number).stdout
    assert "ANSWER-1" in imsoc("hub", "sent", "--partner", "the-hub").stdout


def test_the_same_answer_is_sent_once_unless_it_is_asked_for(imsoc, hub):
    number = hub.put(envelope())
    imsoc("hub", "poll")
    answer = ("hub", "respond", number, "--status", "39")
    assert [imsoc.json(*answer)["repeated"], imsoc.json(*answer)["repeated"]] == [False, True]
    assert len(hub.responses) == 1
    assert "given before" in imsoc(*answer).stdout
    assert not imsoc.json(*answer, "--again")["repeated"]
    imsoc("hub", "respond", number, "--status", "41")
    assert [header.certificate_status for header, _ in hub.responses] == [39, 39, 41]


@pytest.mark.parametrize("status", ["70", "999", "-1", "40"])
def test_an_answer_has_a_status_that_an_answer_may_have(imsoc, hub, status):
    number = hub.put(envelope())
    imsoc("hub", "poll")
    said = imsoc.json("hub", "respond", number, "--status", status, code=ExitCode.USAGE)["error"]
    assert (said["code"], said["found"]) == ("IMG-0127", status)
    assert hub.responses == []


def test_a_refused_answer_looks_like_one_and_may_be_given_again(imsoc, hub):
    number = hub.put(envelope())
    imsoc("hub", "poll")
    hub.refusal = "AR is not active"
    answer = ("hub", "respond", number, "--status", "41")
    given = imsoc.json(*answer, code=ExitCode.REFUSED)
    assert (given["state"], given["code"], given["message"]) == ("refused", "IMG-8014", "AR is not active")
    assert imsoc.json("hub", "sent")["sent"][0]["state"] == "FailedDelivery"
    hub.refusal = ""
    assert imsoc.json(*answer)["state"] == "tracking"


def test_an_answer_that_the_hub_does_not_get_is_kept_and_sent_by_the_next_round(imsoc, hub):
    number = hub.put(envelope())
    imsoc("hub", "poll")
    hub.down = True
    given = imsoc.json("hub", "respond", number, "--status", "41")
    assert (given["state"], given["code"], given["number"]) == ("waiting", "IMG-8001", "")
    assert "is kept" in imsoc("hub", "respond", number, "--status", "39").stdout
    assert "answers" not in {each["name"] for each in imsoc.json("doctor", "--offline")["checks"]}
    with open_store("sqlite:///imsoc.db", exclusive=False) as store:
        store.write(
            lambda c: c.exec_driver_sql("UPDATE hub_answers SET created_at = '2026-01-01T00:00:00.000000+00:00'")
        )
    (check,) = [each for each in imsoc.json("doctor", "--offline")["checks"] if each["name"] == "answers"]
    assert (check["state"], check["detail"].partition(",")[0]) == ("warn", "2 not taken by their hub")
    hub.down = False
    with open_store("sqlite:///imsoc.db", exclusive=False) as store:
        store.write(lambda c: c.exec_driver_sql("UPDATE hub_answers SET next_attempt_at = created_at"))
    imsoc("hub", "poll")
    assert {each["state"] for each in imsoc.json("hub", "show", number)["answers"]} == {"tracking"}
    assert sorted(header.certificate_status for header, _ in hub.responses) == [39, 41]


def test_lists_are_fetched_compared_and_exported(imsoc, hub, tmp_path):
    first = imsoc.json("hub", "sync", "the-hub")["changed"]
    assert [row["code"] for row in first["UnitMeasure"]["added"]] == ["KGM", "GRM"]
    assert imsoc.json("hub", "sync", "the-hub")["changed"] == {}
    hub.units = ("KGM", "kilo"), ("TNE", "tonne")
    again = imsoc.json("hub", "sync", "the-hub")["changed"]["UnitMeasure"]
    assert [row["code"] for row in again["removed"]] == ["GRM"]
    assert [change["new"]["name"] for change in again["changed"]] == ["kilo"]
    folder = tmp_path / "export"
    said = imsoc.json("hub", "lists", "--partner", "the-hub", "--export", folder)
    assert {row["version"] for row in said["lists"] if row["list"] == "UnitMeasure"} == {1, 2}
    (file,) = [name for name in said["files"] if "unit" in name.lower()]
    lines = [line for line in Path(file).read_text("utf-8").splitlines() if not line.startswith("#")]
    assert {row["code"] for row in csv.DictReader(lines)} == {"KGM", "TNE"}
    assert "1" in imsoc("hub", "lists", "--partner", "the-hub").stdout


def test_members_are_those_of_the_hub(imsoc, hub):
    (row,) = imsoc.json("hub", "members", "the-hub")["members"]
    assert row == {"country": "AR", "send": True, "receive": True, "documents": ["851/70"]}
    assert imsoc.json("hub", "members")["members"] == []


def test_nothing_sent_is_said(imsoc, hub):
    assert imsoc.json("hub", "sent")["sent"] == []
    assert "none" in imsoc("hub", "sent").stdout
