"""What goes out: the outbox is worked off, in order, until each has an outcome (ARCHITECTURE sections 4 and 7)."""

from gateway.delivery.models import (
    Adapter,
    DeliveryJob,
    DeliveryOutcome,
    DeliveryResult,
    DeliverySettings,
    Job,
    PushJob,
)
from gateway.delivery.worker import Worker

__all__ = [
    "Adapter",
    "DeliveryJob",
    "DeliveryOutcome",
    "DeliveryResult",
    "DeliverySettings",
    "Job",
    "PushJob",
    "Worker",
]
