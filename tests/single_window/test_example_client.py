"""examples/customs_client.py, which has none of our code, against a gateway over HTTP."""

import contextlib
import io
import runpy
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from certex_harness import OFFICES, SECRET, CertexWorld, line

PROGRAM = Path(__file__).parents[2] / "examples" / "customs_client.py"
MRN = "26XI0000EXAMPLE001"


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        """Nothing into the output of the tests."""


class World(CertexWorld):
    """A gateway whose clock goes on, because the client has one of its own."""

    @property
    def now(self):
        return datetime.now(UTC)

    @now.setter
    def now(self, _at):
        """It goes on by itself."""


@pytest.fixture(scope="module")
def run(tmp_path_factory, request):
    """``run(reference, action, …)`` is what the program ends with and prints."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(request.getfixturevalue("_sqlite_template"), folder / "gateway.db")
    world = World(folder, f"sqlite:///{folder / 'gateway.db'}", now=datetime.now(UTC))
    server = make_server("127.0.0.1", 0, world.application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    main = runpy.run_path(str(PROGRAM))["main"]

    def program(*arguments, secret=SECRET):
        (folder / "own.txt").write_text(secret, "utf-8")
        account = ["customs-xi", str(folder / "own.txt"), OFFICES["customs-xi"]]
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            code = main(f"http://127.0.0.1:{server.server_port}", *account, *arguments)
        return code, [line for line in told.getvalue().splitlines() if "[info" not in line]  # the server logs there too

    program.world = world
    yield program
    server.shutdown()
    server.server_close()
    world.close()


def test_it_reads_reserves_and_clears(run):
    reference = run.world.ched(line())
    assert run(reference, "read") == (0, ["status 70", "available line 1: 1000 KGM 0401"])
    code, said = run(reference, "reserve", MRN, "1", "1", "040100", "250.5", "KGM")
    assert (code, said[1], said[-1]) == (0, "available line 1: 749.5 KGM 0401", "RESERVED")
    assert said[2].startswith(f"reserved line 1: 250.5 KGM MRN {MRN}, item 1, ")
    assert run(reference, "release", MRN) == (0, ["OUTCOME 01: done"])
    assert run(reference, "release", MRN) == (1, ["OUTCOME 03: written off before"])
    code, said = run(reference, "read")
    assert said[2].startswith(f"consumed line 1: 250.5 KGM MRN {MRN}, item 1, ")


def test_it_tells_a_refusal_from_a_fault_and_both_from_an_answer(run):
    reference = run.world.ched(line())
    code, said = run(reference, "reserve", MRN, "1", "1", "040100", "1000.1", "KGM")
    assert (code, said[-1]) == (
        1,
        "REFUSED 05: not enough is left; what the declaration held before is gone, goods item 1",
    )
    assert run("CHEDP.XI.2026.9999999", "read") == (1, ["no such CHED"])
    code, said = run(reference, "cancel", MRN)
    assert (code, said) == (1, ["OUTCOME 02: nothing was held"])
    code, (said,) = run(reference, "read", secret="wrong")
    assert (code, said) == (1, "refused: UnauthenticatedException")
    code, said = run(reference, "reserve", MRN, "1", "1", "040100", "9" * 40, "KGM")
    assert (code, said[-1][-10:]) == (1, "[IMG-3001]")


def test_it_tells_what_was_not_sent(run):
    code, (said,) = run("CHEDP.XI.2026.9999999", "look")
    assert (code, said) == (1, "not sent: look is none of read, reserve, release, cancel")
    code, (said,) = run("CHEDP.XI.2026.9999999", "release")
    assert (code, said.partition(":")[0]) == (1, "not sent")
