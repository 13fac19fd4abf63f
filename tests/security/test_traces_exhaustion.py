"""Stopping the service by CHEDs: searches, drafts, links and documents without end."""

import random
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "ched"))  # importlib mode does not

from ched_harness import World, ched_pp, decision, element, party
from relay_harness import National, Traces

import gateway.ched.register
from gateway.ched.models import SubmissionKind
from gateway.ched.size import MAX_DOCUMENTS, MAX_LINKS, MAX_PARTIES
from gateway.documents.ched import AccompanyingDocument, ChedLink, Coded, Country, Purpose
from gateway.endpoints.traces_certificate import query_of
from gateway.errors import ChedRefused, SchemaInvalid
from gateway.store import ChedQuery, ChedVisibility, open_store
from gateway.traces.models import CnFilter, FindCertificates, FindChedCriteria
from gateway.traces.wire_certificates import find_request, read_find_request
from gateway.traces.wire_ched import find_ched_request, read_find_ched_request
from gateway.traces.wire_find import MAX_CRITERIA
from gateway.xml.boundary import parse
from gateway.xml.names import INTRA1


@pytest.fixture
def quick(sqlite_url):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield World(opened)


@pytest.fixture
def traces(tmp_path, _sqlite_template, monkeypatch):
    monkeypatch.setenv("RELAY_TEST_SECRET", "a secret of the tests")
    file = tmp_path / "traces.db"
    file.write_bytes(_sqlite_template.read_bytes())
    with open_store(f"sqlite:///{file}", exclusive=True) as opened:
        upstream = Traces(opened)
        upstream.begin()
        yield upstream
        upstream.end()


# --- searches --------------------------------------------------------------------------------------------------------


def beginnings(count):
    return tuple(CnFilter(f"{number:07d}") for number in range(count))


def test_a_search_takes_as_many_criteria_as_the_store(quick):
    """More than SQLite takes looked like a store that is away, and to a national system like an outage of TRACES."""
    quick.submit(ched_pp())
    request = parse(find_ched_request(FindChedCriteria(cn_codes=beginnings(MAX_CRITERIA)))).root
    assert quick.register.find(quick.actor("importer"), query_of(read_find_ched_request(request))) == ()
    with pytest.raises(SchemaInvalid, match="IMG-3001"):
        read_find_ched_request(parse(find_ched_request(FindChedCriteria(cn_codes=beginnings(MAX_CRITERIA + 1)))).root)
    with pytest.raises(SchemaInvalid, match="IMG-3001"):
        read_find_request(parse(find_request(FindCertificates(cn_codes=beginnings(2000)), INTRA1)).root)


@pytest.mark.parametrize("offset", ["999999999", "0000000000000000000001", "9" * 5000, "-1", "1e9", "٣"])
def test_no_offset_breaks_a_search(quick, offset):
    quick.submit(ched_pp())
    request = parse(find_ched_request(FindChedCriteria())).root
    request.set("offset", offset)
    try:
        criteria = read_find_ched_request(request)
    except SchemaInvalid:
        return
    assert quick.register.find(quick.actor("importer"), query_of(criteria)) == ()


# --- what one CHED may hold ------------------------------------------------------------------------------------------


def documents(count):
    return tuple(
        AccompanyingDocument(Coded("851"), "ZZZ", f"PHYTO-{n}", "ZA", attachment=f"uri:documentid:{n}")
        for n in range(count)
    )


TOO_MUCH = {
    "documents": {"documents": documents(MAX_DOCUMENTS + 1)},
    "customs documents": {"customs_documents": documents(MAX_DOCUMENTS + 1)},
    "parties": {"establishments": tuple(party(f"N-{n}", "x", "ZA") for n in range(MAX_PARTIES))},
    "links": {"previous": tuple(ChedLink(f"CHEDPP.NL.2026.{n:07d}", "AXG") for n in range(MAX_LINKS + 1))},
}


@pytest.mark.parametrize("changes", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_ched_with_more_than_may_be_is_refused_before_anybody_waits_for_it(quick, changes):
    """30 000 documents kept the one writer, and so all others, for half a minute."""
    for kind in (SubmissionKind.DRAFT, SubmissionKind.FOR_DECISION):
        with pytest.raises(ChedRefused, match="IMG-7215"):
            quick.submit(ched_pp(**changes), kind=kind)


def test_a_national_instance_refuses_it_itself(sqlite_url, traces):
    with open_store(sqlite_url, exclusive=True) as opened:
        national = National(opened, traces)
        with pytest.raises(ChedRefused, match="IMG-7215"):
            national.world.submit(ched_pp(**TOO_MUCH["documents"]))
    assert traces.operations == []


def calls_of(act):
    """How many functions something calls: what it costs, whatever the machine does beside it."""
    made = 0

    def count(_, event, __):
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(before)
    return made


def cost_of_a_draft(quick, share):
    """The calls of a draft with this share of the documents and parties that may be."""
    document = element(
        ched_pp(
            documents=documents(MAX_DOCUMENTS // share),
            establishments=tuple(party(f"N-{n}", "x", "ZA") for n in range((MAX_PARTIES - 20) // share)),
            local_reference=f"one in {share}",
        )
    )
    actor, call = quick.actor("importer"), quick.call(document)
    return calls_of(lambda: quick.register.submit(actor, document, SubmissionKind.DRAFT, call))


def test_the_cost_of_a_ched_that_is_as_large_as_may_be_is_in_proportion(quick):
    cost_of_a_draft(quick, MAX_DOCUMENTS)  # what is made once
    half, whole = cost_of_a_draft(quick, 2), cost_of_a_draft(quick, 1)
    assert half > MAX_DOCUMENTS  # it is counted
    assert whole < 3 * half  # twice the work; four times, if each is compared with each


# --- drafts ----------------------------------------------------------------------------------------------------------


def test_a_body_has_so_many_drafts_and_others_have_theirs(quick, monkeypatch):
    monkeypatch.setattr(gateway.ched.register, "MAX_DRAFTS", 3)
    made = [quick.draft(ched_pp(local_reference=f"draft {n}")).reference for n in range(3)]
    with pytest.raises(ChedRefused, match="IMG-7215"):
        quick.draft(ched_pp(local_reference="one more"))
    managed = party("NL-9999", "Managed", "NL", role="CB")
    other = ched_pp(operator=managed, declaration=replace(ched_pp().declaration, party=managed))
    assert quick.draft(other, "managed").reference
    assert quick.submit(ched_pp(local_reference="no draft")).reference
    quick.cancel(made[0])
    assert quick.draft(ched_pp(local_reference="in its place")).reference


def test_a_draft_moves_no_other_ched(quick):
    """A draft that replaces, thrown away, would leave goods on the way without any CHED."""
    first = quick.submit(ched_pp()).reference
    draft = quick.draft(ched_pp(local_reference="new", previous=(ChedLink(first, "ACW"),))).reference
    assert quick.stored(first).status_code == "1"
    assert quick.stored(first).subsequent == ()
    quick.submit(quick.stored(draft))
    before = quick.stored(first)
    assert (before.status_code, [link.reference for link in before.subsequent]) == ("44", [draft])


def test_drafts_do_not_swell_the_ched_that_they_cite(quick):
    """II.24 is written with the whole CHED: a thousand drafts made a thousand versions of it, each longer."""
    first = quick.submit(ched_pp()).reference
    for number in range(3):
        quick.draft(ched_pp(local_reference=f"part {number}", previous=(ChedLink(first, "AXG"),)))
    assert quick.stored(first).subsequent == ()


def test_a_ched_is_split_so_often_and_replaced_still(quick, monkeypatch):
    monkeypatch.setattr("gateway.ched.links.MAX_LINKS", 2)
    first = quick.submit(ched_pp()).reference
    part = {"previous": (ChedLink(first, "AXG"),)}
    for number in range(2):
        quick.submit(ched_pp(local_reference=f"part {number}", **part))
    with pytest.raises(ChedRefused, match="IMG-7215"):
        quick.submit(ched_pp(local_reference="part 2", **part))
    quick.submit(ched_pp(local_reference="instead", previous=(ChedLink(first, "ACW"),)))
    assert quick.stored(first).status_code == "44"


# --- time ------------------------------------------------------------------------------------------------------------


def seconds(quick, count):
    line = ched_pp().lines[0]
    ched = ched_pp(lines=tuple(replace(line, number=n + 1) for n in range(count)), local_reference=f"{count} lines")
    reference = quick.draft(ched).reference
    document = element(replace(quick.stored(reference), decision=decision(), arrival="2026-11-26T08:00:00+01:00"))
    began = time.perf_counter()
    quick.amend(reference, arrival="2026-11-27T08:00:00.000+01:00")
    with pytest.raises(ChedRefused):  # every box is compared
        quick.register.amend(quick.actor("importer"), document, quick.call(document, "AmendChed"))
    return time.perf_counter() - began


def test_lines_cost_in_proportion(quick):
    small, large = seconds(quick, 100), seconds(quick, 1000)
    assert large < 40 * small


# --- texts that no index takes ---------------------------------------------------------------------------------------


def noise(length):
    """Nothing that a database could compress."""
    return random.Random(length).randbytes(length // 2).hex()


LONG = {
    "party": {"establishments": (party(noise(6000), "x", "ZA"),)},
    "phytosanitary certificate": {"documents": (AccompanyingDocument(Coded("851"), "ZZZ", noise(6000), "ZA"),)},
    "country of dispatch": {"dispatch_country": Country(noise(6000), "x")},
    "purpose": {"purposes": (Purpose(Coded(noise(6000)), "I.23"),)},
}


@pytest.mark.parametrize("changes", LONG.values(), ids=LONG)
def test_a_long_text_does_not_look_like_a_store_that_is_away(store, changes):
    """PostgreSQL takes 2704 bytes into an index; a national system would call what it then got an outage of TRACES."""
    world = World(store)
    reference = world.draft(ched_pp(**changes)).reference
    found = world.register.find(world.actor("importer"), ChedQuery(visibility=ChedVisibility()))
    assert [row.reference for row in found] == [reference]


def test_a_local_reference_that_no_index_takes_is_refused(store):
    world = World(store)
    with pytest.raises(ChedRefused, match="IMG-7215"):
        world.draft(ched_pp(local_reference=noise(6000)))
    assert world.draft(ched_pp(local_reference=noise(200))).local_reference == noise(200)
