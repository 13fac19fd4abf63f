import hashlib
from datetime import date
from pathlib import Path

import pytest

from gateway.access import PartnerKind, partner_from_record, partner_from_toml, record_from_toml
from gateway.access.records import CONTRACTS
from gateway.certex.contract import CERTEX
from gateway.errors import ConfigurationError
from gateway.exchange.quarantine import CERTIFICATES
from gateway.hub.service import CONTRACT as HUB
from gateway.single_window.lookups import CONTRACT as LOOKUPS
from gateway.traces.contracts import CONTRACTS as TRACES_CONTRACTS

RECORD = {
    "id": "ar-authority",
    "name": "An invented authority",
    "kind": "third-country",
    "country": "AR",
    "contracts": ["certificate-exchange"],
}

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def record(**changes):
    return {**RECORD, **changes}


def test_a_partner_without_grants_may_exchange_nothing():
    partner = partner_from_record(RECORD)
    assert not partner.may_exchange("851", "AR", "NL")
    assert partner.may_call("certificate-exchange", "SubmitCertificate")
    assert not partner.may_call("delivery-service", "SubmitCertificate")


def test_files_become_part_of_the_record(tmp_path: Path):
    (tmp_path / "root.pem").write_text(PEM)
    (tmp_path / "list.pem").write_text("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n")
    (tmp_path / "secret.txt").write_text("s3cret\n")
    path = tmp_path / "partner.toml"
    path.write_text(
        """
[partner]
id = "ar-authority"
name = "An invented authority"
kind = "third-country"
country = "AR"
contracts = ["certificate-exchange"]
document_types = ["851"]
country_pairs = ["AR>*"]
com_informed_on = 2026-01-15
[partner.authentication]
username = "ar"
secret = "file:secret.txt"
[[partner.anchors]]
file = "root.pem"
purposes = ["seal"]
level = "qualified"
crls = ["list.pem"]
"""
    )
    partner = partner_from_toml(path)
    assert partner.kind is PartnerKind.THIRD_COUNTRY
    assert partner.com_informed_on == date(2026, 1, 15)
    assert partner.anchors[0].certificate_pem == PEM
    assert partner.anchors[0].name == "root.pem"
    assert "X509 CRL" in partner.anchors[0].crls[0]
    assert partner.authentication.secret == f"file:{tmp_path / 'secret.txt'}"
    assert partner.may_exchange("851", "AR", "NL")
    assert not partner.may_exchange("851", "BR", "NL")
    assert not partner.may_exchange("853", "AR", "NL")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"kind": "friend"}, "partner.kind"),
        ({"id": "Not An Id"}, "partner.id"),
        ({"country": "Argentina"}, "partner.country"),
        ({"country_pairs": ["AR-NL"]}, "partner.country_pairs"),
        ({"grants": ["all"]}, "partner.grants"),
        ({"timestamp": "maybe"}, "partner.timestamp"),
        ({"untranslatable": "guess"}, "partner.untranslatable"),
        ({"com_informed_on": "soon"}, "partner.com_informed_on"),
        ({"authentication": {"username": "ar", "secret": "in-the-clear"}}, "partner.authentication.secret"),
        ({"authentication": {"client_certificates": ["ab:cd"]}}, "partner.authentication.client_certificates"),
        ({"anchors": [{"certificate_pem": PEM, "purposes": ["seal"], "level": "high"}]}, "partner.anchors[0].level"),
        ({"anchors": [{"certificate_pem": PEM, "purposes": [], "level": "simple"}]}, "partner.anchors[0].purposes"),
        ({"delivery": {"adapter": "certificate-exchange", "address": "ftp://x"}}, "partner.delivery.address"),
        ({"delivery": {"adapter": "certificate-exchange", "address": "http://x.example/"}}, "partner.delivery.address"),
    ],
)
def test_a_wrong_key_is_named(changes, key):
    with pytest.raises(ConfigurationError) as caught:
        partner_from_record(record(**changes))
    assert caught.value.code == "IMG-0120"
    assert caught.value.where == key
    assert caught.value.expected


def test_a_secret_in_the_record_itself_is_not_shown():
    for secret in ("in-the-clear", ["in-the-clear"], ""):
        with pytest.raises(ConfigurationError) as caught:
            partner_from_record(record(authentication={"username": "ar", "secret": secret}))
        assert caught.value.where == "partner.authentication.secret"
        assert "in-the-clear" not in f"{caught.value} {caught.value.found} {caught.value.expected}"


def test_a_misspelt_key_is_offered_the_right_one():
    with pytest.raises(ConfigurationError) as caught:
        partner_from_record(record(countrypairs=["AR>*"]))
    assert caught.value.expected == "country_pairs"


def test_a_disabled_partner_may_call_nothing():
    assert not partner_from_record(record(enabled=False)).may_call("certificate-exchange", "GetCertificate")


@pytest.mark.parametrize(
    "printed",
    [
        "sha256:{plain}",
        "SHA256:{plain}",
        "sha256 Fingerprint={colons}",
        "SHA256 Fingerprint={colons}",
        "{colons}",
        " {plain}\n",
    ],
)
def test_a_fingerprint_as_openssl_prints_it_is_taken(printed):
    plain = hashlib.sha256(b"certificate").hexdigest()
    colons = ":".join(plain[at : at + 2] for at in range(0, 64, 2)).upper()
    shown = {"client_certificates": [printed.format(plain=plain, colons=colons)]}
    partner = partner_from_record(RECORD | {"authentication": shown})
    assert partner.authentication.client_certificates == (f"sha256:{plain}",)


@pytest.mark.parametrize("wrong", ["sha1:00", "sha256:", "sha256:" + "0" * 63, "sha256:" + "g" * 64, ""])
def test_what_is_no_fingerprint_is_shown_as_it_was_written(wrong):
    with pytest.raises(ConfigurationError) as caught:
        partner_from_record(RECORD | {"authentication": {"client_certificates": [wrong]}})
    assert (caught.value.where, caught.value.found) == ("partner.authentication.client_certificates", wrong)
    assert "openssl" in caught.value.expected


def test_no_document_is_routed_to_an_address_for_pushes():
    address = "https://customs.invalid/CustomsPush"
    for adapter, wants in (("customs-push", False), ("certificate-exchange", True)):
        partner = partner_from_record(record(kind="customs", delivery={"adapter": adapter, "address": address}))
        assert partner.delivery.wants("851", "NL") is wants


def test_a_contract_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path):
    path = tmp_path / "partner.toml"
    path.write_text(
        '[partner]\nid = "nl-customs"\nname = "x"\nkind = "customs"\ncountry = "NL"\ncontracts = ["customs-lookups"]\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        record_from_toml(path)
    error = caught.value
    assert (error.code, error.where, error.found) == ("IMG-0120", "partner.contracts", "customs-lookups")
    assert "customs-lookup |" in error.expected


def test_every_contract_that_is_served_can_be_granted():
    served = {each.name for each in TRACES_CONTRACTS} | {CERTEX.name, LOOKUPS, HUB, CERTIFICATES}
    assert served == CONTRACTS


def test_a_record_that_the_store_has_from_before_is_still_read():
    assert partner_from_record(record(contracts=["no-longer"])).contracts == {"no-longer"}
