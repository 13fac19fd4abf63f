"""What is sent onward: the document in the partner's codes, under this gateway's seal, with the delivery's own id."""

from datetime import timedelta

import pytest
from lxml import etree

from gateway.delivery import DeliveryJob
from gateway.errors import ConfigurationError, ExchangeRefused
from gateway.exchange import payload_for
from gateway.store import DocumentKey, list_deliveries
from gateway.trust import INLINE_POLICY, Anchor, Level, Purpose, TrustStore, verify_sealed
from gateway.xml.schemas import SchemaName, validate


@pytest.fixture
def delivering(world, opened, caller_of):
    """A gateway that delivers to ``nl``, with one document waiting, and the job for it."""
    target = {"adapter": "certificate-exchange", "address": "http://127.0.0.1:9/", "import_countries": ["NL"]}
    grants = {"kind": "national", "document_types": ["*"], "country_pairs": ["*>NL"], "code_system": "national-b"}
    gateway = opened(
        world.partner(),
        world.partner("nl", **grants, delivery=target),
        world.partner("reader", **grants),
        world.partner("de", **{**grants, "country_pairs": ["*>DE"]}, delivery=target),
    )
    assert caller_of(gateway).submit(world.sealed(number="AR-1")).status == 200
    with gateway.context.store.read() as connection:
        (row,) = list_deliveries(connection)
    assert row.partner == "nl"

    def job(partner="nl", exchange=row.exchange_id):
        return DeliveryJob(
            id="d-1",
            partner=partner,
            exchange_id=exchange,
            document=DocumentKey("AR", "851", "AR-1"),
            status_code="70",
            sender="ar",
            attempt=1,
            deadline=world.now + timedelta(seconds=20),
        )

    return gateway.context, job


def test_the_payload_is_a_request_of_the_contract_sealed_by_this_gateway(world, delivering):
    context, job = delivering
    body = etree.fromstring(payload_for(context, job()).payload)
    validate(SchemaName.CERTIFICATE_EXCHANGE, body)
    assert body.findtext("{*}MessageID") == "d-1"
    assert body.findtext("{*}IssuingRoute") == "iii"
    anchor = Anchor("own", world.own.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED)
    root = body.find("{*}SPSCertificate")
    verified = verify_sealed(root, policy=INLINE_POLICY, trust=TrustStore([anchor]), at=world.now)
    assert "Gateway seal" in verified.seal.signer_subject
    assert root.findtext(".//{*}SPSExchangedDocument/{*}ID") == "AR-1"


@pytest.mark.parametrize("partner", ["gone", "reader"])
def test_a_partner_that_takes_no_deliveries_is_named(delivering, partner):
    context, job = delivering
    with pytest.raises(ConfigurationError) as caught:
        payload_for(context, job(partner))
    assert (caught.value.code, caught.value.where) == ("IMG-0123", f"partner {partner}")


def test_a_version_that_is_not_there_is_not_sent(delivering):
    context, job = delivering
    with pytest.raises(ExchangeRefused) as caught:
        payload_for(context, job(exchange="01M80VEEKRHMNQY07W5C6REMDC"))
    assert caught.value.code == "IMG-7004"
