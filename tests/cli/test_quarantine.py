"""``imsoc quarantine``: found, explained with the row to paste, released within a number, discarded with a reason."""

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))  # the gateway in memory of its tests

from exchange_harness import World, add_partners
from quarantine_harness import Keeper, with_codes

from gateway.app import build_application
from gateway.cli.quarantine import _command
from gateway.store import GapRow, open_store
from gateway.store.quarantine_families import AWAITED


@pytest.fixture
def three(imsoc, sqlite_url, tmp_path, monkeypatch):
    """A folder with settings, and three held messages in its store."""
    world = World(tmp_path)
    add_partners(sqlite_url, [world.partner(untranslatable="quarantine")], world.now)
    settings = world.settings(sqlite_url)
    (tmp_path / "imsoc.toml").write_text(
        f'[instance]\nid = "test"\nroles = ["traces"]\n[store]\nurl = "{sqlite_url}"\n'
        f'[seal]\nkey = "{settings.seal.key}"\ncertificate = "{settings.seal.certificate}"\n',
        "utf-8",
    )
    monkeypatch.chdir(tmp_path)
    gateway = build_application(settings, clock=lambda: datetime.now(UTC))
    keeper = Keeper(world, gateway)
    for number in ("AR-1", "AR-2", "AR-3"):
        world.now = datetime.now(UTC)
        assert keeper.caller.submit(with_codes(world, "X0", number=number)).code == "IMG-6010"
    ids = [entry.id for entry in keeper.held()]
    yield SimpleNamespace(ids=ids, keeper=keeper)
    gateway.close()


@pytest.fixture
def trial(three):
    """Their ids."""
    return three.ids


@pytest.fixture
def withdrawal(three):
    """The id of a fourth, which waits for the first."""
    three.keeper.world.now = datetime.now(UTC)
    document = three.keeper.world.sealed(number="AR-1", status="40")
    assert three.keeper.caller.submit(document).code == "IMG-6010"
    (waiting,) = three.keeper.held(list=AWAITED)
    return waiting.id


def add(imsoc):
    imsoc("mappings", "add", "ephyto", "package", "--row", "X0,BX,,in,widens,,,,", "--reason", "a test", "--yes")


def test_what_is_held_is_found_and_explained_with_the_row_to_paste(imsoc, trial):
    rows = imsoc.json("quarantine", "list", "--list", "package", "--code", "X0", "--state", "held")["quarantine"]
    assert sorted(row["id"] for row in rows) == sorted(trial)
    assert {row["translates"] for row in rows} == {""}
    assert imsoc.json("quarantine", "list", "--code", "X1")["quarantine"] == []
    assert [row["id"] for row in imsoc.json("quarantine", "list", "--document", "AR-1")["quarantine"]] == trial[:1]
    shown = imsoc.json("quarantine", "show", trial[0])
    assert (shown["state"], shown["document"], shown["code"]) == ("held", "AR/851/AR-1", "IMG-6001")
    assert [gap["code"] for gap in shown["gaps"]] == ["X0"]
    command = shown["needed"][0]["command"]
    assert command.startswith("imsoc mappings add ephyto package --row 'X0,?,,in,widens,")
    assert command in imsoc("quarantine", "show", trial[0]).stdout.replace("\n", " ").replace("  ", " ")
    doctor = imsoc.json("doctor", "--offline")
    (check,) = [each for each in doctor["checks"] if each["name"] == "quarantine"]
    assert check["detail"].startswith("3 messages are held, the oldest since ")


def test_a_code_is_text_to_the_shell_that_the_command_is_pasted_into():
    row = "X'; touch here; ',?,,in,widens,2026-11-22,,,"
    gap = GapRow(
        "ephyto", "traces", "unit", "X'; touch here; '", "", "IMG-6001", "/x", "", f"map-ephyto-unit.csv: {row}"
    )
    command = _command(SimpleNamespace(command="imsoc {}".format), gap)
    words = shlex.split(command)
    assert words[:6] == ["imsoc", "mappings", "add", "ephyto", "unit", "--row"]
    assert words[6:] == [row, "--reason", "...", "--release", "1"]


@pytest.mark.parametrize("code", ["X\u009b2J", "X\u202eB", "X\nY", "X" * 250 + "…"])
def test_no_command_is_made_of_what_a_terminal_would_not_show_as_it_is(code):
    row = f"map-ephyto-unit.csv: {code}" + ("" if code.endswith("…") else ",?,,in,widens,2026-11-22,,,")
    gap = GapRow("ephyto", "traces", "unit", code, "", "IMG-6001", "/x", "", row)
    assert _command(SimpleNamespace(command="imsoc {}".format), gap) == ""


def test_explain_names_the_command_for_what_is_held(imsoc, trial):
    error = imsoc.json("explain", trial[0], code=2)["error"]
    assert error["expected"].endswith(f"quarantine show {trial[0]}")


def test_what_was_held_before_such_codes_were_refused_is_shown_without_a_command(imsoc, trial, sqlite_url):
    with open_store(sqlite_url, exclusive=False) as store:
        store.write(
            lambda connection: connection.exec_driver_sql(
                "UPDATE quarantine_gaps SET code = char(88, 155, 8238), "
                "needed = 'map-ephyto-package.csv: ' || char(88, 155, 8238) || ',?,,in,widens,,,,'"
            )
        )
    shown = imsoc("quarantine", "show", trial[0]).stdout
    assert not set("\x9b\u202e") & set(shown)
    assert "mappings add" not in shown
    assert "no row can be added" in shown


def test_the_doctor_says_whose_quota_is_used_up(imsoc, trial, tmp_path):
    settings = tmp_path / "imsoc.toml"
    settings.write_text(settings.read_text("utf-8") + "[translation]\nmax_held_per_partner = 3\n", "utf-8")
    checks = [each for each in imsoc.json("doctor", "--offline")["checks"] if each["name"] == "quarantine"]
    assert [each["detail"] for each in checks[1:]] == [
        "ar: 3 messages are held, as many as may; what comes now is refused"
    ]


def test_no_more_are_released_than_was_said(imsoc, trial):
    add(imsoc)
    assert {row["translates"] for row in imsoc.json("quarantine", "list")["quarantine"]} == {"yes, not confirmed"}
    imsoc("quarantine", "release", "--all-ready", code=2)
    would = imsoc.json("quarantine", "release", "--all-ready", "--dry-run")["would_release"]
    assert [row["id"] for row in would] == trial
    assert {row["state"] for row in imsoc.json("quarantine", "list")["quarantine"]} == {"held"}
    done = imsoc.json("quarantine", "release", "--all-ready", "--at-most", 2)["released"]
    assert [(each["id"], each["outcome"]) for each in done] == [(each, "released") for each in trial[:2]]
    states = {row["id"]: row["state"] for row in imsoc.json("quarantine", "list")["quarantine"]}
    assert [states[each] for each in trial] == ["released", "released", "held"]
    assert imsoc.json("messages", "show", done[0]["became"])["id"] == done[0]["became"]


def test_what_follows_counts_for_the_bound_too(imsoc, trial, withdrawal):
    add(imsoc)
    release = ("quarantine", "release", "--all-ready", "--at-most")
    (done,) = imsoc.json(*release, 1, code=1)["released"]
    assert (done["id"], done["outcome"]) == (trial[0], "unconfirmed")
    assert imsoc.json(*release, 1, "--dry-run")["would_release"] == []
    would = imsoc.json(*release, 2, "--dry-run")["would_release"]
    assert [row["id"] for row in would] == [trial[0], withdrawal]
    done = imsoc.json(*release, 2)["released"]
    assert [(each["id"], each["outcome"]) for each in done] == [(each, "released") for each in (trial[0], withdrawal)]


def test_what_is_not_understood_yet_stays_and_says_why(imsoc, trial):
    (done,) = imsoc.json("quarantine", "release", trial[0], code=1)["released"]
    assert (done["outcome"], done["code"]) == ("held", "IMG-6001")
    assert imsoc.json("quarantine", "release", "nowhere", code=1)["error"]["code"] == "IMG-6021"


def test_discarded_it_is_gone_for_a_reason(imsoc, trial):
    imsoc("quarantine", "discard", trial[0], "--reason", " ", code=2)
    assert imsoc.json("quarantine", "discard", trial[0], "--reason", "Use BX.")["state"] == "discarded"
    shown = imsoc.json("quarantine", "show", trial[0])
    assert (shown["state"], shown["reason"]) == ("discarded", "Use BX.")
    assert imsoc.json("quarantine", "discard", trial[0], "--reason", "Again.", code=1)["error"]["code"] == "IMG-6021"
    add(imsoc)
    (done,) = imsoc.json("quarantine", "release", trial[0])["released"]
    assert done["outcome"] == "released"
