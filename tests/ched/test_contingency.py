"""While TRACES is away documents are accepted, marked, and exchanged on its return: once, in order (R-46-2 to -5)."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from ched_harness import arrival, ched_pp, decision, element
from relay_harness import National, Traces

from gateway.ched.availability import may_use_forms
from gateway.ched.labels import BUILT_IN, Labels
from gateway.ched.models import SubmissionKind
from gateway.documents.ched import read_ched
from gateway.errors import AccessDenied, ChedRefused, RulesRefused, Unavailable
from gateway.store import (
    ChedQuery,
    ChedVisibility,
    ContingencyState,
    ched_by_reference,
    cheds_by_local_reference,
    find_audit,
    list_contingency,
    list_outages,
    open_store,
    park_contingency,
    steps_of_ched,
)
from gateway.traces.models import Attachment, AttachmentReference
from gateway.xml.boundary import parse

SUBMIT = "createAndSubmitForDecision"
DECIDE = "createAndSubmitDecisionAsInProgress"


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
def national(store, traces):
    return National(store, traces, when_away="contingency")


@pytest.fixture
def quick(sqlite_url, traces):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield National(opened, traces, when_away="contingency")


def open_steps(national):
    with national.world.store.read() as connection:
        found = list_contingency(connection, limit=1000)
    return [step for step in reversed(found) if step.state.open]


def agree(national, traces):
    """Whether both stores have the same CHEDs in the same state, as their documents and their rows say."""
    references = traces.references()
    for reference in references:
        with national.world.store.read() as connection:
            here = ched_by_reference(connection, reference)
        with traces.world.store.read() as connection:
            there = ched_by_reference(connection, reference)
        assert here.status_code == there.status_code, reference
        assert here.local_reference == there.local_reference
        assert here.contingency is there.contingency is True
        own = national.built.register.read(national.world.actor("commission"), reference)
        assert read_ched(parse(own.content).root) == traces.world.stored(reference)
    return references


def test_accepted_marked_and_exchanged_once_in_order(national, traces):
    traces.end()
    receipts = [national.world.submit(ched_pp(local_reference=f"OUR-{number}")) for number in range(5)]
    for receipt in receipts:
        assert (receipt.reference, receipt.status_code, receipt.contingency) == ("", "1", True)
        assert {"R-46-4", "R-46-5"} <= {each.rule for each in receipt.findings}
    decided = national.world.decide("OUR-1")
    assert (decided.reference, decided.status_code, decided.contingency) == ("", "70", True)
    assert [step.state for step in open_steps(national)] == [ContingencyState.WAITING] * 6
    assert national.exchanger.run_once().away is True

    traces.begin()
    national.later(60)
    done = national.exchanger.run_once()
    assert (len(done.exchanged), done.refused, done.away) == (6, [], False)
    assert open_steps(national) == []
    assert agree(national, traces) == [f"CHEDPP.NL.2026.000000{number}" for number in range(1, 6)]
    assert [traces.world.stored(each).local_reference for each in traces.references()] == [
        f"OUR-{number}" for number in range(5)
    ]
    assert [each for each in traces.operations if each in (SUBMIT, DECIDE)] == [SUBMIT] * 5 + [DECIDE]
    assert national.exchanger.run_once().exchanged == []
    assert len(traces.references()) == 5
    assert traces.world.stored("CHEDPP.NL.2026.0000002").decision == decision()


def test_the_mark_and_a_temporary_reference_stand_in_the_document_and_stay(quick, traces):
    traces.end()
    receipt = quick.world.submit(ched_pp())
    assert receipt.local_reference.startswith("NL-")
    ched = quick.world.stored(receipt.local_reference, "importer")
    assert (ched.reference, ched.local_reference, ched.contingency) == (
        "", receipt.local_reference, "Contingency document",
    )  # fmt: skip
    traces.begin()
    quick.later(60)
    quick.exchanger.run_once()
    (reference,) = agree(quick, traces)
    assert traces.world.stored(reference).contingency == "Contingency document"
    assert quick.world.stored(receipt.local_reference, "importer").reference == reference


def test_the_mark_is_in_the_language_of_the_caller(quick, traces):
    traces.end()
    document = element(ched_pp())
    actor = quick.world.actor("importer", language="fr")
    receipt = quick.service.submit(actor, document, SubmissionKind.FOR_DECISION, quick.world.call(document))
    assert quick.world.stored(receipt.local_reference, "importer").contingency == "Document de secours"


def test_labels_of_the_operator_come_before_the_built_in_ones():
    labels = Labels(("nl:Noodbescheid", "fr:Autre"))
    assert (labels.of("nl"), labels.of("fr"), labels.of("de")) == ("Noodbescheid", "Autre", BUILT_IN["de"])
    assert labels.of("xx") == BUILT_IN["en"]


def test_the_same_message_again_is_the_same_contingency_document(quick, traces):
    traces.end()
    first = quick.world.submit(ched_pp())
    again = quick.world.submit(ched_pp())
    assert (again.local_reference, again.contingency) == (first.local_reference, True)
    assert len(open_steps(quick)) == 1
    traces.begin()
    quick.later(60)
    quick.exchanger.run_once()
    third = quick.world.submit(ched_pp())
    assert (third.reference, traces.references()) == ("CHEDPP.NL.2026.0000001", ["CHEDPP.NL.2026.0000001"])


def test_who_may_write_and_what_the_rules_say_hold_while_traces_is_away(quick, traces):
    traces.end()
    with pytest.raises(ChedRefused, match="IMG-7210"):
        quick.world.submit(ched_pp(), "stranger")
    with pytest.raises(RulesRefused, match="IMG-5001"):
        quick.world.submit(ched_pp(purposes=()))
    receipt = quick.world.submit(ched_pp())
    with pytest.raises((ChedRefused, AccessDenied)):
        quick.world.decide(receipt.local_reference, "other post")
    assert [step.operation for step in open_steps(quick)] == [SUBMIT]
    with pytest.raises(AccessDenied, match="IMG-2110"):
        quick.service.read(quick.world.actor("stranger"), receipt.local_reference)


def test_a_try_that_traces_did_not_get_is_found_by_nobody(quick, traces):
    traces.end()
    quick.world.submit(ched_pp(local_reference="OUR-1"))
    query = ChedQuery(visibility=ChedVisibility(), types=("PP",), page_size=10)
    for actor in (quick.world.actor(), quick.world.actor("importer")):
        assert [row.local_reference for row in quick.service.find(actor, query)] == ["OUR-1"]


def test_what_waits_is_found_before_what_traces_has(quick, traces):
    known = quick.world.submit(ched_pp(local_reference="BEFORE")).reference
    traces.end()
    quick.world.submit(ched_pp(local_reference="WHILE AWAY"))
    importer = quick.world.actor("importer")
    query = ChedQuery(visibility=ChedVisibility(), types=("PP",), page_size=10)
    away = quick.service.find(importer, query)
    assert {row.local_reference for row in away} == {"BEFORE", "WHILE AWAY"}
    traces.begin()
    quick.later(1)
    rows = quick.service.find(importer, query)
    assert [(row.local_reference, row.reference) for row in rows] == [("WHILE AWAY", ""), ("BEFORE", known)]


def test_a_decision_does_not_overtake_the_ched_that_it_is_about(quick, traces):
    traces.end()
    receipt = quick.world.submit(ched_pp(local_reference="FIRST"))
    traces.begin()
    quick.later(60)
    decided = quick.world.decide(receipt.local_reference)
    assert (decided.reference, decided.contingency) == ("", True)
    assert [each for each in traces.operations if each in (SUBMIT, DECIDE)] == []
    assert len(quick.exchanger.run_once().exchanged) == 2
    assert traces.world.stored("CHEDPP.NL.2026.0000001").decision == decision()


def test_a_decision_about_a_known_ched_is_taken_while_traces_is_away(quick, traces):
    reference = quick.world.submit(ched_pp()).reference
    document = quick.world.stored(reference)
    traces.end()
    assert quick.world.stored(reference, "importer") is not None
    quick.later(1)
    receipt = quick.world.decide(reference)
    assert (receipt.reference, receipt.status_code, receipt.contingency) == (reference, "70", True)
    traces.begin()
    quick.later(60)
    assert quick.exchanger.run_once().exchanged == [reference]
    assert traces.world.stored(reference).decision == decision()
    assert document.decision is None


def test_what_traces_refuses_on_its_return_is_kept_for_the_operator_and_holds_up_nothing(quick, traces):
    traces.end()
    quick.world.submit(ched_pp(local_reference="WRONG"))
    quick.world.decide("WRONG")
    quick.world.submit(ched_pp(local_reference="RIGHT"))
    # TRACES no longer lets this body write for the importer of the first one.
    with quick.world.store.read() as connection:
        (wrong,) = cheds_by_local_reference(connection, "WRONG")
    original = traces.application

    def refusing(environ, start_response):
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size)
        environ["wsgi.input"] = io.BytesIO(body.replace(b"NL-4711", b"NL-0815") if b"WRONG" in body else body)
        return original(environ, start_response)

    traces.application = refusing
    traces.begin()
    quick.later(60)
    done = quick.exchanger.run_once()
    assert len(done.refused) == 1
    assert [traces.world.stored(each).local_reference for each in traces.references()] == ["RIGHT"]
    with quick.world.store.read() as connection:
        states = [(step.state, step.code) for step in steps_of_ched(connection, wrong.id)]
    assert [state for state, _ in states] == [ContingencyState.REFUSED] * 2
    assert states[1][1] == "IMG-7220"


def test_a_step_on_which_traces_fails_each_time_is_parked_and_the_others_go_on(quick, traces):
    traces.end()
    quick.world.submit(ched_pp(local_reference="WRONG"))
    quick.world.submit(ched_pp(local_reference="RIGHT"))
    quick.world.decide("WRONG")
    original = traces.application

    def failing(environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if SUBMIT in environ["HTTP_SOAPACTION"] and b"WRONG" in body:
            start_response("500 Internal Server Error", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        return original(environ, start_response)

    traces.application = failing
    traces.begin()
    for _ in range(3):
        quick.later(60)
        done = quick.exchanger.run_once()
        assert (done.exchanged, done.away) == ([], True)
    first, *_ = open_steps(quick)

    def park(connection):
        at = quick.world.now
        return park_contingency(connection, first, actor="operator:t", code="IMG-7216", reason="fails", at=at)

    parked = quick.world.store.write(park)
    assert [step.operation for step in parked] == [SUBMIT, DECIDE]
    assert parked[0].detail == "TRACES may have it. fails"
    assert parked[1].detail == f"with step {first.seq}: fails"
    assert quick.world.store.write(park) == ()
    with quick.world.store.read() as connection:
        assert steps_of_ched(connection, first.ched_id) == parked
        written = [entry.actor for entry in find_audit(connection, first.version_id)]
    assert written.count("operator:t") == 1
    quick.later(60)
    assert len(quick.exchanger.run_once().exchanged) == 1
    assert [traces.world.stored(each).local_reference for each in traces.references()] == ["RIGHT"]


def test_a_contingency_ched_may_be_cancelled_before_traces_hears_of_it(quick, traces):
    traces.end()
    receipt = quick.world.submit(ched_pp())
    assert quick.world.cancel(receipt.local_reference).status_code == "64"
    assert open_steps(quick) == []
    with quick.world.store.read() as connection:
        (row,) = cheds_by_local_reference(connection, receipt.local_reference)
        assert [step.code for step in steps_of_ched(connection, row.id)] == ["IMG-7220"]
    traces.begin()
    quick.later(60)
    assert quick.exchanger.run_once().exchanged == []
    assert traces.references() == []


def test_a_lost_answer_in_the_middle_of_the_exchange_makes_nothing_twice(quick, traces):
    traces.end()
    for number in range(3):
        quick.world.submit(ched_pp(local_reference=f"OUR-{number}"))
    traces.begin()
    quick.later(60)
    original = traces.application
    lost = []

    def losing(environ, start_response):
        answer = original(environ, start_response if lost or SUBMIT not in environ["HTTP_SOAPACTION"] else _nothing)
        if not lost and SUBMIT in environ["HTTP_SOAPACTION"]:
            lost.append(list(answer))
            start_response("502 Bad Gateway", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        return answer

    traces.application = losing
    assert len(quick.exchanger.run_once().exchanged) == 3
    assert len(lost) == 1
    assert [traces.world.stored(each).local_reference for each in agree(quick, traces)] == ["OUR-0", "OUR-1", "OUR-2"]


def _nothing(*_):
    return None


def test_a_request_that_may_have_arrived_is_looked_for_before_it_is_sent(quick, traces):
    traces.lose_answer = True
    answers = []
    original = traces.application

    def deaf_to_searches(environ, start_response):
        if environ["HTTP_SOAPACTION"].strip('"') == "findChedCertificate" and not answers:
            answers.append(1)
            start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        return original(environ, start_response)

    traces.application = deaf_to_searches
    receipt = quick.world.submit(ched_pp())
    assert (receipt.reference, receipt.contingency) == ("", True)
    assert [step.state for step in open_steps(quick)] == [ContingencyState.UNKNOWN]
    assert quick.exchanger.run_once().exchanged == []  # nobody can know yet
    quick.later(quick.lease.total_seconds() + 1)
    assert quick.exchanger.run_once().exchanged == ["CHEDPP.NL.2026.0000001"]
    assert traces.operations.count(SUBMIT) == 1
    assert traces.references() == ["CHEDPP.NL.2026.0000001"]


def test_outages_are_kept_by_functionality_and_after_an_hour_forms_may_be_printed(quick, traces):
    traces.end()
    quick.world.submit(ched_pp())
    with quick.world.store.read() as connection:
        (outage,) = list_outages(connection)
    assert (outage.functionality, outage.began_at) == ("ched-submission", quick.world.now)
    assert not may_use_forms(outage, quick.world.now + timedelta(hours=1))
    assert may_use_forms(outage, quick.world.now + timedelta(hours=1, seconds=1))


def test_nothing_is_tried_again_at_once_while_traces_is_away(sqlite_url, traces):
    with open_store(sqlite_url, exclusive=True) as opened:
        patient = National(opened, traces, when_away="contingency", retry_seconds=60)
        traces.lose_request = True
        patient.world.submit(ched_pp(local_reference="ONE"))
        asked = len(traces.operations)
        patient.world.submit(ched_pp(local_reference="TWO"))
        assert traces.operations[asked:] == []
        patient.later(61)
        assert patient.world.submit(ched_pp(local_reference="THREE")).reference


def test_a_process_that_begins_again_goes_on_where_the_last_one_ended(quick, traces):
    traces.end()
    for number in range(3):
        quick.world.submit(ched_pp(local_reference=f"OUR-{number}"))
    quick.open()
    traces.begin()
    quick.later(60)
    assert len(quick.exchanger.run_once().exchanged) == 3
    agree(quick, traces)


def test_two_exchangers_at_once_exchange_once(quick, traces):
    traces.end()
    for number in range(3):
        quick.world.submit(ched_pp(local_reference=f"OUR-{number}"))
    traces.begin()
    quick.later(60)
    first = quick.exchanger
    quick.open()
    import threading  # noqa: PLC0415 - used here alone

    rounds = []
    threads = [
        threading.Thread(target=lambda one=one: rounds.append(one.run_once())) for one in (first, quick.exchanger)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in (first, quick.exchanger):
        one.run_once()
    assert len(traces.references()) == 3
    assert traces.operations.count(SUBMIT) == 3


def test_a_follow_up_while_traces_is_away_needs_a_ched_that_is_known_here(quick, traces):
    traces.end()
    with pytest.raises((ChedRefused, Unavailable)):
        quick.world.follow_up("CHEDPP.NL.2026.0000001", "local", arrival())


def test_a_file_that_was_uploaded_while_traces_was_away_goes_before_the_ched_that_cites_it(quick, traces):
    traces.end()
    importer = quick.world.actor("importer")
    document = element(ched_pp())
    file = Attachment("phyto.pdf", b"%PDF-1.7 invented", "application/pdf")
    mine = quick.built.attachments.submit(importer, file, quick.world.call(document, "submitCertificateAttachment"))
    cited = replace(ched_pp().documents[0], attachment=mine.uri, file_name="phyto.pdf")
    quick.world.submit(ched_pp(documents=(cited,)))
    traces.begin()
    traces.built.attachments.submit(  # so that the numbers of the two sides differ
        traces.world.actor("post"), Attachment("other.pdf", b"other"), traces.world.call(document, "x")
    )
    quick.later(60)
    traces.break_at = SUBMIT  # the file goes over, and then TRACES is away again
    assert quick.exchanger.run_once().away is True
    traces.break_at = ""
    quick.later(60)
    assert len(quick.exchanger.run_once().exchanged) == 1
    (reference,) = agree(quick, traces)
    (there,) = traces.world.stored(reference).documents
    assert there.attachment != mine.uri
    number = int(there.attachment.rpartition(":")[2])
    found = traces.built.attachments.get(traces.world.actor("importer"), AttachmentReference("phyto.pdf", number))
    assert found.content == file.content
    assert traces.operations.count("submitCertificateAttachment") == 1
