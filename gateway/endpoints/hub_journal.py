"""What is noted of calls of the hub's contract, whose clients ask again every few seconds, for ever.

* What changes something leaves its own trace in the store, whenever it happens: an envelope, a refused header, an
  acknowledgement.
* A read (who read what, R-11-1) and a refusal are noted when they are new: the same caller asking for the same thing
  with the same outcome is noted once an hour by each serving process, so that the journal grows with what happens and
  not with how often somebody asks. A refused delivery is kept each time, with its bytes.
* Single-use values are not kept: the contract knows none, its clients are known by the TLS handshake, and what they
  repeat does nothing twice. (zeep makes up a wsa:MessageID for each call, which would be a row for each.)
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from gateway.errors import Unavailable
from gateway.exchange import refusals_recorded, spend

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.errors import GatewayError
    from gateway.exchange import Context, Principal
    from gateway.soap import SoapCall

__all__ = ["AGAIN_AFTER", "HubJournal"]

AGAIN_AFTER: Final = timedelta(hours=1)
"""How long the same read or refusal is not noted again."""

MAX_REMEMBERED: Final = 10_000
"""Reads and refusals that a process remembers; beyond that the oldest are forgotten, and noted again."""

_KEPT_WHOLE: Final = frozenset(
    {"DeliverEnvelope", "ValidateAndDeliverEnvelope", "DeliverPhytoEnvelope", "DeliverCountryResponseEnvelope"}
)

_Key = tuple[str, ...]


class HubJournal:
    """Notes reads and refusals, each once in a while. May be used from any thread."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._noted: OrderedDict[_Key, tuple[datetime, str]] = OrderedDict()

    def read(self, principal: Principal, call: SoapCall, *numbers: str) -> None:
        """Note that the caller is given what it asked for; before it is given.

        Args:
            principal: who asks.
            call: what for.
            numbers: of the envelopes whose content it gets; those that are new make one note together.
        """
        keys = [(principal.partner.id, call.operation, number) for number in numbers or ("",)]
        new = [key for key in keys if self._known(key, call.received_at) is None]
        if not new:
            return
        subject = new[0][-1] if len(new) == 1 else ""
        detail = {"numbers": [number for *_, number in new]} if len(new) > 1 else {}
        spend(self._context, replace(principal, nonces=()), call, subject or call.operation, detail)
        for key in new:
            self._note(key, call.received_at, "")

    def refused(self, principal: Principal, call: SoapCall, error: GatewayError) -> NoReturn:
        """Note a refusal, give it the id of the record, and raise it."""
        if isinstance(error, Unavailable):
            raise error
        key = (principal.partner.id, call.operation, error.code, error.where, error.found)
        known = None if call.operation in _KEPT_WHOLE else self._known(key, call.received_at)
        error.exchange_id = known or ""
        if not known:
            try:
                with refusals_recorded(self._context, replace(principal, nonces=()), call):
                    raise error
            finally:
                if error.exchange_id:
                    self._note(key, call.received_at, error.exchange_id)
        raise error

    def _known(self, key: _Key, now: datetime) -> str | None:
        with self._lock:
            at, noted = self._noted.get(key, (None, ""))
        return noted if at is not None and now - at < AGAIN_AFTER else None

    def _note(self, key: _Key, now: datetime, value: str) -> None:
        with self._lock:
            self._noted[key] = (now, value)
            self._noted.move_to_end(key)
            while len(self._noted) > MAX_REMEMBERED:
                self._noted.popitem(last=False)
