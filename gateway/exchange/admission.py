"""Who is calling: a WS-Security UsernameToken, a client certificate, or both; what they spent is remembered.

The checks themselves are in ``gateway.trust.credentials``; this module finds the partner and collects the single-use
values (nonce, wsa:MessageID) which the store will insert in the same transaction as whatever the call does.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.errors import AuthenticationFailed
from gateway.exchange.models import Principal
from gateway.store import Nonce
from gateway.trust import check_timestamp, check_username_token

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.access import Directory, Partner
    from gateway.exchange.context import ExchangePolicy
    from gateway.soap import SoapCall, TransportPeer, UsernameToken

__all__ = ["Admission"]

_NOBODY = secrets.token_hex()
"""No partner has this secret, and nobody knows it: an unknown name costs as much time as a wrong digest, and nobody can
make a digest that is right for names that are not there."""


class Admission:
    """Authenticates calls."""

    def __init__(self, directory: Directory, policy: ExchangePolicy) -> None:
        self._directory = directory
        self._policy = policy

    def admit(self, call: SoapCall) -> Principal:
        """The partner behind a call.

        Raises:
            AuthenticationFailed: IMG-2001 to 2009; one and the same refusal for an unknown name and a wrong digest.
        """
        token = call.security.username_token if call.security else None
        certificate = call.peer.client_certificate
        by_certificate = self._directory.by_certificate(certificate) if certificate else None
        if token is not None:
            partner = self._by_token(call, token)
            if by_certificate is not None and by_certificate.id != partner.id:
                raise AuthenticationFailed("IMG-2006")
            method = "username-token"
        elif by_certificate is not None:
            partner, method = by_certificate, "client-certificate"
            if call.security is not None and call.security.timestamp is not None:
                self._check_timestamp(call)
        else:
            raise AuthenticationFailed(
                "IMG-2005",
                where="wsse:Security",
                expected="a UsernameToken with PasswordDigest, or a client certificate that a partner record names",
            )
        return Principal(partner, method, self._nonces(call, token))

    def admit_basic(self, peer: TransportPeer, account: tuple[str, str] | None) -> Principal:
        """The partner behind a request without SOAP: by name and secret (RFC 7617), a client certificate, or both.

        Args:
            peer: who is at the other end.
            account: name and secret; None when the request has none.

        Raises:
            AuthenticationFailed: IMG-2001, 2005 to 2007; one and the same refusal, in the same time, for an unknown
                name and a wrong secret.
        """
        _check_private(peer)
        certificate = peer.client_certificate
        by_certificate = self._directory.by_certificate(certificate) if certificate else None
        if account is None:
            if by_certificate is None:
                expected = "Basic with the name and secret of an account, or a client certificate of a partner record"
                raise AuthenticationFailed("IMG-2005", where="Authorization", expected=expected)
            return Principal(by_certificate, "client-certificate")
        partner = self._by_secret(*account)
        if by_certificate is not None and by_certificate.id != partner.id:
            raise AuthenticationFailed("IMG-2006")
        return Principal(partner, "basic")

    def _by_secret(self, username: str, given: str) -> Partner:
        partner = self._directory.by_username(username)
        secret = self._directory.secret(partner.authentication.secret) if partner else _NOBODY
        same = hmac.compare_digest(_digest(secret), _digest(given))
        if partner is None or not same:
            raise AuthenticationFailed("IMG-2001")
        return partner

    def _by_token(self, call: SoapCall, token: UsernameToken) -> Partner:
        _check_private(call.peer)
        partner = self._directory.by_username(token.username)
        secret = self._directory.secret(partner.authentication.secret) if partner else _NOBODY
        check_username_token(
            token,
            secret=secret,
            now=call.received_at,
            max_age=timedelta(seconds=self._policy.timestamp_max_age_seconds),
            skew=timedelta(seconds=self._policy.clock_skew_seconds),
        )
        if partner is None:
            raise AuthenticationFailed("IMG-2001")
        self._check_timestamp(call)
        return partner

    def _check_timestamp(self, call: SoapCall) -> None:
        check_timestamp(
            call.security.timestamp if call.security else None,
            now=call.received_at,
            max_age=timedelta(seconds=self._policy.timestamp_max_age_seconds),
            skew=timedelta(seconds=self._policy.clock_skew_seconds),
        )

    def _nonces(self, call: SoapCall, token: UsernameToken | None) -> tuple[Nonce, ...]:
        until: datetime = call.received_at + timedelta(seconds=self._policy.nonce_keep_seconds)
        nonces = []
        if token is not None:
            nonces.append(Nonce("nonce", token.nonce.hex(), until))
        if call.message_id:
            nonces.append(Nonce("wsa-message-id", call.message_id, until))
        return tuple(nonces)


def _digest(secret: str) -> bytes:
    """Of one length, whatever the secret's is."""
    return hashlib.sha256(secret.encode()).digest()


def _check_private(peer: TransportPeer) -> None:
    """Refuse secrets over a network that anybody can read."""
    if not peer.secure and not _is_loopback(peer):
        raise AuthenticationFailed("IMG-2007", where="transport", found="plain HTTP", expected="HTTPS")


def _is_loopback(peer: TransportPeer) -> bool:
    """Whether the caller itself is on this machine; of what a proxy here took over plain HTTP nobody knows that."""
    if peer.forwarded:
        return False
    try:
        return ipaddress.ip_address(peer.address).is_loopback
    except ValueError:
        return False
