"""What an instance serves by its roles, and what stops it from starting with an upstream that cannot be one."""

import threading
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from ched_harness import PORTAL, World, ched_pp
from relay_harness import choices

from gateway.app import build_application
from gateway.ched.availability import Availability
from gateway.ched.exchanging import Exchanger
from gateway.ched.library import CertificateKind
from gateway.ched.register import RegisterService
from gateway.ched.relay import RelayService
from gateway.ched.sealing import SealKeeper
from gateway.ched.sources import UpstreamSource
from gateway.ched.wiring import build
from gateway.config import InstanceSettings, SealSettings, Settings, StoreSettings, TracesSettings
from gateway.errors import AccessDenied, ConfigurationError
from gateway.sandbox.pki import Authority, write
from gateway.store import open_store, save_partner
from gateway.traces.contracts import CONTRACTS
from mappings.reference import load_reference


@pytest.fixture
def world(sqlite_url):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield World(opened, roles=("national",))


def built(world, **changes):
    reference = load_reference(world.context.index.tables)
    lease = timedelta(seconds=30)
    return build(world.context, choices(**changes), portal=PORTAL, reference=reference, lease=lease)


def record(**changes):
    delivery = {"adapter": "traces-nt", "address": "http://127.0.0.1:9", **changes}
    return {"id": "tt", "name": "T", "kind": "traces", "country": "EU", "contracts": [], "delivery": delivery}


def test_without_an_upstream_the_register_of_the_instance_answers(world):
    services = built(world)
    assert isinstance(services.cheds, RegisterService)
    assert services.exchanger is None


def test_with_an_upstream_the_relay_answers(world):
    world.records.append(record())
    services = built(world, upstream="tt")
    assert isinstance(services.cheds, RelayService)
    assert services.exchanger is not None


def test_only_a_register_without_an_upstream_is_followed(world):
    """With one, the upstream has the CHEDs, and what follows them: ledgers among it."""
    world.records.append(record())
    told = []
    follower = lambda _, write, before: told.append((write.row.status_code, before and before.status_code))  # noqa: E731
    world.context = replace(world.context, ched_followers=(follower,))
    for upstream in ("tt", ""):
        world.register = built(world, upstream=upstream).register
        local = world.submit(ched_pp(local_reference=f"local-{upstream}")).local_reference
        world.cancel(local)
        assert told == ([] if upstream else [("1", None), ("64", "1")])


@pytest.mark.parametrize(
    ("roles", "upstream", "expected"),
    [(("traces",), "", [SealKeeper]), (("national",), "", []), (("national",), "tt", [Exchanger])],
    ids=["traces", "national", "with an upstream"],
)
def test_what_goes_on_by_itself(sqlite_url, roles, upstream, expected):
    """In the role of TRACES, pending seals; with an upstream, the exchange with it."""
    with open_store(sqlite_url, exclusive=True) as opened:
        other = World(opened, roles=roles)
        other.records.append(record())
        assert [type(each) for each in built(other, upstream=upstream).background] == expected


@pytest.mark.parametrize(
    ("partner", "code"),
    [(None, "IMG-0101"), ({**record(), "enabled": False}, "IMG-0101"), (record(adapter="ippc-hub"), "IMG-0123")],
    ids=["unknown", "disabled", "another adapter"],
)
def test_an_upstream_that_cannot_be_one_is_named_at_the_start(world, partner, code):
    if partner:
        world.records.append(partner)
    with pytest.raises(ConfigurationError) as refused:
        built(world, upstream="tt")
    assert refused.value.code == code


def test_what_upstream_has_is_asked_for_a_body_and_never_for_our_account_alone(world):
    client = SimpleNamespace(intra=lambda *_: pytest.fail("TRACES was asked"))
    there = Availability(world.store, "tt", retry=timedelta(0), clock=lambda: world.now)
    source = UpstreamSource(world.context, client, there)
    with pytest.raises(AccessDenied, match="IMG-2112"):
        source.certificate(CertificateKind.INTRA, "INTRA.EU.NL.2026.1", world.actor(None))


def settings_of(folder, url, *roles, **traces):
    seal = Authority("Own", now=World.now).seal("Seal")
    write(folder, "seal", seal)
    return Settings(
        instance=InstanceSettings(id="gw", roles=roles),
        store=StoreSettings(url),
        seal=SealSettings(key=folder / "seal.key", certificate=folder / "seal.pem"),
        traces=TracesSettings(**traces),
    )


def published(application, path):
    answered = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "wsdl",
        "SERVER_NAME": "gw.example",
        "SERVER_PORT": "443",
        "wsgi.url_scheme": "https",
        "REMOTE_ADDR": "127.0.0.1",
    }
    body = b"".join(application(environ, lambda status, _headers: answered.append(status)))
    return answered[0][:3], body


@pytest.mark.parametrize(("roles", "served"), [(("traces",), True), (("national",), True), (("hub",), False)])
def test_the_faces_of_traces_are_served_in_the_roles_that_use_them(tmp_path, sqlite_url, roles, served):
    application = build_application(settings_of(tmp_path, sqlite_url, *roles))
    try:
        for contract in CONTRACTS:
            status, body = published(application, contract.path)
            assert (status == "200" and b"definitions" in body) is served, contract.path
    finally:
        application.close()


def test_an_instance_with_an_upstream_begins_and_ends(tmp_path, sqlite_url):
    with open_store(sqlite_url, exclusive=True) as store:
        at = World.now
        partner = record()
        store.write(lambda c: save_partner(c, "tt", partner, author="test", now=at))
    before = set(threading.enumerate())
    application = build_application(settings_of(tmp_path, sqlite_url, "national", upstream="tt", retry_seconds=0.1))
    begun = set(threading.enumerate()) - before
    application.close()
    assert begun
    assert not [thread.name for thread in begun if thread.is_alive()]
