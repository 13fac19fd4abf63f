"""Who gets to read what, and what ends up in files, logs and other people's answers."""

from __future__ import annotations

import io
import os
import stat

import pytest
from exchange_harness import CX
from lxml import etree

from gateway.documents import mask_personal
from gateway.sandbox.pki import Authority, write
from gateway.sandbox.samples import certificate
from gateway.store import open_store, upgrade
from gateway.xml.names import RAM21

PERSONAL = ("Zyxwv Invented", "zyxwv@invented.example")


def with_personal_data():
    """A certificate whose operators, contacts and free texts name somebody who can be searched for."""
    text = certificate(lines=1, number="AR-PERSONAL-1").decode()
    name, mail = PERSONAL
    text = text.replace("<ram:ConsigneeSPSParty><ram:Name>", f"<ram:ConsigneeSPSParty><ram:Name>{name} ", 1)
    text = text.replace("<ram:ConsignorSPSParty><ram:Name>", f"<ram:ConsignorSPSParty><ram:Name>{name} ", 1)
    return text.replace("<ram:Content>", f"<ram:Content>{mail} ", 1).encode()


@pytest.fixture(scope="module")
def stored(house):
    document = house.world.sealed(with_personal_data())
    assert PERSONAL[0].encode() in document
    assert house.caller("ar").submit(document, message_id="personal").status == 200
    return "AR-PERSONAL-1"


QUESTIONS = [
    ("GetCertificate", ""),
    ("GetCertificate", "<cx:Representation>TRANSLATED</cx:Representation>"),
    ("GetCertificate", "<cx:StatusCode>70</cx:StatusCode>"),
    ("GetCertificateStatus", ""),
    ("GetEvidence", ""),
]


@pytest.mark.parametrize(("operation", "more"), QUESTIONS)
def test_outside_partners_get_no_personal_data_in_any_form(house, stored, operation, more):
    answer = house.caller("hub").about(operation, stored, more=more)
    assert answer.status == 200 or answer.code == "IMG-7004"
    text = etree.tostring(answer.body, encoding="unicode")
    assert not [word for word in PERSONAL if word in text]
    assert "SealedDocument" not in text
    assert "Signature" not in text


@pytest.mark.parametrize(("operation", "more"), QUESTIONS)
def test_what_one_may_not_see_is_like_what_is_not_there(house, stored, operation, more):
    """The same code and the same words, whether the document exists or not."""
    for partner in ("other-pair", "other-type", "elsewhere"):
        there = house.caller(partner).about(operation, stored, more=more)
        absent = house.caller(partner).about(operation, "AR-NOT-THERE-1", more=more)
        assert (there.status, there.code) == (absent.status, absent.code) == (500, "IMG-7004")
        for name in ("Where", "Expected", "Retry", "WhatToDo"):
            assert there.fault(name) == absent.fault(name)
        assert there.fault("Found").replace(stored, "") == absent.fault("Found").replace("AR-NOT-THERE-1", "")


@pytest.mark.parametrize("offset", [0, 1, 10, 2**31 - 1])
def test_paging_shows_what_one_may_see_and_no_gaps(house, stored, offset):
    for partner in ("other-pair", "other-type", "elsewhere"):
        answer = house.caller(partner).call(f'<cx:FindCertificatesRequest xmlns:cx="{CX}" offset="{offset}"/>')
        assert answer.status == 200
        assert stored.encode() not in answer.raw
        assert answer.body.get("more") == "false"


def test_evidence_is_the_senders_alone(house, stored):
    own = house.caller("ar").about("GetEvidence", stored)
    exchange = own.text("cx:FileName").removeprefix("evidence-").removesuffix(".zip")
    for partner in ("nl", "hub", "hub-r93", "customs"):
        asked = (
            f'<cx:GetEvidenceRequest xmlns:cx="{CX}"><cx:ExchangeID>{exchange}</cx:ExchangeID></cx:GetEvidenceRequest>'
        )
        assert house.caller(partner).call(asked).code == "IMG-7004"


def test_message_ids_are_not_shared_between_partners(house, stored):
    asked = (
        f'<cx:GetCertificateStatusRequest xmlns:cx="{CX}"><cx:MessageID>personal</cx:MessageID>'
        "</cx:GetCertificateStatusRequest>"
    )
    assert house.caller("ar").call(asked).status == 200
    for partner in ("nl", "hub", "asker"):
        assert house.caller(partner).call(asked).code == "IMG-7004"
        assert b"personal" not in house.caller(partner).about("GetCertificateStatus", stored).raw


def test_every_party_is_an_operator_or_an_authority_on_purpose():
    """A new kind of party in the schema must be put on one side before it can be given out masked."""
    authorities = {"ActivityAuthorizedSPSParty", "IssuerSPSParty", "IssuingSPSParty", "ProviderSPSParty",
                   "LocationProviderSPSParty"}  # fmt: skip
    from gateway.xml.schemas import schema_source  # noqa: PLC0415

    schema = etree.fromstring(schema_source("uncefact/strict/ReusableAggregateBusinessInformationEntity_21.xsd"))
    names = {name for name in schema.xpath("//@name") if name.endswith("SPSParty")}
    for name in names - authorities:
        party = f'<a xmlns:r="{RAM21}"><r:{name}><r:Name>Somebody</r:Name></r:{name}></a>'
        assert b"Somebody" not in mask_personal(etree.fromstring(party)), name


@pytest.mark.parametrize(
    "query",
    ["xsd=../../setup.cfg", "xsd=..%2F..%2Fsetup.cfg", "xsd=%2Fetc%2Fpasswd", "xsd=/etc/passwd", "xsd=",
     "xsd=__init__.py", "xsd=uncefact/strict/../../xmldsig.xsd", "xsd=xmldsig.xsd%00",
     "XSD=file:///etc/passwd", "xsd=http://127.0.0.1:9/a.xsd"],
)  # fmt: skip
def test_only_the_contracts_own_schemas_are_published(house, query):
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/CertificateExchange", "QUERY_STRING": query, "HTTP_HOST": 'a"><b>',
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        "REMOTE_ADDR": "192.0.2.1",
    }  # fmt: skip
    seen = []
    content = b"".join(house.gateway(environ, lambda status, headers: seen.append(status)))
    assert seen == ["404 Not Found"]
    assert b"IMG-1111" in content
    assert b"root:" not in content


@pytest.mark.parametrize("poison", ["a\r\n2026-01-01 forged=1", "\x1b[2J", "\u202e", "${jndi:x}", "%s%n{}"])
def test_what_a_caller_writes_makes_no_line_of_the_log(house, world, poison, capfd):
    caller = house.caller()
    body = caller.request("SubmitCertificate", world.sealed())
    for headers in ({"HTTP_SOAPACTION": poison}, {"HTTP_X_FORWARDED_FOR": poison}, {"HTTP_USER_AGENT": poison}):
        caller.post(caller.envelope(body), headers=headers)
    said = capfd.readouterr()
    assert poison not in said.out + said.err
    assert "forged" not in said.out + said.err


def test_the_database_and_the_keys_are_the_owners_alone(tmp_path, world):
    """Certificates of whole countries with names in them, below the usual umask."""
    before = os.umask(0o022)
    try:
        url = f"sqlite:///{tmp_path / 'new' / 'imsoc.db'}"
        upgrade(url)
        with open_store(url, exclusive=True) as store:
            store.write(lambda connection: connection.exec_driver_sql("DELETE FROM nonces"))
            files = [path for path in (tmp_path / "new").iterdir() if path.is_file()]
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files}
        _, key = write(tmp_path, "seal", Authority("Any", now=world.now).seal("Any"))
    finally:
        os.umask(before)
    assert len(modes) >= 3
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
