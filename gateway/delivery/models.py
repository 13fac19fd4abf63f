"""How patient the worker is; the words that it shares with adapters are in ``adapters.protocol``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from adapters.protocol import Adapter, DeliveryJob, DeliveryOutcome, DeliveryResult, Job, PushJob

__all__ = ["Adapter", "DeliveryJob", "DeliveryOutcome", "DeliveryResult", "DeliverySettings", "Job", "PushJob"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """How patient the worker is."""

    lease: timedelta = timedelta(seconds=30)
    """How long a worker may be silent before another takes its lane; longer than any adapter's timeout."""
    backoff_first: timedelta = timedelta(seconds=1)
    backoff_max: timedelta = timedelta(hours=1)
    max_attempts: int = 20
    """Answers "not now", or sends that left no trace, until a delivery is given up. An unreachable partner does not
    count: what is for it waits for as long as it takes."""
    poll: timedelta = timedelta(seconds=0.5)
    """How soon work that another process put into the outbox, or that became due, is seen."""
    lanes_at_once: int = 4
    """Threads, hence partners served at the same time."""
    turn: int = 32
    """Deliveries of one lane until others get their turn."""
    silence_limit: int = 3
    """Unknown outcomes in a row until the whole lane waits, as if the partner were unreachable."""
