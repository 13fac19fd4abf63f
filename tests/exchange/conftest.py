"""``house``, ``caller`` and their like: whole gateways on each database. The helpers are in exchange_harness.py."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the name of the helper is unique

from exchange_harness import Caller, House, World, add_partners, inhabitants

from gateway.app import build_application
from gateway.store import upgrade


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request, tmp_path_factory):
    """The house, on each database."""
    folder = tmp_path_factory.mktemp("house")
    world = World(folder)
    if request.param == "sqlite":
        url, drop = f"sqlite:///{folder / 'house.db'}", None
        upgrade(url)
    else:
        url, drop = _own_postgresql(request.getfixturevalue("pg_server"))
    add_partners(url, inhabitants(world), world.now)
    gateway = build_application(world.settings(url), clock=lambda: world.now)
    yield House(world, gateway)
    gateway.close()
    if drop:
        drop()


def _own_postgresql(server):
    plain = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    name = f"house_{secrets.token_hex(4)}"

    def administer(statement):
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement)

    administer(f"CREATE DATABASE {name}")
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    upgrade(url)
    return url, lambda: administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def opened(world, store_url):
    """Opens gateways on the test's database and closes them."""
    gateways = []

    def open_gateway(*records, roles=("traces",), **changes):
        add_partners(store_url, records or (world.partner(),), world.now)
        gateway = build_application(world.settings(store_url, *roles, **changes), clock=lambda: world.now)
        gateways.append(gateway)
        return gateway

    yield open_gateway
    for gateway in gateways:
        gateway.close()


@pytest.fixture
def caller(world, opened):
    """The one third country of most tests, at a gateway in the role of TRACES."""
    return Caller(world, opened())


@pytest.fixture
def caller_of(world):
    """A client of one partner at a gateway."""
    return lambda gateway, username="ar": Caller(world, gateway, username)
