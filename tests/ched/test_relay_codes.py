"""Codes of a national system behind a relay: searches and decisions, as at a register (Art 37(2), R-37-2)."""

from dataclasses import replace

import pytest
from ched_harness import ched_pp, decision, element
from relay_harness import National, Traces

from gateway.ched.models import SubmissionKind
from gateway.documents.ched import Country, read_ched
from gateway.errors import TranslationRefused
from gateway.store import (
    ChedQuery,
    ChedVisibility,
    ched_by_reference,
    ched_versions,
    find_evidence,
    open_store,
)
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from mappings import CANONICAL, translate

SYSTEM = "national-b"


@pytest.fixture
def traces(tmp_path, _sqlite_template, monkeypatch):
    monkeypatch.setenv("RELAY_TEST_SECRET", "a secret of the tests")
    file = tmp_path / "traces.db"
    file.write_bytes(_sqlite_template.read_bytes())
    with open_store(f"sqlite:///{file}", exclusive=True) as opened:
        other = Traces(opened)
        other.begin()
        yield other
        other.end()


@pytest.fixture(params=["fail", "contingency"])
def national(request, sqlite_url, traces):
    with open_store(sqlite_url, exclusive=True) as opened:
        made = National(opened, traces, when_away=request.param)
        record = next(each for each in made.world.records if each["id"] == "nl-system")
        record["code_system"] = SYSTEM
        yield made


def own(national, ched):
    index = national.world.context.index.on(national.world.now.date())
    root = translate(element(ched), source=CANONICAL, target=SYSTEM, index=index).root
    return parse(serialise(root)).root


def submit(national, ched):
    document = own(national, ched)
    world = national.world
    return national.service.submit(world.actor("importer"), document, SubmissionKind.FOR_DECISION, world.call(document))


def test_the_tables_that_translated_it_are_named(national):
    reference = submit(national, ched_pp()).reference
    with national.world.store.read() as connection:
        versions = ched_versions(connection, ched_by_reference(connection, reference).id)
        evidence = find_evidence(connection, versions[0].exchange_id)
    assert versions[0].tables == evidence.tables == national.world.context.index.version


def find(national, **criteria):
    query = ChedQuery(visibility=ChedVisibility(), types=("A", "P", "PP", "D"), **criteria)
    return national.service.find(national.world.actor("importer"), query)


def test_criteria_and_results_of_a_search_at_traces(national):
    reference = submit(national, ched_pp(dispatch_country=Country("GR"))).reference
    (row,) = find(national, purposes=("IM",), dispatch_country="EL")
    assert row.reference == reference
    assert not find(national, purposes=("RE",))
    assert not find(national, dispatch_country="GB")


def test_a_criterion_that_is_no_code_of_the_system_asks_traces_nothing(national, traces):
    with pytest.raises(TranslationRefused, match="IMG-6001"):
        find(national, purposes=("INTERNAL_MARKET",))
    assert traces.operations == []


def test_a_decision_in_own_codes(national, traces):
    reference = submit(national, ched_pp()).reference
    document = own(national, replace(traces.world.stored(reference), decision=decision()))
    assert b">G-IM<" in serialise(document)
    world = national.world
    receipt = national.service.decide(world.actor("post"), document, (), world.call(document, "submitDecision"))
    assert receipt.status_code == "70"
    there = traces.world.stored(reference).decision
    assert there.conclusion[0].code == "ACCEPTABLE_FOR_INTERNAL_MARKET"
    assert b">G-IM<" in national.service.read(world.actor("post"), reference).content


@pytest.mark.parametrize("national", ["contingency"], indirect=True)
def test_while_traces_is_away_too(national, traces):
    """What waits here is canonical here, and in own codes for who reads or looks for it."""
    traces.end()
    receipt = submit(national, ched_pp())
    assert (receipt.contingency, receipt.reference) == (True, "")
    importer = national.world.actor("importer")
    kept = read_ched(parse(national.built.register.read(importer, receipt.local_reference).content).root)
    assert kept.purposes[0].code.code == "INTERNAL_MARKET"
    assert b">IM<" in national.service.read(importer, receipt.local_reference).content
    (row,) = find(national, purposes=("IM",))
    assert row.local_reference == receipt.local_reference
