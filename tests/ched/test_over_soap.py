"""Split, replacement, onward movement, subsequent CHED and laboratory tests through the faces (DIGEST 5.1, 5.2).

Every step is a SOAP message over a socket, as a national system sends it; nothing looks behind the faces.
"""

from dataclasses import replace

import pytest
from ched_harness import BODIES, arrival, ched_a, ched_pp, decision, element
from relay_harness import National, Traces

from adapters.traces_nt import Caller, TracesRefused
from gateway.documents.ched import ChedClass, ChedLink, Coded, ControlPost, Purpose, read_ched
from gateway.errors import ChedRefused, DeliveryError
from gateway.store import open_store
from gateway.traces.headers import BodyIdentity, BodyKind
from gateway.traces.models import FindChedCriteria, ItemTests, LaboratoryAnalysis, LaboratoryTest, ProductTests
from gateway.xml.canonical import serialise

SUBMIT = "createAndSubmitForDecision"
IN_PROGRESS = "createAndSubmitDecisionAsInProgress"


class Faces:
    """The client of a national system; bodies by their names in the harness."""

    def __init__(self, client, national):
        self.client = client
        self.national = national

    def caller(self, name):
        body = BODIES[name]
        return Caller(BodyIdentity(BodyKind(body["kind"]), body["id"]), "en")

    def submit(self, ched, name="importer", operation=SUBMIT):
        return self.client.submit_ched(operation, serialise(element(ched)), self.caller(name))

    def get(self, reference, name="post"):
        return read_ched(self.client.ched(reference, self.caller(name)).root)

    def status(self, reference, name="post"):
        return self.client.ched_status(reference, self.caller(name)).status.code

    def decide(self, reference, code="ACCEPTABLE_FOR_INTERNAL_MARKET", *, tests=(), **changes):
        ched = replace(self.get(reference), decision=decision(code, **changes))
        return self.control("submitDecision", ched, "post", tests)

    def follow_up(self, reference, name, tests=(), **changes):
        return self.control("submitFollowUp", replace(self.get(reference), follow_up=arrival(**changes)), name, tests)

    def control(self, operation, ched, name, tests=()):
        return self.client.control_document(operation, serialise(element(ched)), (), self.caller(name), tests)

    def tests(self, reference, name="post"):
        return self.client.ched_laboratory_tests(reference, self.caller(name))


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
def faces(sqlite_url, traces):
    with open_store(sqlite_url, exclusive=True) as opened:
        national = National(opened, traces)
        yield Faces(national.built.client, national)


def transfer(code="TRANSFER", box="I.20"):
    post = ControlPost(country="DE", code="DEHAM9P", name="Invented control point")
    return ched_pp(purposes=(Purpose(Coded(code), box, post=post),))


class TestReplacement:
    def test_the_old_one_ends_and_both_sides_name_each_other(self, faces):
        old = faces.submit(ched_pp()).reference
        new = faces.submit(ched_pp(previous=(ChedLink(old, "ACW"),))).reference
        assert (faces.status(old), faces.status(new)) == ("44", "1")
        assert [(link.relation, link.reference) for link in faces.get(new).previous] == [("ACW", old)]
        assert [link.reference for link in faces.get(old).subsequent] == [new]

    def test_a_replaced_one_is_found_as_replaced_and_decided_by_nobody(self, faces):
        old = faces.submit(ched_pp()).reference
        faces.submit(ched_pp(previous=(ChedLink(old, "ACW"),)))
        (found,) = faces.client.find_cheds(FindChedCriteria(statuses=("44",)), faces.caller("post"))
        assert found.reference == old
        with pytest.raises(TracesRefused) as refused:
            faces.decide(old)
        assert [error.id for error in refused.value.reply.errors] == ["IMG-7202"]

    def test_what_is_not_there_is_not_replaced(self, faces):
        with pytest.raises(TracesRefused) as refused:
            faces.submit(ched_pp(previous=(ChedLink("CHEDPP.NL.2026.0000077", "ACW"),)))
        assert [error.id for error in refused.value.reply.errors] == ["IMG-7204"]


class TestSplit:
    ARRIVALS = ("2026-11-24T09:00:00.000+01:00", "2026-11-24T10:00:00.000+01:00")

    def test_a_refused_part_makes_the_whole_partially_rejected(self, faces):
        whole = faces.submit(ched_pp()).reference
        links = (ChedLink(whole, "AXG"),)
        first, second = (faces.submit(ched_pp(previous=links, arrival=at)).reference for at in self.ARRIVALS)
        assert [link.reference for link in faces.get(whole).subsequent] == [first, second]
        faces.decide(first)
        faces.decide(second, "NOT_ACCEPTABLE")
        assert [faces.status(each) for each in (whole, first, second)] == ["122", "70", "41"]


class TestOnward:
    """Status by conclusion, and back to validated when the goods arrive."""

    MOVEMENTS = (
        ("TRANSFER", "ACCEPTABLE_FOR_TRANSFER", "124"),
        ("TRANSHIPMENT", "ACCEPTABLE_FOR_TRANSHIPMENT", "146"),
        ("ONWARD_TRANSPORTATION", "ACCEPTABLE_FOR_ONWARD_TRANSPORTATION", "97"),
        ("DIRECT_TRANSIT", "ACCEPTABLE_FOR_TRANSIT", "99"),
    )

    @pytest.mark.parametrize(("purpose", "conclusion", "status"), MOVEMENTS, ids=lambda value: value.lower())
    def test_on_its_way_and_arrived(self, faces, purpose, conclusion, status):
        reference = faces.submit(transfer(purpose)).reference
        assert faces.decide(reference, conclusion).status == status
        (found,) = faces.client.find_cheds(FindChedCriteria(requires_follow_up=True), faces.caller("post"))
        assert (found.reference, found.status.code) == (reference, status)
        assert faces.follow_up(reference, "local", arrived=Coded("NO")).status == status
        assert faces.follow_up(reference, "local").status == "70"
        assert faces.client.ched_follow_up(reference, faces.caller("local")).arrived.code == "YES"
        assert not faces.client.find_cheds(FindChedCriteria(requires_follow_up=True), faces.caller("post"))

    def test_an_animal_travels_on(self, faces):
        post = ControlPost(country="DE", code="DEHAM9P")
        made = ched_a(purposes=(Purpose(Coded("ONWARD_TRAVEL"), "I.20", post=post),))
        line = replace(made.lines[0], classes=(*made.lines[0].classes, ChedClass("IDENTIFICATION_SYSTEM", "MICROCHIP")))
        totals = replace(made.totals, gross_weight=ched_pp().totals.gross_weight)
        reference = faces.submit(replace(made, lines=(line,), totals=totals)).reference
        assert reference.startswith("CHEDA.NL.")
        assert faces.decide(reference, "ACCEPTABLE_FOR_ONWARD_TRAVEL").status == "35"
        assert faces.follow_up(reference, "control point").status == "70"

    def test_the_subsequent_ched_at_the_control_point(self, faces):
        """Box II.1: the CHED after the transfer names the one before, which names it in II.24."""
        first = faces.submit(transfer()).reference
        faces.decide(first, "ACCEPTABLE_FOR_TRANSFER")
        links = (ChedLink(first, "AXG"),)
        second = faces.submit(ched_pp(previous=links, arrival=TestSplit.ARRIVALS[1])).reference
        assert [each.reference for each in faces.get(second).previous] == [first]
        assert [each.reference for each in faces.get(first).subsequent] == [second]
        assert faces.status(first) == "124", "the transfer goes on"
        assert faces.decide(second).status == "70"
        assert faces.follow_up(first, "control point").status == "70"


class TestLaboratoryTests:
    def ordered(self, conclusion=""):
        analysis = LaboratoryAnalysis(
            sampled="2026-11-20T10:00:00.000+00:00",
            batch="B-1",
            samples="5",
            method="microscopy",
            results=conclusion and "no spores",
            conclusion=Coded(conclusion) if conclusion else None,
        )
        test = LaboratoryTest(
            reference="LAB-1",
            descriptor="906",
            description="Citrus black spot, microscopy",
            language="en",
            motivation=Coded("RANDOM"),
            analyses=(analysis,),
        )
        return (ItemTests(products=(ProductTests(commodity=ChedClass("CN", "08051022"), tests=(test,)),)),)

    def test_a_ched_has_none_before_its_decision(self, faces):
        assert faces.tests(faces.submit(ched_pp()).reference) == ()

    def test_they_come_with_the_decision_and_are_read_back(self, faces):
        reference = faces.submit(ched_pp()).reference
        faces.decide(reference, tests=self.ordered())
        assert faces.tests(reference) == self.ordered()
        assert b"LAB-1" in faces.client.ched(reference, faces.caller("post")).laboratory_tests

    def test_results_that_come_later_take_their_place(self, faces):
        reference = faces.submit(transfer()).reference
        faces.decide(reference, "ACCEPTABLE_FOR_TRANSFER", tests=self.ordered())
        faces.follow_up(reference, "control point", arrived=Coded("NO"))
        assert faces.tests(reference) == self.ordered(), "a follow-up without any leaves those that are there"
        faces.follow_up(reference, "control point", tests=self.ordered("SATISFACTORY"))
        assert faces.tests(reference) == self.ordered("SATISFACTORY")

    def test_another_operator_reads_none(self, faces):
        reference = faces.submit(ched_pp()).reference
        faces.decide(reference, tests=self.ordered())
        with pytest.raises(DeliveryError):
            faces.tests(reference, "stranger")

    def test_traces_itself_takes_none(self, faces):
        """A relay says so before anything is sent: no public operation has a place for them."""
        reference = faces.submit(ched_pp()).reference
        world = faces.national.world
        document = element(replace(faces.get(reference), decision=decision()))
        call = world.call(document, "submitDecision")
        for act in (world.register.decide, world.register.follow_up):
            with pytest.raises(ChedRefused, match="IMG-8023"):
                act(world.actor("post"), document, (), call, laboratory_tests=b"<tests/>")
        assert faces.status(reference) == "1"
