"""A number that another customs system took, and the operator's way out as docs/customs.md tells it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from certex_harness import MRN, CertexWorld, Goods
from typer.testing import CliRunner

from gateway.cli.application import app

NUMBER = MRN("26XI00020000000001")


class Place:
    """A gateway on the clock of this machine, as its commands are."""

    def __init__(self, folder, url):
        self.world = CertexWorld(folder, url, now=datetime.now(UTC))
        self.owner, self.taker = self.world.caller("customs-xi"), self.world.caller("customs-xi-dublin")
        self.ched = self.world.ched()
        seal = self.world.settings.seal
        self.config = folder / "imsoc.toml"
        self.config.write_text(
            f'[instance]\nid = "certex-tests"\nroles = ["traces"]\n[store]\nurl = "{url}"\n'
            f'[seal]\nkey = "{seal.key}"\ncertificate = "{seal.certificate}"\n',
            "utf-8",
        )

    def imsoc(self, *arguments, code=0):
        result = CliRunner().invoke(app, ["--config", str(self.config), "customs", *arguments, "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def go_on(self):
        """The command took place after the world's clock was set."""
        self.world.now = datetime.now(UTC)


@pytest.fixture
def place(tmp_path, store_url, monkeypatch):
    for name in ("IMSOC_CONFIG", "IMSOC_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Place(tmp_path, store_url)
    yield made
    made.world.close()


def test_the_operator_sees_who_took_a_number_and_gives_it_back(place):
    assert place.taker.reserve(place.ched, NUMBER, Goods("1"), message_id="taken-1").said == "reserved"
    assert place.owner.reserve(place.ched, NUMBER, Goods("5")).said == "IMG-7407"
    assert place.owner.delete(place.ched, NUMBER).said == "IMG-7407"
    (entry,) = place.imsoc("history", place.ched, "--declaration", NUMBER)["entries"]
    assert "customs-xi-dublin" in json.dumps(entry)
    released = place.imsoc("release", place.ched, "--mrn", NUMBER, "--reason", "not a declaration of that partner")
    assert [(each["declaration"], each["quantity"]) for each in released["released"]] == [(f"MRN {NUMBER}", "1")]
    place.go_on()
    answer = place.owner.reserve(place.ched, NUMBER, Goods("5"))
    assert (answer.said, answer.ledger[0]) == ("reserved", ["995"])
    assert place.taker.release(place.ched, NUMBER).said == "IMG-7407"
    place.go_on()
    assert place.owner.release(place.ched, NUMBER).said == "outcome 01"


def test_what_was_released_under_it_only_the_other_system_takes_back(place):
    assert place.taker.reserve(place.ched, NUMBER, Goods("1")).said == "reserved"
    assert place.taker.release(place.ched, NUMBER).said == "outcome 01"
    assert place.owner.intervene(place.ched, NUMBER, "DeleteWriteOff").said == "IMG-7407"
    refused = place.imsoc("release", place.ched, "--mrn", NUMBER, "--reason", "x", code=1)
    assert refused["error"]["code"] == "IMG-7413"
    assert place.taker.intervene(place.ched, NUMBER, "DeleteWriteOff").said == "outcome 01"
    assert place.owner.read(place.ched).ledger[0] == ["1000"]


def test_a_number_that_the_other_system_gave_back_is_freed(place):
    assert place.taker.reserve(place.ched, NUMBER, Goods("1")).said == "reserved"
    place.go_on()
    assert place.taker.delete(place.ched, NUMBER).said == "outcome 01"
    assert place.owner.reserve(place.ched, NUMBER, Goods("5")).said == "IMG-7407"
    assert place.imsoc("release", place.ched, "--mrn", NUMBER, "--reason", "not that partner's")["released"] == []
    again = place.imsoc("release", place.ched, "--mrn", NUMBER, "--reason", "twice", code=1)
    assert again["error"]["code"] == "IMG-7413"
    place.go_on()
    assert place.owner.reserve(place.ched, NUMBER, Goods("5")).said == "reserved"
    assert place.taker.reserve(place.ched, NUMBER, Goods("1")).said == "IMG-7407"
