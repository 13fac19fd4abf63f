import re
import tomllib
from pathlib import Path

import pytest

from gateway.access import (
    AllowedDocument,
    ChannelRule,
    Directory,
    HubMembership,
    Polling,
    RuleDirection,
    RuleType,
    partner_from_record,
    record_from_toml,
)
from gateway.access.directory import check_identities
from gateway.errors import ConfigurationError

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
DELIVERY = {"adapter": "ippc-hub", "address": "https://hub.example/hub/DeliveryService"}


def record(partner_id="ar-nppo", **changes):
    return {
        "id": partner_id,
        "name": "An invented organisation",
        "kind": "third-country",
        "country": "AR",
        "contracts": ["ippc-hub"],
        **changes,
    }


def test_a_partner_is_no_member_unless_its_record_says_so():
    partner = partner_from_record(record())
    assert partner.hub is None
    assert partner.polling is None


def test_an_authority_sends_and_receives_phytosanitary_certificates_by_default():
    membership = partner_from_record(record(hub={"countries": ["AR"]})).hub
    assert membership == HubMembership(countries=("AR",))
    assert membership.send
    assert membership.receive
    allowed = [
        (type_, status) for type_ in (851, 657, 852) for status in (70, 40, 39) if membership.allows(type_, status)
    ]
    assert allowed == [(851, 70), (851, 40), (657, 70), (657, 40)]


def test_an_inactive_document_is_not_allowed():
    membership = partner_from_record(
        record(
            hub={
                "countries": ["AR"],
                "documents": [{"type": 851, "status": "70"}, {"type": 851, "status": 40, "active": False}],
            }
        )
    ).hub
    assert membership.documents == (AllowedDocument(851, 70), AllowedDocument(851, 40, active=False))
    assert membership.allows(851, 70)
    assert not membership.allows(851, 40)
    assert not membership.allows(657, 70)


RULE = {"id": 7, "rule": "FORWARD", "direction": "OUT", "channel": "ASW"}


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({}, True),
        ({"type": 851, "status": 70, "country": "NL"}, True),
        ({"type": 657}, False),
        ({"status": 40}, False),
        ({"country": "BE"}, False),
        ({"direction": "INC"}, False),
        ({"active": False}, False),
    ],
)
def test_what_a_channel_rule_covers(changes, covered):
    rule = partner_from_record(record(hub={"countries": ["AR"], "rules": [{**RULE, **changes}]})).hub.rules[0]
    assert rule.id == 7
    assert rule.rule is RuleType.FORWARD
    assert rule.covers(RuleDirection.OUT, 851, 70, "NL") is covered


def test_a_record_from_a_file_carries_the_signing_certificate(tmp_path):
    (tmp_path / "signer.pem").write_text(PEM)
    path = tmp_path / "partner.toml"
    path.write_text(
        """
[partner]
id = "ar-nppo"
name = "An invented organisation"
kind = "third-country"
country = "AR"
contracts = ["ippc-hub"]
[partner.hub]
countries = ["AR"]
documents = [{ type = 851, status = 70 }]
signature_dn = "CN=Invented signer"
signature_certificate = "signer.pem"
[[partner.hub.rules]]
id = 1
rule = "DELEGATE"
type = 851
direction = "INC"
channel = "ASW"
[partner.delivery]
adapter = "ippc-hub"
address = "https://hub.example/hub/DeliveryService"
[partner.polling]
interval_seconds = 5
"""
    )
    partner = partner_from_record(record_from_toml(path))
    assert partner.hub.signature_certificate == PEM
    assert partner.hub.signature_dn == "CN=Invented signer"
    assert partner.hub.rules == (ChannelRule(1, RuleType.DELEGATE, RuleDirection.INC, "ASW", type=851),)
    assert partner.polling == Polling(interval_seconds=5.0)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"hub": {"countries": ["ar"]}}, "partner.hub.countries"),
        ({"hub": {"countries": ["*"]}}, "partner.hub.countries"),
        ({"hub": {"countries": ["AR", "AR"]}}, "partner.hub.countries"),
        ({"hub": {}}, "partner.hub.countries"),
        ({"hub": []}, "partner.hub"),
        ({"hub": {"country": "AR"}}, "partner.hub.country"),
        ({"hub": {"countries": ["AR"], "send": "no"}}, "partner.hub.send"),
        ({"hub": {"countries": ["AR"], "documents": [{"type": "PC", "status": 70}]}}, "partner.hub.documents[0].type"),
        ({"hub": {"countries": ["AR"], "documents": [{"type": 851}]}}, "partner.hub.documents[0].status"),
        ({"hub": {"countries": ["AR"], "signature_certificate": "x"}}, "partner.hub.signature_certificate"),
        ({"hub": {"channel": "A B"}}, "partner.hub.channel"),
        ({"hub": {"countries": ["AR"], "rules": [{**RULE, "rule": "COPY"}]}}, "partner.hub.rules[0].rule"),
        ({"hub": {"countries": ["AR"], "rules": [{**RULE, "direction": "IN"}]}}, "partner.hub.rules[0].direction"),
        ({"hub": {"countries": ["AR"], "rules": [{**RULE, "country": "any"}]}}, "partner.hub.rules[0].country"),
        ({"hub": {"countries": ["AR"], "rules": [RULE, RULE]}}, "partner.hub.rules[1].id"),
        ({"hub": {"countries": ["AR"]}, "kind": "hub"}, "partner.hub"),
        ({"polling": {}}, "partner.polling"),
        ({"polling": {}, "delivery": {**DELIVERY, "adapter": "certificate-exchange"}}, "partner.polling"),
        ({"polling": {"interval_seconds": 0}, "delivery": DELIVERY}, "partner.polling.interval_seconds"),
        ({"polling": {"batch": True}, "delivery": DELIVERY}, "partner.polling.batch"),
        ({"polling": {"lists_hours": "daily"}, "delivery": DELIVERY}, "partner.polling.lists_hours"),
    ],
)
def test_a_wrong_key_is_named(changes, key):
    with pytest.raises(ConfigurationError) as caught:
        partner_from_record(record(**changes))
    assert caught.value.code == "IMG-0120"
    assert caught.value.where == key
    assert caught.value.expected


def test_the_hub_itself_is_a_partner_outside_that_carries_for_its_country_pairs():
    hub = partner_from_record(
        record(
            "the-hub",
            kind="hub",
            document_types=["851"],
            country_pairs=["*>NL"],
            delivery=DELIVERY,
            polling={"batch": 5},
        )
    )
    assert hub.kind.is_outside
    assert hub.may_exchange("851", "AR", "NL")
    assert not hub.may_exchange("851", "AR", "BE")
    assert hub.polling == Polling(batch=5)


def directory(*records):
    return Directory(lambda: records, lambda: "1", lambda: 0.0)


def test_the_directory_knows_who_stands_for_a_country_and_for_a_channel():
    known = directory(
        record(hub={"countries": ["AR", "UY"]}),
        record("br-nppo", enabled=False, hub={"countries": ["BR"]}),
        record("single-window", hub={"channel": "ASW"}),
        record("a-plain-partner"),
    )
    assert known.nppo_of("UY").id == "ar-nppo"
    assert known.nppo_of("BR") is None
    assert [(country, partner.id) for country, partner in known.nppos()] == [("AR", "ar-nppo"), ("UY", "ar-nppo")]
    assert [partner.id for partner in known.channels()] == ["single-window"]
    assert known.channel_of("ASW").id == "single-window"
    assert known.channel_of("") is None


@pytest.mark.parametrize("hub", [{"countries": ["AR"]}, {"channel": "ASW"}])
def test_two_partners_cannot_claim_one_country_or_channel(hub):
    records = [record(hub=hub), record("other-nppo", hub=hub)]
    with pytest.raises(ConfigurationError) as caught:
        directory(*records).partners()
    assert caught.value.code == "IMG-0125"
    assert "ar-nppo" in caught.value.found
    with pytest.raises(ConfigurationError):
        check_identities([partner_from_record(each) for each in records])
    check_identities([partner_from_record(records[0]), partner_from_record({**records[1], "enabled": False})])


def test_a_partner_cannot_claim_a_country_of_our_own():
    partner = partner_from_record(record(hub={"countries": ["AR"]}))
    check_identities([partner], own_countries=["NL"])
    with pytest.raises(ConfigurationError) as caught:
        check_identities([partner], own_countries=["NL", "AR"])
    assert caught.value.code == "IMG-0125"
    assert caught.value.found == "AR, also of ar-nppo"


def test_the_examples_of_the_page_are_records():
    page = (Path(__file__).parents[2] / "docs" / "partners.md").read_text("utf-8")
    whole = {
        "id": "of-the-page",
        "name": "A record around a part",
        "kind": "national",
        "country": "NL",
        "contracts": [],
    }
    places = []
    for example in re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL):
        written = tomllib.loads(example.replace("sha256:…", "sha256:" + 64 * "0")).get("partner")
        if written is None:
            continue  # settings of the instance; the page says so
        written.pop("anchors", None)
        known = partner_from_record(whole | written)
        bodies = len(known.traces.bodies) if known.traces is not None else 0
        offices = len(known.customs.offices) if known.customs is not None else 0
        places.append((known.id, known.hub is not None, known.polling is not None, bodies, offices))
    assert places == [
        ("ar-plant-health", False, False, 0, 0),
        ("ar-nppo", True, False, 0, 0),
        ("ippc-hub", False, True, 0, 0),
        ("of-the-page", False, False, places[3][3], 0),
        ("traces-nt", False, False, 0, 0),
        ("nl-customs", False, False, 0, 2),
    ]
    assert places[3][3] > 1
