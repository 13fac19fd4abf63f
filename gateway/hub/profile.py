"""What GetActiveNppos, GetProfile and GetAvailableChannels tell: the partner records in the contract's words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.access import HubMembership
from gateway.access.directory import check_identities
from gateway.errors import HubRefused
from gateway.ippc.profile import Channel, NppoDocument, NppoProfile, NppoRule

if TYPE_CHECKING:
    from gateway.access import Directory, Partner

__all__ = ["Members", "profile_of"]

_TYPES: Final = {851: "Phytosanitary certificate", 657: "Phytosanitary certificate for re-export"}
_STATUSES: Final = {39: "Approved", 40: "Withdrawn", 41: "Rejected", 70: "Issued"}


class Members:
    """Who takes part: the partners with ``[partner.hub]``, and this instance itself for its own countries.

    Raises:
        ConfigurationError: IMG-0125, a partner claims one of our own countries.
    """

    def __init__(self, directory: Directory, own_countries: frozenset[str]) -> None:
        self._directory = directory
        self._own = HubMembership(countries=tuple(sorted(own_countries)))
        check_identities(list(directory.partners()), own_countries=own_countries)

    def receiver_of(self, country: str) -> tuple[str, HubMembership | None]:
        """For whom an envelope to this country waits (empty: this instance), and what that one takes, if anybody."""
        if country in self._own.countries:
            return "", self._own
        partner = self._directory.nppo_of(country)
        return (partner.id, partner.hub) if partner else ("", None)

    def partner_of_channel(self, code: str) -> Partner | None:
        """The partner that is the channel of this code."""
        return self._directory.channel_of(code)

    def nppos(self) -> list[NppoProfile]:
        """Every authority that sends or receives, by country."""
        known = {country: partner.hub for country, partner in self._directory.nppos() if partner.hub}
        known |= dict.fromkeys(self._own.countries, self._own)
        return [
            _nppo(country, membership)
            for country, membership in sorted(known.items())
            if membership.send or membership.receive
        ]

    def channels(self) -> list[Channel]:
        """Every channel, by code."""
        return [channel for channel in map(_channel, self._directory.channels()) if channel is not None]


def _nppo(country: str, membership: HubMembership) -> NppoProfile:
    """What everybody may know of an authority: what it exchanges, not by which rules it uses channels."""
    return NppoProfile(
        country=country,
        receive=membership.receive,
        send=membership.send,
        documents=tuple(
            NppoDocument(
                each.type,
                each.status,
                each.active,
                type_name=_TYPES.get(each.type, ""),
                status_name=_STATUSES.get(each.status, ""),
            )
            for each in membership.documents
        ),
        signature_dn=membership.signature_dn,
        signature_certificate=membership.signature_certificate,
    )


def profile_of(partner: Partner) -> NppoProfile:
    """What the authority itself may know, with its channel rules.

    The contract has room for one country: of several it is the partner's own if that is among them, else the first. A
    channel has none.

    Raises:
        HubRefused: IMG-7104, the partner is no member.
    """
    membership = partner.hub
    if membership is None:
        raise HubRefused("IMG-7104", found=f"partner {partner.id}", expected="[partner.hub] in its record")
    first = membership.countries[0] if membership.countries else ""
    country = partner.country if partner.country in membership.countries else first
    rules = tuple(
        NppoRule(rule.id, rule.active, rule.rule, rule.type, rule.status, rule.country, rule.direction)
        for rule in membership.rules
    )
    return replace(_nppo(country, membership), rules=rules)


def _channel(partner: Partner) -> Channel | None:
    """The channel that a partner is; None when it is none."""
    membership = partner.hub
    if membership is None or not membership.channel:
        return None
    return Channel(membership.channel, partner.name, receive=membership.receive, send=membership.send)
