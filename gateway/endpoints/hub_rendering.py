"""Writes the elements of the hub's contract that are no envelopes: authorities, channels, findings, the one fault.

They stand inside an element of ``gateway.ippc.wire.wrapped``, which declares the prefixes hub and hubent.
Envelopes and headers are written by ``gateway.ippc.wire``, code lists by ``mappings.hub_lists``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from gateway.endpoints.rendering import INVALID, text
from gateway.hub.checks import described
from gateway.xml.names import HUB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.errors import GatewayError
    from gateway.ippc.profile import Channel, NppoProfile
    from gateway.ippc.validation_result import ValidationResult

__all__ = ["MAX_RESULTS", "channels", "exception_detail", "nppo", "nppos", "results"]

MAX_RESULTS = 1_000
"""Findings in one answer of ValidatePhytoXML."""


def exception_detail(error: GatewayError) -> bytes:
    """HubWebException: its only field holds all that there is to say, our code first.

    ``IMG-7101: No such envelope | where ... | found ... | expected ... | retry after-change | recorded as ...``
    """
    said = described(error) + (f" | recorded as {error.exchange_id}" if error.exchange_id else "")
    content = f"<hub:message>{text(said)}</hub:message>"
    return f'<hub:HubWebException xmlns:hub="{HUB}">{content}</hub:HubWebException>'.encode()


def results(found: Iterable[ValidationResult]) -> str:
    """The findings of ValidatePhytoXML, the first `MAX_RESULTS` of them."""
    return "".join(
        f"<hub:ValidationResult><area>{text(result.area)}</area><field>{text(result.field)}</field>"
        f"<level>{text(result.level)}</level><msg>{text(result.msg)}</msg></hub:ValidationResult>"
        for result, _ in zip(found, range(MAX_RESULTS), strict=False)
    )


def nppos(known: Iterable[NppoProfile]) -> str:
    """ArrayOfNppo."""
    items = "".join(nppo(profile, "hubent:Nppo") for profile in known)
    return f"<hub:GetActiveNpposResult>{items}</hub:GetActiveNpposResult>"


def nppo(profile: NppoProfile, tag: str = "hub:GetProfileResult") -> str:
    """One authority, as an element of that name."""
    documents = "".join(
        f'<hubent:AllowedDocument active="{_truth(document.active)}">'
        f"<certificateType{_numbered(document.type, document.type_name)}/>"
        f"<certificateStatus{_numbered(document.status, document.status_name)}/>"
        "</hubent:AllowedDocument>"
        for document in profile.documents
    )
    signature = _optional("dn", profile.signature_dn) + _optional("certificate", profile.signature_certificate)
    rules = "".join(
        f'<hubent:ChannelRule id="{rule.id}" active="{_truth(rule.active)}" ruleType={_quoted(rule.rule)}'
        f' certificateType="{rule.type}" certificateStatus="{rule.status}"'
        + (f" countryCode={_quoted(rule.country)}" if rule.country else "")
        + f" direction={_quoted(rule.direction)}/>"
        for rule in profile.rules
    )
    return (
        f"<{tag}>"
        + _optional("hubent:Country", profile.country)
        + f"<hubent:Receive>{_truth(profile.receive)}</hubent:Receive><hubent:Send>{_truth(profile.send)}</hubent:Send>"
        + documents
        + (f"<hubent:Signature>{signature}</hubent:Signature>" if signature else "")
        + (f"<hubent:ChannelRules>{rules}</hubent:ChannelRules>" if rules else "")
        + f"</{tag}>"
    )


def channels(known: Iterable[Channel]) -> str:
    """ArrayOfChannels."""
    items = "".join(
        f'<hubent:Channel Receive="{_truth(channel.receive)}" Send="{_truth(channel.send)}">'
        + _optional("hubent:Code", channel.code)
        + _optional("hubent:Name", channel.name)
        + "</hubent:Channel>"
        for channel in known
    )
    return f"<hub:GetAvailableChannelsResult>{items}</hub:GetAvailableChannelsResult>"


def _numbered(number: int, name: str) -> str:
    return f' number="{number}"' + (f" value={_quoted(name)}" if name else "")


def _optional(tag: str, value: str) -> str:
    return f"<{tag}>{text(value)}</{tag}>" if value else ""


def _quoted(value: str) -> str:
    return quoteattr(INVALID.sub("\ufffd", value))


def _truth(value: bool) -> str:  # noqa: FBT001 - the value is all there is
    return "true" if value else "false"
