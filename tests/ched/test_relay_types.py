"""Each type of CHED between a national instance and TRACES, over the wire: up, decided on either side, and back."""

from dataclasses import replace

import pytest
from ched_harness import ched_a, ched_pp, decision, element
from relay_harness import National, Traces

from gateway.ched.models import SubmissionKind
from gateway.documents.ched import ChedClass, ChedType, Coded, LaboratoryTests, TransportImpact, read_ched
from gateway.store import open_store
from gateway.xml.boundary import parse


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


@pytest.fixture
def national(sqlite_url, traces):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield National(opened, traces)


def horse():
    made = ched_a()
    (line,) = made.lines
    line = replace(line, classes=(*line.classes, ChedClass("IDENTIFICATION_SYSTEM", "MICROCHIP")))
    return replace(made, lines=(line,), totals=replace(made.totals, gross_weight=ched_pp().totals.gross_weight))


def goods(kind, code, **changes):
    made = ched_pp()
    (line,) = made.lines
    line = replace(line, classes=(ChedClass("CN", code),))
    certified = (Coded("HUMAN_CONSUMPTION"),)
    return replace(made, type=ChedType(kind), title=f"CHED-{kind}", lines=(line,), certified_as=certified, **changes)


CHEDS = {
    "A": horse,
    "P": lambda: goods("P", "03048100", conformity=Coded("CONFORM")),
    "PP": ched_pp,
    "D": lambda: goods("D", "08021190"),
}


def decided_as(kind):
    """Part II with the boxes that the type has."""
    made = decision(laboratory=LaboratoryTests(done=False))
    if kind == "A":
        impact = TransportImpact("0", "0", "0", Coded("ACCURATE"))
        return replace(made, identity_check_type=Coded(""), welfare=Coded("SATISFACTORY"), impact=impact)
    return made


def here(national, reference):
    content = national.service.read(national.world.actor("importer"), reference).content
    return read_ched(parse(content).root)


@pytest.mark.parametrize("kind", CHEDS)
def test_up_decided_there_and_read_here(national, traces, kind):
    reference = national.world.submit(CHEDS[kind]()).reference
    assert reference.startswith(f"CHED{kind}.NL.2026.")
    there = traces.world.stored(reference)
    assert (there.type.value, there.status_code, there.lines) == (kind, "1", CHEDS[kind]().lines)
    document = element(replace(there, decision=decided_as(kind)))
    call = traces.world.call(document, "submitDecision")
    assert traces.world.register.decide(traces.world.actor("post"), document, (), call).status_code == "70"
    read = here(national, reference)
    assert read == traces.world.stored(reference)
    assert (read.status_code, read.decision.conclusion[0].code) == ("70", "ACCEPTABLE_FOR_INTERNAL_MARKET")


@pytest.mark.parametrize("kind", CHEDS)
def test_decided_here_and_sealed_there(national, traces, kind):
    """A national e-CHED in one message: Part I and Part II, counter-sealed (Article 41(1)(b), 41(2))."""
    world = national.world
    document = element(replace(CHEDS[kind](), decision=decided_as(kind)))
    call = world.call(document, SubmissionKind.DECISION_IN_PROGRESS.value)
    receipt = world.register.submit(world.actor("post"), document, SubmissionKind.DECISION_IN_PROGRESS, call)
    assert receipt.reference.startswith(f"CHED{kind}.NL.2026.")
    assert (receipt.status_code, receipt.pending) == ("70", "")
    assert here(national, receipt.reference) == traces.world.stored(receipt.reference)
    assert traces.world.register.row(traces.world.actor("post"), receipt.reference).signed
