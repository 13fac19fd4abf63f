"""Article 39: the route follows from the two systems, and some certificates may not take some routes."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.errors import RouteRefused
from gateway.trust import Route, issuing_route

DAY = date(2026, 3, 1)


def route(**changes):
    given = {
        "roles": frozenset({"traces"}),
        "partner_kind": "third-country",
        "claimed": None,
        "phytosanitary": False,
        "com_informed_on": None,
        "phyto_routes": frozenset({"i", "iii"}),
        "on": DAY,
    }
    return issuing_route(**(given | changes))


def refused(code, **changes):
    with pytest.raises(RouteRefused) as refusal:
        route(**changes)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("roles", "kind", "claimed", "expected"),
    [
        ({"traces"}, "third-country", None, "iii"),
        ({"traces"}, "international-organisation", "iii", "iii"),
        ({"hub"}, "third-country", None, "iii"),
        ({"traces", "national"}, "third-country", None, "iii"),
        ({"national"}, "third-country", None, "iv"),
        ({"national"}, "traces", None, "i"),
        ({"national"}, "traces", "iii", "iii"),
        ({"traces"}, "national", None, "ii"),
        ({"traces"}, "national", "iv", "iv"),
    ],
)
def test_r_39_1_the_route_follows_from_sender_and_receiver(roles, kind, claimed, expected):
    assert route(roles=frozenset(roles), partner_kind=kind, claimed=claimed, com_informed_on=DAY) == Route(expected)


def test_a_third_country_cannot_claim_another_route():
    refused("IMG-4103", claimed="i")
    refused("IMG-4103", partner_kind="national", claimed="v")


def test_customs_issue_no_certificates():
    refused("IMG-4104", partner_kind="customs")


@pytest.mark.parametrize(("informed", "allowed"), [(None, False), (date(2026, 3, 2), False), (DAY, True)])
def test_r_39_4_route_iv_opens_when_the_commission_was_informed(informed, allowed):
    changes = {"roles": frozenset({"national"}), "com_informed_on": informed}
    if allowed:
        assert route(**changes) is Route.THIRD_COUNTRY_TO_NATIONAL
    else:
        refused("IMG-4101", **changes)


def test_r_39_4_concerns_route_iv_only():
    assert route(com_informed_on=None) is Route.THIRD_COUNTRY_TO_TRACES


def test_r_39_5_phytosanitary_certificates_by_the_configured_routes_only():
    national = {"roles": frozenset({"national"}), "com_informed_on": DAY, "phytosanitary": True}
    refused("IMG-4102", **national)
    assert route(**national, phyto_routes=frozenset({"iv"})) is Route.THIRD_COUNTRY_TO_NATIONAL
    assert route(phytosanitary=True) is Route.THIRD_COUNTRY_TO_TRACES
    refused("IMG-4102", phytosanitary=True, phyto_routes=frozenset({"i", "ii"}))


def test_r_39_5_holds_for_certificates_that_others_pass_on():
    refused("IMG-4102", partner_kind="national", claimed="iv", phytosanitary=True)
