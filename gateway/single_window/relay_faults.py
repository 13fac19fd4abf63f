"""What the customs of a national gateway are told of a refusal or a silence of TRACES; never in TRACES' own words."""

from __future__ import annotations

from typing import Final

from adapters.certex import CertexRefused, OutcomeUnknown
from gateway.errors import AccessDenied, CustomsRefused, DeliveryError, GatewayError, Unavailable, catalogue

__all__ = ["told_of"]

_NO_SIGHT: Final = "IMG-2110"
_LEDGER: Final = "IMG-74"
_UPHELD: Final = frozenset({"IMG-8032", "IMG-8033"})


def told_of(error: DeliveryError, reference: str) -> GatewayError:
    """The error for who asked here.

    Args:
        error: of the client.
        reference: of the CHED.
    """
    if isinstance(error, OutcomeUnknown):
        who = error.sent.declaration
        when = error.ask_at.isoformat(timespec="seconds")
        return DeliveryError("IMG-8030", where=f"{who.type} {who.number}", expected=f"a read after {when} tells")
    if isinstance(error, CertexRefused):
        return _refused(error, reference)
    if error.code in _UPHELD:
        return DeliveryError(error.code, where=error.where if error.code == "IMG-8033" else reference)
    return Unavailable("IMG-9012", where=reference, found=error.code)


def _refused(error: CertexRefused, reference: str) -> GatewayError:
    """A refusal that this gateway knows is its own; our account's are nothing that who asked could change."""
    told = error.told
    if told == _NO_SIGHT:
        return AccessDenied(told, where="ChedCertificateId", found=reference)
    if told.startswith(_LEDGER) and told in catalogue() and not error.arrived_before:
        return CustomsRefused(told, where="ChedCertificateId", found=reference)
    return DeliveryError("IMG-8031", error.message, where=reference, found=told)
