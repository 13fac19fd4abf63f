"""What every face of TRACES NT asks of a caller before a service sees the call."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique
sys.path.insert(0, str(Path(__file__).parents[1] / "traces"))

from reference_service import TABLES, Service
from shape import differences

from gateway.store import open_store
from gateway.traces import wire_reference as wire
from gateway.traces.headers import BodyIdentity, BodyKind, CallHeaders, write_headers
from mappings.reference import load_reference

ASK = wire.empty_request("GetClassificationTreesRequest")


class Named(Service):
    """The partner's record says by which program it calls."""

    @staticmethod
    def record(name, contracts, secret):
        record = Service.record(name, contracts, secret)
        record["authentication"]["web_service_client_id"] = "national-system"
        return record

    def send(self, raw, **options):
        """Keeps the HTTP headers, which name the code."""
        application = self.application
        told = {}

        def listening(environ, start_response):
            return application(environ, lambda line, headers: (told.update(headers), start_response(line, headers)))

        self.application = listening
        try:
            return super().send(raw, **options)
        finally:
            self.application, self.told = application, told


@pytest.fixture
def named(sqlite_url, tmp_path):
    with open_store(sqlite_url, exclusive=True) as store:
        yield Named(store, tmp_path, load_reference(TABLES))


def headers(client="national-system", body=None):
    return write_headers(CallHeaders(client, body=body)).decode()


def test_a_partner_that_calls_by_the_program_of_its_record_is_answered(named):
    assert wire.read_trees_response(named.ask(ASK, headers=headers()))


@pytest.mark.parametrize("options", [{"headers": headers("another")}, {"who": "nobody"}], ids=["client", "user"])
def test_who_is_not_known_learns_one_word(named, options):
    said, detail, reply = named.fault(ASK, **{"headers": headers(), **options})
    assert (said, detail) == ("UnauthenticatedException", None)
    assert named.told["X-IMSOC-Error"] == ("IMG-2011" if "headers" in options else "IMG-2001")
    folder = os.environ.get("IMSOC_CONTRACTS")
    if folder is not None:
        captured = Path(folder) / "traces-nt" / "faults" / "UnauthenticatedException.xml"
        assert differences(reply, captured.read_bytes()) == []


def test_a_body_that_is_not_the_partners_is_a_matter_of_permission(named):
    body = BodyIdentity(BodyKind.OPERATOR, "SOMEBODY")
    _, detail, _ = named.fault(ASK, headers=headers(body=body))
    assert (detail, named.told["X-IMSOC-Error"]) == ("PermissionDeniedException", "IMG-2111")


@pytest.mark.parametrize(("blocks", "code"), [("", "IMG-1116"), (headers() * 2, "IMG-1117")], ids=["none", "twice"])
def test_headers_that_are_missing_or_doubled_are_named(named, blocks, code):
    said, detail, _ = named.fault(ASK, headers=blocks)
    assert (detail, named.told["X-IMSOC-Error"]) == (None, code)
    assert said.startswith(code)
