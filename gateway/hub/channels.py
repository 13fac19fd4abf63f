"""Where an envelope goes besides its receiver, or instead: channels, by rule or by the sender's wish (DIGEST 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.access import RuleDirection, RuleType
from gateway.errors import HubRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.access import HubMembership, Partner
    from gateway.ippc import EnvelopeHeader

__all__ = ["Routing", "route"]


@dataclass(frozen=True, slots=True)
class Routing:
    """Who gets an envelope."""

    recipient: str
    """Id of the partner that it waits for; empty for this instance."""
    channel: str | None = None
    """Code of the channel that gets it instead of the authority."""
    copies: tuple[tuple[str, str], ...] = ()
    """Code and partner id of each channel that gets a copy."""


def route(
    header: EnvelopeHeader,
    *,
    sender: Partner,
    receiver: HubMembership,
    recipient: str,
    channel_of: Callable[[str], Partner | None],
) -> Routing:
    """Apply the rules of both sides and the sender's own forwardings.

    The receiver's rules for INC come before the sender's for OUT, each in the order of their ids. The first DELEGATE
    that applies decides who receives; a further one, every FORWARD and every forwarding that the sender asked for
    becomes a copy, one per channel. A channel that passes an envelope on is left out, or it would get it again.

    Raises:
        HubRefused: IMG-7118, a channel that is not there or does not receive.
    """
    type_, status = header.certificate_type, header.certificate_status
    own = sender.hub.rules if sender.hub else ()
    rules = [
        rule
        for of_one_side, direction, country in (
            (receiver.rules, RuleDirection.INC, header.sender),
            (own, RuleDirection.OUT, header.to),
        )
        for rule in sorted(of_one_side, key=lambda rule: rule.id)
        if rule.covers(direction, type_, status, country)
    ]
    wanted = [(rule.rule, rule.channel, f"ChannelRule {rule.id} ({rule.direction})") for rule in rules]
    wanted += [(RuleType.FORWARD, forwarding.code, "Forwardings") for forwarding in header.forwardings]
    delegate: tuple[str, str] | None = None
    copies: dict[str, str] = {}
    for kind, code, where in wanted:
        channel = channel_of(code)
        if channel is None or channel.hub is None or not channel.hub.receive:
            found = f"{code}, which does not receive" if channel else code
            raise HubRefused("IMG-7118", where=where, found=found, expected="a channel of GetAvailableChannels")
        if channel.id == sender.id:
            continue
        if kind is RuleType.DELEGATE and delegate is None:
            delegate = (code, channel.id)
        else:
            copies[code] = channel.id
    if delegate is None:
        return Routing(recipient, None, tuple(copies.items()))
    copies.pop(delegate[0], None)
    return Routing(delegate[1], delegate[0], tuple(copies.items()))
