"""A hub's code lists, fetched and kept edition by edition, with what changed from one to the next (DIGEST 2.3).

Nothing here touches the mapping tables: a drift tells the operator which of their rows to look at.
"""

from __future__ import annotations

from functools import partial as bound
from typing import TYPE_CHECKING, Protocol

import structlog

from adapters.ippc_hub import CodeList, HubFault
from gateway.soap.transport import UnusableReply
from gateway.store import latest_list, save_list
from gateway.xml.names import HUB, qn
from mappings.hub_lists import compare, digest_of, rows_from_json, rows_from_xml, rows_to_json

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.store import Store
    from mappings.hub_lists import Drift

__all__ = ["ListSource", "synchronise_lists"]

_log = structlog.get_logger(__name__)


class ListSource(Protocol):
    """Where lists come from; ``adapters.ippc_hub.IppcHubClient`` is one."""

    def code_list(self, which: CodeList, /) -> _Element:
        """The hub's answer, its items as children."""


def synchronise_lists(client: ListSource, store: Store, partner: str, now: datetime) -> dict[str, Drift]:
    """Fetch all ten lists and keep those that differ from the newest edition.

    A list that the hub refuses, gives unreadably or suddenly empty, stays as it is: others go on, the log says so.

    Args:
        client: of the hub.
        store: gets the editions.
        partner: id of the hub.
        now: aware.

    Returns:
        The lists that changed, by the name of their items, and how; the first edition of a list is all added.

    Raises:
        DeliveryError: the hub does not answer, or not us; the lists before that are kept.
        Unavailable: IMG-9001, the store does not answer.
    """
    drifts: dict[str, Drift] = {}
    for which in CodeList:
        try:
            answer = client.code_list(which)
        except HubFault as fault:
            _log.warning("hub.list_refused", partner=partner, list=which, said=fault.text)
            continue
        except UnusableReply as unusable:  # too large, say: that the next ones and the envelopes need not wait for
            _log.warning("hub.list_unusable", partner=partner, list=which, found=unusable.found)
            continue
        drift = _keep(store, partner, which, answer, now)
        if drift:
            drifts[which] = drift
    return drifts


def _keep(store: Store, partner: str, which: CodeList, answer: _Element, now: datetime) -> Drift | None:
    with store.read() as connection:
        newest = latest_list(connection, partner, which)
    for stranger in [child for child in answer if child.tag != qn(HUB, which)]:
        answer.remove(stranger)
    before = [] if newest is None else rows_from_json(which, newest.rows)
    after = rows_from_xml(answer)
    if before and not after:
        _log.warning("hub.list_empty", partner=partner, list=which, entries=len(before))
        return None
    text = rows_to_json(which, after)
    store.write(bound(save_list, partner=partner, list_name=which, rows_json=text, digest=digest_of(text), now=now))
    drift = compare(which, before, after)
    if drift:
        _log.info(
            "hub.list_changed",
            partner=partner,
            list=which,
            added=len(drift.added),
            removed=len(drift.removed),
            changed=len(drift.changed),
            retired=len(drift.retired),
        )
    return drift
