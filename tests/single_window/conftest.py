"""``certex``: a gateway of this test's own on each engine. ``standing``: one that the tests of a module share, for
those that bring CHEDs of their own. The helpers are in certex_harness.py."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique
sys.path.insert(0, str(Path(__file__).parents[1] / "ched"))

from certex_harness import NOW, CertexWorld, make_seal


@pytest.fixture(scope="session")
def seal_files(tmp_path_factory):
    return make_seal(tmp_path_factory.mktemp("certex-seal"), NOW)


@pytest.fixture
def certex(tmp_path, store_url, seal_files):
    world = CertexWorld(tmp_path, store_url, seal=seal_files)
    yield world
    world.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def standing(request, tmp_path_factory, seal_files):
    folder = tmp_path_factory.mktemp("standing")
    if request.param == "sqlite":
        template = request.getfixturevalue("_sqlite_template")
        url = f"sqlite:///{shutil.copy(template, folder / 'certex.db')}"
        yield from _standing(folder, url, seal_files)
        return
    server, template = request.getfixturevalue("pg_server"), request.getfixturevalue("_pg_template")
    name = f"standing_{os.urandom(6).hex()}"
    administer = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(administer, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield from _standing(folder, make_url(server).set(database=name).render_as_string(hide_password=False),
                             seal_files)  # fmt: skip
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _standing(folder, url, seal_files):
    world = CertexWorld(folder, url, seal=seal_files)
    yield world
    world.close()


@pytest.fixture
def captured():
    """``captured("steps.csv")``: the text of a published capture.

    Skips where no folder of contracts is named; where one is that lacks them, it is a failure in a run that requires
    what is not of this repository (IMSOC_REQUIRE_EXTERNAL=1), else a skip too.
    """

    def read(name):
        folder = os.environ.get("IMSOC_CONTRACTS")
        path = Path(folder or "/nowhere") / "certex" / name
        if folder is None or not path.is_file():
            absent = "IMSOC_CONTRACTS names no folder with the captures of CERTEX"
            if folder is not None and os.environ.get("IMSOC_REQUIRE_EXTERNAL"):
                pytest.fail(absent)
            pytest.skip(absent)
        return path.read_bytes()

    return read
