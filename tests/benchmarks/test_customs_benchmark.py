"""The benchmark of customs fills right ledgers, asks what the contract says, and misses its bars by the figures."""

from __future__ import annotations

import threading
from copy import deepcopy

import pytest

from benchmarks import customs, postgresql, report
from benchmarks.customs import envelope, measure
from benchmarks.partner import make_pki
from gateway.certex.wire import read_processed_request
from gateway.xml.boundary import parse
from gateway.xml.names import SOAP11
from gateway.xml.schema_files import SchemaName
from gateway.xml.schemas import validate

FIGURES = {"p50_ms": 3.0, "p99_ms": 8.0, "longest_ms": 9.0, "cpu_ms": 2.5, "cores_at_peak": 0.138}
RESULT = {
    "customs": {
        "stored": 1_000_000,
        "entries": 5_000_000,
        "document_bytes": 11_000,
        "filling_seconds": 200.0,
        "lookups": FIGURES,
        "peak": {"seconds": 10.9, "per_second": 55.0, "p99_ms": 9.0, "cores": 0.15, "database_cores": 0.09},
        "floor": {**FIGURES, "p50_ms": 1.0},
        "one": {
            "clients": 32, "messages": 1280, "made": 960, "refused": 320, "failed": 0, "oversold": False,
            "per_second": 90.0, "p50_ms": 300.0, "longest_ms": 600.0,
        },
        "many": {"1": 90.0, "2": 150.0, "4": 160.0},
        "spread": {"asked": 1190, "made": 1190},
        "checked": {"ledgers": 1000, "troubles": 0, "deadlocks": 0},
    }
}  # fmt: skip


def test_the_bars_are_met_or_missed_by_the_figures():
    assert all(bar["met"] for bar in report.bars(RESULT))
    worse = deepcopy(RESULT)
    worse["customs"]["lookups"] |= {"p99_ms": 25.1}
    worse["customs"]["peak"] |= {"cores": 0.26}
    worse["customs"]["one"] |= {"oversold": True}
    worse["customs"]["many"] = {"1": 90.0, "2": 91.0, "4": 80.0}
    assert [bar["met"] for bar in report.bars(worse)] == [False] * 4


@pytest.mark.parametrize(
    "wrong", [{"one": {**RESULT["customs"]["one"], "failed": 1}}, {"spread": {"asked": 1190, "made": 1189}},
              {"checked": {"ledgers": 1000, "troubles": 1, "deadlocks": 0}},
              {"checked": {"ledgers": 1000, "troubles": 0, "deadlocks": 1}}]
)  # fmt: skip
def test_one_thing_that_went_wrong_misses_the_bar(wrong):
    met = [bar["met"] for bar in report.bars({"customs": {**RESULT["customs"], **wrong}})]
    assert met == [True, True, False, True]


def test_an_answer_in_which_nothing_is_reserved_is_not_counted(monkeypatch):
    """It shows the ledger, as one to a reservation that was made does."""
    refused = b"<c:ReservationResult>0</c:ReservationResult><HarmonizedSystemSubheadingcode>080510<"

    def application(environ, start_response):
        start_response("200 OK", [])
        return [refused]

    monkeypatch.setattr(customs, "build_application", lambda _: application)
    monkeypatch.setattr(customs.Settings, "load", lambda *_: None)
    with pytest.raises(RuntimeError):
        customs.Asker(None, 600, reserving=True).run(1)
    assert len(customs.Asker(None, 600).run(1).wall) == 1


def _fail(*_):
    raise RuntimeError


def test_a_worker_that_fails_ends_the_run(monkeypatch):
    monkeypatch.setattr(customs, "Asker", _fail)
    monkeypatch.setattr(customs, "_held", lambda _: 0)
    with pytest.raises(threading.BrokenBarrierError):
        customs._many(None, "", 600, 1)


def test_the_page_has_every_figure():
    text = report.as_text({**RESULT, "bars": report.bars(RESULT)})
    for words in (
        "0.15 of a core here and 0.09 in PostgreSQL",
        "0 deadlocks",
        "1,000,000 CHEDs",
        "5,000,000 movements",
        "960 made",
        "320 refused",
        "0 failed",
        "longest 600.0 ms",
    ):
        assert words in text


def test_no_server_leaves_the_part_out():
    assert report.bars({"customs": None}) == []


@pytest.mark.parametrize("kg", ["", "0.001"])
def test_its_messages_are_the_contracts(kg):
    body = parse(envelope("CHEDPP.NL.2026.0000050", kg=kg)).root.find(f"{{{SOAP11}}}Body")[0]
    validate(SchemaName.CERTEX, body)
    asked = read_processed_request(body)
    assert (asked.reference, asked.reserve, bool(asked.declaration)) == ("CHEDPP.NL.2026.0000050", bool(kg), bool(kg))


def test_a_small_run(tmp_path):
    with postgresql.server() as url:
        if url is None:
            pytest.skip("no PostgreSQL is installed")
    make_pki(tmp_path)
    found = measure(tmp_path, stored=600, lookups=5, reservations=2)
    assert found["one"] == found["one"] | {"messages": 64, "made": 48, "refused": 16, "failed": 0, "oversold": False}
    assert (found["checked"]["troubles"], found["checked"]["deadlocks"]) == (0, 0)
    peak = found["peak"]
    assert peak["per_second"] <= customs.PEAK
    assert min(peak["cores"], peak["database_cores"]) > 0
    assert found["checked"]["ledgers"] == 600
    assert found["lookups"]["p50_ms"] > found["floor"]["p50_ms"] > 0
    assert found["many"].keys() == {"1", "2", "4"}
    assert min(found["many"].values()) > 0
    assert found["spread"] == {"asked": (1 + 2 + 4) * (10 + 8), "made": (1 + 2 + 4) * (10 + 8)}
