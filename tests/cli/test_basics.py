import json
import subprocess
import sys
import tomllib

import pytest

from gateway.cli.desk import ExitCode, as_line, exit_code_of, printable
from gateway.errors import ConfigurationError, DeliveryError, SealRefused, Unavailable, catalogue
from gateway.rules import catalogue as rules

pytestmark = pytest.mark.short

HEAVY = ("lxml", "sqlalchemy", "spyne", "zeep", "granian", "cryptography", "requests", "xmlschema", "structlog")


def test_help_answers_without_loading_the_gateway():
    """Start-up stays fast, and a broken installation can still be asked."""
    program = (
        "import sys; from typer.testing import CliRunner; from gateway.cli.application import app;"
        "assert 'doctor' in CliRunner().invoke(app, ['--help']).output;"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_says_what_is_taken_when_an_option_is_left_out(imsoc):
    assert "[default: imsoc.toml if it is there]" in " ".join(imsoc("--help").stdout.replace("│", " ").split())


def test_the_version_is_printed(imsoc):
    assert imsoc("--version").stdout.startswith("imsoc 0.")


@pytest.mark.parametrize("code", catalogue())
def test_every_code_is_explained(imsoc, code):
    answer = imsoc.json("explain", code.lower())
    assert answer["kind"] == "code"
    assert answer["code"] == code
    assert answer["action"]


@pytest.mark.parametrize("said", ["4001", "IMG4001", "img-4001"])
def test_a_code_is_understood_as_people_say_it(imsoc, said):
    assert imsoc.json("explain", said)["code"] == "IMG-4001"


def test_a_code_is_explained_to_people(imsoc):
    text = imsoc("explain", "IMG-0101").stdout
    assert "A setting is wrong" in text
    assert "what to do" in text


def test_a_rule_is_explained(imsoc):
    rule = next(iter(rules().values()))
    answer = imsoc.json("explain", rule.id)
    assert answer["kind"] == "rule"
    assert answer["message"] == rule.message


def test_what_does_not_exist_is_said_with_the_way_to_find_it(imsoc):
    answer = imsoc.json("explain", "IMG-9999", code=ExitCode.USAGE)
    assert answer["error"]["code"] == "IMG-0105"


def test_a_wrong_setting_is_refused_with_its_key(imsoc, tmp_path):
    (tmp_path / "imsoc.toml").write_text("[server]\nport = 99999\n", "utf-8")
    result = imsoc("messages", "list", code=ExitCode.USAGE)
    assert result.stdout == ""
    for word in ("IMG-0101", "server.port", "99999", "0 to 65535"):
        assert word in result.stderr


def test_a_settings_file_that_was_named_must_be_there(imsoc):
    assert "IMG-0102" in imsoc("--config", "nowhere.toml", "messages", "list", code=ExitCode.USAGE).stderr


def test_a_missing_file_is_named(imsoc):
    answer = imsoc.json("verify", "nowhere.xml", code=ExitCode.USAGE)
    assert answer["error"]["code"] == "IMG-0104"
    assert answer["error"]["where"] == "nowhere.xml"


def test_an_unknown_command_is_a_usage_error(imsoc):
    imsoc("frobnicate", code=ExitCode.USAGE)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("IMG-0101"), ExitCode.USAGE),
        (Unavailable("IMG-9001"), ExitCode.UNAVAILABLE),
        (SealRefused("IMG-4001"), ExitCode.REFUSED),
        (DeliveryError("IMG-8001"), ExitCode.UNAVAILABLE),
    ],
)
def test_exit_codes_say_what_a_script_can_do(error, code):
    assert exit_code_of(error) is code


def test_values_of_partners_cannot_steer_the_terminal_by_json():
    data = {"number": "H\x9b2J\u2066\n\U000e0001 é€"}
    line = as_line(data)
    assert json.loads(line) == data
    assert line == '{"number": "H\\u009b2J\\u2066\\n\\udb40\\udc01 é€"}'


def test_values_of_partners_cannot_steer_the_terminal():
    assert printable("a\x1b[31mred\u202e\r") == "a\ufffd[31mred\ufffd\ufffd"


def test_keys_make_a_complete_example(imsoc, tmp_path):
    imsoc("keys", "trial")
    folder = tmp_path / "trial"
    assert tomllib.loads((folder / "imsoc.toml").read_text("utf-8"))["seal"]["key"] == "seal.key"
    for name in ("seal.key", "partner-secret.txt", "imsoc.toml"):
        assert (folder / name).stat().st_mode & 0o077 == 0


def test_the_trial_has_a_certificate_to_send(imsoc, trial):
    key = ("--key", "partner-seal.key", "--certificate", "partner-seal.pem")
    imsoc("seal", "certificate.xml", *key, "--out", "sealed.xml")
    assert imsoc.json("verify", "sealed.xml", "--anchor", "partner-root.pem")["passed"]
    refused = imsoc.json("seal", "certificate.xml", *key, "--out", "no/such/folder.xml", code=ExitCode.USAGE)
    assert refused["error"]["code"] == "IMG-0104"


def test_keys_never_overwrite(imsoc, tmp_path):
    (tmp_path / "precious.txt").write_text("x", "utf-8")
    assert "IMG-0104" in imsoc("keys", tmp_path, code=ExitCode.USAGE).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
