"""Shared by the tests of the mappings: the tables of one day, and small certificates to change."""

from datetime import date

import pytest
from lxml import etree

from mappings import Index, Tables, load_tables

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
