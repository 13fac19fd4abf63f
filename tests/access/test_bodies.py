"""The table [partner.traces]: for which bodies a partner's system may speak (Article 36)."""

from dataclasses import dataclass

import pytest

from gateway.access import Body, BodyKind, BodyRole, partner_from_record, resolve_body
from gateway.errors import AccessDenied, ConfigurationError

POST = {
    "id": "AUTH0001",
    "kind": "authority",
    "name": "Invented post",
    "roles": ["border-control-post", "exit-post"],
    "posts": ["NLRTM1"],
    "countries": ["NL"],
}
OPERATOR = {
    "id": "OP0001",
    "kind": "operator",
    "name": "Invented importer",
    "identifiers": {"national_registry_number": "NL-77", "eori_number": "NL000000077"},
}


@dataclass
class Named:
    kind: str
    id: str


def partner(*bodies, **changes):
    return partner_from_record(
        {
            "id": "nl-system",
            "name": "An invented system",
            "kind": "national",
            "country": "NL",
            "contracts": ["ched-certificate"],
            "traces": {"bodies": list(bodies), **changes},
        }
    )


def test_a_partner_speaks_for_nobody_unless_its_record_says_so():
    plain = {"id": "nl", "name": "n", "kind": "national", "country": "NL", "contracts": []}
    assert partner_from_record(plain).traces is None
    with pytest.raises(AccessDenied, match="IMG-2111"):
        resolve_body(partner_from_record(plain), Named("operator", "OP0001"))


def test_bodies_are_read_with_roles_area_and_identifiers():
    membership = partner(POST, OPERATOR).traces
    assert membership.by_id()["AUTH0001"] == Body(
        id="AUTH0001",
        kind=BodyKind.AUTHORITY,
        name="Invented post",
        roles=frozenset({BodyRole.BORDER_CONTROL_POST, BodyRole.EXIT_POST}),
        posts=("NLRTM1",),
        countries=("NL",),
    )
    assert membership.by_id()["OP0001"].names == {"OP0001", "NL-77", "NL000000077"}


def test_codes_of_posts_have_a_hyphen_too():
    """As captured: XILAR1-DAERA, one of several authorities at one place."""
    assert partner({**POST, "posts": ["XILAR1-DAERA"]}).traces.bodies[0].posts == ("XILAR1-DAERA",)


def test_a_body_is_found_by_identifier_and_kind():
    system = partner(POST, OPERATOR)
    assert resolve_body(system, Named("operator", "OP0001")).name == "Invented importer"
    assert resolve_body(system, None) is None


@pytest.mark.parametrize("named", [Named("operator", "AUTH0001"), Named("authority", "AUTH0002"), Named("other", "")])
def test_another_body_or_another_kind_is_refused(named):
    with pytest.raises(AccessDenied) as refused:
        resolve_body(partner(POST, OPERATOR), named)
    assert refused.value.code == "IMG-2111"
    assert "nl-system" in refused.value.expected


@pytest.mark.parametrize(
    ("bodies", "where"),
    [
        ([], "partner.traces.bodies"),
        ([POST, POST], "partner.traces.bodies[1].id"),
        ([{**POST, "kind": "ministry"}], "partner.traces.bodies[0].kind"),
        ([{**POST, "roles": ["border-post"]}], "partner.traces.bodies[0].roles"),
        ([{**POST, "roles": []}], "partner.traces.bodies[0].roles"),
        ([{**POST, "posts": []}], "partner.traces.bodies[0].posts"),
        ([{**POST, "roles": ["central"], "countries": []}], "partner.traces.bodies[0].countries"),
        ([{**POST, "countries": ["Netherlands"]}], "partner.traces.bodies[0].countries"),
        ([{**POST, "id": "A" * 17}], "partner.traces.bodies[0].id"),
        ([{**OPERATOR, "roles": ["central"], "countries": ["NL"]}], "partner.traces.bodies[0].roles"),
        ([{**OPERATOR, "identifiers": {"eori_number": 7}}], "partner.traces.bodies[0].identifiers"),
        ([{**OPERATOR, "post": "NLRTM1"}], "partner.traces.bodies[0].post"),
    ],
)
def test_what_is_wrong_is_named(bodies, where):
    with pytest.raises(ConfigurationError) as refused:
        partner(*bodies)
    assert refused.value.code == "IMG-0120"
    assert refused.value.where == where


def test_an_unknown_key_is_refused():
    with pytest.raises(ConfigurationError, match="IMG-0120"):
        partner(OPERATOR, body="x")


@pytest.mark.parametrize(
    ("body", "authority"),
    [
        (POST, True),
        (OPERATOR, False),
        ({"id": "CU1", "kind": "authority", "name": "c", "roles": ["customs"], "countries": ["NL"]}, False),
        ({"id": "EC1", "kind": "authority", "name": "c", "roles": ["commission"]}, True),
    ],
)
def test_customs_are_no_competent_authority(body, authority):
    assert partner(body).traces.bodies[0].is_authority is authority
