"""``hub`` and ``calling``: a gateway in the role of the hub and its callers; ``pair``: two that serve TRACES' faces."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the name of the helper is unique

from hub_callers import HubCaller, HubWorld

from gateway.store import upgrade


@pytest.fixture(scope="session")
def hub_world(tmp_path_factory):
    return HubWorld(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def hub(hub_world, sqlite_url):
    gateway = hub_world.open(sqlite_url)
    yield gateway
    gateway.close()


@pytest.fixture
def calling(hub_world, hub):
    """``calling("be-nppo")`` is that member's client."""
    return lambda member="ar-nppo": HubCaller(hub_world, hub, member)


@pytest.fixture(scope="module")
def standing(hub_world, tmp_path_factory):
    """As ``calling``, at a gateway that all tests of the module share: for tests that do not mind what waits there."""
    url = f"sqlite:///{tmp_path_factory.mktemp('standing') / 'hub.db'}"
    upgrade(url)
    gateway = hub_world.open(url)
    yield lambda member="ar-nppo": HubCaller(hub_world, gateway, member)
    gateway.close()


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """A gateway in the role traces and a national one that relays to it, both `imsoc serve`: started once for all."""
    from traces_server import Pair  # noqa: PLC0415 - other tests here do without it

    both = Pair(tmp_path_factory.mktemp("pair"))
    try:
        both.start()
        yield both
    finally:
        both.stop()
