"""From the [partner.delivery] table of a partner record to the adapter that speaks to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from adapters.certificate_exchange import CertificateExchangeAdapter
from adapters.customs_push import CustomsPushAdapter
from adapters.ippc_hub.adapter import IppcHubAdapter
from adapters.protocol import DeliveryJob, DeliveryOutcome, DeliveryResult, PushJob
from adapters.traces_nt.adapter import TracesNtAdapter
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.protocol import Adapter, Job

__all__ = ["ADAPTERS", "OnlyFor", "Target", "open_adapter"]


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


class _Kind(NamedTuple):
    open: Callable[[Target, str], Adapter[Any]]
    carries: type[Job]


ADAPTERS: Final = {
    "certificate-exchange": _Kind(CertificateExchangeAdapter.open, DeliveryJob),
    "customs-push": _Kind(CustomsPushAdapter.open, PushJob),
    "ippc-hub": _Kind(IppcHubAdapter.open, DeliveryJob),
    "traces-nt": _Kind(TracesNtAdapter.open, DeliveryJob),
}
"""Name in partner records, what opens it with the target and the secret of its account, and what it carries."""


@dataclass(frozen=True, slots=True)
class OnlyFor:
    """An adapter with what it carries; anything else is refused before it is called.

    A record may be given another adapter while deliveries of the other kind are in its lane.
    """

    adapter: Adapter[Any]
    name: str
    carries: type[Job]

    def deliver(self, job: Job) -> DeliveryResult:
        """As the adapter does it."""
        return self.adapter.deliver(job) if isinstance(job, self.carries) else self._refused(job)

    def resolve(self, job: Job) -> DeliveryResult:
        """As the adapter does it."""
        return self.adapter.resolve(job) if isinstance(job, self.carries) else self._refused(job)

    def _refused(self, job: Job) -> DeliveryResult:
        return DeliveryResult(DeliveryOutcome.REFUSED, "IMG-0124", f"{self.name} cannot carry this: {job}")


def open_adapter(target: Target, secret: str) -> OnlyFor:
    """The adapter for a partner.

    Args:
        target: the delivery part of its record.
        secret: of the account there; empty when it is called without one.

    Raises:
        ConfigurationError: IMG-0124 there is no such adapter; others when TLS files cannot be used.
    """
    try:
        kind = ADAPTERS[target.adapter]
    except KeyError:
        raise ConfigurationError(
            "IMG-0124", where="partner.delivery.adapter", found=target.adapter, expected=", ".join(ADAPTERS)
        ) from None
    return OnlyFor(kind.open(target, secret), target.adapter, kind.carries)
