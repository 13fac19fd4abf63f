"""What the delivery worker gets for TRACES NT: TRACES takes CHEDs, each for a body, and no certificates.

CHEDs go through the relay (``gateway.ched``), where the body that submits is known. A certificate that a routing rule
would send here is refused with the reason, so that the operator narrows the record instead of waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from adapters.protocol import DeliveryOutcome, DeliveryResult
from adapters.tls import tls_of

if TYPE_CHECKING:
    from adapters.opening import Target
    from adapters.protocol import DeliveryJob

__all__ = ["TracesNtAdapter"]

_WHY = "TRACES has no public operation that takes this document; document_types of [partner.delivery] should be empty"


class TracesNtAdapter:
    """No documents go this way."""

    @classmethod
    def open(cls, target: Target, _secret: str) -> Self:
        """From a partner record.

        Raises:
            ConfigurationError: IMG-0120 a TLS file is not there: the relay would miss it too.
        """
        tls_of(target)
        return cls()

    def deliver(self, job: DeliveryJob) -> DeliveryResult:
        """Refused: the message would be of no operation."""
        return DeliveryResult(DeliveryOutcome.REFUSED, "IMG-8024", f"{job.document}: {_WHY}")

    def resolve(self, job: DeliveryJob) -> DeliveryResult:  # noqa: ARG002 - as its protocol
        """Nothing was ever sent."""
        return DeliveryResult(DeliveryOutcome.ABSENT)
