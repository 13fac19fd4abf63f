"""What the doctor says of CHEDs: the upstream's record, an outage, what waits."""

import datetime as dt
import re

import pytest

from gateway.cli.checks import State
from gateway.store import (
    ChedRow,
    ChedWrite,
    ContingencyState,
    add_contingency,
    begin_outage,
    claim_contingency,
    new_id,
    record_ched,
    settle_contingency,
)

NOW = dt.datetime.now(dt.UTC)


def by_name(answer):
    return {check["name"]: check for check in answer["checks"]}


@pytest.fixture
def national(trial):
    """The trial's instance as a national one with an upstream that has no record yet."""
    settings = trial / "imsoc.toml"
    text = re.sub(r"(?m)^roles = .*$", 'roles = ["national"]', settings.read_text("utf-8"))
    settings.write_text(text + '\n[traces]\nupstream = "traces-nt"\n', "utf-8")
    return trial


def a_ched(connection, *, pending="", contingency=False):
    row = ChedRow(
        id=new_id(NOW),
        local_reference="NL-1",
        type="PP",
        status_code="1",
        partner="national",
        pending=pending,
        contingency=contingency,
        created_at=NOW,
        updated_at=NOW,
        status_changed_at=NOW,
    )
    write = ChedWrite(
        version_id=new_id(NOW),
        row=row,
        expected_version=None,
        at=NOW,
        operation="submit",
        partner="national",
        content=b"<a/>",
    )
    record_ched(connection, write)
    return write


def test_an_upstream_without_a_record_fails(imsoc, national):
    check = by_name(imsoc.json("doctor", "--offline", code=1))["upstream"]
    assert check["state"] == State.FAIL
    assert "no partner of this id" in check["detail"]
    assert "partners add" in check["repair"]


def test_a_store_without_cheds_says_nothing_of_them(imsoc, trial):
    assert not {"contingency", "traces", "counter-seals"} & by_name(imsoc.json("doctor", "--offline")).keys()


def test_an_outage_is_told_with_its_age(imsoc, trial, stored):
    began = dt.datetime.now(dt.UTC) - dt.timedelta(hours=2)
    stored(lambda connection: begin_outage(connection, partner="traces-nt", functionality="submission", at=began))
    check = by_name(imsoc.json("doctor", "--offline"))["traces"]
    assert check["state"] == State.WARN
    assert check["detail"] == "traces-nt is away for 2.0 h (submission)"


@pytest.mark.parametrize("contingency", [True, False])
def test_what_waits_and_what_was_refused_are_counted(imsoc, trial, stored, contingency):
    """A submission that TRACES refused in the call itself is not told: whoever sent it knows."""

    def unit(connection):
        write = a_ched(connection, contingency=contingency)
        arguments = {"ched_id": write.row.id, "partner": "traces-nt", "operation": "submit", "at": NOW}
        return add_contingency(connection, version_id=write.version_id, **arguments)

    step = stored(unit)
    checks = by_name(imsoc.json("doctor", "--offline"))
    assert checks["contingency"]["detail"] == "1 contingency documents are not exchanged yet"
    assert "ched exchange" in checks["contingency"]["repair"]

    def refuse(connection):
        claimed = claim_contingency(connection, step, at=NOW)
        return settle_contingency(connection, claimed, state=ContingencyState.REFUSED, at=NOW, code="IMG-5001")

    stored(refuse)
    checks = by_name(imsoc.json("doctor", "--offline"))
    assert "contingency" not in checks
    if contingency:
        assert checks["contingency refused"]["detail"].endswith("the last with IMG-5001")
        assert "ched waiting --state refused" in checks["contingency refused"]["repair"]
        assert len(imsoc.json("ched", "waiting", "--state", "refused")["steps"]) == 1
    else:
        assert "contingency refused" not in checks
        assert imsoc.json("ched", "waiting", "--state", "refused")["steps"] == []


def test_a_missing_seal_of_traces_is_told(imsoc, trial, stored):
    stored(lambda connection: a_ched(connection, pending="counter-seal"))
    check = by_name(imsoc.json("doctor", "--offline"))["counter-seals"]
    assert check["detail"] == "1 CHEDs without the seal of TRACES, the oldest NL-1"
