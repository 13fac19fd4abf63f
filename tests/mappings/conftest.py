"""Shared by the tests of the mappings: the tables of one day, and small certificates to change."""

import sys
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from mappings import Index, Tables, load_tables

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique

DAY = date(2026, 11, 22)


@pytest.fixture(scope="session")
def tables() -> Tables:
    return load_tables()


@pytest.fixture(scope="session")
def index(tables: Tables) -> Index:
    return tables.compile(DAY)


@pytest.fixture
def canonical():
    def canonical(root: etree._Element) -> bytes:
        return etree.tostring(root, method="c14n", exclusive=True)

    return canonical
