"""Settings: one TOML file, overridden by the environment, checked in whole before anything starts.

A key of the file is ``[section] key``; the environment names it ``IMSOC_SECTION_KEY`` (lists separated by commas).
Relative paths in the file are relative to the file's folder, those in the environment to the working folder. Secrets
are never values here: ``file:PATH`` or ``env:NAME`` says where one is.

The text below each key is the reference: ``docs/configuration.md`` is made from it (``make docs``).
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from gateway.errors import ConfigurationError
from gateway.settings_reader import Choice, Pattern, Range, SectionReader, TimeZone, nearest, settings_of
from gateway.xml.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_FILE",
    "CustomsSettings",
    "DeliverySettings",
    "HubSettings",
    "InstanceSettings",
    "LoggingSettings",
    "SealSettings",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "TracesSettings",
    "TranslationSettings",
    "TrustSettings",
]

PREFIX: Final = "IMSOC_"

CONFIG_VARIABLE: Final = "IMSOC_CONFIG"
"""Names the settings file; read by the command line, not a setting itself."""

DEFAULT_FILE: Final = "imsoc.toml"
"""The settings file that the command line looks for in the working folder."""

_SECRET = Pattern(re.compile(r"((file|env):.+)?"), "file:PATH or env:NAME", secret=True)
_ADDRESS = Pattern(re.compile(r"(https?://[^\s]+)?"), "an http or https address")


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """Who this gateway is."""

    id: Annotated[str, Pattern(re.compile(r"[a-z0-9][a-z0-9-]{1,63}"), "2 to 64 of a-z, 0-9 and -")] = "gateway"
    """Name of this instance in acknowledgements, evidence and logs."""

    roles: Annotated[tuple[str, ...], Choice("traces", "national", "hub")] = ("national",)
    """Which faces are on: ``traces`` (Article 39(2) route iii ends here), ``national`` (route iv), ``hub``."""

    country: Annotated[str, Pattern(re.compile(r"([A-Z]{2})?"), "an ISO 3166-1 alpha-2 code")] = ""
    """The Member State whose authority runs a national instance; empty for others."""

    base_url: Annotated[str, _ADDRESS] = ""
    """Public address of this instance, without the path; published in WSDLs. Empty: the address of the request."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The listening socket. Behind a reverse proxy name it in ``trusted_proxies``."""

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: Annotated[int, Range(0, 65535)] = 8080
    """TCP port; 0 lets the system choose."""

    workers: Annotated[int, Range(1, 64)] = 1
    """Processes. More than one needs PostgreSQL: on SQLite one process serves."""

    threads: Annotated[int, Range(1, 256)] = 4
    """Threads of each process. More do not serve more on two cores: they wait for each other."""

    tls_certificate: Path | None = None
    """PEM certificate (with its chain) to serve HTTPS directly."""

    tls_key: Path | None = None
    """PEM key of ``tls_certificate``."""

    client_ca: Path | None = None
    """PEM authorities of client certificates; the TLS handshake then asks for one."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose ``Client-Cert`` header is believed; it is ignored from everybody else."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where messages are kept."""

    url: Annotated[
        str, Pattern(re.compile(r"(sqlite:///|postgresql(\+psycopg)?://).+"), "sqlite:/// or postgresql://")
    ] = "sqlite:///var/imsoc.db"
    """Database. ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://user@host/database``."""


@dataclass(frozen=True, slots=True)
class SealSettings:
    """The key that seals acknowledgements and deliveries: PEM files or one PKCS#12 file."""

    key: Path | None = None
    """PEM private key (EC P-256 or RSA of 2048 bits or more)."""

    certificate: Path | None = None
    """PEM certificate of ``key``."""

    chain: tuple[Path, ...] = ()
    """PEM certificates between ours and the authority's root."""

    pkcs12: Path | None = None
    """PKCS#12 file instead of ``key``, ``certificate`` and ``chain``."""

    password: Annotated[str, _SECRET] = ""
    """Where the password of the key or PKCS#12 file is."""

    timestamp_authorities: Annotated[tuple[str, ...], _ADDRESS] = ()
    """RFC 3161 authorities, asked in this order."""

    timestamp_anchors: tuple[Path, ...] = ()
    """PEM roots under which their tokens are accepted."""

    timestamp: Annotated[str, Choice("required", "when-available", "none")] = "none"
    """Whether our own seals carry a time stamp. While no authority answers, ``required`` refuses messages and
    ``when-available`` seals without one (baseline B)."""


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """How strictly senders and seals are judged."""

    clock_skew_seconds: Annotated[int, Range(0, 3600)] = 300
    """How far a sender's clock may be ahead of ours."""

    timestamp_max_age_seconds: Annotated[int, Range(1, 86400)] = 300
    """How old the wsu:Timestamp and the UsernameToken of a request may be."""

    nonce_keep_seconds: Annotated[int, Range(1, 31 * 86400)] = 3600
    """How long a nonce is remembered; at least twice the skew and the age together: so long a token can be fresh."""

    minimum_seal_level: Annotated[str, Choice("simple", "advanced", "qualified")] = "advanced"
    """Lowest level of a seal on a certificate (R-39-1)."""

    phyto_routes: Annotated[tuple[str, ...], Choice("i", "ii", "iii", "iv")] = ("i", "iii")
    """Article 39(2) routes by which phytosanitary certificates are taken (R-39-5)."""

    require_timestamp: bool = True
    """Whether a certificate's seal must carry a time stamp (R-39-3); a partner record can relax it."""


@dataclass(frozen=True, slots=True)
class TranslationSettings:
    """Mapping tables."""

    tables: Path | None = None
    """Folder of the operator's own rows, laid over the tables of the installation."""

    allow_unconfirmed: bool = False
    """Use rows that their sources grade as unverified, without anybody confirming them. For sandboxes alone."""

    max_held_per_partner: Annotated[int, Range(0, 1_000_000)] = 10_000
    """Messages of one partner that quarantine holds at once; what comes beyond is refused. Envelopes of the ePhyto hub
    and deliveries are not counted."""


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How documents are handed on."""

    in_process: bool = True
    """Whether ``imsoc serve`` delivers too. Off when separate ``imsoc worker`` processes do (PostgreSQL)."""

    lease_seconds: Annotated[float, Range(1, 3600)] = 30.0
    """How long a worker owns a partner's lane without a sign of life; longer than any partner's timeout_seconds."""

    backoff_first_seconds: Annotated[float, Range(0.01, 3600)] = 1.0
    """Wait after the first failed attempt; doubled each time."""

    backoff_max_seconds: Annotated[float, Range(0.01, 86400)] = 3600.0
    """Longest wait between attempts."""

    max_attempts: Annotated[int, Range(1, 10_000)] = 20
    """Times that a partner may answer "not now", or a send may leave no trace, until a delivery counts as failed and
    waits for an operator. A partner that cannot be reached does not count: its documents wait as long as it takes."""


@dataclass(frozen=True, slots=True)
class HubSettings:
    """The IPPC ePhyto hub: our stand-in, served at ``/hub/DeliveryService`` with the role ``hub``, and the code lists.

    Which hubs are asked, stands in the records of partners.
    """

    countries: Annotated[tuple[str, ...], Pattern(re.compile(r"[A-Z]{2}"), "an ISO 3166-1 alpha-2 code")] = ()
    """Countries whose plant health authority this instance serves itself: envelopes for them are not kept for a puller
    but taken over into the exchange."""

    lists: Path | None = None
    """Folder of the operator's own code lists (``treatment-types.csv``, ...), laid over those of the installation; they
    are served, and certificates are validated by them."""


@dataclass(frozen=True, slots=True)
class TracesSettings:
    """CHEDs and the other faces of TRACES NT: served by both roles, and called upstream by a national instance.

    Where TRACES is and which account we have there, stands in the record of the partner that ``upstream`` names.
    """

    portal: Annotated[str, _ADDRESS] = ""
    """Address of the electronic versions, in references and QR labels; ``/certificate/ched/ID`` is added. Empty:
    ``instance.base_url``."""

    upstream: Annotated[str, Pattern(re.compile(r"([a-z0-9][a-z0-9-]{0,63})?"), "the id of a partner")] = ""
    """Partner to which a national instance hands CHEDs on: TRACES, or a gateway in its role. Its record has a
    ``[partner.delivery]`` with the adapter ``traces-nt``. Empty: CHEDs stay here and get no reference."""

    client_id: str = ""
    """WebServiceClientId by which the upstream knows us. Empty: ``instance.id``."""

    when_away: Annotated[str, Choice("fail", "contingency")] = "fail"
    """What happens to a submission while the upstream does not answer: refused with a fault that says so, or accepted
    as a contingency document and exchanged when it is back (Article 46(4))."""

    retry_seconds: Annotated[float, Range(0.1, 3600)] = 30.0
    """How often the upstream is looked for while it is away, and asked for counter-seals that are due; without
    an upstream, how often seals of TRACES that could not be made at once are tried again."""

    contingency_labels: Annotated[
        tuple[str, ...], Pattern(re.compile(r"[a-z]{2}:.{1,100}"), "language:text, such as fr:Document de secours")
    ] = ()
    """The mark of contingency documents by language, over the built-in ones (Article 46(5))."""

    part_signatures: Annotated[str, Choice("required", "recorded")] = "required"
    """Whether a decision without the officer's signature, the authority's seal and a time stamp on each is refused, or
    recorded with what is missing (Article 41)."""

    languages: Annotated[
        tuple[str, ...],
        Pattern(re.compile(r"[A-Z]{2}:[a-z]{2}(/[a-z]{2})*"), "country:language/language, such as BE:nl/fr/de"),
    ] = ()
    """Languages in which a CHED may be written, by country of entry, over the official ones (R-40-2)."""


@dataclass(frozen=True, slots=True)
class CustomsSettings:
    """The customs single window: CHEDs and their quantities for customs systems.

    Which offices ask through which system, stands in the records of partners (``[partner.customs]``).
    """

    time_zone: Annotated[str, TimeZone()] = "Europe/Brussels"
    """Zone in which the times of holds and clearances are shown, unless the partner's record names its own. Real
    answers show that of Brussels, to offices of other zones too."""

    max_message_age_seconds: Annotated[int, Range(1, 86_400)] = 300
    """How old the SendingDate of a message may be that reserves, clears or corrects; how far it may be ahead says
    ``trust.clock_skew_seconds``. Reads may be of any age."""

    max_goods_items: Annotated[int, Range(1, 999)] = 999
    """Entries of goods in one message; 999 is the most that a customs declaration has. A message with more is refused
    before anything is looked at."""

    max_allocations: Annotated[int, Range(1, 10_000)] = 5_000
    """Holds and consumptions of all declarations on one CHED. All of them are in every answer about it and in every
    push, which partners with limits on what they take must be able to read; what would add more is refused."""

    upstream: Annotated[str, Pattern(re.compile(r"([a-z0-9][a-z0-9-]{0,63})?"), "the id of a partner")] = ""
    """Partner that is asked when customs ask a national instance: TRACES, or a gateway in its role. Its record has our
    customs account in a ``[partner.delivery]`` with the adapter ``traces-nt``. Empty: customs are answered from the
    CHEDs that are here."""

    client_id: str = ""
    """WebServiceClientId by which the upstream knows our customs account. Empty: ``instance.id``."""

    settled_after_seconds: Annotated[int, Range(900, 172_800)] = 900
    """After how long a message of ours whose answer was lost can have no effect at the upstream any more, so that a
    read which does not show it settles it. At least the upstream's limit for the age of a message, the tolerance of its
    clocks, and five minutes for what it has begun: ask its operator for ``max_message_age_seconds`` and
    ``trust.clock_skew_seconds``. Never less than by those of this instance."""


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """The log on standard error."""

    level: Annotated[str, Choice("debug", "info", "warning", "error")] = "info"
    """Lowest level that is written."""

    json: bool = False
    """One JSON object per line instead of readable text."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator decides, checked.

    ``folder`` is the folder of the settings file (the working folder without one); ``source`` is that file.
    """

    instance: InstanceSettings = field(default_factory=InstanceSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    seal: SealSettings = field(default_factory=SealSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    translation: TranslationSettings = field(default_factory=TranslationSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    hub: HubSettings = field(default_factory=HubSettings)
    traces: TracesSettings = field(default_factory=TracesSettings)
    customs: CustomsSettings = field(default_factory=CustomsSettings)
    limits: Limits = field(default_factory=Limits)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    folder: Path = field(default_factory=Path.cwd)
    source: Path | None = None

    @classmethod
    def load(cls, path: Path | None = None, environ: Mapping[str, str] | None = None) -> Self:
        """Read and check the settings.

        Args:
            path: the settings file; None for defaults and environment only.
            environ: the environment; the process's own when None.

        Raises:
            ConfigurationError: IMG-0101 for a wrong value, IMG-0102 for a file that cannot be read, IMG-0103 for a key
                that does not exist (with the nearest one that does).
        """
        environ = os.environ if environ is None else environ
        tables = _tables(path) if path else {}
        folder = path.resolve().parent if path else Path.cwd()
        for name in tables.keys() - SECTIONS.keys():
            raise ConfigurationError("IMG-0103", where=f"[{name}]", found=name, expected=nearest(name, SECTIONS))
        _refuse_unknown_variables(environ)
        sections: dict[str, Any] = {}
        for name, section in SECTIONS.items():
            reader = SectionReader(name, section, PREFIX)
            sections[name] = reader.read(tables.get(name, {}), environ, folder)
        sections["store"] = StoreSettings(_absolute_sqlite(sections["store"].url, folder))
        settings = cls(**sections, folder=folder, source=path.resolve() if path else None)
        _check_together(settings)
        return settings


SECTIONS: Final[dict[str, type]] = {
    "instance": InstanceSettings,
    "server": ServerSettings,
    "store": StoreSettings,
    "seal": SealSettings,
    "trust": TrustSettings,
    "translation": TranslationSettings,
    "delivery": DeliverySettings,
    "hub": HubSettings,
    "traces": TracesSettings,
    "customs": CustomsSettings,
    "limits": Limits,
    "logging": LoggingSettings,
}


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError("IMG-0102", where=str(path), found="no such file", expected="a TOML file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError("IMG-0102", where=str(path), found=str(error), expected="a TOML file") from error


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    """A variable of ours that names no key is a spelling mistake that would otherwise go unseen."""
    known = {f"{PREFIX}{name}_{key}".upper() for name, section in SECTIONS.items() for key in settings_of(section)}
    prefixes = tuple(f"{PREFIX}{name}_".upper() for name in SECTIONS)
    for variable in environ:
        if variable in known or not variable.startswith(PREFIX):
            continue
        suggestion = nearest(variable, known, cutoff=0.85)
        if variable.startswith(prefixes) or suggestion:
            raise ConfigurationError("IMG-0103", where=variable, found=variable, expected=suggestion)


def _absolute_sqlite(url: str, folder: Path) -> str:
    scheme = "sqlite:///"
    if not url.startswith(scheme):
        return url
    return scheme + str(folder / url.removeprefix(scheme))


def _check_together(settings: Settings) -> None:
    """What single keys cannot say."""
    server, seal, trust = settings.server, settings.seal, settings.trust
    if (server.tls_certificate is None) != (server.tls_key is None):
        _wrong("server.tls_key", "only one of the two", "tls_certificate and tls_key together")
    if server.client_ca and not server.tls_certificate:
        _wrong("server.client_ca", "no tls_certificate", "server.tls_certificate and tls_key, or a reverse proxy")
    if server.workers > 1 and settings.store.url.startswith("sqlite"):
        _wrong("server.workers", str(server.workers), "1 on SQLite, or a postgresql:// store")
    if seal.pkcs12 and (seal.key or seal.certificate or seal.chain):
        _wrong("seal.pkcs12", "seal.key, certificate or chain beside it", "one of the two forms")
    if (seal.key is None) != (seal.certificate is None):
        _wrong("seal.certificate", "only one of the two", "key and certificate together")
    if seal.timestamp != "none" and not seal.timestamp_authorities:
        _wrong(
            "seal.timestamp_authorities", "none", f"at least one address, because seal.timestamp is {seal.timestamp}"
        )
    if trust.nonce_keep_seconds < 2 * trust.clock_skew_seconds + trust.timestamp_max_age_seconds:
        _wrong(
            "trust.nonce_keep_seconds",
            str(trust.nonce_keep_seconds),
            "at least twice clock_skew_seconds, and timestamp_max_age_seconds: a forgotten nonce could be replayed",
        )
    if settings.hub.countries and "hub" not in settings.instance.roles:
        _wrong("hub.countries", ", ".join(settings.hub.countries), "hub among instance.roles: nobody delivers without")
    if settings.delivery.backoff_max_seconds < settings.delivery.backoff_first_seconds:
        _wrong(
            "delivery.backoff_max_seconds", str(settings.delivery.backoff_max_seconds), "at least backoff_first_seconds"
        )
    _check_traces(settings)


def _check_traces(settings: Settings) -> None:
    traces = settings.traces
    if traces.upstream and "traces" in settings.instance.roles:
        _wrong("traces.upstream", traces.upstream, "nothing: an instance in the TRACES role keeps CHEDs itself")
    if traces.when_away == "contingency" and not traces.upstream:
        _wrong("traces.when_away", "contingency", "traces.upstream: without it nothing can be away")
    if settings.customs.upstream and "traces" in settings.instance.roles:
        _wrong("customs.upstream", settings.customs.upstream, "nothing: an instance in the TRACES role answers itself")


def _wrong(key: str, found: str, expected: str) -> None:
    raise ConfigurationError("IMG-0101", where=key, found=found, expected=expected)
