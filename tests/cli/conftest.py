import json
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.application import app
from gateway.config import Settings
from gateway.store import open_store

sys.path.insert(0, str(Path(__file__).parents[1] / "hub"))  # the hub in memory of its tests


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


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """What ``imsoc keys`` and ``imsoc db upgrade`` make; copied, because making it anew takes a second."""
    folder = tmp_path_factory.mktemp("template") / "trial"
    imsoc = Imsoc()
    imsoc("keys", folder)
    imsoc("--config", folder / "imsoc.toml", "db", "upgrade")
    return folder


@pytest.fixture
def trial(imsoc, template, tmp_path, monkeypatch):
    """The working folder: a development PKI, settings, a store, and the example partner in it."""
    folder = tmp_path / "trial"
    shutil.copytree(template, folder)
    monkeypatch.chdir(folder)
    imsoc("partners", "add", "partner.toml")
    return folder


@pytest.fixture
def stored(trial):
    """Run a unit of work on the trial's store."""

    def run(unit):
        with open_store(Settings.load(trial / "imsoc.toml", {}).store.url, exclusive=False) as store:
            return store.write(unit)

    return run
