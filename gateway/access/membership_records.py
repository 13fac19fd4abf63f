"""The tables ``[partner.hub]`` and ``[partner.polling]`` of a partner record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gateway.access.fields import flag_of, known, number_of, tables_of, text_of, texts_of, whole_of, wrong
from gateway.access.membership import (
    DEFAULT_DOCUMENTS,
    AllowedDocument,
    ChannelRule,
    HubMembership,
    Polling,
    RuleDirection,
    RuleType,
)
from gateway.access.models import PartnerKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.access.models import DeliveryTarget

__all__ = ["HUB_ADAPTER", "hub_of", "polling_of"]

HUB_ADAPTER = "ippc-hub"
"""The adapter whose partners can be polled."""

_COUNTRY = re.compile(r"[A-Z]{2}")
_COUNTRY_OR_ANY = re.compile(r"([A-Z]{2})?")
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_MOST = 2**31 - 1
"""xs:int."""

_HUB_KEYS = frozenset(
    {
        "countries", "send", "receive", "documents", "signature_dn", "signature_certificate", "channel", "rules",
    }
)  # fmt: skip
_DOCUMENT_KEYS = frozenset({"type", "status", "active"})
_RULE_KEYS = frozenset({"id", "active", "rule", "type", "status", "country", "direction", "channel"})
_POLLING_KEYS = frozenset({"enabled", "interval_seconds", "batch", "lists_hours"})


def hub_of(table: Mapping[str, Any], kind: PartnerKind) -> HubMembership:
    """Read ``[partner.hub]``.

    Raises:
        ConfigurationError: IMG-0120.
    """
    key = "partner.hub"
    known(table, _HUB_KEYS, key)
    if kind is PartnerKind.HUB:
        wrong(key, "a hub that is a member of ours", "country_pairs and document_types: what it may bring from others")
    membership = HubMembership(
        countries=texts_of(table, key, "countries", (), _COUNTRY),
        send=flag_of(table, key, "send", default=True),
        receive=flag_of(table, key, "receive", default=True),
        documents=_documents(table, key) if "documents" in table else DEFAULT_DOCUMENTS,
        signature_dn=text_of(table, key, "signature_dn", default=""),
        signature_certificate=_pem(table, key),
        channel=text_of(table, key, "channel", _CHANNEL) if table.get("channel") else "",
        rules=_rules(table, key),
    )
    if not membership.countries and not membership.channel:
        wrong(f"{key}.countries", "none", "the countries of this authority, or a channel code")
    if len(set(membership.countries)) != len(membership.countries):
        wrong(f"{key}.countries", ", ".join(membership.countries), "each country once")
    return membership


def polling_of(table: Mapping[str, Any], delivery: DeliveryTarget | None) -> Polling:
    """Read ``[partner.polling]``; it needs the address of a ``[partner.delivery]`` by the hub's adapter.

    Raises:
        ConfigurationError: IMG-0120.
    """
    key = "partner.polling"
    known(table, _POLLING_KEYS, key)
    if delivery is None or delivery.adapter != HUB_ADAPTER:
        found = f'adapter = "{delivery.adapter}"' if delivery else "no [partner.delivery]"
        wrong(key, found, f'[partner.delivery] with adapter = "{HUB_ADAPTER}": its address is the one that is polled')
    return Polling(
        enabled=flag_of(table, key, "enabled", default=True),
        interval_seconds=number_of(table, key, "interval_seconds", 1, 86_400, default=30.0),
        batch=whole_of(table, key, "batch", 1, 10_000, default=100),
        lists_hours=number_of(table, key, "lists_hours", 0, 8_760, default=24.0),
    )


def _documents(table: Mapping[str, Any], key: str) -> tuple[AllowedDocument, ...]:
    documents = []
    for number, document in enumerate(tables_of(table, key, "documents")):
        place = f"{key}.documents[{number}]"
        known(document, _DOCUMENT_KEYS, place)
        documents.append(
            AllowedDocument(
                type=whole_of(document, place, "type", 1, _MOST),
                status=whole_of(document, place, "status", 1, _MOST),
                active=flag_of(document, place, "active", default=True),
            )
        )
    return tuple(documents)


def _rules(table: Mapping[str, Any], key: str) -> tuple[ChannelRule, ...]:
    rules: list[ChannelRule] = []
    for number, rule in enumerate(tables_of(table, key, "rules")):
        place = f"{key}.rules[{number}]"
        known(rule, _RULE_KEYS, place)
        read = ChannelRule(
            id=whole_of(rule, place, "id", 1, _MOST),
            rule=RuleType(_word(rule, place, "rule", tuple(RuleType))),
            direction=RuleDirection(_word(rule, place, "direction", tuple(RuleDirection))),
            channel=text_of(rule, place, "channel", _CHANNEL),
            type=whole_of(rule, place, "type", 0, _MOST, default=0),
            status=whole_of(rule, place, "status", 0, _MOST, default=0),
            country=text_of(rule, place, "country", _COUNTRY_OR_ANY, default=""),
            active=flag_of(rule, place, "active", default=True),
        )
        if any(read.id == other.id for other in rules):
            wrong(f"{place}.id", str(read.id), "a number of its own for each rule")
        rules.append(read)
    return tuple(rules)


def _word(table: Mapping[str, Any], key: str, name: str, words: tuple[str, ...]) -> str:
    value = text_of(table, key, name)
    if value not in words:
        wrong(f"{key}.{name}", value, " | ".join(words))
    return value


def _pem(table: Mapping[str, Any], key: str) -> str:
    pem = text_of(table, key, "signature_certificate", default="")
    if pem and "BEGIN CERTIFICATE" not in pem:
        wrong(f"{key}.signature_certificate", pem[:40], "a PEM certificate")
    return pem
