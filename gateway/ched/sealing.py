"""The seal of TRACES over a decided CHED (Article 41(1)(a)(iv), 41(2); docs/adr/0010): XAdES enveloped, baseline T.

It is made after the decision was committed, because it needs a time stamp from the network. Until it is there the CHED
is pending; whoever asks for the signed CHED, or the instance by itself (``SealKeeper``), makes it then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from gateway.ched.background import Background
from gateway.ched.models import SealRole
from gateway.ched.writing import COUNTER_SEAL
from gateway.errors import ChedRefused, Unavailable
from gateway.store import (
    ChedSeal,
    ChedWrite,
    ched_content,
    ched_seals,
    get_ched,
    new_id,
    pending_cheds,
    record_ched,
)
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from sqlalchemy import Connection

    from gateway.exchange import Context
    from gateway.store import ChedRow, Recorded

__all__ = ["CounterSeals", "SealKeeper"]

OPERATION: Final = "counter-seal"
"""In the history and the audit."""

_log = structlog.get_logger(__name__)


class CounterSeals:
    """Makes and finds the seals of a register in the TRACES role.

    Args:
        context: the services; its sealer is the seal of TRACES.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def sealed(self, row: ChedRow, content: bytes) -> bytes:
        """The sealed CHED.

        Args:
            row: the CHED as it stands.
            content: its document.

        Raises:
            ChedRefused: IMG-7207, it is not signed.
            Unavailable: IMG-9003, no time stamp can be had.
        """
        if row.pending == COUNTER_SEAL:
            return self._seal(row, content)
        if row.signed:
            with self._store.read() as connection:
                found = [seal for _, seal in ched_seals(connection, row.id) if seal.role == SealRole.TRACES]
            if found:
                return found[-1].content
        raise ChedRefused("IMG-7207", where="ID", found=f"{row.reference}, status {row.status_code}")

    def try_seal(self, ched_id: str) -> bool:
        """Seal a CHED if that is pending and possible now; whether it is sealed."""
        with self._store.read() as connection:
            row = get_ched(connection, ched_id)
            parts = ched_content(connection, row) if row is not None else None
        if row is None or parts is None or row.pending != COUNTER_SEAL:
            return row is not None and row.signed
        try:
            self._seal(row, parts.content)
        except Unavailable:
            return False
        return True

    def complete(self, limit: int) -> int:
        """Make what is pending, oldest first, until one cannot be made."""
        with self._store.read() as connection:
            waiting = pending_cheds(connection, limit=limit)
        made = 0
        for row in waiting:
            if not self.try_seal(row.id):
                break
            made += 1
        return made

    def _seal(self, row: ChedRow, content: bytes) -> bytes:
        at = self._context.clock()
        root = parse(content, limits=self._context.limits).root
        sealed = self._context.sealer.seal(root, at=at)
        write = ChedWrite(
            version_id=new_id(at),
            row=replace(row, pending="", signed=True),
            expected_version=row.version,
            at=at,
            operation=OPERATION,
            partner=self._context.policy.instance,
            seals=(ChedSeal(SealRole.TRACES.value, sealed),),
        )

        # In a conflict somebody else sealed it or wrote another part meanwhile: this seal is true of what stood then,
        # and what stands now has one or is pending.
        def unit(connection: Connection) -> Recorded:
            recorded = record_ched(connection, write)
            for follower in self._context.ched_followers:
                follower(connection, write, row)
            return recorded

        self._store.write(unit)
        return sealed


class SealKeeper(Background):
    """Makes pending seals of TRACES in the background, so that none waits for somebody to ask for it.

    Several processes may do it at once: of two seals over one state the first is kept.

    Args:
        complete: makes what is pending and says how much that was (``RegisterService.complete_seals``).
        every: from one look to the next.
    """

    def __init__(self, complete: Callable[[], int], *, every: timedelta) -> None:
        super().__init__("traces-seals", every=every)
        self._complete = complete

    def _round(self) -> None:
        made = self._complete()
        if made:
            _log.info("traces.sealed", seals=made)
