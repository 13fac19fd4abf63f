"""Signatures over messages about CHEDs: changed behind them, of strangers, moved to another message, used twice."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent.parent / "ched"))  # importlib mode does not

from ched_harness import World, ched_pp, decision
from relay_harness import National, Traces

from gateway.ched.models import SealedCopy, SealRole, SubmissionKind
from gateway.documents.ched import write_ched
from gateway.errors import AuthenticationFailed, SealRefused
from gateway.sandbox.pki import Authority
from gateway.soap import SoapVersion
from gateway.soap.envelope import read_envelope, write_envelope
from gateway.soap.security import read_security
from gateway.store import open_store
from gateway.trust import sign_body
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise

LATE = "2026-11-25T10:00:00.000+01:00"
LATER = "2026-11-29T10:00:00.000+01:00"


@pytest.fixture
def quick(sqlite_url):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield World(opened)


@pytest.fixture
def strict(sqlite_url):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield World(opened, part_signatures="required")


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


def signed_call(world, request, operation, sealer, change=None):
    """The call as the endpoint sees it; ``change`` is made to the message behind its signature."""
    raw = sign_body(write_envelope(serialise(request), SoapVersion.SOAP11), sealer, at=world.now)
    if change is not None:
        assert change[0] in raw
        raw = raw.replace(*change)
    read = read_envelope(parse(raw).root, SoapVersion.SOAP11, frozenset())
    return replace(
        world.call(read.body, operation, "ched-control"), security=read_security(read.headers, signed=True), raw=raw
    )


def amendment(world, reference, **changes):
    request = etree.Element("{urn:t}AmendChed")
    request.append(write_ched(replace(world.stored(reference), **changes)))
    return request


def cancellation(reference):
    request = etree.Element("{urn:t}CancelChed")
    etree.SubElement(request, "{urn:t}ID").text = reference
    return request


def ours(world):
    return world.sealer(world.member.seal("operator"))


def a_stranger(world):
    return world.sealer(Authority("Stranger", now=world.now).seal("operator"))


@pytest.mark.parametrize("how", ["changed behind it", "of a stranger"])
def test_an_amendment_under_a_signature_that_does_not_hold_is_refused(quick, how):
    reference = quick.submit(ched_pp()).reference
    request = amendment(quick, reference, departure_from_post=LATE)
    change = (LATE.encode(), LATER.encode()) if how == "changed behind it" else None
    call = signed_call(quick, request, "AmendChed", ours(quick) if change else a_stranger(quick), change)
    with pytest.raises(SealRefused, match="IMG-40"):
        quick.register.amend(quick.actor("importer"), call.body[0], call)
    assert not quick.stored(reference).departure_from_post


@pytest.mark.parametrize("how", ["changed behind it", "of a stranger"])
def test_a_cancellation_under_a_signature_that_does_not_hold_is_refused(quick, how):
    first, second = (quick.submit(ched_pp(local_reference=each)).reference for each in ("one", "two"))
    change = (first.encode(), second.encode()) if how == "changed behind it" else None
    call = signed_call(quick, cancellation(first), "CancelChed", ours(quick) if change else a_stranger(quick), change)
    with pytest.raises(SealRefused, match="IMG-40"):
        quick.register.cancel(quick.actor("importer"), call.body[0].text, "sold", call)
    assert quick.register.row(quick.actor("importer"), second).status_code == "1"


def test_a_signature_that_holds_is_kept_with_the_amendment(quick):
    reference = quick.submit(ched_pp()).reference
    call = signed_call(quick, amendment(quick, reference, departure_from_post=LATE), "AmendChed", ours(quick))
    quick.register.amend(quick.actor("importer"), call.body[0], call)
    assert quick.stored(reference).departure_from_post == LATE
    with_cancel = signed_call(quick, cancellation(reference), "CancelChed", ours(quick))
    assert quick.register.cancel(quick.actor("importer"), reference, "sold", with_cancel).status_code == "64"


def test_a_national_instance_passes_no_cancellation_on_under_a_signature_that_does_not_hold(national, traces):
    reference = national.world.submit(ched_pp()).reference
    traces.operations.clear()
    call = signed_call(national.world, cancellation(reference), "CancelChed", a_stranger(national.world))
    with pytest.raises(SealRefused, match="IMG-40"):
        national.service.cancel(national.world.actor("importer"), reference, "sold", call)
    assert traces.operations == []


def test_the_token_of_a_cancellation_is_spent_at_a_national_instance(national, traces):
    """The token says nothing of the body: whoever recorded it could send anything else with it."""
    world = national.world
    reference = world.submit(ched_pp()).reference
    actor = world.actor("importer")
    request = cancellation(reference)
    national.service.cancel(actor, reference, "sold", world.call(request, "CancelChed", "ched-control"))
    document = write_ched(ched_pp(local_reference="by the man in the middle"))
    with pytest.raises(AuthenticationFailed, match="IMG-2003"):
        national.service.submit(actor, document, SubmissionKind.FOR_DECISION, world.call(document))
    traces.operations.clear()
    with pytest.raises(AuthenticationFailed, match="IMG-2003"):
        national.service.cancel(actor, reference, "sold", world.call(request, "CancelChed", "ched-control"))
    assert traces.operations == []


# --- seals of other documents and other roles ------------------------------------------------------------------------


def test_seals_of_another_decision_on_the_same_ched_decide_nothing(strict):
    reference = strict.submit(ched_pp()).reference
    refusal = replace(strict.stored(reference), decision=decision("NOT_ACCEPTABLE"))
    seals = tuple(strict.copy(role, of=refusal) for role in (SealRole.OFFICER, SealRole.AUTHORITY))
    with pytest.raises(SealRefused, match="IMG-4202"):
        strict.decide(reference, seals=seals)


def test_seals_of_another_ched_decide_nothing(strict):
    first, second = (strict.submit(ched_pp(local_reference=each)).reference for each in ("one", "two"))
    other = replace(strict.stored(first), decision=decision())
    seals = tuple(strict.copy(role, of=other) for role in (SealRole.OFFICER, SealRole.AUTHORITY))
    with pytest.raises(SealRefused, match="IMG-4202"):
        strict.decide(second, seals=seals)


@pytest.mark.parametrize("role", [SealRole.TRACES, SealRole.TRANSMISSION])
def test_nobody_brings_the_seal_of_traces_or_calls_a_file_the_transmission(strict, role):
    reference = strict.submit(ched_pp()).reference
    with pytest.raises(SealRefused, match="IMG-4203"):
        strict.decide(reference, seals=(*strict.signed(), strict.copy(role)))


def test_one_seal_is_not_two(strict):
    """The officer's file again, called the authority's."""
    reference = strict.submit(ched_pp()).reference
    officer = strict.copy(SealRole.OFFICER)

    def again(document):
        return SealedCopy(SealRole.AUTHORITY, officer(document).content)

    with pytest.raises(SealRefused, match="IMG-4204"):
        strict.decide(reference, seals=(officer, again))
    with pytest.raises(SealRefused, match="IMG-4203"):
        strict.decide(reference, seals=(officer, officer))
