"""TRACES, or who stands in its place, answers a national instance with what no TRACES would."""

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "ched"))  # importlib mode does not

from ched_harness import ched_pp, element
from relay_harness import National, Traces

from adapters.traces_nt.limits import REPLY_LIMITS
from gateway.errors import ChedRefused, GatewayError
from gateway.store import ChedQuery, ChedVisibility, open_store
from gateway.xml.limits import DEFAULT_LIMITS

EVERYTHING = ChedQuery(visibility=ChedVisibility())


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


@pytest.fixture
def national(sqlite_url, traces):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield National(opened, traces)


def lying(national, monkeypatch, change):
    """The acknowledgement of each submission, changed on its way."""
    client = national.built.client
    kind = type(client)
    honest = kind.submit_ched

    def submit_ched(self, *arguments):
        return change(honest(self, *arguments))

    monkeypatch.setattr(kind, "submit_ched", submit_ched)


@pytest.mark.parametrize("status", ["", "x" * 5000, "70\x1b[2J", "\uff17\uff10", "70|41"])
def test_a_status_that_is_none_is_looked_up_instead(national, monkeypatch, status):
    """It would be printed, searched for, and compared with the table of what may follow."""
    lying(national, monkeypatch, lambda given: replace(given, status=replace(given.status, code=status)))
    receipt = national.world.submit(ched_pp())
    assert receipt.status_code == "1"
    assert national.built.register.row(national.world.actor("importer"), receipt.reference).status_code == "1"


def test_a_status_that_is_not_known_yet_is_passed_on(national, monkeypatch):
    lying(national, monkeypatch, lambda given: replace(given, status=replace(given.status, code="999")))
    receipt = national.world.submit(ched_pp())
    assert receipt.status_code == "999"
    importer = national.world.actor("importer")
    document = element(ched_pp(reference=receipt.reference))
    call = national.world.call(document)
    with pytest.raises(ChedRefused, match="IMG-7202"):
        national.built.register.amend(importer, document, call)
    with pytest.raises(ChedRefused, match="IMG-7202"):
        national.built.register.follow_up(importer, document, (), call)


@pytest.mark.parametrize("reference", ["", "x" * 5000, "../../etc/passwd", "CHEDPP.NL.2026.0000001\x1b[2J", "'; --"])
def test_a_reference_that_is_none_breaks_nothing(national, monkeypatch, reference):
    lying(national, monkeypatch, lambda given: replace(given, reference=reference))
    for number in range(2):
        with contextlib.suppress(GatewayError):
            national.world.submit(ched_pp(local_reference=f"number {number}"))
    national.exchanger.run_once()
    found = national.built.register.find(national.world.actor("importer"), EVERYTHING)
    assert {row.reference for row in found} <= {"", "CHEDPP.NL.2026.0000001", "CHEDPP.NL.2026.0000002"}


def test_one_reference_for_two_cheds_is_not_believed(national, monkeypatch):
    """The second would take the place of the first, for every reader here."""
    first = national.world.submit(ched_pp(local_reference="one")).reference
    lying(national, monkeypatch, lambda given: replace(given, reference=first))
    with pytest.raises(GatewayError):
        national.world.submit(ched_pp(local_reference="two"))
    row = national.built.register.row(national.world.actor("importer"), first)
    assert row.local_reference == "one"
    national.later(60)
    national.exchanger.run_once()  # and what is not settled stops nobody


def test_what_may_be_sent_may_be_read_back():
    """Else the reply to one who reads a CHED as large as may be is an outage of TRACES for all others."""
    asked, told = DEFAULT_LIMITS, REPLY_LIMITS
    assert told.max_bytes > asked.max_bytes * 4 / 3 + 1_000_000  # a file beside the envelope comes back as base64
    assert told.max_large_text > asked.max_bytes * 4 / 3
    assert told.max_elements >= asked.max_elements + 1000
    assert told.max_attributes >= asked.max_attributes + 1000
