"""Named places where a test can make the process die, as if the power had gone.

``IMSOC_FAULTPOINT=submission.before-commit:3`` kills the whole process group with SIGKILL when that point is reached
for the third time. Read once, at import; without the variable `reach` is one look into an empty dict. Nothing in
production sets it, and whoever can set a gateway's environment can kill it without help.
"""

from __future__ import annotations

import os
import signal
from threading import Lock

__all__ = ["FAULT_POINTS", "HUB_POINTS", "reach"]

FAULT_POINTS = (
    # the exchange: before anything is stored
    "submission.received",
    "submission.verified",
    "submission.translated",
    "submission.acknowledged",
    # the store: inside the unit of work, then around its commit
    "submission.nonce",
    "submission.exchange",
    "submission.document",
    "submission.version",
    "submission.outbox",
    "submission.recorded",
    "commit.before",
    "commit.after",
    # the exchange: committed, not yet answered
    "submission.committed",
    # a message goes into quarantine: its bytes are kept, then its entry; it is released: judged, then written down
    "quarantine.kept",
    "quarantine.held",
    "quarantine.judged",
    "quarantine.released",
    # the worker
    "delivery.claimed",
    "delivery.prepared",
    "delivery.payload-stored",
    "delivery.sent",
    "delivery.settled",
    # the tracking of what a hub took: the hub answered, nothing is written down yet
    "tracking.asked",
    # an envelope of the hub: pulled, stored, looked into, decided, acknowledged at the hub, written down as such
    "hub.pulled",
    "hub.stored",
    "hub.examined",
    "hub.decided",
    "hub.acknowledged",
    "hub.finished",
    # the store: a write of a CHED, inside the unit of work
    "ched.exchange",
    "ched.moved",
    "ched.recorded",
    # the store: a movement of the quantity ledger, inside the unit of work
    "ledger.locked",
    "ledger.moved",
    "ledger.recorded",
    # a CHED on its way to TRACES: written down, claimed for its exchange, answered by TRACES, written down as such
    "traces.begun",
    "traces.claimed",
    "traces.sent",
    "traces.settled",
)
"""Every point, in the order in which a submission and its delivery, and an envelope of the hub or a CHED, pass them."""

HUB_POINTS = tuple(point for point in FAULT_POINTS if point.startswith("hub."))
"""Those that only an envelope passes; between ``hub.examined`` and ``hub.decided`` it passes those of the store too."""


def _armed(setting: str) -> dict[str, int]:
    """Parse ``name[:n]``; a name that does not exist would make a test that tests nothing."""
    if not setting:
        return {}
    name, _, count = setting.partition(":")
    if name not in FAULT_POINTS:
        raise ValueError(f"IMSOC_FAULTPOINT names no fault point: {name}")
    return {name: int(count or 1)}


_remaining = _armed(os.environ.get("IMSOC_FAULTPOINT", ""))
_lock = Lock()


def reach(name: str) -> None:
    """Die here if the environment said so; otherwise do nothing."""
    if name not in _remaining:
        return
    with _lock:
        _remaining[name] -= 1
        if _remaining[name] == 0:
            os.killpg(os.getpgrp(), signal.SIGKILL)
