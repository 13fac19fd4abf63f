"""Documents made to be slow to translate."""

from datetime import date

import pytest
from lxml import etree

from gateway.sandbox.samples import Example, example
from gateway.xml.names import RAM21, qn
from mappings import load_tables, translate, walk

pytestmark = pytest.mark.short

INDEX = load_tables().compile(date(2026, 11, 22))


def with_descriptions(*texts):
    root = etree.fromstring(example(Example.EPHYTO))
    line = root.find(".//{*}IncludedSPSTradeLineItem")
    for text in texts:
        etree.SubElement(line, qn(RAM21, "Description")).text = text
    return root


def test_siblings_that_might_be_nothing_are_counted_once(monkeypatch):
    counted = []
    before = walk._positions
    monkeypatch.setattr(walk, "_positions", lambda siblings: counted.append(len(siblings)) or before(siblings))
    translate(with_descriptions(*["Nuts"] * 3000), source="ephyto", target="traces", index=INDEX)
    assert sum(each >= 3000 for each in counted) <= 1


def test_the_place_of_such_a_sibling_is_its_own():
    root = with_descriptions("Apples", "Nuts", "NULL", "Pears", "NULL")
    old = len(root.find(".//{*}IncludedSPSTradeLineItem").findall("{*}Description")) - 5
    report = translate(root, source="ephyto", target="traces", index=INDEX).report
    said = [place.path.rpartition("/")[2] for place in report if place.row_id == "structure/null"]
    assert said == [f"ram:Description[{old + 3}]", f"ram:Description[{old + 5}]"]
