"""``imsoc customs`` at a gateway that passes customs' questions on: the ledgers are somewhere else."""

import re
from datetime import UTC, datetime

import pytest

from gateway.store import Declaration, DeclarationType, claim_declaration

CHED = "CHEDP.XI.2026.0000001"
MRN = "26XI0000000000A1"
AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def relaying(trial):
    settings = trial / "imsoc.toml"
    text = re.sub(r"(?m)^roles = .*$", 'roles = ["national"]', settings.read_text("utf-8"))
    settings.write_text(text + '\n[customs]\nupstream = "traces-customs"\n', "utf-8")


@pytest.mark.parametrize(
    "command",
    [
        ("show", CHED),
        ("history", CHED),
        ("declaration", MRN),
        ("check", CHED),
        ("check", "--all"),
        ("freeze", CHED, "--reason", "a test"),
        ("freeze", CHED, "--off"),
    ],
    ids=" ".join,
)
def test_it_is_told_where_the_ledgers_are(imsoc, relaying, command):
    told = imsoc("customs", *command, code=1).stderr
    assert "IMG-7413" in told
    assert "the ledgers are at traces-customs" in told
    assert "customs ask traces-customs" in told


def test_the_operator_frees_a_number(imsoc, relaying, stored):
    mine = Declaration(DeclarationType.MRN, MRN)
    stored(lambda connection: claim_declaration(connection, CHED, mine, partner="customs-xi", at=AT, exchange_id="1"))
    release = ("customs", "release", CHED, "--mrn", MRN, "--reason", "sent by the wrong office")
    assert imsoc.json(*release) == {"reference": CHED, "released": [], "was": "customs-xi"}
    assert "IMG-7413" in imsoc(*release, code=1).stderr
    found = stored(
        lambda connection: claim_declaration(connection, CHED, mine, partner="customs-nl", at=AT, exchange_id="2")
    )
    assert found is None
