"""Our client of CERTEX and our desk of CERTEX, over a real socket: what one says is what the other has."""

from __future__ import annotations

import random
import shutil
from datetime import timedelta
from types import SimpleNamespace

import pytest
from certex_harness import SECRET
from relay_customs_harness import GATEWAY, Behind, National
from relay_harness import serving

from adapters.certex import (
    CertexBroken,
    CertexClient,
    CertexForbidden,
    CertexRefused,
    Clear,
    ClearanceWord,
    Intervene,
    OutcomeUnknown,
    Patience,
    ReservationWord,
    Reserve,
    is_empty,
)
from gateway.certex.models import DeclarationReference, Declared, GoodsClearance, Intervention, Item
from gateway.single_window import relay_upstream

OFFICE = "XI000002"
A = DeclarationReference("MRN", "26GB1669ATHOMEA01")


@pytest.fixture(scope="module")
def behind(tmp_path_factory, _sqlite_template, seal_files):
    folder = tmp_path_factory.mktemp("home")
    made = Behind(folder, f"sqlite:///{shutil.copy(_sqlite_template, folder / 'home.db')}", seal_files)
    yield made
    made.close()


@pytest.fixture(scope="module")
def national(tmp_path_factory, _sqlite_template, seal_files, behind):
    """A gateway between, over a socket of its own."""
    folder = tmp_path_factory.mktemp("between")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay_upstream, "PATIENCE", Patience(attempts=1, pause=0.0, within=5.0, resolving=0.0))
        made = National(folder, f"sqlite:///{shutil.copy(_sqlite_template, folder / 'between.db')}", behind, seal_files)
    with serving(made.application) as port:
        yield SimpleNamespace(world=made, port=port)
    made.close()


@pytest.fixture
def client(behind):
    return opened(behind, SECRET)


@pytest.fixture(params=["directly", "through a national gateway"])
def any_client(request, behind):
    if request.param == "directly":
        return opened(behind, SECRET)
    return opened(request.getfixturevalue("national"), SECRET, "customs-xi")


@pytest.fixture
def ched(behind):
    return behind.world.ched()


def opened(behind, secret, account=GATEWAY):
    target = SimpleNamespace(
        adapter="traces-nt",
        address=f"http://127.0.0.1:{behind.port}",
        username=account,
        ca="",
        client_certificate="",
        client_key="",
        timeout_seconds=5.0,
    )
    return CertexClient.open(
        target,
        secret,
        client_id="at-home",
        patience=Patience(attempts=2, pause=0.0, within=5.0),
        clock=lambda: behind.world.now,
    )


def item(quantity="2", unit="KGM", code="040100", goods=1, line=1):
    return Item(goods_item=goods, line=line, class_code=code, weight=Declared(quantity, unit))


def reserve(ched, *items, declaration=A):
    return Reserve(reference=ched, declaration=declaration, office=OFFICE, items=items or (item(),))


def clear(ched, information=GoodsClearance.RELEASED, declaration=A):
    return Clear(reference=ched, document=declaration.number, office=OFFICE, information=information)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (item(code="99999999"), "03"),
        (item("99999999"), "05"),
        (item(line=999), "07"),
        (item(unit="H87"), "10"),
        (item("0"), "11"),
    ],
)
def test_every_refusal_is_taken_for_what_it_is(client, ched, wrong, reason):
    assert client.reserve(reserve(ched)).stands
    found = client.reserve(reserve(ched, wrong))
    assert found.word is ReservationWord.REFUSED
    assert found.answer.reason == reason
    assert bool(found.holding.reserved) is (reason != "05")


def test_a_ched_that_is_not_validated_and_one_that_is_not_known(client, behind):
    new = behind.world.ched(status="1")
    assert client.reserve(reserve(new)).answer.reason == "04"
    assert not is_empty(client.read(new, OFFICE))
    assert client.reserve(reserve("CHEDP.XI.2026.9999999")).word is ReservationWord.NO_CHED
    assert is_empty(client.read("CHEDP.XI.2026.9999999", OFFICE))


def test_several_items_in_several_units(client, ched):
    found = client.reserve(reserve(ched, item("0.5", "TNE"), item("250000.000", "GRM", goods=2)))
    assert found.stands
    assert {(each.quantity, each.unit) for each in found.holding.reserved} == {("0.5", "TNE"), ("250000", "GRM")}
    assert client.clear(clear(ched)).done
    assert client.clear(clear(ched)).word is ClearanceWord.ALREADY
    assert client.reserve(reserve(ched)).answer.reason == "06"


def test_interventions(client, ched):
    def intervene(kind, *items):
        return client.clear(
            Intervene(
                reference=ched,
                document=A.number,
                office=OFFICE,
                intervention=kind,
                taric_document="N853",
                items=items,
            )
        )

    assert intervene(Intervention.AMEND, item()).word is ClearanceWord.NO_RECORD
    assert intervene(Intervention.FORCE, item()).done
    assert intervene(Intervention.AMEND, item("3")).done
    assert intervene(Intervention.DELETE).done
    assert client.reserve(reserve(ched)).stands
    assert intervene(Intervention.FORCE, item()).word is ClearanceWord.NOT_DONE


def test_refusals_of_the_account_and_of_the_message(client, behind, ched):
    with pytest.raises(CertexForbidden, match="IMG-8020"):
        opened(behind, "another secret").read(ched, OFFICE)
    with pytest.raises(CertexRefused, match=r"IMG-8031.* IMG-2114 "):
        client.read(ched, "DE000001")
    with pytest.raises(CertexRefused, match=r"IMG-8031.* IMG-7404 "):
        client.reserve(reserve(ched), at=behind.world.now - timedelta(hours=1))


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_lost_no_word_is_untrue(any_client, behind, ched, seed):
    client = any_client
    chance = random.Random(seed)
    declarations = [DeclarationReference("MRN", f"26GB1669RANDOM{seed}{each}") for each in range(3)]
    unknown = {}
    for _ in range(25):
        who = chance.choice(declarations)
        if who in unknown:
            continue
        behind.world.later(seconds=1)
        behind.script.extend(chance.choices(["", "", "", "lost", "silent"], k=3))
        try:
            if chance.random() < 0.6:
                goods = item(chance.choice(["1", "400", "700", "5000"]), chance.choice(["KGM", "KGM", "H87"]))
                check(client.reserve(reserve(ched, goods, declaration=who)), behind, ched, goods)
            else:
                check(client.clear(clear(ched, chance.choice(list(GoodsClearance)), who)), behind, ched)
        except OutcomeUnknown as error:
            unknown[who] = error.sent
        except CertexBroken as error:
            assert error.did_nothing  # noqa: PT017 - anything else would be unknown
        behind.script.clear()
    behind.world.later(minutes=16)
    for sent in unknown.values():
        if sent.kind == "reserve":
            check(client.resolve_reservation(sent), behind, ched, sent.request.items[0])
        else:
            check(client.resolve_clearance(sent), behind, ched)


def check(found, behind, ched, goods=None):
    number = found.sent.declaration.number
    ledger = behind.world.caller().read(ched)
    held, gone = ledger.held_by(number), ledger.consumed_by(number)
    if found.word is ReservationWord.RESERVED:
        assert held == {("MRN", "1", "1"): (goods.weight.quantity, goods.weight.unit)}
        assert not gone
    elif found.word in {ReservationWord.CONSUMED, ClearanceWord.ALREADY}:
        assert gone
    elif found.word is ClearanceWord.DONE:
        assert not held
        assert bool(gone) is (found.sent.kind == "release")
    elif found.word is ClearanceWord.NO_RECORD:
        assert not held | gone
    elif found.word is ReservationWord.NOT_RESERVED:
        assert held != {("MRN", "1", "1"): (goods.weight.quantity, goods.weight.unit)}
    else:
        assert found.word in {ReservationWord.REFUSED, ClearanceWord.NOT_DONE}
