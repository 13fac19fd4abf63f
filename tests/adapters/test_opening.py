"""From a partner record to its adapter."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from adapters import DeliveryJob, DeliveryOutcome, PushJob, open_adapter
from adapters.certificate_exchange import CertificateExchangeAdapter
from adapters.opening import ADAPTERS
from gateway.access import DeliveryTarget
from gateway.errors import ConfigurationError
from gateway.sandbox.pki import Authority, write
from gateway.store import DocumentKey


@dataclass(frozen=True)
class Named:
    adapter: str


def test_the_adapter_that_a_record_names_is_opened():
    target = DeliveryTarget("certificate-exchange", "https://partner.invalid/CertificateExchange", username="a")
    opened = open_adapter(target, "secret")
    assert isinstance(opened.adapter, CertificateExchangeAdapter)
    assert (opened.name, opened.carries) == ("certificate-exchange", DeliveryJob)


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_given_only_what_it_carries(name):
    """A record may change while deliveries of the other kind wait."""
    opened = open_adapter(DeliveryTarget(name, "https://partner.invalid/"), "")
    common = {"id": "d-1", "partner": "nl", "attempt": 1, "deadline": datetime.now(UTC), "payload": b"<a/>"}
    if opened.carries is PushJob:
        document = DocumentKey("AR", "851", "1")
        job = DeliveryJob(exchange_id="X", document=document, status_code="70", sender="ar", **common)
    else:
        job = PushJob(subscription="S", number=3, **common)
    for result in (opened.deliver(job), opened.resolve(job)):
        assert (result.outcome, result.code) == (DeliveryOutcome.REFUSED, "IMG-0124")
        assert result.detail == f"{name} cannot carry this: {job}"


def test_opening_calls_nobody(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a connection was made")

    monkeypatch.setattr("socket.socket.connect", refuse)
    open_adapter(DeliveryTarget("certificate-exchange", "https://partner.invalid/"), "")


def test_an_unknown_name_is_refused_with_those_that_there_are():
    with pytest.raises(ConfigurationError) as caught:
        open_adapter(Named("carrier-pigeon"), "")
    refusal = caught.value
    assert (refusal.code, refusal.where, refusal.found) == ("IMG-0124", "partner.delivery.adapter", "carrier-pigeon")
    assert refusal.expected == ", ".join(ADAPTERS)


@pytest.mark.parametrize("key", ["ca", "client_certificate", "client_key"])
def test_a_tls_file_that_is_not_there_is_named_when_the_adapter_is_opened(tmp_path, key):
    """Not at the first delivery, where the partner would be taken for unreachable."""
    target = DeliveryTarget("certificate-exchange", "https://partner.invalid/", **{key: str(tmp_path / "missing.pem")})
    with pytest.raises(ConfigurationError) as caught:
        open_adapter(target, "")
    assert caught.value.found.endswith("missing.pem")


@pytest.mark.parametrize(
    ("files", "where", "found"),
    [
        ({"ca": "nothing"}, "partner.delivery.ca", "no certificate or crl found"),
        ({"client_certificate": "nothing"}, "partner.delivery.client_certificate", "not PEM"),
        (
            {"client_certificate": "one.pem", "client_key": "other.key"},
            "partner.delivery.client_certificate",
            "key values mismatch",
        ),
    ],
)
def test_a_tls_file_that_cannot_be_used_is_named_when_the_adapter_is_opened(tmp_path, files, where, found):
    authority = Authority("TLS", now=datetime.now(UTC))
    for name in ("one", "other"):
        write(tmp_path, name, authority.tls_client(name))
    (tmp_path / "nothing").write_text("no PEM")
    names = {key: str(tmp_path / name) for key, name in files.items()}
    with pytest.raises(ConfigurationError) as caught:
        open_adapter(DeliveryTarget("certificate-exchange", "https://partner.invalid/", **names), "")
    assert (caught.value.code, caught.value.where) == ("IMG-0120", where)
    assert found in caught.value.found
    assert all(name in caught.value.found for name in names.values())
