"""kill -9 while a message is held or released: nothing is lost, nothing goes twice, no more than was confirmed."""

import os
import signal
import warnings
from datetime import timedelta

import pytest
from exchange_harness import add_partners
from quarantine_harness import Keeper, package, with_codes

from gateway import faultpoints
from gateway.app import build_application

pytestmark = pytest.mark.slow

HOLDING = ("quarantine.kept", "quarantine.held", "commit.before", "commit.after")
RELEASING = (
    "quarantine.judged",
    "submission.exchange",
    "submission.document",
    "submission.recorded",
    "commit.before",
    "commit.after",
    "quarantine.released",
)


class Instance:
    """A gateway that ends and begins again on the same store."""

    def __init__(self, world, url):
        self.world = world
        self.url = url
        self.keeper = None

    def __enter__(self):
        self.gateway = build_application(self.world.settings(self.url), clock=lambda: self.world.now)
        self.keeper = Keeper(self.world, self.gateway)
        return self.keeper

    def __exit__(self, *_):
        self.gateway.close()

    def killed(self, point, count, act):
        """Do it in a process that dies at a point; whether it did."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the threads of this process are not needed there
            pid = os.fork()
        if pid == 0:
            os.setsid()
            try:
                keeper = self.__enter__()
                faultpoints._remaining = {point: count}
                act(keeper)
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@pytest.fixture
def instance(world, store_url):
    add_partners(store_url, [world.partner(untranslatable="quarantine")], world.now)
    return Instance(world, store_url)


@pytest.mark.parametrize("point", HOLDING)
def test_killed_while_it_is_held_it_is_held_once(world, instance, point):
    document = with_codes(world, "X0", number="AR-1")
    assert instance.killed(point, 1, lambda keeper: keeper.caller.submit(document))
    with instance as keeper:
        first = keeper.caller.submit(document)
        assert first.code == "IMG-6010"
        assert keeper.caller.submit(document).raw == first.raw
        (entry,) = keeper.held()
        assert [gap.code for gap in keeper.gaps(entry.id)] == ["X0"]
        assert keeper.count("exchange_parts") == 1


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("point", RELEASING)
def test_killed_while_it_is_released_it_goes_once(world, instance, point, count):
    with instance as keeper:
        for number in ("AR-1", "AR-2", "AR-3"):
            world.now += timedelta(seconds=1)
            assert keeper.caller.submit(with_codes(world, "X0", number=number)).code == "IMG-6010"
        keeper.publish(package("X0"), release_limit=2)
    assert instance.killed(point, count, lambda keeper: keeper.quarantine.release_confirmed())
    with instance as keeper:
        keeper.quarantine.release_confirmed()
        assert [row.state.value for row in keeper.held()] == ["released", "released", "held"]
        assert keeper.count("document_versions") == 2
        assert keeper.count("exchanges WHERE outcome = 'accepted'") == 2
        with keeper.store.read() as connection:
            assert connection.exec_driver_sql("SELECT released FROM quarantine_releases").scalar_one() == 2
        for row in keeper.held()[:2]:
            assert keeper.count(f"document_versions WHERE exchange_id = '{row.exchange_id}'") == 1
