"""One module per kind of partner system that the gateway calls; ``open_adapter`` picks the one that a record names."""

from adapters.opening import open_adapter
from adapters.protocol import Adapter, DeliveryJob, DeliveryOutcome, DeliveryResult, Job, PushJob

__all__ = ["Adapter", "DeliveryJob", "DeliveryOutcome", "DeliveryResult", "Job", "PushJob", "open_adapter"]
