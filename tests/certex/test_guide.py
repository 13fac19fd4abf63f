"""The messages that docs/customs.md shows are messages of the contract."""

import re
from pathlib import Path

import pytest

from gateway.certex.wire import read_clearance_request, read_processed_request
from gateway.xml.boundary import parse
from gateway.xml.limits import Limits
from gateway.xml.schemas import SchemaName, validate

pytestmark = pytest.mark.short

GUIDE = (Path(__file__).parents[2] / "docs" / "customs.md").read_text("utf-8")
BLOCKS = re.findall(r"```xml\n(.*?)```", GUIDE, re.DOTALL)


def test_the_messages_of_the_guide_are_read_as_it_says():
    reservation, clearance = (parse(block.encode(), limits=Limits()).root for block in BLOCKS)
    for message in (reservation, clearance):
        validate(SchemaName.CERTEX, message)
    asked = read_processed_request(reservation)
    assert asked.reserve
    assert asked.declaration.type == "MRN"
    assert (asked.items[0].weight.quantity, asked.items[0].weight.unit) == ("600", "KGM")
    cleared = read_clearance_request(clearance)
    assert (cleared.document, cleared.information) == (asked.declaration.number, "01")
    assert (cleared.reference, cleared.office) == (asked.reference, asked.office)
    assert cleared.sending_date > asked.sending_date
