import json

import pytest
from typer.testing import CliRunner

from gateway.cli.application import app


class Imsoc:
    """Runs commands as an operator would, in a folder of its own."""

    def __call__(self, *arguments, code=0):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})
        assert result.exit_code == code, f"{result.output}\n{result.stderr}\n{result.exception!r}"
        return result

    def json(self, *arguments, code=0):
        return json.loads(self(*arguments, "--json", code=code).stdout)


@pytest.fixture
def imsoc(tmp_path, monkeypatch):
    for name in ("IMSOC_CONFIG", "IMSOC_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Imsoc()


@pytest.fixture
def trial(imsoc, tmp_path, monkeypatch):
    """The folder that ``imsoc keys`` makes, with a store and its example partner; the working folder."""
    imsoc("keys", "trial")
    monkeypatch.chdir(tmp_path / "trial")
    imsoc("db", "upgrade")
    imsoc("partners", "add", "partner.toml")
    return tmp_path / "trial"
