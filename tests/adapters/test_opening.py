"""From a partner record to its adapter."""

from dataclasses import dataclass

import pytest

from adapters import open_adapter
from adapters.certificate_exchange import CertificateExchangeAdapter
from adapters.opening import ADAPTERS
from gateway.access import DeliveryTarget
from gateway.errors import ConfigurationError


@dataclass(frozen=True)
class Named:
    adapter: str


def test_the_adapter_that_a_record_names_is_opened():
    target = DeliveryTarget("certificate-exchange", "https://partner.invalid/CertificateExchange", username="a")
    assert isinstance(open_adapter(target, "secret"), CertificateExchangeAdapter)


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
