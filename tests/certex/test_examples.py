"""The request envelopes in examples/requests/certex are messages of the contract, and mean what they say."""

from pathlib import Path

import pytest

from gateway.certex import wire
from gateway.certex.contract import CERTEX, CRFL
from gateway.certex.models import DeclarationReference, Declared, GoodsClearance, Intervention
from gateway.traces.headers import read_header_blocks
from gateway.xml.boundary import parse
from gateway.xml.names import SOAP11, qn
from gateway.xml.schemas import validate

pytestmark = pytest.mark.short

FOLDER = Path(__file__).parents[2] / "examples/requests/certex"
MRN = "26NL000000EXAMPLE1"


def envelope(name):
    return parse((FOLDER / f"{name}.xml").read_bytes()).root


def body(name):
    return envelope(name).find(qn(SOAP11, "Body"))[0]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.xml")))
def test_each_is_valid_and_has_the_headers(name):
    validate(CERTEX.schema, body(name), explained=True)
    blocks = list(envelope(name).find(qn(SOAP11, "Header")))
    assert read_header_blocks(blocks).customs_office == "NL000396"
    assert wire.read_header_block(blocks).prefix == "NL000396"


def test_there_is_one_of_every_operation_that_is_answered():
    named = {body(path.stem).tag for path in FOLDER.glob("*.xml")}
    assert named == {each.request for each in CERTEX.operations if each.name != CRFL}


def test_one_reads_and_one_reserves():
    read, reserve = (wire.read_processed_request(body(name)) for name in ("read", "reserve"))
    assert (read.reserve, read.declaration, read.items) == (False, None, ())
    assert (reserve.reserve, reserve.declaration) == (True, DeclarationReference("MRN", MRN))
    assert [each.weight for each in reserve.items] == [Declared("250.5", "KGM")]


def test_the_others_clear_and_correct_the_same_declaration():
    release, cancel = (wire.read_clearance_request(body(name)) for name in ("release", "cancel"))
    assert [release.information, cancel.information] == [GoodsClearance.RELEASED, GoodsClearance.NOT_RELEASED]
    amend = wire.read_intervention_request(body("amend"))
    assert (amend.intervention, amend.items[0].weight) == (Intervention.AMEND, Declared("240", "KGM"))
    assert {release.document, cancel.document, amend.document} == {MRN}
