"""What a customs system is given to serve: a description that toolkits read, and an example that is right."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
import zeep
from lxml import etree

from gateway.certex.pushes import ChedChange, notification, read_receipt, receipt
from gateway.errors import SchemaInvalid
from gateway.single_window.pushing import _STOP_REASONS
from gateway.store.pushes import MAX_WAITING_PUSHES, PushEnd, PushKind
from gateway.xml.names import PUSH1, qn
from gateway.xml.schema_files import schema_tree
from gateway.xml.schemas import SchemaName, is_valid

pytestmark = pytest.mark.short

WSDL = Path(str(resources.files("wsdl").joinpath("CustomsPush.wsdl")))
GUIDE = (Path(__file__).parents[2] / "docs" / "customs-push.md").read_text("utf-8")
XS = "{http://www.w3.org/2001/XMLSchema}"


def enumeration(name):
    (found,) = (each for each in schema_tree("CustomsPush_1.xsd") if each.get("name") == name)
    return [each.get("value") for each in found.iter(f"{XS}enumeration")]


def test_zeep_reads_it_and_writes_the_same_message():
    client = zeep.Client(str(WSDL))
    port = client.wsdl.services["CustomsPushService"].ports["CustomsPush"]
    assert set(port.binding.all()) == {"notifyChedChange"}
    assert port.binding.get("notifyChedChange").soapaction == f"{PUSH1}:notifyChedChange"
    said = client.get_element(qn(PUSH1, "ChedChangeReceipt"))(Subscription="S", Number=3)
    node = etree.Element("node")
    client.get_element(qn(PUSH1, "ChedChangeReceipt")).render(node, said)
    assert read_receipt(node[0]) == ("S", 3)
    assert is_valid(SchemaName.CUSTOMS_PUSH, etree.fromstring(receipt("S", 3)))


def test_the_example_of_the_guide_is_a_message():
    (example,) = re.findall(r"```xml\n(.*?)```", GUIDE, re.DOTALL)
    assert is_valid(SchemaName.CUSTOMS_PUSH, etree.fromstring(example))


def test_the_lists_of_the_schema_are_those_that_are_used():
    assert enumeration("ChangeType") == [each.value for each in PushKind]
    assert set(enumeration("StopReasonType")) == {PushEnd.CHED, PushEnd.BACKLOG}


def test_the_guide_says_every_end():
    for why, code in _STOP_REASONS.items():
        told = f"`{why}`" if why in enumeration("StopReasonType") else ""
        assert f"| {code} | {told}".rstrip() in GUIDE
    assert f"{MAX_WAITING_PUSHES:,}".replace(",", " ") + " pushes" in GUIDE


def test_a_change_without_a_ledger_is_a_message():
    change = ChedChange(
        subscription="S",
        number=1,
        moment=datetime(2026, 11, 22, tzinfo=UTC),
        what="status",
        office="NL000396",
        reference="CHEDPP.NL.2026.0000001",
        type="PP",
        status_code="41",
        stop_reason="ched-ended",
    )
    body = etree.fromstring(notification(change))
    assert is_valid(SchemaName.CUSTOMS_PUSH, body)
    assert [etree.QName(each).localname for each in body][-2:] == ["Ched", "StopReason"]


@pytest.mark.parametrize(
    "answer",
    [
        "<ok/>",
        f'<p:ChedChangeReceipt xmlns:p="{PUSH1}"><p:Number>1</p:Number></p:ChedChangeReceipt>',
        f'<p:ChedChangeReceipt xmlns:p="{PUSH1}"><p:Subscription>S</p:Subscription></p:ChedChangeReceipt>',
        receipt("S", 7).replace(b"7", b"1e3").decode(),
    ],
)
def test_what_is_no_receipt_is_refused(answer):
    with pytest.raises(SchemaInvalid):
        read_receipt(etree.fromstring(answer))
