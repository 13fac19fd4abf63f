"""``world``: a register on a store of each engine. The helpers are in ched_harness.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the name of the helper is unique

from ched_harness import World

from gateway.store import open_store


@pytest.fixture
def world(store):
    return World(store)


@pytest.fixture
def quick(sqlite_url):
    """A register on SQLite, for what the engine has no part in."""
    with open_store(sqlite_url, exclusive=True) as opened:
        yield World(opened)
