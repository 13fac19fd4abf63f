"""The partners as this process knows them: read from the store, refreshed within a second of a change."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.access.records import partner_from_record
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gateway.access.models import Partner

__all__ = ["Directory", "check_identities", "read_secret"]

REFRESH_SECONDS = 1.0
"""How long a change of a partner (a revoked grant above all) may stay unseen by a running process."""


def read_secret(reference: str) -> str:
    """Resolve ``file:PATH`` or ``env:NAME``; the secret is the file's text without surrounding white space.

    Raises:
        ConfigurationError: IMG-0121 when it is missing or empty; the value is never part of a message.
    """
    scheme, _, name = reference.partition(":")
    secret = ""
    if scheme == "env":
        secret = os.environ.get(name, "")
    elif scheme == "file":
        try:
            secret = Path(name).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError("IMG-0121", where=reference, found=type(error).__name__) from error
    if not secret:
        raise ConfigurationError("IMG-0121", where=reference, found="nothing", expected="a secret")
    return secret


@dataclass(frozen=True, slots=True)
class _Snapshot:
    token: str = ""
    read_at: float = float("-inf")
    by_id: dict[str, Partner] = field(default_factory=dict)
    by_username: dict[str, Partner] = field(default_factory=dict)
    by_certificate: dict[str, Partner] = field(default_factory=dict)
    by_country: dict[str, Partner] = field(default_factory=dict)
    by_channel: dict[str, Partner] = field(default_factory=dict)


class Directory:
    """Finds the enabled partner behind an identity, and the secrets that records refer to.

    Args:
        load: the partner records of the store.
        token: something cheap that changes whenever a record changes.
        monotonic: seconds, for the refresh interval.

    All methods may be called from any thread.
    """

    def __init__(
        self,
        load: Callable[[], Iterable[Mapping[str, Any]]],
        token: Callable[[], str],
        monotonic: Callable[[], float],
    ) -> None:
        self._load = load
        self._token = token
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._snapshot = _Snapshot()
        self._secrets: dict[str, str] = {}

    @property
    def token(self) -> str:
        """Names the state of all partner records; caches built from partners are keyed by it."""
        return self._current().token

    def by_id(self, partner_id: str) -> Partner | None:
        """The partner of that id, enabled or not."""
        return self._current().by_id.get(partner_id)

    def by_username(self, username: str) -> Partner | None:
        """The enabled partner that authenticates with this WS-Security username."""
        return self._current().by_username.get(username)

    def by_certificate(self, der: bytes) -> Partner | None:
        """The enabled partner whose record names the SHA-256 fingerprint of this client certificate."""
        return self._current().by_certificate.get(f"sha256:{hashlib.sha256(der).hexdigest()}")

    def partners(self) -> tuple[Partner, ...]:
        """All partners, by id."""
        return tuple(self._current().by_id.values())

    def nppo_of(self, country: str) -> Partner | None:
        """The enabled partner that is the plant protection organisation of this country (``[partner.hub]``)."""
        return self._current().by_country.get(country)

    def nppos(self) -> tuple[tuple[str, Partner], ...]:
        """Each country with its plant protection organisation, by country."""
        return tuple(sorted(self._current().by_country.items()))

    def channel_of(self, code: str) -> Partner | None:
        """The enabled partner that is the channel of this code."""
        return self._current().by_channel.get(code)

    def channels(self) -> tuple[Partner, ...]:
        """The enabled partners that are channels, by code."""
        return tuple(partner for _, partner in sorted(self._current().by_channel.items()))

    def secret(self, reference: str) -> str:
        """The secret behind a reference, read once per state of the records."""
        self._current()
        if reference not in self._secrets:
            self._secrets[reference] = read_secret(reference)
        return self._secrets[reference]

    def _current(self) -> _Snapshot:
        snapshot = self._snapshot
        now = self._monotonic()
        if now - snapshot.read_at < REFRESH_SECONDS:
            return snapshot
        with self._lock:
            if now - self._snapshot.read_at < REFRESH_SECONDS:
                return self._snapshot
            token = self._token()
            if token == self._snapshot.token:
                kept = self._snapshot
                self._snapshot = replace(kept, read_at=now)
            else:
                self._secrets = {}
                self._snapshot = _index(token, now, [partner_from_record(record) for record in self._load()])
            return self._snapshot


def _index(token: str, now: float, partners: list[Partner]) -> _Snapshot:
    snapshot = _Snapshot(token, now, {partner.id: partner for partner in partners})
    for partner in partners:
        if partner.enabled:
            shown = partner.authentication
            _claim(snapshot.by_username, (shown.username,) if shown.username else (), partner, "IMG-0122")
            _claim(snapshot.by_certificate, shown.client_certificates, partner, "IMG-0122")
            if partner.hub is not None:
                _claim(snapshot.by_country, partner.hub.countries, partner, "IMG-0125")
                _claim(snapshot.by_channel, (partner.hub.channel,) if partner.hub.channel else (), partner, "IMG-0125")
    return snapshot


def _claim(index: dict[str, Partner], names: Iterable[str], partner: Partner, code: str) -> None:
    for name in names:
        if name in index:
            raise ConfigurationError(code, where=f"partner {partner.id}", found=f"{name}, also of {index[name].id}")
        index[name] = partner


def check_identities(partners: list[Partner], *, own_countries: Iterable[str] = ()) -> None:
    """Whether each caller could be told apart and each country has one authority, were these the partners.

    Args:
        partners: all of them.
        own_countries: for which this instance itself receives at its stand-in of the hub.

    Raises:
        ConfigurationError: IMG-0122, two enabled ones share a username or a client certificate; IMG-0125, they claim
            one country or channel of the hub, or one claims a country of our own.
    """
    claimed = _index("", 0.0, partners).by_country
    for country in own_countries:
        if country in claimed:
            raise ConfigurationError(
                "IMG-0125", where="hub.countries", found=f"{country}, also of {claimed[country].id}"
            )
