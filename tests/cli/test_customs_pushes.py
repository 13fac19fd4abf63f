"""``imsoc customs pushes`` and ``push-stop``; a push among the deliveries."""

import datetime as dt

import pytest

from gateway.store import (
    ChedRow,
    ChedWrite,
    PushKind,
    find_audit,
    find_subscription,
    new_id,
    open_subscription,
    queue_push,
    record_ched,
    save_partner,
)

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
CHED, OTHER = "CHEDP.NL.2026.0000001", "CHEDP.NL.2026.0000002"


@pytest.fixture
def followed(stored):
    """A CHED that ``nl-customs`` follows, two changes told of it; ``de-customs`` follows another."""

    def unit(connection):
        found = []
        for partner, reference in (("nl-customs", CHED), ("de-customs", OTHER)):
            save_partner(connection, partner, {"id": partner, "name": partner, "kind": "customs", "country": "NL",
                                               "contracts": []}, author="op", now=NOW)  # fmt: skip
            row = ChedRow(id=new_id(NOW), reference=reference, local_reference=reference, type="P", status_code="70",
                          partner="national", created_at=NOW, updated_at=NOW, status_changed_at=NOW)  # fmt: skip
            record_ched(connection, ChedWrite(version_id=new_id(NOW), row=row, expected_version=None, at=NOW,
                                              operation="submit", partner="national", content=b"<a/>"))  # fmt: skip
            open_subscription(connection, partner=partner, ched_id=row.id, office="NL000396", at=NOW)
            found.append(find_subscription(connection, partner, row.id).id)
        for number in (1, 2):
            queue_push(connection, found[0], number, what=PushKind.LEDGER, content=b"<c/>", at=NOW)
        return found[0]

    return stored(unit)


def test_who_follows_and_what_waits_is_listed(imsoc, followed):
    shown = imsoc.json("customs", "pushes", "--ched", CHED)
    (follower,) = shown["followers"]
    assert follower == {
        "subscription": followed, "partner": "nl-customs", "ched": CHED, "office": "NL000396",
        "since": "2026-11-22T12:00:00Z", "pushes": 2, "ended_at": None, "why": "", "reason": "",
    }  # fmt: skip
    assert [(each["id"], each["number"], each["what"], each["state"]) for each in shown["pushes"]] == [
        (f"{followed}-2", 2, "ledger", "pending"),
        (f"{followed}-1", 1, "ledger", "pending"),
    ]
    everybody = imsoc.json("customs", "pushes")["followers"]
    assert {each["partner"] for each in everybody} == {"nl-customs", "de-customs"}
    assert "nobody" in imsoc("customs", "pushes", "--partner", "third-country").stdout


@pytest.mark.parametrize(
    ("option", "name", "refused"),
    [("--partner", "nobody", (2, "IMG-0105")), ("--ched", "CHEDP.NL.2026.9999999", (1, "IMG-7413"))],
)
def test_names_that_are_not_known_are_refused(imsoc, followed, option, name, refused):
    exit_code, code = refused
    assert imsoc.json("customs", "pushes", option, name, code=exit_code)["error"]["code"] == code


def test_an_operator_ends_it_and_what_waits_is_withdrawn(imsoc, followed, stored):
    done = imsoc.json("customs", "push-stop", "nl-customs", CHED, "--reason", "their system is replaced")
    assert done == {"partner": "nl-customs", "ched": CHED, "why": "operator"}
    shown = imsoc.json("customs", "pushes", "--ched", CHED)
    assert [(each["why"], each["reason"]) for each in shown["followers"]] == [("operator", "their system is replaced")]
    assert {(each["state"], each["detail"]) for each in shown["pushes"]} == {("withdrawn", "their system is replaced")}
    entry = stored(lambda c: find_audit(c, followed))[-1]
    assert "their system is replaced" in imsoc("customs", "pushes", "--ched", CHED).stdout
    assert (entry.action, entry.detail["reason"], entry.detail["withdrawn"]) == (
        "push ended",
        "their system is replaced",
        2,
    )
    assert imsoc.json("deliveries", "list", "--state", "withdrawn")["deliveries"][0]["carries"] == "push"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nl-customs", OTHER, "--reason", "x"), "IMG-0105"),
        (("nobody", CHED, "--reason", "x"), "IMG-0105"),
        (("nl-customs", CHED, "--reason", " "), "IMG-0106"),
    ],
)
def test_what_cannot_be_ended_is_said(imsoc, followed, arguments, code):
    refused = imsoc("customs", "push-stop", *arguments, code=2)
    assert code in refused.stderr + refused.stdout


def test_it_ends_once(imsoc, followed):
    imsoc("customs", "push-stop", "nl-customs", CHED, "--reason", "x")
    imsoc("customs", "push-stop", "nl-customs", CHED, "--reason", "x", code=2)


def test_a_push_is_shown_as_a_delivery(imsoc, followed):
    push_id = f"{followed}-1"
    shown = imsoc.json("deliveries", "show", push_id)
    assert (shown["id"], shown["carries"], shown["message"], shown["state"]) == (push_id, "push", None, "pending")
    assert imsoc.json("explain", push_id)["kind"] == "delivery"
