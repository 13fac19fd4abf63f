"""Who vouches for a certificate of the ePhyto hub, and under which route of Article 39 it may be passed on.

The hub authenticates by TLS. The verdict that is kept says just that, at level ``none``; a seal inside the content,
which the hub does not ask for, counts when it holds under the anchors of who delivered it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.access import PartnerKind
from gateway.documents import SpsCertificate
from gateway.errors import Finding, RouteRefused, SealRefused, Severity
from gateway.exchange.examination import signature_policy
from gateway.exchange.storing import seal_json
from gateway.store import Form
from gateway.trust import Route, issuing_route, verify_sealed
from gateway.xml.names import DS, qn

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.access import Partner
    from gateway.exchange.context import Context
    from gateway.ippc.content import Content
    from gateway.trust import VerifiedDocument

__all__ = ["NOT_ARTICLE_39", "Seal", "Vouched", "look_for_seal", "vouch"]

_AUTHENTICATED_BY_US: Final = frozenset({Route.THIRD_COUNTRY_TO_TRACES, Route.THIRD_COUNTRY_TO_NATIONAL})
"""Routes whose exchange the Union's side authenticates (R-39-3). Of these the settings let ePhytos of the hub pass
without a seal (R-39-5); every other type, and what a system of the Union issues itself, is nothing without one."""

NOT_ARTICLE_39: Final = "an ePhyto of the hub, not an electronic official certificate of Article 39"


Seal = tuple["VerifiedDocument | None", SealRefused | None]
"""What a seal vouches for, or why it does not count; neither where there is none."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What is known about the authenticity of a content, and about its route."""

    verified: VerifiedDocument | None
    refused: SealRefused | None
    """Why the seal that is there does not count."""
    route: str | None
    """By which the settings let it be passed on (R-39-4, R-39-5); None: it is an ePhyto and nothing more."""
    why_no_route: str = ""
    overruled: str = ""
    """Why a seal that holds says nothing of this version: another status was sealed than the envelope gives it."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """A seal that does not hold is worth a warning; none at all is what the hub does."""
        if self.refused is None:
            return ()
        message = f"The seal in the content does not hold: {self.refused.message}"
        where = "/sps:SPSCertificate/ds:Signature"
        return (Finding(self.refused.code, Severity.WARNING, message, where, self.refused.found),)

    def verdict(self, *, authenticated_by: str, envelope: str) -> str:
        """JSON for the evidence, in the place of the verdict on a seal.

        Args:
            authenticated_by: what stands for the sender instead of a seal.
            envelope: the hub's number.
        """
        return json.dumps(
            {
                **self._seal(),
                "authenticated_by": authenticated_by,
                "envelope": envelope,
                "route": self.route or f"none: {self.why_no_route}",
            }
        )

    def _seal(self) -> dict[str, Any]:
        if self.verified is not None:
            sealed: dict[str, Any] = json.loads(seal_json(self.verified.seal))
            return sealed
        reason = self.overruled or "no seal came with it"
        if self.refused is not None:
            reason = f"its seal does not hold ({self.refused.code} {self.refused.message})"
        return {"indication": None, "level": "none", "level_reason": f"{reason}: {NOT_ARTICLE_39}"}


def vouch(context: Context, partner: Partner, seal: Seal, view: SpsCertificate, now: datetime) -> Vouched:
    """Judge what came, and its route.

    Args:
        context: the services.
        partner: who delivered the content: the hub, or the authority itself.
        seal: what was found in the content.
        view: the certificate in it.
        now: aware, UTC.
    """
    verified, refused = seal
    overruled = ""
    if verified is not None and (sealed := SpsCertificate(verified.root).status_code) != view.status_code:
        overruled = f"its seal is for status {sealed}, the envelope says {view.status_code}"
        verified = None
    kind = PartnerKind.INTERNATIONAL_ORGANISATION if partner.kind is PartnerKind.HUB else partner.kind
    try:
        route = issuing_route(
            roles=context.policy.roles,
            partner_kind=kind,
            claimed=None,
            phytosanitary=view.is_phytosanitary,
            com_informed_on=partner.com_informed_on,
            phyto_routes=context.policy.phyto_routes,
            on=now.date(),
        )
    except RouteRefused as no:
        return Vouched(verified, refused, None, f"{no.code} {no.message}", overruled)
    if verified is None and not (view.is_phytosanitary and route in _AUTHENTICATED_BY_US):
        return Vouched(
            verified, refused, None, f"route {route} of type {view.type_code} needs a seal that holds", overruled
        )
    return Vouched(verified, refused, route, overruled=overruled)


def look_for_seal(context: Context, partner: Partner, content: Content, now: datetime) -> Seal:
    """What holds of the seal in a content that nobody has changed yet; arguments as for ``vouch``."""
    if content.root.find(qn(DS, "Signature")) is None:
        return None, None
    policy, trust = signature_policy(context, partner, Form.SEALED), context.trust.of(partner)
    try:
        return verify_sealed(content.root, policy=policy, trust=trust, at=now, content=content.document), None
    except SealRefused as refused:
        return None, refused
