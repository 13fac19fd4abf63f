"""A recorded message does nothing at TRACES the second time, whatever it asks for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "ched"))  # importlib mode does not; the names are unique

from ched_harness import ched_pp, element
from relay_harness import National, Traces

from gateway.errors import AuthenticationFailed
from gateway.store import open_store
from gateway.traces.models import Attachment


@pytest.fixture
def national(sqlite_url, tmp_path, _sqlite_template, monkeypatch):
    monkeypatch.setenv("RELAY_TEST_SECRET", "a secret of the tests")
    file = tmp_path / "traces.db"
    file.write_bytes(_sqlite_template.read_bytes())
    with open_store(f"sqlite:///{file}", exclusive=True) as theirs, open_store(sqlite_url, exclusive=True) as own:
        traces = Traces(theirs)
        traces.begin()
        yield National(own, traces, when_away="contingency")
        traces.end()


def test_a_recorded_upload_reaches_traces_once(national):
    actor = national.world.actor("importer")
    call = national.world.call(element(ched_pp()), "submitCertificateAttachment")
    national.built.attachments.submit(actor, Attachment("phyto.pdf", b"%PDF-1.7 invented"), call)
    with pytest.raises(AuthenticationFailed, match="IMG-2003") as refused:
        national.built.attachments.submit(actor, Attachment("phyto.pdf", b"%PDF-1.7 invented"), call)
    assert national.traces.operations.count("submitCertificateAttachment") == 1
    assert not refused.value.spent, "the record of the refusal has no values to keep"
