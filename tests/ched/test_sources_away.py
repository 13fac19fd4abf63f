"""Files, INTRA certificates and DOCOMs of a national instance while TRACES is away."""

from __future__ import annotations

import pytest
from ched_harness import ched_pp, element
from relay_harness import National, Traces

from gateway.ched.library import CertificateKind
from gateway.errors import Unavailable
from gateway.store import list_outages, open_store
from gateway.traces.models import Attachment

FILE = Attachment("phyto.pdf", b"%PDF-1.7 invented", "application/pdf")


@pytest.fixture
def traces(tmp_path, _sqlite_template, monkeypatch):
    monkeypatch.setenv("RELAY_TEST_SECRET", "a secret of the tests")
    file = tmp_path / "traces.db"
    file.write_bytes(_sqlite_template.read_bytes())
    with open_store(f"sqlite:///{file}", exclusive=True) as opened:
        yield Traces(opened)


@pytest.fixture(params=["fail", "contingency"])
def away(request, sqlite_url, traces):
    traces.begin()
    traces.end()
    with open_store(sqlite_url, exclusive=True) as opened:
        yield National(opened, traces, when_away=request.param, retry_seconds=30)


def upload(national):
    call = national.world.call(element(ched_pp()), "submitCertificateAttachment")
    return national.built.attachments.submit(national.world.actor("importer"), FILE, call)


def outages(national):
    with national.world.store.read() as connection:
        return {each.functionality: each.ended_at is None for each in list_outages(connection)}


def test_one_upload_tries_and_the_others_are_answered_at_once(away, monkeypatch):
    asked = []
    ask = away.built.client.submit_attachment
    monkeypatch.setattr(type(away.built.client), "submit_attachment", lambda _, *given: asked.append(1) or ask(*given))
    for _ in range(3):
        if away.changes["when_away"] == "contingency":
            assert upload(away).document_id > 0
        else:
            with pytest.raises(Unavailable, match="IMG-9010"):
                upload(away)
    assert len(asked) == 1
    assert outages(away) == {"certificate-attachments": True}


@pytest.mark.parametrize("kind", CertificateKind)
def test_a_certificate_that_only_traces_has_cannot_be_read(away, kind):
    for _ in range(2):
        with pytest.raises(Unavailable, match="IMG-9010"):
            away.built.library.read(away.world.actor("post"), kind, "INTRA.EU.NL.2026.0000001")
    assert list(outages(away).values()) == [True]


def test_the_outage_of_a_service_ends_when_traces_answers_again(away, traces):
    with pytest.raises(Unavailable):
        away.built.library.read(away.world.actor("post"), CertificateKind.DOCOM, "DOCOM.NL.2026.0000001")
    away.open()  # another process, which has not seen it begin
    traces.begin()
    away.later(60)
    away.exchanger.run_once()
    traces.end()
    assert outages(away) == {"docom": False}
