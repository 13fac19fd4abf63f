import hashlib

import pytest

from gateway.access import Directory, View, check_document, check_operation, partner_from_record, read_secret, view_of
from gateway.errors import AccessDenied, ConfigurationError

CERTIFICATE = b"any DER"


def record(partner_id="ar-authority", **changes):
    return {
        "id": partner_id,
        "name": "invented",
        "kind": "third-country",
        "country": "AR",
        "contracts": ["certificate-exchange"],
        "document_types": ["851"],
        "country_pairs": ["AR>*"],
        **changes,
    }


class Store:
    def __init__(self, *records):
        self.records = list(records)
        self.version = 1
        self.loads = 0
        self.now = 0.0

    def load(self):
        self.loads += 1
        return self.records

    def directory(self):
        return Directory(self.load, lambda: str(self.version), lambda: self.now)


def test_finds_partners_by_what_they_show():
    fingerprint = "sha256:" + hashlib.sha256(CERTIFICATE).hexdigest()
    store = Store(
        record(authentication={"username": "ar", "secret": "env:AR"}),
        record("br-authority", authentication={"client_certificates": [fingerprint]}),
    )
    directory = store.directory()
    assert directory.by_username("ar").id == "ar-authority"
    assert directory.by_certificate(CERTIFICATE).id == "br-authority"
    assert directory.by_username("br") is None
    assert directory.by_certificate(b"another") is None


def test_a_revoked_partner_is_gone_within_the_refresh_interval_and_unchanged_records_are_not_read_again():
    store = Store(record(authentication={"username": "ar", "secret": "env:AR"}))
    directory = store.directory()
    assert directory.by_username("ar")
    store.now = 5.0
    assert directory.by_username("ar")
    assert store.loads == 1
    store.records = [record(enabled=False, authentication={"username": "ar", "secret": "env:AR"})]
    store.version = 2
    store.now = 6.5
    assert directory.by_username("ar") is None
    assert directory.by_id("ar-authority").enabled is False


def test_two_partners_cannot_share_an_identity():
    login = {"username": "same", "secret": "env:AR"}
    with pytest.raises(ConfigurationError) as caught:
        Store(record(authentication=login), record("br-authority", authentication=login)).directory().partners()
    assert caught.value.code == "IMG-0122"


def test_secrets_are_read_by_reference_and_never_shown(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("  s3cret \n")
    assert read_secret(f"file:{tmp_path / 'secret'}") == "s3cret"
    monkeypatch.setenv("A_SECRET", "other")
    assert read_secret("env:A_SECRET") == "other"
    for reference in ("env:NOT_SET_ANYWHERE", f"file:{tmp_path / 'absent'}", "s3cret"):
        with pytest.raises(ConfigurationError) as caught:
            read_secret(reference)
        assert caught.value.code == "IMG-0121"


def test_default_deny():
    partner = partner_from_record(record(operations=["GetCertificate"]))
    check_operation(partner, "certificate-exchange", "GetCertificate")
    with pytest.raises(AccessDenied) as caught:
        check_operation(partner, "certificate-exchange", "SubmitCertificate")
    assert caught.value.code == "IMG-2101"
    check_document(partner, "851", "AR", "NL")
    for type_code, issuer in (("853", "AR"), ("851", "BR")):
        with pytest.raises(AccessDenied) as caught:
            check_document(partner, type_code, issuer, "NL")
        assert caught.value.code == "IMG-2102"


@pytest.mark.parametrize(
    ("partner", "owner", "view"),
    [
        (record(), "ar-authority", View.ORIGINAL),
        (record(), "somebody", View.MASKED),
        (record(personal_data=True), "somebody", View.MASKED),
        (record(personal_data=True, personal_data_basis="adequacy decision"), "somebody", View.ORIGINAL),
        (record(kind="national"), "somebody", View.ORIGINAL),
        (record(kind="national", country_pairs=["BR>*"]), "somebody", View.NOTHING),
        (record(document_types=["853"]), "somebody", View.NOTHING),
        (record(document_types=[]), "ar-authority", View.ORIGINAL),
    ],
)
def test_who_sees_what(partner, owner, view):
    assert view_of(partner_from_record(partner), owner, "851", "AR", "NL") is view
