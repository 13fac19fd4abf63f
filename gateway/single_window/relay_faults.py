"""What the customs of a national gateway are told of a refusal or a silence of TRACES; never in TRACES' own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.certex import CertexRefused, OutcomeUnknown
from gateway.errors import AccessDenied, CustomsRefused, DeliveryError, GatewayError, Unavailable, catalogue

if TYPE_CHECKING:
    from adapters.certex import Sent

__all__ = ["told_of"]

_NO_SIGHT: Final = "IMG-2110"
_LEDGER: Final = "IMG-74"
_OF_THE_DECLARATION: Final = frozenset({"IMG-7403", "IMG-7406", "IMG-7407"})
_STALE: Final = "IMG-7404"
_AWAY: Final = "TRACES was not reached or did not answer, and nothing was passed on to it"
_UPHELD: Final = frozenset({"IMG-8032", "IMG-8033"})


def told_of(error: DeliveryError, reference: str, sent: Sent | None = None) -> GatewayError:
    """The error for who asked here.

    Args:
        error: of the client.
        reference: of the CHED.
        sent: the message that was passed on; None of a read.
    """
    if isinstance(error, OutcomeUnknown):
        who = error.sent.declaration
        when = error.ask_at.isoformat(timespec="seconds")
        return DeliveryError("IMG-8030", where=f"{who.type} {who.number}", expected=f"a read after {when} tells")
    if isinstance(error, CertexRefused):
        return _refused(error, reference, sent)
    if error.code in _UPHELD:
        return DeliveryError(error.code, where=error.where if error.code == "IMG-8033" else reference)
    return Unavailable("IMG-9012", _AWAY if sent is None else "", where=reference, found=error.code)


def _refused(error: CertexRefused, reference: str, sent: Sent | None) -> GatewayError:
    """A refusal that this gateway knows is its own; our account's are nothing that who asked could change."""
    told = error.told
    if told == _NO_SIGHT:
        return AccessDenied(told, where="ChedCertificateId", found=reference)
    if told.startswith(_LEDGER) and told in catalogue() and not error.arrived_before:
        if sent is not None and told in _OF_THE_DECLARATION:
            return CustomsRefused(told, where=sent.declaration.type, found=sent.declaration.number)
        if sent is not None and told == _STALE:
            return CustomsRefused(told, where="SendingDate", found=sent.at.isoformat())
        return CustomsRefused(told, where="ChedCertificateId", found=reference)
    return DeliveryError("IMG-8031", error.message, where=reference, found=told)
