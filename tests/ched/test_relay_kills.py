"""kill -9 on the way to TRACES: nothing lost, nothing twice, the two stores agree (Article 46(4))."""

import os
import signal
import warnings
from contextlib import closing
from dataclasses import replace

import pytest
from ched_harness import ched_pp
from relay_harness import National, Traces

from gateway import faultpoints
from gateway.documents.ched import read_ched
from gateway.errors import Unavailable
from gateway.store import ched_by_reference, list_contingency, open_store
from gateway.xml.boundary import parse

pytestmark = pytest.mark.slow

BACKLOG = 3
SUBMIT = "createAndSubmitForDecision"
ON_RETURN = [
    (point, count)
    for point in ("traces.claimed", "traces.sent", "ched.moved", "commit.before", "commit.after", "traces.settled")
    for count in (1, 2)
]
IN_THE_CALL = ("ched.recorded", "commit.after", "traces.begun", "traces.sent", "traces.settled")


@pytest.fixture
def traces(tmp_path, _sqlite_template, monkeypatch):
    monkeypatch.setenv("RELAY_TEST_SECRET", "a secret of the tests")
    file = tmp_path / "traces.db"
    file.write_bytes(_sqlite_template.read_bytes())
    with closing(open_store(f"sqlite:///{file}", exclusive=True)) as opened:
        other = Traces(opened)
        other.begin()
        yield other
        other.end()


def opened(national, url):
    """The national instance as a process that has just begun."""
    store = open_store(url, exclusive=True)
    national.world.store = store
    national.world.context = replace(national.world.context, store=store)
    national.open()
    return store


def killed(national, url, point, count, act):
    """Do it in a process that dies at a point; whether it did."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the threads of this process are not needed in the child
        pid = os.fork()
    if pid == 0:
        os.setsid()
        try:
            opened(national, url)
            faultpoints._remaining = {point: count}
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def complete(national, traces, url, expected):
    """What the next process makes of it: everything is at TRACES once, in order, and stands here as it stands there."""
    with closing(opened(national, url)):
        national.later(national.lease.total_seconds() + 1)
        national.exchanger.run_once()
        references = traces.references()
        assert [traces.world.stored(each).local_reference for each in references] == expected
        with national.world.store.read() as connection:
            assert [step for step in list_contingency(connection, limit=100) if step.state.open] == []
            rows = [ched_by_reference(connection, each) for each in references]
        assert all(row is not None for row in rows)
        for reference, row in zip(references, rows, strict=True):
            own = national.built.register.read(national.world.actor("commission"), reference)
            there = traces.world.stored(reference)
            assert (row.status_code, read_ched(parse(own.content).root)) == (there.status_code, there)


@pytest.mark.parametrize(("point", "count"), ON_RETURN)
def test_the_exchange_on_return_survives_its_end(sqlite_url, traces, point, count):
    with closing(open_store(sqlite_url, exclusive=True)) as store:
        national = National(store, traces, when_away="contingency")
        traces.end()
        for number in range(BACKLOG):
            national.world.submit(ched_pp(local_reference=f"OUR-{number}"))
    traces.begin()
    national.later(60)
    assert killed(national, sqlite_url, point, count, lambda: national.exchanger.run_once())  # noqa: PLW0108 - the child's
    complete(national, traces, sqlite_url, [f"OUR-{number}" for number in range(BACKLOG)])
    assert traces.operations.count(SUBMIT) in (BACKLOG, BACKLOG + 1)


@pytest.mark.parametrize("point", IN_THE_CALL)
def test_a_submission_that_dies_in_the_call_is_taken_once_when_it_comes_again(sqlite_url, traces, point):
    with closing(open_store(sqlite_url, exclusive=True)) as store:
        national = National(store, traces)
    assert killed(national, sqlite_url, point, 1, lambda: national.world.submit(ched_pp(local_reference="OUR-0")))
    national.world.actor("importer")  # the nonce that the process before used
    with closing(opened(national, sqlite_url)):
        try:
            receipt = national.world.submit(ched_pp(local_reference="OUR-0"))
        except Unavailable:
            national.later(national.lease.total_seconds() + 1)
            receipt = national.world.submit(ched_pp(local_reference="OUR-0"))
        assert traces.references() == [receipt.reference]
        with national.world.store.read() as connection:
            assert [step for step in list_contingency(connection) if step.state.open] == []
