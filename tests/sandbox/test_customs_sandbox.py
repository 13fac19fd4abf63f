"""What the sandbox plays for customs: the records of two offices, and how its story tells a ledger."""

import pytest

from gateway.access import PartnerKind, record_from_toml
from gateway.access.records import partner_from_record
from gateway.certex.models import Allocated, Available, DeclarationReference, Summary
from gateway.sandbox.customs_instances import AT_DESTINATION, AT_ENTRY, CustomsWorld
from gateway.sandbox.customs_journey import _is, _told
from gateway.sandbox.processes import Instance

pytestmark = pytest.mark.short


def allocated(quantity, number):
    return Allocated(
        goods_item=1,
        code="020230",
        unit="KGM",
        quantity=quantity,
        line=1,
        event="2026-11-22T12:00:00.000+01:00",
        office="NL000396",
        declaration=DeclarationReference("MRN", number),
    )


LEDGER = Summary(
    available=(Available(code="02023090", unit="KGM", quantity="100", line=1),),
    reserved=(allocated("300", "B"),),
    consumed=(allocated("600", "A"),),
)


@pytest.mark.parametrize("office", [AT_ENTRY, AT_DESTINATION])
def test_customs_call_gateway_a_for_their_own_office_and_country(tmp_path, office):
    files = CustomsWorld().partners(Instance("gateway-a", "traces", 1, tmp_path))
    path = tmp_path / f"{office.account}.toml"
    path.write_text(files[office.account], "utf-8")
    partner = partner_from_record(record_from_toml(path))
    assert partner.kind is PartnerKind.CUSTOMS
    assert partner.may_call("customs-certex-ched", "processedChedRequest")
    assert partner.customs.speaks_for(office.number)
    assert partner.customs.covers([office.country])
    other = AT_DESTINATION if office is AT_ENTRY else AT_ENTRY
    assert not partner.customs.speaks_for(other.number)
    assert not partner.customs.covers([other.country])


def test_nobody_else_knows_them(tmp_path):
    assert CustomsWorld().partners(Instance("gateway-b", "national", 1, tmp_path)) == {}


def test_a_ledger_is_told_in_one_line():
    assert _told(LEDGER) == ("line 1 (02023090): 100 KGM available; 300 KGM reserved for B; 600 KGM consumed by A")
    assert _told(None) == "NONE"


@pytest.mark.parametrize(
    ("available", "reserved", "consumed", "right"),
    [
        (100, (300,), (600,), True),
        (100, (300,), (), False),
        (100, (), (600,), False),
        (99, (300,), (600,), False),
        (100, (300, 1), (600,), False),
    ],
)
def test_a_step_is_right_only_with_the_whole_ledger(available, reserved, consumed, right):
    assert _is(LEDGER, available, *reserved, consumed=consumed) is right
    assert not _is(None, available, *reserved, consumed=consumed)
