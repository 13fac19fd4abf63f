import pytest

from gateway.cli.desk import ExitCode


def test_a_partner_is_added_listed_and_shown(imsoc, trial):
    assert [row["id"] for row in imsoc.json("partners", "list")["partners"]] == ["third-country"]
    shown = imsoc.json("partners", "show", "third-country")
    assert shown["country_pairs"] == ["AR>*"]
    assert shown["anchors"][0].startswith("partner-root.pem (advanced")
    assert "third-country" in imsoc("partners", "list").stdout


def test_adding_again_makes_a_new_version(imsoc, trial):
    assert imsoc.json("partners", "add", "partner.toml") == {"id": "third-country", "version": 2}


def test_the_secret_is_never_shown(imsoc, trial):
    secret = (trial / "partner-secret.txt").read_text("utf-8").strip()
    assert secret not in imsoc("partners", "show", "third-country", "--json").stdout
    assert secret not in (trial / "imsoc.db").read_bytes().decode("latin-1")


def test_a_removed_partner_is_disabled_and_kept(imsoc, trial):
    assert imsoc.json("partners", "remove", "third-country")["enabled"] is False
    assert imsoc.json("partners", "show", "third-country")["enabled"] is False


def test_a_wrong_file_is_refused_with_its_key(imsoc, trial):
    text = (trial / "partner.toml").read_text("utf-8").replace('kind = "third-country"', 'kind = "friend"')
    (trial / "partner.toml").write_text(text, "utf-8")
    error = imsoc.json("partners", "add", "partner.toml", code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"], error["found"]) == ("IMG-0120", "partner.kind", "friend")


@pytest.mark.parametrize("command", ["show", "remove"])
def test_an_unknown_partner_is_said(imsoc, trial, command):
    assert imsoc.json("partners", command, "nobody", code=ExitCode.USAGE)["error"]["code"] == "IMG-0105"


def test_a_second_partner_cannot_take_the_name_of_the_first(imsoc, trial):
    """It would make the running gateway refuse every caller."""
    text = (trial / "partner.toml").read_text("utf-8").replace('id = "third-country"', 'id = "another"')
    (trial / "another.toml").write_text(text, "utf-8")
    error = imsoc.json("partners", "add", "another.toml", code=ExitCode.USAGE)["error"]
    assert error["code"] == "IMG-0122"
    assert [row["id"] for row in imsoc.json("partners", "list")["partners"]] == ["third-country"]
    imsoc("partners", "remove", "third-country")
    imsoc("partners", "add", "another.toml")


def test_a_secret_that_is_not_there_is_said_at_once(imsoc, trial):
    (trial / "partner-secret.txt").unlink()
    said = imsoc("partners", "add", "partner.toml").stderr
    assert "IMG-0121" in said
    assert "write it to" in said


def test_a_file_that_is_not_there_is_named(imsoc, trial):
    error = imsoc.json("partners", "add", "nothing.toml", code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"], error["found"]) == ("IMG-0104", "nothing.toml", "No such file or directory")
