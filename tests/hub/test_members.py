import pytest
from hub_members import directory, partner

from gateway.errors import ConfigurationError, HubRefused
from gateway.hub.profile import Members, profile_of
from gateway.ippc.profile import Channel, NppoDocument, NppoRule

RULES = [{"id": 3, "rule": "FORWARD", "direction": "OUT", "channel": "ASW", "type": 851}]


def test_active_authorities_are_those_of_the_partners_and_our_own():
    members = Members(
        directory(be_nppo={"hub": {"countries": ["BE"], "send": False, "rules": RULES}}), frozenset({"NL"})
    )
    known = members.nppos()
    assert [(each.country, each.send, each.receive) for each in known] == [
        ("AR", True, True),
        ("BE", False, True),
        ("NL", True, True),
        ("UY", True, True),
    ]
    assert known[0].documents[0] == NppoDocument(
        851, 70, active=True, type_name="Phytosanitary certificate", status_name="Issued"
    )
    assert known[1].rules == (), "an authority's rules are nobody else's business"


def test_an_authority_that_neither_sends_nor_receives_is_not_active():
    off = {"hub": {"countries": ["BE"], "send": False, "receive": False}}
    assert "BE" not in [each.country for each in Members(directory(be_nppo=off), frozenset()).nppos()]


def test_a_profile_has_the_rules_and_the_partners_own_country():
    membership = {
        "countries": ["UY", "AR"],
        "rules": RULES,
        "signature_dn": "CN=Invented",
        "documents": [{"type": 851, "status": 70, "active": False}],
    }
    profile = profile_of(partner("ar-nppo", hub=membership))
    assert profile.country == "AR"
    assert profile.rules == (NppoRule(3, active=True, rule="FORWARD", type=851, status=0, country="", direction="OUT"),)
    assert profile.signature_dn == "CN=Invented"
    assert [(each.type, each.active) for each in profile.documents] == [(851, False)]
    assert profile_of(partner("ar-nppo", country="*", hub=membership)).country == "UY"
    assert profile_of(partner("window")).country == ""


def test_who_is_no_member_has_no_profile():
    with pytest.raises(HubRefused) as caught:
        profile_of(partner("stranger"))
    assert caught.value.code == "IMG-7104"


def test_channels_by_code():
    assert Members(directory(), frozenset()).channels() == [
        Channel("ARC", "Invented archive", receive=True, send=False),
        Channel("ASW", "Invented window", receive=True, send=True),
        Channel("MUTE", "Invented mute", receive=False, send=True),
    ]


def test_no_partner_may_claim_a_country_of_our_own():
    with pytest.raises(ConfigurationError) as caught:
        Members(directory(), frozenset({"BE"}))
    assert caught.value.code == "IMG-0125"
    assert "be-nppo" in caught.value.found
