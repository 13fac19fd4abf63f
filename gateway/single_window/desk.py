"""What customs are served, whoever answers: the ledger of this instance, or TRACES behind a national gateway.

The endpoint knows only this protocol, so that the contract means the same in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.certex.models import (
        CertexHeader,
        ChedClearanceRequest,
        ChedInterventionRequest,
        ClearanceAnswer,
        ProcessedChedAnswer,
        ProcessedChedRequest,
    )
    from gateway.single_window.access import CustomsActor
    from gateway.soap import SoapCall

__all__ = ["CustomsDesk"]


class CustomsDesk(Protocol):
    """CustomsCertexChedService V06 by its meaning.

    Every method raises:
        AccessDenied: IMG-2110 a CHED of other countries, IMG-2114 an office, IMG-2115 an MRN of somebody else.
        CustomsRefused: IMG-74xx.
        Unavailable: nothing was done as far as this instance knows.
    """

    def read(
        self, actor: CustomsActor, asked: ProcessedChedRequest, header: CertexHeader, call: SoapCall
    ) -> ProcessedChedAnswer:
        """The CHED with its ledger; nothing moves."""

    def reserve(
        self, actor: CustomsActor, asked: ProcessedChedRequest, header: CertexHeader, call: SoapCall
    ) -> ProcessedChedAnswer:
        """Reserve for a declaration, whole: what it held is replaced. A refusal is an answer, with its reason."""

    def clear(
        self, actor: CustomsActor, asked: ChedClearanceRequest, header: CertexHeader, call: SoapCall
    ) -> ClearanceAnswer:
        """Consume or give back what a declaration holds."""

    def intervene(
        self, actor: CustomsActor, asked: ChedInterventionRequest, header: CertexHeader, call: SoapCall
    ) -> ClearanceAnswer:
        """Correct what was written off."""
