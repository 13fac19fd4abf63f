"""The client of TRACES by its record as it stands: an operator's change of it is seen by the next message."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

from adapters.certex import SETTLED_AFTER, CertexClient, Patience
from gateway.access.directory import read_secret
from gateway.ched.wiring import ADAPTER
from gateway.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from datetime import timedelta

    from gateway.access import DeliveryTarget
    from gateway.exchange import Context

__all__ = ["PATIENCE", "Upstream"]

PATIENCE: Final = Patience(attempts=2, pause=0.5, within=10.0, resolving=5.0)
"""While a customs system waits for its answer."""


class Upstream:
    """The partner that customs are answered from. May be used from any thread.

    Args:
        context: the services.
        partner: id of its record, which has the account for customs.
        client_id: WebServiceClientId by which it knows us; the id of the instance when empty.
        settled_after: after how long a message can have no effect there any more.
        patience: with reads; `PATIENCE` when None.
    """

    def __init__(
        self,
        context: Context,
        partner: str,
        client_id: str = "",
        *,
        settled_after: timedelta = SETTLED_AFTER,
        patience: Patience | None = None,
    ) -> None:
        self._context = context
        self.partner = partner
        self._client_id = client_id
        self._settled_after = settled_after
        self._patience = patience or PATIENCE
        self._lock = Lock()
        self._known: tuple[DeliveryTarget, str, CertexClient] | None = None

    def opened(self) -> CertexClient:
        """The client by the record and the secret of now; made anew only where one of them has changed.

        Raises:
            ConfigurationError: IMG-0101 there is no such partner, or it is disabled; IMG-0123 it has no delivery to
                TRACES; IMG-0120, IMG-0121 a TLS file or the secret is not there.
        """
        partner = self._context.directory.by_id(self.partner)
        if partner is None or not partner.enabled:
            raise ConfigurationError("IMG-0101", where="customs.upstream", found=self.partner, expected="a partner")
        target = partner.delivery
        if target is None or target.adapter != ADAPTER:
            raise ConfigurationError(
                "IMG-0123", where=f"partner {partner.id}", expected=f"[partner.delivery] {ADAPTER}"
            )
        secret = read_secret(target.secret) if target.secret else ""
        with self._lock:
            known = self._known
            if known is not None and known[:2] == (target, secret):
                return known[2]
            client = CertexClient.open(
                target,
                secret,
                client_id=self._client_id or self._context.policy.instance,
                patience=self._patience,
                settled_after=self._settled_after,
                clock=self._context.clock,
            )
            self._known = target, secret, client
            return client

    def client(self) -> CertexClient:
        """`opened`, while customs wait.

        Raises:
            Unavailable: IMG-9012, the record does not say any more where TRACES is, or who we are there.
        """
        try:
            return self.opened()
        except ConfigurationError as error:
            raise Unavailable("IMG-9012", where=self.partner, found=error.code) from error
