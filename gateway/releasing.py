"""Quarantine of a whole instance: the ways on which its messages go on, and the release of what was confirmed."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from gateway.ched.background import Background
from gateway.ched.releasing import release_submission
from gateway.exchange import Quarantine
from gateway.exchange.envelope import CONTRACT as HUB
from gateway.hub.holding import release_envelope
from gateway.traces.contracts import SUBMISSION, SUBMISSION_01

if TYPE_CHECKING:
    from gateway.ched.wiring import Built
    from gateway.exchange import Context
    from gateway.hub.polling import Poller

__all__ = ["Releaser", "quarantine_of"]

LOOK_EVERY: Final = timedelta(seconds=1)

_log = structlog.get_logger(__name__)


def quarantine_of(context: Context, poller: Poller, traces: Built) -> Quarantine:
    """What is held here, with the way of each kind of message."""
    submission = partial(release_submission, context, traces)
    return Quarantine(
        context,
        {
            HUB: partial(release_envelope, context, poller.decide_again),
            SUBMISSION.name: submission,
            SUBMISSION_01.name: submission,
        },
    )


class Releaser(Background):
    """Releases what the operator confirmed as soon as its rows are in force. Any number of processes may do so."""

    def __init__(self, quarantine: Quarantine, *, every: timedelta = LOOK_EVERY) -> None:
        super().__init__("quarantine", every=every)
        self._quarantine = quarantine

    def _round(self) -> None:
        released = self._quarantine.release_confirmed(self._stopping.is_set)
        if released:
            _log.info("quarantine.released", messages=released)
