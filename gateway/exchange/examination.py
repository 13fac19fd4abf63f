"""From a submitted element to a document that may be kept: access, route, seal, rules, translation, in this order.

The same steps serve SubmitCertificate, where the first refusal ends it, and ValidateCertificate, where all refusals are
collected and nothing is kept.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from gateway.access import check_document
from gateway.documents import SpsCertificate
from gateway.errors import ExchangeRefused, Finding, GatewayError, RulesRefused, Severity, TranslationRefused
from gateway.exchange.models import Examined
from gateway.exchange.status import CertificateStatus
from gateway.faultpoints import reach
from gateway.rules import evaluate
from gateway.store import Form
from gateway.trust import INLINE_POLICY, SEALED_DOCUMENT_POLICY, Level, SignaturePolicy, issuing_route, verify_sealed
from gateway.xml.names import path_of
from mappings import find_gaps, translate

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml.etree import _Element

    from gateway.access import Partner
    from gateway.exchange.context import Context
    from gateway.exchange.models import Principal, SubmittedDocument
    from gateway.trust import VerifiedDocument
    from mappings import Index, Translation

__all__ = ["check_status", "examine", "into_canonical", "signature_policy", "translated_for"]

_T = TypeVar("_T")

_NEVER_GUESSED = "Regulation (EU) 2019/1715 Article 37(2)"

_POLICIES = {Form.INLINE: INLINE_POLICY, Form.SEALED: SEALED_DOCUMENT_POLICY}


def examine(
    context: Context,
    principal: Principal,
    document: SubmittedDocument,
    now: datetime,
    *,
    dry_run: bool = False,
    target_system: str = "",
    index: Index | None = None,
) -> Examined:
    """Examine one submitted certificate; nothing is stored.

    Args:
        context: the services.
        principal: who sent it.
        document: its root has passed the strict schema.
        now: aware, UTC; certificates, rules and mapping rows are judged for this moment.
        dry_run: collect refusals instead of raising the first one.
        target_system: the code system to translate to; the canonical one when empty.
        index: the tables to translate with; those of ``now`` when None.

    Raises:
        ExchangeRefused: IMG-7005 without a number or country of issue, IMG-7006 a status that cannot be submitted.
        AccessDenied, RouteRefused, SealRefused, RulesRefused, TranslationRefused: unless it is a dry run.
    """
    refusals: list[GatewayError] = []
    partner = principal.partner
    view = SpsCertificate(document.root)
    identity = view.identity
    if identity is None:
        raise ExchangeRefused(
            "IMG-7005", where=path_of(document.root), expected="ID, TypeCode and the country of issue"
        )

    def attempt(step: Callable[[], _T]) -> _T | None:
        try:
            return step()
        except GatewayError as refusal:
            refusal.subject = f"{identity.issuer_country}/{identity.type_code}/{identity.number}"
            if not dry_run:
                raise
            refusals.append(refusal)
            return None

    importer = view.import_country or ""
    attempt(lambda: check_status(view.status_code))
    attempt(lambda: check_document(partner, identity.type_code, identity.issuer_country, importer))
    route = attempt(lambda: _route(context, partner, document.claimed_route, view, now)) or ""
    verified = attempt(lambda: _verify(context, partner, document, now))
    reach("submission.verified")
    if verified is not None:
        view = SpsCertificate(verified.root)
    rule_set = partner.rule_set or ("ephyto" if view.is_phytosanitary else "sps-general")
    findings = evaluate(view.root, rule_set, on=now.date())
    attempt(lambda: _refuse_severe(findings))
    translation = attempt(lambda: into_canonical(context, partner, view, target_system, now, index))
    reach("submission.translated")
    return Examined(
        identity=identity,
        view=view,
        form=document.form,
        import_country=importer,
        status_code=view.status_code,
        route=route,
        verified=verified,
        findings=findings,
        translation=translation,
        digest=verified.digest if verified is not None else b"",
        refusals=tuple(refusals),
    )


def check_status(status_code: str) -> None:
    """Refuse a status that no version may take.

    Raises:
        ExchangeRefused: IMG-7006.
    """
    if status_code not in set(CertificateStatus):
        raise ExchangeRefused(
            "IMG-7006",
            where="/sps:SPSCertificate/sps:SPSExchangedDocument/ram:StatusCode",
            found=status_code,
            expected=", ".join(CertificateStatus),
        )


def _route(context: Context, partner: Partner, claimed: str | None, view: SpsCertificate, now: datetime) -> str:
    return issuing_route(
        roles=context.policy.roles,
        partner_kind=partner.kind,
        claimed=claimed,
        phytosanitary=view.is_phytosanitary,
        com_informed_on=partner.com_informed_on,
        phyto_routes=context.policy.phyto_routes,
        on=now.date(),
    )


def _verify(context: Context, partner: Partner, document: SubmittedDocument, now: datetime) -> VerifiedDocument:
    policy = signature_policy(context, partner, document.form)
    return verify_sealed(
        document.root, policy=policy, trust=context.trust.of(partner), at=now, content=document.content
    )


def signature_policy(context: Context, partner: Partner, form: Form) -> SignaturePolicy:
    """What a seal of this partner must look like (R-39-2, R-39-3: the time stamp is not waived by default)."""
    required = context.policy.require_timestamp and partner.timestamp_required
    return _policy(form, context.policy.minimum_seal_level, required)


@cache
def _policy(form: Form, minimum: Level, timestamp_required: bool) -> SignaturePolicy:  # noqa: FBT001 - a key of the cache
    return replace(
        _POLICIES[form],
        minimum_level=minimum,
        timestamp_required=timestamp_required,
        minimum_timestamp_level=Level.QUALIFIED if timestamp_required else Level.SIMPLE,
    )


def _refuse_severe(findings: tuple[Finding, ...]) -> None:
    severe = [finding for finding in findings if finding.severity is Severity.SEVERE]
    if severe:
        first = severe[0]
        raise RulesRefused(
            "IMG-5001",
            first.message,
            where=first.path,
            found=first.found,
            expected=first.expected,
            findings=findings,
        )


def into_canonical(
    context: Context,
    partner: Partner,
    view: SpsCertificate,
    target_system: str,
    now: datetime,
    index: Index | None = None,
) -> Translation:
    """The document in the target's codes, the canonical ones when ``target_system`` is empty.

    Raises:
        TranslationRefused: with every gap as a finding, because who adds rows wants to know all of them.
    """
    source, target = partner.code_system, target_system or context.policy.canonical_system
    return translated_for(partner, view.root, source=source, target=target, index=index or context.index.on(now.date()))


def translated_for(partner: Partner, root: _Element, *, source: str, target: str, index: Index) -> Translation:
    """A document in other codes, with the partner's own rows first; refused as `into_canonical` refuses."""
    try:
        return translate(root, source=source, target=target, index=index, partner=partner.id)
    except TranslationRefused as refusal:
        gaps = find_gaps(root, source=source, target=target, index=index, partner=partner.id)
        refusal.gaps = gaps
        refusal.findings = tuple(
            Finding(gap.code, Severity.SEVERE, gap.message, gap.where, gap.found, gap.expected, _NEVER_GUESSED)
            for gap in gaps
        )
        raise
