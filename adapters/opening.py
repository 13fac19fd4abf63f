"""From the [partner.delivery] table of a partner record to the adapter that speaks to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from adapters.certificate_exchange import CertificateExchangeAdapter
from adapters.ippc_hub.adapter import IppcHubAdapter
from adapters.traces_nt.adapter import TracesNtAdapter
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.protocol import Adapter

__all__ = ["ADAPTERS", "Target", "open_adapter"]


class Target(Protocol):
    """What an adapter is told about its partner: ``gateway.access.DeliveryTarget`` has this shape."""

    @property
    def adapter(self) -> str: ...  # noqa: D102 - named as in the record
    @property
    def address(self) -> str: ...  # noqa: D102
    @property
    def username(self) -> str: ...  # noqa: D102
    @property
    def ca(self) -> str: ...  # noqa: D102
    @property
    def client_certificate(self) -> str: ...  # noqa: D102
    @property
    def client_key(self) -> str: ...  # noqa: D102
    @property
    def timeout_seconds(self) -> float: ...  # noqa: D102


ADAPTERS: Final[dict[str, Callable[[Target, str], Adapter]]] = {
    "certificate-exchange": CertificateExchangeAdapter.open,
    "ippc-hub": IppcHubAdapter.open,
    "traces-nt": TracesNtAdapter.open,
}
"""Name in partner records, and what opens it with the target and the secret of its account."""


def open_adapter(target: Target, secret: str) -> Adapter:
    """The adapter for a partner.

    Args:
        target: the delivery part of its record.
        secret: of the account there; empty when it is called without one.

    Raises:
        ConfigurationError: IMG-0124 there is no such adapter; others when TLS files cannot be used.
    """
    try:
        opener = ADAPTERS[target.adapter]
    except KeyError:
        raise ConfigurationError(
            "IMG-0124", where="partner.delivery.adapter", found=target.adapter, expected=", ".join(ADAPTERS)
        ) from None
    return opener(target, secret)
