"""Whole gateways to attack: the harness of tests/exchange, on SQLite only: no attack here is about a database."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "exchange"))  # importlib mode does not

from exchange_harness import Caller, House, World, add_partners, inhabitants

from gateway.app import build_application
from gateway.store import upgrade


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A gateway with every kind of partner; the tests of a module share it and leave its clock alone."""
    folder = tmp_path_factory.mktemp("attacked")
    world = World(folder)
    url = f"sqlite:///{folder / 'house.db'}"
    upgrade(url)
    add_partners(url, inhabitants(world), world.now)
    gateway = build_application(world.settings(url), clock=lambda: world.now)
    yield House(world, gateway)
    gateway.close()


@pytest.fixture
def world(house):
    return house.world


@pytest.fixture
def caller(house):
    """The third country of most tests."""
    return house.caller()


@pytest.fixture
def opened(tmp_path):
    """Opens gateways of a test's own, with a clock that the test may move."""
    gateways = []

    def open_gateway(*records, **changes):
        world = World(tmp_path)
        url = f"sqlite:///{tmp_path / 'own.db'}"
        upgrade(url)
        add_partners(url, records or (world.partner(),), world.now)
        gateway = build_application(world.settings(url, **changes), clock=lambda: world.now)
        gateways.append(gateway)
        return Caller(world, gateway)

    yield open_gateway
    for gateway in gateways:
        gateway.close()
