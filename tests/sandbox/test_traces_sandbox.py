"""What the sandbox plays for CHEDs: documents in the codes of an invented system, records, and how a fault is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree
from zeep.exceptions import Fault

from gateway.access import partner_from_record, record_from_toml
from gateway.ched.wiring import facts_of
from gateway.documents.ched import Part, read_ched
from gateway.errors import Severity
from gateway.rules.ched import evaluate_ched
from gateway.sandbox.instances import Sandbox
from gateway.sandbox.pki import Authority
from gateway.sandbox.traces_client import TracesRefusal, _refusal, wire
from gateway.sandbox.traces_instances import IMPORTER, NATIONAL, NEIGHBOUR, PORT, POST, SOMEBODY, THIRD
from gateway.sandbox.traces_samples import FIVE_RULES, animals, broken, decision, meat, plants
from gateway.traces.contracts import CONTRACTS
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from mappings import CANONICAL, load_tables, translate
from mappings.live import LiveTables
from mappings.reference import load_reference

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
TABLES = load_tables()
INDEX = LiveTables(TABLES).on(NOW.date())


def canonical(ched):
    """As gateway B hands it on."""
    return translate(parse(wire(ched)).root, source="national-b", target=CANONICAL, index=INDEX).root


def decided(ched):
    return replace(ched, decision=decision(NOW))


@pytest.mark.parametrize(
    "ched",
    [plants(NOW, local="L"), animals(NOW, local="L"), meat(NOW, local="L"), decided(plants(NOW, local="L"))],
)
def test_every_code_is_translated_and_comes_back_as_the_system_says_it(ched):
    there = canonical(ched)
    back = translate(there, source=CANONICAL, target="national-b", index=INDEX).root
    assert read_ched(there).purposes[0].box == "I.23"
    assert read_ched(back).purposes[0].code.code == "IM"
    normal = translate(parse(wire(ched)).root, source="national-b", target="national-b", index=INDEX).root
    assert serialise(back) == serialise(normal)


@pytest.mark.parametrize(
    ("ched", "expected"),
    [
        (plants(NOW, local="L"), []),
        (animals(NOW, local="L"), []),
        (meat(NOW, local="L"), []),
        (broken(NOW, local="L"), sorted(FIVE_RULES)),
    ],
)
def test_the_rules_find_in_them_what_the_journey_tells(ched, expected):
    known = facts_of(load_reference(TABLES))
    found = evaluate_ched(read_ched(canonical(ched)), on=NOW.date(), known=known, part=Part.I)
    assert sorted(each.rule for each in found if each.severity is Severity.SEVERE) == expected


def test_records_name_bodies_grants_and_nothing_more(tmp_path):
    sandbox = Sandbox(tmp_path)
    (tmp_path / "pki").mkdir()
    for name in ("national-root", "tsa-root"):
        (tmp_path / "pki" / f"{name}.pem").write_bytes(Authority(name, now=NOW).certificate_pem)
    partners = {}
    for instance in sandbox.instances:
        instance.folder.mkdir()
        for name, text in sandbox.cheds.partners(instance).items():
            path = instance.folder / f"{name}.toml"
            path.write_text(text, "utf-8")
            partners[instance.name, name] = partner_from_record(record_from_toml(path))
    system = partners["gateway-b", NATIONAL]
    assert system.code_system == "national-b"
    assert {IMPORTER[1], POST[1]} == set(system.traces.by_id()) == set(partners["gateway-a", PORT].traces.by_id())
    assert set(partners["gateway-a", NEIGHBOUR].traces.by_id()) == {SOMEBODY[1]}
    assert partners["gateway-a", THIRD].contracts == {"ched-certificate"}
    assert {name for instance, name in partners if instance not in ("gateway-a", "gateway-b")} == set()
    granted = {contract.name for contract in CONTRACTS}
    assert all(partner.contracts <= granted for partner in partners.values())


ERRORS = "http://ec.europa.eu/sanco/tracesnt/error/v01"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("UnauthenticatedException"), TracesRefusal("", "UnauthenticatedException")),
        (Fault("Denied", detail=etree.XML("<detail/>")), TracesRefusal("", "Denied")),
        (
            Fault(
                "Some rules",
                detail=etree.XML(
                    f'<detail><s:Rules xmlns:s="urn:s" xmlns:e="{ERRORS}"><e:Error><e:ID>R-I9-M</e:ID>'
                    "<e:Message>Say it</e:Message></e:Error></s:Rules></detail>"
                ),
            ),
            TracesRefusal("Rules", "Some rules", (("R-I9-M", "Say it", ""),)),
        ),
    ],
)
def test_a_fault_is_read_as_far_as_it_has_parts(fault, expected):
    assert _refusal(fault) == expected
