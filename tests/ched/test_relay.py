"""A national instance hands CHEDs on to TRACES and answers with what TRACES says (Articles 37(1), 41(1)(b), 41(2))."""

from dataclasses import replace

import pytest
from ched_harness import ched_pp, decision, element, report_customs
from relay_harness import National, Traces

from gateway.ched.counter_seals import CounterSealReader
from gateway.ched.models import SealedCopy, SealRole, SubmissionKind
from gateway.documents.ched import Coded, Country, read_ched
from gateway.errors import (
    AccessDenied,
    AuthenticationFailed,
    ChedRefused,
    DeliveryError,
    RulesRefused,
    SealRefused,
    Unavailable,
    catalogue,
)
from gateway.soap import SoapVersion
from gateway.store import (
    ChedQuery,
    ChedVisibility,
    ContingencyState,
    ched_by_reference,
    ched_seals,
    ched_versions,
    list_contingency,
    list_outages,
    open_store,
)
from gateway.traces.faults import ServiceFaults, fault_renderer
from gateway.traces.models import AttachmentReference
from gateway.xml.boundary import parse
from gateway.xml.names import CHEDSUB2

SUBMIT = "createAndSubmitForDecision"


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
    return National(store, traces)


@pytest.fixture
def quick(sqlite_url, traces):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield National(opened, traces)


def steps(national, state=None):
    with national.world.store.read() as connection:
        return list_contingency(connection, state=state)


def test_the_answer_of_the_call_is_the_answer_of_traces(national, traces):
    receipt = national.world.submit(ched_pp())
    assert receipt.reference == "CHEDPP.NL.2026.0000001"
    assert (receipt.status_code, receipt.contingency, receipt.pending) == ("1", False, "")
    assert receipt.url.endswith("/certificate/ched/CHEDPP.NL.2026.0000001")
    assert traces.references() == [receipt.reference]
    with national.world.store.read() as connection:
        kept = ched_by_reference(connection, receipt.reference)
    assert (kept.status_code, kept.partner, kept.contingency) == ("1", "nl-system", False)
    assert [step.state for step in steps(national)] == [ContingencyState.EXCHANGED]


def test_the_same_message_again_is_answered_without_asking_traces(quick, traces):
    first = quick.world.submit(ched_pp())
    asked = len(traces.operations)
    again = quick.world.submit(ched_pp())
    assert (again.reference, again.local_reference) == (first.reference, first.local_reference)
    assert traces.operations[asked:] == []
    assert traces.references() == [first.reference]


def test_what_was_submitted_is_read_and_found_at_traces(quick):
    reference = quick.world.submit(ched_pp(local_reference="OUR-1")).reference
    importer = quick.world.actor("importer")
    content = quick.service.read(importer, reference)
    assert content.reference == reference
    there = read_ched(parse(content.content).root)
    assert (there.local_reference, there.consignor.name) == ("OUR-1", "Invented exporter")
    assert quick.service.row(importer, reference).status_code == "1"
    found = quick.service.find(importer, ChedQuery(visibility=ChedVisibility(), types=("PP",), page_size=10))
    assert [(row.reference, row.local_reference, row.status_code) for row in found] == [(reference, "OUR-1", "1")]


def test_traces_judges_what_a_body_may_see(quick):
    reference = quick.world.submit(ched_pp()).reference
    with pytest.raises(AccessDenied, match="IMG-2110"):
        quick.service.read(quick.world.actor("stranger"), reference)
    with pytest.raises(ChedRefused, match="IMG-7201"):
        quick.service.read(quick.world.actor("importer"), "CHEDPP.NL.2026.0009999")


def test_a_file_that_traces_has_not_is_no_ched_that_is_not_there(quick):
    with pytest.raises(ChedRefused, match="IMG-7302") as refused:
        quick.built.attachments.get(quick.world.actor("importer"), AttachmentReference("phyto.pdf", 999999))
    assert (refused.value.where, refused.value.found) == ("DocumentId", "uri:documentid:999999")


def test_a_system_that_names_no_body_reads_by_its_own_grants(quick):
    reference = quick.world.submit(ched_pp()).reference
    assert quick.service.read(quick.world.actor(None), reference).masked is False
    with pytest.raises(AccessDenied, match="IMG-2110"):
        quick.service.read(quick.world.actor(None, "be-system"), reference)


def test_a_refusal_of_traces_is_told_with_every_finding_and_leaves_nothing(quick, traces):
    broken = ched_pp(purposes=(), dispatch_country=Country(""), transports_before=())
    with pytest.raises(RulesRefused) as refused:
        quick.world.submit(broken)
    assert refused.value.code == "IMG-5001"
    assert len({each.rule for each in refused.value.findings}) >= 3
    assert all(each.message and each.path for each in refused.value.findings)
    assert traces.references() == []
    assert [step.state for step in steps(quick)] == [ContingencyState.REFUSED]
    corrected = quick.world.submit(ched_pp())
    assert traces.references() == [corrected.reference]


def test_a_code_that_no_list_has_is_taken_and_told_by_traces(traces):
    unknown = replace(ched_pp().purposes[0], code=Coded("NOBODY_KNOWS"), box="")
    document = element(ched_pp(purposes=(unknown,)))
    actor, call = traces.world.actor("importer"), traces.world.call(document)
    receipt = traces.built.cheds.submit(actor, document, SubmissionKind.FOR_DECISION, call)
    assert traces.references() == [receipt.reference]
    assert ("R-37-2", "NOBODY_KNOWS") in {(each.rule, each.found) for each in receipt.findings}


def test_a_plain_refusal_of_a_gateway_is_told_by_its_code_and_not_in_its_words(quick, traces):
    fault = (
        b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault><faultcode>S:Client'
        b"</faultcode><faultstring>Words of the other side</faultstring></S:Fault></S:Body></S:Envelope>"
    )

    def refuse(_environ, start_response):
        length = ("Content-Length", str(len(fault)))
        start_response("500 Error", [("Content-Type", "text/xml"), length, ("X-IMSOC-Error", "IMG-1117")])
        return [fault]

    traces.application = refuse
    with pytest.raises(DeliveryError, match="IMG-8022") as refused:
        quick.world.submit(ched_pp())
    told = fault_renderer(ServiceFaults(CHEDSUB2))(refused.value, SoapVersion.SOAP11, None).decode()
    assert f"IMG-8022 TRACES refused the request: IMG-1117 {catalogue()['IMG-1117'].title}" in told
    assert "Words of the other side" not in told


def test_the_refused_message_may_come_again(quick, traces):
    wrong = replace(ched_pp().operator, identifier="NL-0815")
    for _ in range(2):
        with pytest.raises(ChedRefused, match="IMG-7210"):
            quick.world.submit(ched_pp(operator=wrong))
    assert traces.operations.count(SUBMIT) == 2


def test_a_message_that_was_seen_before_reaches_traces_once(quick, traces):
    document = element(ched_pp())
    actor = quick.world.actor("importer")
    other = element(ched_pp(local_reference="OTHER"))
    quick.service.submit(actor, document, SubmissionKind.FOR_DECISION, quick.world.call(document))
    with pytest.raises(AuthenticationFailed, match="IMG-2003"):
        quick.service.submit(actor, other, SubmissionKind.FOR_DECISION, quick.world.call(other))
    assert traces.operations.count(SUBMIT) == 1


def test_a_decision_is_transmitted_under_our_seal_and_counter_sealed(national, traces):
    reference = national.world.submit(ched_pp()).reference
    receipt = national.world.decide(reference)
    assert (receipt.status_code, receipt.pending) == ("70", "")
    with national.world.store.read() as connection:
        row = ched_by_reference(connection, reference)
        roles = [seal.role for _, seal in ched_seals(connection, row.id)]
    assert (row.status_code, row.pending, row.signed, roles) == ("70", "", True, ["traces"])
    with traces.world.store.read() as connection:
        theirs = ched_by_reference(connection, reference)
        sealed = [seal.role for _, seal in ched_seals(connection, theirs.id)]
    assert (theirs.status_code, theirs.signed) == ("70", True)
    assert sealed == ["transmission", "traces"]


def versions_of(store, reference):
    with store.read() as connection:
        return len(ched_versions(connection, ched_by_reference(connection, reference).id))


def test_a_decision_that_came_before_is_answered_and_kept_once(quick, traces):
    reference = quick.world.submit(ched_pp()).reference
    document = element(replace(quick.world.stored(reference), decision=decision()))

    def decide():
        return quick.service.decide(
            quick.world.actor("post"), document, (), quick.world.call(document, "SubmitDecision")
        )

    first = decide()
    kept = versions_of(quick.world.store, reference)
    again = [decide(), decide()]
    assert [each.status_code for each in (first, *again)] == ["70"] * 3
    assert versions_of(quick.world.store, reference) == kept


def test_another_decision_is_none_that_traces_has(quick, traces):
    """TRACES' refusal of a second decision was taken for the first one's lost answer, and the second was kept."""
    reference = quick.world.submit(ched_pp()).reference
    quick.world.decide(reference)
    kept = versions_of(quick.world.store, reference)
    changed = replace(decision(), fees="12.50 EUR")
    other = element(replace(quick.world.stored(reference), decision=changed))
    with pytest.raises((ChedRefused, RulesRefused), match=r"IMG-7202|IMG-5001"):
        quick.service.decide(quick.world.actor("post"), other, (), quick.world.call(other, "SubmitDecision"))
    assert versions_of(quick.world.store, reference) == kept


def test_the_signatures_of_the_national_system_are_verified_before_anything_is_sent(quick, traces):
    reference = quick.world.submit(ched_pp()).reference
    asked = len(traces.operations)

    def another(_document):
        return SealedCopy(SealRole.OFFICER, quick.world.copy(SealRole.OFFICER)(element(ched_pp())).content)

    with pytest.raises(SealRefused, match="IMG-4202"):
        quick.world.decide(reference, seals=(another,))
    assert "createAndSubmitDecisionAsInProgress" not in traces.operations[asked:]


def test_a_decision_without_the_signatures_of_article_41_is_not_transmitted(sqlite_url, traces):
    with open_store(sqlite_url, exclusive=True) as opened:
        strict = National(opened, traces, part_signatures="required")
        reference = strict.world.submit(ched_pp()).reference
        with pytest.raises(SealRefused, match="IMG-4201"):
            strict.world.decide(reference)
        assert strict.world.decide(reference, seals=strict.world.signed()).status_code == "70"


def test_until_the_counter_seal_is_here_the_decision_is_accepted_and_pending(quick, traces):
    reference = quick.world.submit(ched_pp()).reference
    traces.world.stamping = False  # TRACES cannot seal now
    receipt = quick.world.decide(reference)
    assert (receipt.status_code, receipt.pending) == ("70", "counter-seal")
    assert quick.exchanger.run_once().seals == 0
    traces.world.stamping = True
    assert quick.exchanger.run_once().seals == 1
    with quick.world.store.read() as connection:
        row = ched_by_reference(connection, reference)
    assert (row.pending, row.signed) == ("", True)


def test_a_counter_seal_that_does_not_hold_completes_nothing(quick, traces):
    first, second = (quick.world.submit(ched_pp(local_reference=each)).reference for each in ("ONE", "TWO"))
    traces.world.stamping = False
    quick.world.decide(first)
    quick.world.decide(second)
    traces.world.stamping = True
    with quick.world.store.read() as connection:
        row = ched_by_reference(connection, first)
    commission = traces.world.actor("commission")
    of_another = traces.world.register.sealed_xml(commission, second)
    reader = CounterSealReader(quick.world.context, quick.built.client, "traces-nt")
    with pytest.raises(SealRefused, match="IMG-4220"):
        reader.verify(row, of_another)
    by_somebody = quick.world.copy(SealRole.AUTHORITY)(element(traces.world.stored(first))).content
    with pytest.raises(SealRefused, match="IMG-40"):
        reader.verify(row, by_somebody)
    assert reader.verify(row, traces.world.register.sealed_xml(commission, first)).seal.timestamp is not None


def test_a_follow_up_an_amendment_and_a_cancellation_go_by_our_own_contract(quick, traces):
    reference = quick.world.submit(ched_pp()).reference
    quick.world.amend(reference, departure_from_post="2026-11-25T10:00:00.000+01:00")
    assert traces.world.stored(reference).departure_from_post.startswith("2026-11-25")
    receipt = quick.world.cancel(reference)
    assert receipt.status_code == "64"
    assert traces.world.register.row(traces.world.actor("commission"), reference).status_code == "64"
    assert traces.operations[-2:].count("cancelChed") == 1


def test_a_follow_up_hands_back_what_customs_reported_at_traces(quick, traces):
    reference = quick.world.submit(ched_pp()).reference
    quick.world.decide(reference)
    report_customs(traces.world.store, reference, ["24NL1", "24NL2"], traces.world.now)
    assert [each.number for each in quick.world.stored(reference).customs_documents] == ["24NL1", "24NL2"]
    quick.world.follow_up(reference, "local")
    there = traces.world.stored(reference)
    assert there.follow_up is not None
    assert [each.number for each in there.customs_documents] == ["24NL1", "24NL2"]


def test_what_traces_has_in_web_pages_only_is_said(quick, traces):
    reference = quick.world.submit(ched_pp()).reference
    application = traces.application

    def without_control(environ, start_response):
        if environ["PATH_INFO"] == "/ChedControl":
            start_response("404 Not Found", [("Content-Type", "text/html"), ("Content-Length", "0")])
            return [b""]
        return application(environ, start_response)

    traces.application = without_control
    with pytest.raises(DeliveryError, match="IMG-8023"):
        quick.world.cancel(reference)


def test_while_traces_is_away_the_fault_is_clear_and_nothing_is_kept(quick, traces):
    traces.end()
    with pytest.raises(Unavailable, match="IMG-9010"):
        quick.world.submit(ched_pp())
    with pytest.raises(Unavailable, match="IMG-9010"):
        quick.service.read(quick.world.actor("importer"), "CHEDPP.NL.2026.0000001")
    with quick.world.store.read() as connection:
        (submission,) = [o for o in list_outages(connection) if o.functionality == "ched-submission"]
    assert (submission.began_at, submission.ended_at) == (quick.world.now, None)
    traces.begin()
    quick.later(5)
    assert quick.world.submit(ched_pp()).reference == "CHEDPP.NL.2026.0000001"
    with quick.world.store.read() as connection:
        (submission,) = [o for o in list_outages(connection) if o.functionality == "ched-submission"]
    assert submission.ended_at == quick.world.now
    assert traces.references() == ["CHEDPP.NL.2026.0000001"]


def test_a_lost_answer_is_looked_for_and_not_sent_again(quick, traces):
    traces.lose_answer = True
    receipt = quick.world.submit(ched_pp())
    assert receipt.reference == "CHEDPP.NL.2026.0000001"
    assert traces.operations == [SUBMIT, "findChedCertificate"]
    assert traces.references() == [receipt.reference]


def test_an_unknown_outcome_is_cleared_up_before_anything_is_sent_again(quick, traces):
    traces.lose_request = True
    with pytest.raises(Unavailable, match="IMG-9011"):
        quick.world.submit(ched_pp())
    with pytest.raises(Unavailable, match="IMG-9011"):  # perhaps TRACES is only slow
        quick.world.submit(ched_pp())
    assert traces.references() == []
    quick.later(quick.lease.total_seconds() + 1)
    receipt = quick.world.submit(ched_pp())
    assert traces.references() == [receipt.reference]
    assert traces.operations.count(SUBMIT) == 2


def test_a_step_that_nobody_asks_about_again_is_settled_in_the_background(quick, traces):
    traces.lose_request = True
    with pytest.raises(Unavailable, match="IMG-9011"):
        quick.world.submit(ched_pp())
    assert quick.exchanger.run_once().exchanged == []
    quick.later(quick.lease.total_seconds() + 1)
    quick.exchanger.run_once()
    assert [(step.state, step.code) for step in steps(quick)] == [(ContingencyState.REFUSED, "IMG-9010")]
    assert traces.references() == []


def test_an_account_that_traces_does_not_know_is_no_outage(quick, traces, monkeypatch):
    record = next(each for each in traces.world.records if each["id"] == "nl-system")
    record["authentication"] = {"username": "somebody-else", "secret": "env:RELAY_TEST_SECRET"}
    traces.world.records.append(dict(traces.world.records[-1], id="one-more-record"))
    with pytest.raises(DeliveryError, match="IMG-8020"):
        quick.world.submit(ched_pp())
    with quick.world.store.read() as connection:
        assert list_outages(connection) == ()
    assert traces.references() == []


def test_codes_of_the_national_system_are_canonical_at_traces_and_its_own_on_the_way_back(quick, traces):
    record = next(each for each in quick.world.records if each["id"] == "nl-system")
    record["code_system"] = "national-b"
    index = quick.world.context.index.tables
    assert "national-b" in {each.system for each in index.maps}, "the example system is part of the installation"
    from mappings import CANONICAL, translate  # noqa: PLC0415

    on = quick.world.context.index.on(quick.world.now.date())
    mine = translate(element(ched_pp()), source=CANONICAL, target="national-b", index=on).root
    actor = quick.world.actor("importer")
    receipt = quick.service.submit(actor, mine, SubmissionKind.FOR_DECISION, quick.world.call(mine))
    there = traces.world.stored(receipt.reference)
    assert there.purposes[0].code.code == "INTERNAL_MARKET"
    back = read_ched(parse(quick.service.read(quick.world.actor("importer"), receipt.reference).content).root)
    assert back.purposes[0].code.code == read_ched(mine).purposes[0].code.code != "INTERNAL_MARKET"
