"""What ``imsoc doctor`` checks. Each check stands alone: one that fails does not hide the next."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cryptography import x509

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.access.models import DeliveryTarget, Partner
    from gateway.cli.desk import Desk

__all__ = ["Result", "State", "files_of", "load_partners", "run_checks", "secrets_of", "systems_known"]

SOON: Final = timedelta(days=30)
"""A certificate that ends within this is a warning: authorities take weeks."""

LONG: Final = timedelta(minutes=10)
"""What an answer may wait for its hub before it is worth a line."""

LOW_DISK_BYTES: Final = 1024**3
CONNECT_SECONDS: Final = 3.0
_IN_THE_STORE: Final = ("mapping changes", "quarantine", "clock", "partners", "endpoints")
"""Checks that read what the store holds."""


class State(StrEnum):
    """How a check went; only ``fail`` makes the command fail."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Result:
    """One line: the check, how it went, what was seen, and the next command where something is to be done."""

    name: str
    state: State
    detail: str
    repair: str = ""


def run_checks(desk: Desk, *, offline: bool) -> Iterator[Result]:
    """Run the checks in the order in which an operator would repair them.

    Args:
        desk: settings and store of this run.
        offline: leave out checks that call other machines.
    """
    yield Result("python", State.OK, f"{sys.version.split()[0]} at {sys.prefix}")
    yield from _guarded("settings", lambda: _settings(desk), desk.command("doctor") + " after correcting the key")
    if not _settings_load(desk):
        return
    checks: list[tuple[str, Callable[[], Iterator[Result]], str]] = [
        ("seal key", lambda: _seal(desk), "set seal.key and seal.certificate"),
        ("tls", lambda: _tls(desk), "correct the file or the key; imsoc serve does not start"),
        ("schemas", _schemas, "reinstall imsoc-gateway: its files are damaged"),
        ("mapping tables", lambda: _tables(desk), "correct the named row"),
        ("reference data", lambda: _reference(desk), "correct the named row"),
        ("hub", lambda: _hub(desk), "correct the named row"),
        ("time zone", lambda: _time_zones(desk), "pip install tzdata"),
        ("disk", lambda: _disk(desk), ""),
        ("store", lambda: _store(desk), desk.command("db upgrade")),
        ("instance lock", lambda: _lock(desk), ""),
        ("address", lambda: _address(desk), ""),
        ("clock", lambda: _clock(desk), ""),
        ("mapping changes", lambda: _changes(desk), desk.command("mappings check")),
        ("quarantine", lambda: _quarantine(desk), desk.command("quarantine list --state held")),
        ("partners", lambda: _partners(desk), desk.command("partners list")),
    ]
    if not offline:
        checks += [
            ("time stamps", lambda: _authorities(desk), "correct seal.timestamp_authorities"),
            ("endpoints", lambda: _endpoints(desk), ""),
        ]
    stored = True
    for name, check, repair in checks:
        if name in _IN_THE_STORE and not stored:
            continue  # would fail for the same reason and hide it
        for result in _guarded(name, check, repair):
            stored = stored and not (name == "store" and result.state is State.FAIL)
            yield result


def _guarded(name: str, check: Callable[[], Iterator[Result]], repair: str) -> Iterator[Result]:
    """The check's lines; whatever it raises becomes a failing line."""
    try:
        yield from check()
    except GatewayError as error:
        seen = " ".join(
            f"{word} {text}"
            for word, text in (("at", error.where), ("found", error.found), ("expected", error.expected))
            if text
        )
        yield Result(name, State.FAIL, f"{error.code} {error.message} {seen}", repair or f"imsoc explain {error.code}")
    except Exception as error:  # noqa: BLE001 - a doctor that dies of what it should report is none
        yield Result(name, State.FAIL, f"{type(error).__name__}: {error}", repair)


def _settings_load(desk: Desk) -> bool:
    try:
        return bool(desk.settings)
    except GatewayError:
        return False


def _settings(desk: Desk) -> Iterator[Result]:
    settings = desk.settings
    roles = ", ".join(settings.instance.roles)
    detail = f"{settings.source or 'defaults and environment'}: {settings.instance.id}, {roles}"
    if settings.source is None:
        yield Result("settings", State.WARN, detail, "imsoc keys DIRECTORY")
    else:
        yield Result("settings", State.OK, detail)


def _seal(desk: Desk) -> Iterator[Result]:
    from gateway.sealing import build_sealer  # noqa: PLC0415 - beside its only use

    seal = desk.settings.seal
    if not (seal.key or seal.pkcs12):
        yield Result("seal key", State.FAIL, "none: acknowledgements cannot be sealed", "imsoc keys DIRECTORY")
        return
    sealer = build_sealer(seal)
    certificate = x509.load_der_x509_certificate(sealer.certificate)
    yield _expiry("seal key", certificate, "set seal.key and seal.certificate to the renewed ones")
    secret = seal.key or seal.pkcs12
    assert secret is not None
    if secret.stat().st_mode & 0o077:
        yield Result("seal key", State.WARN, f"{secret} is readable by others", f"chmod 600 {secret}")


def _tls(desk: Desk) -> Iterator[Result]:
    """The files of HTTPS, loaded as the server loads them; no line without any."""
    from gateway.serve import check_tls  # noqa: PLC0415 - beside its only use

    server = desk.settings.server
    check_tls(server)
    if server.tls_certificate is not None:
        certificate = x509.load_pem_x509_certificates(server.tls_certificate.read_bytes())[0]
        yield _expiry("tls", certificate, "set server.tls_certificate and server.tls_key to the renewed ones")


def _expiry(name: str, certificate: x509.Certificate, repair: str) -> Result:
    now, end = datetime.now(UTC), certificate.not_valid_after_utc
    subject = certificate.subject.rfc4514_string()
    detail = f"{subject} until {end:%Y-%m-%d}"
    if end <= now or certificate.not_valid_before_utc > now:
        return Result(name, State.FAIL, f"not valid today: {detail}", repair)
    if end - now < SOON:
        return Result(name, State.WARN, f"ends soon: {detail}", repair)
    return Result(name, State.OK, detail)


def _schemas() -> Iterator[Result]:
    from lxml import etree  # noqa: PLC0415 - beside its only use

    from gateway.errors import SchemaInvalid  # noqa: PLC0415 - beside its only use
    from gateway.xml.schemas import SchemaName, validate  # noqa: PLC0415 - beside its only use

    for name in SchemaName:
        try:
            validate(name, etree.Element("nothing"))
        except SchemaInvalid:
            continue  # the schema compiled and did its work
    yield Result("schemas", State.OK, f"{len(SchemaName)} compile")


def _tables(desk: Desk) -> Iterator[Result]:
    from mappings import load_tables  # noqa: PLC0415 - beside its use

    own = desk.settings.translation.tables
    tables = load_tables(overlays=(own,) if own else ())
    tables.compile(datetime.now(UTC).date())
    yield Result("mapping tables", State.OK, f"compile for today{f', with {own}' if own else ''}")
    if desk.settings.translation.allow_unconfirmed:
        said = "translation.allow_unconfirmed: rows that nobody confirmed are used; turn it off outside sandboxes"
        yield Result("mapping tables", State.WARN, said)


def _changes(desk: Desk) -> Iterator[Result]:
    """The operator's changes fit the tables of this installation."""
    from mappings import load_tables  # noqa: PLC0415 - beside its use
    from mappings.live import LiveTables  # noqa: PLC0415 - beside its only use

    own = desk.settings.translation.tables
    with desk.store() as store:
        live = LiveTables(load_tables(overlays=(own,) if own else ()), store)
        if live.trouble is not None:
            raise live.trouble
        yield Result("mapping changes", State.OK, f"version {live.version}")


def _quarantine(desk: Desk) -> Iterator[Result]:
    """What waits for rows of the mapping tables, and since when."""
    from gateway.store import count_held_of, count_quarantine, list_partners  # noqa: PLC0415 - beside its only use

    most = desk.settings.translation.max_held_per_partner
    with desk.store() as store, store.read() as connection:
        found = count_quarantine(connection)
        held = {each.id: count_held_of(connection, each.id) for each in list_partners(connection)} if found.held else {}
    if found.oldest is None:
        yield Result("quarantine", State.OK, "nothing is held")
        return
    detail = f"{found.held} messages are held, the oldest since {found.oldest:%Y-%m-%d %H:%M} UTC"
    yield Result("quarantine", State.WARN, detail, desk.command("quarantine list --state held"))
    for partner, count in held.items():
        if count >= most:
            detail = f"{partner}: {count} messages are held, as many as may; what comes now is refused"
            yield Result(
                "quarantine", State.WARN, detail, desk.command(f"quarantine list --state held --partner {partner}")
            )


def _reference(desk: Desk) -> Iterator[Result]:
    from mappings import load_tables  # noqa: PLC0415 - beside its use
    from mappings.reference import load_reference  # noqa: PLC0415 - beside its only use
    from mappings.reference.live import PREFIX, stored_layers  # noqa: PLC0415 - beside its only use

    own = desk.settings.translation.tables
    tables = load_tables(overlays=(own,) if own else ())
    loaded = _loaded(desk, PREFIX)
    posts = load_reference(tables, own, stored=stored_layers(loaded)).posts.all(datetime.now(UTC).date())
    detail = f"{len(posts)} posts, {sum(post.active for post in posts)} active today"
    yield Result("reference data", State.OK, f"{detail}{f', {len(loaded)} lists loaded' if loaded else ''}")


def _loaded(desk: Desk, prefix: str) -> dict[str, bytes]:
    """Lists that were loaded into the store; none where there is no store yet, which another check tells."""
    from mappings.loaded import all_lists  # noqa: PLC0415 - beside its only use

    try:
        with desk.store() as store:
            return all_lists(store, prefix)
    except GatewayError:
        return {}


def _hub(desk: Desk) -> Iterator[Result]:
    """The hub's code lists; and with its role, whether any caller can show the certificate by which it is known."""
    from mappings.hub_lists import LISTS, load_hub_lists  # noqa: PLC0415 - beside its only use
    from mappings.hub_live import PREFIX, stored_hub_lists  # noqa: PLC0415 - beside its only use

    own, server = desk.settings.hub.lists, desk.settings.server
    lists = load_hub_lists(overlay=own, stored=stored_hub_lists(_loaded(desk, PREFIX)))
    rows = sum(len(lists.items(spec.element)) for spec in LISTS)
    detail = f"{len(LISTS)} code lists of {rows} rows{f', with {own}' if own else ''}"
    if "hub" in desk.settings.instance.roles and server.client_ca is None and not server.trusted_proxies:
        repair = "set server.client_ca (with tls_certificate and tls_key), or server.trusted_proxies"
        yield Result("hub", State.WARN, f"{detail}; no client certificate can reach it: all callers get 403", repair)
    else:
        yield Result("hub", State.OK, detail)


def _time_zones(desk: Desk) -> Iterator[Result]:
    from gateway.cli.customs_checks import check_time_zones  # noqa: PLC0415 - it has its results from here

    return check_time_zones(desk)


def _disk(desk: Desk) -> Iterator[Result]:
    folder = _store_folder(desk)
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.1f} GiB free at {folder}"
    if free < LOW_DISK_BYTES:
        yield Result("disk", State.FAIL, detail, f"free some space: du -xh --max-depth=1 {folder}")
    elif not os.access(folder, os.W_OK):
        yield Result("disk", State.FAIL, f"{folder} is not writable by this user", f"chown $(id -un) {folder}")
    else:
        yield Result("disk", State.OK, detail)


def _store_folder(desk: Desk) -> Path:
    """The nearest folder that exists on the way to the SQLite file; the settings' folder for PostgreSQL."""
    url = desk.settings.store.url
    if not url.startswith("sqlite:///"):
        return desk.settings.folder
    folder = Path(url.removeprefix("sqlite:///")).parent
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _store(desk: Desk) -> Iterator[Result]:
    from gateway.cli.ched_checks import check_cheds  # noqa: PLC0415 - it has its results from here
    from gateway.cli.customs_checks import check_ledgers_stand  # noqa: PLC0415 - as above
    from gateway.store import schema  # noqa: PLC0415 - beside its only use

    found, needed = schema.current(desk.settings.store.url), schema.head()
    if found != needed:
        yield Result("store", State.FAIL, f"schema {found or 'empty'}, needs {needed}", desk.command("db upgrade"))
        return
    yield Result("store", State.OK, f"{desk.settings.store.url.split('://')[0]}, schema {found}")
    yield from _held(desk)
    yield from _unsent(desk)
    yield from check_cheds(desk)
    yield from check_ledgers_stand(desk)


def _held(desk: Desk) -> Iterator[Result]:
    """Envelopes of the hub that wait for an operator: its sender was told that we have them, and nobody else was."""
    from gateway.store import ImportState, list_imports  # noqa: PLC0415 - beside its only use

    most = 1000
    with desk.store() as store, store.read() as connection:
        held = list_imports(connection, state=ImportState.HELD, limit=most)
    if held:
        count = f"{most} or more" if len(held) == most else str(len(held))
        detail = f"{count} held, the last one {held[0].hub_number} of {held[0].partner}: {held[0].code}"
        repair = desk.command("hub imports --state held") + ", then " + desk.command("hub retry")
        yield Result("envelopes", State.WARN, detail, repair)


def _unsent(desk: Desk) -> Iterator[Result]:
    """Answers of ours that no hub has taken: whoever gave them may believe that the other authority knows."""
    from gateway.store import unsent_answers  # noqa: PLC0415 - beside its only use

    most = 1000
    with desk.store() as store, store.read() as connection:
        unsent = unsent_answers(connection, before=datetime.now(UTC) - LONG, limit=most)
    if unsent:
        count = f"{most} or more" if len(unsent) == most else str(len(unsent))
        first = unsent[0]
        detail = (
            f"{count} not taken by their hub, the oldest to {first.answers} of {first.hub}: {first.code or first.state}"
        )
        yield Result("answers", State.WARN, detail, desk.command(f"hub poll {first.hub}"))


def _lock(desk: Desk) -> Iterator[Result]:
    from gateway.store.engines import database_file, parse_url  # noqa: PLC0415 - beside its only use
    from gateway.store.lock import InstanceLock  # noqa: PLC0415 - beside its only use

    file = database_file(parse_url(desk.settings.store.url))
    if file is None:
        yield Result("instance lock", State.OK, "not needed on PostgreSQL")
        return
    if not file.exists():
        yield Result("instance lock", State.OK, "free: the store is not there yet")
        return
    try:
        InstanceLock(file).release()
    except GatewayError as error:
        yield Result("instance lock", State.OK, f"a gateway is serving ({error.found})")
    else:
        yield Result("instance lock", State.OK, "free: no gateway is serving")


def _address(desk: Desk) -> Iterator[Result]:
    """Who listens at our address; a warning at most: it may be asked beside a gateway that serves."""
    from gateway.serve import check_address  # noqa: PLC0415 - beside its only use

    server = desk.settings.server
    detail = f"{server.host}:{server.port}"
    try:
        check_address(server.host, server.port)
    except GatewayError as error:
        if _is_serving(desk):
            yield Result("address", State.OK, f"{detail}, in use while a gateway is serving")
        else:
            repair = "set server.host and server.port to a free address"
            yield Result("address", State.WARN, f"imsoc serve would not start: {error.code} {error.found}", repair)
    else:
        yield Result("address", State.OK, f"{detail} is free")


def _is_serving(desk: Desk) -> bool:
    """Whether a process holds the lock of this store; never known for PostgreSQL, which has none."""
    from gateway.store.engines import database_file, parse_url  # noqa: PLC0415 - beside its only use

    file = database_file(parse_url(desk.settings.store.url))
    if file is None:
        return True
    return file.exists() and any(result.detail.startswith("a gateway") for result in _lock(desk))


def _clock(desk: Desk) -> Iterator[Result]:
    """A clock behind the newest message that was stored has been set back: freshness would be judged wrongly."""
    from gateway.store import list_exchanges  # noqa: PLC0415 - beside its only use

    now = datetime.now(UTC)
    with desk.store() as store, store.read() as connection:
        newest = next((row.received_at for row in list_exchanges(connection, limit=1)), None)
    skew = timedelta(seconds=desk.settings.trust.clock_skew_seconds)
    detail = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    if newest is not None and newest > now + skew:
        yield Result("clock", State.FAIL, f"{detail}, behind the newest message ({newest})", "timedatectl status")
    else:
        yield Result("clock", State.OK, detail)


def _partners(desk: Desk) -> Iterator[Result]:
    from gateway.access.directory import check_identities  # noqa: PLC0415 - beside its only use
    from gateway.cli.ched_checks import check_upstream  # noqa: PLC0415 - it has its results from here
    from gateway.cli.customs_checks import check_customs_partners  # noqa: PLC0415 - as above

    partners = load_partners(desk)
    if not partners:
        yield Result("partners", State.WARN, "none: every call is refused", desk.command("partners add FILE"))
        return
    check_identities(partners, own_countries=desk.settings.hub.countries)
    yield Result("partners", State.OK, ", ".join(_named(partner) for partner in partners))
    yield from check_upstream(desk, partners)
    yield from check_customs_partners(desk, partners)
    for partner in partners:
        for anchor in partner.anchors:
            certificate = x509.load_pem_x509_certificate(anchor.certificate_pem.encode("ascii"))
            result = _expiry(f"anchor {partner.id}", certificate, desk.command("partners add FILE"))
            if result.state is not State.OK:
                yield result
        yield from secrets_of(partner)
        yield from files_of(partner)
        yield from _grants(desk, partner)
    known = systems_known(desk)
    for partner in partners:
        if partner.code_system not in known:
            detail = f"no table knows its code system {partner.code_system}: nothing of it can be translated"
            yield Result(f"codes {partner.id}", State.WARN, detail, desk.command("mappings list"))


def systems_known(desk: Desk) -> frozenset[str]:
    """The code systems of the tables as installed, of the operator's folder and of what was changed in the store."""
    from gateway.cli.mappings_desk import open_tables  # noqa: PLC0415 - beside its only use
    from mappings.changes import systems_of  # noqa: PLC0415 - beside its only use

    with open_tables(desk) as known:
        return systems_of(known.live.tables)


def _grants(desk: Desk, partner: Partner) -> Iterator[Result]:
    """What a record asks for and can never get: it is loaded without a word, and documents do not arrive."""
    from gateway.access import ANY  # noqa: PLC0415 - beside its only use

    missing = []
    if partner.delivery is not None:
        asked = [each for each in partner.delivery.import_countries if each != ANY]
        unreachable = ", ".join(each for each in asked if not partner.may_reach(each))
        if unreachable:
            pairs = ", ".join(map(str, partner.country_pairs)) or "none"
            missing.append(f"delivery.import_countries {unreachable}: no country pair reaches them ({pairs})")
        ungranted = sorted(set(partner.delivery.document_types) - partner.document_types - {ANY})
        if ungranted and ANY not in partner.document_types:
            missing.append(f"delivery.document_types {', '.join(ungranted)}: not in document_types")
    shown = partner.authentication
    if not partner.contracts and (shown.username or shown.client_certificates):
        missing.append("contracts is empty: every call of this partner is refused")
    if partner.enabled and missing:
        yield Result(f"grants {partner.id}", State.WARN, "; ".join(missing), desk.command("partners add FILE"))


def _named(partner: Partner) -> str:
    return partner.id if partner.enabled else f"{partner.id} (disabled)"


def secrets_of(partner: Partner) -> Iterator[Result]:
    """A failing line for each secret of a record that cannot be read."""
    from gateway.access.directory import read_secret  # noqa: PLC0415 - beside its only use

    references = [partner.authentication.secret, partner.delivery.secret if partner.delivery else ""]
    for reference in filter(None, references):
        try:
            read_secret(reference)
        except GatewayError as error:
            repair = f"write it to {reference.removeprefix('file:')}" if reference.startswith("file:") else "set it"
            yield Result(f"secret {partner.id}", State.FAIL, f"{error.code} {reference} cannot be read", repair)


def files_of(partner: Partner) -> Iterator[Result]:
    """A failing line for a TLS file of a record that cannot be used, and one for a client certificate that ends."""
    from adapters.tls import tls_of  # noqa: PLC0415 - beside its only use

    if partner.delivery is None:
        return
    name = f"tls {partner.id}"
    try:
        tls = tls_of(partner.delivery)
    except GatewayError as error:
        detail = f"{error.code} {error.where}: {error.found}"
        repair = f"put {error.expected} there, or imsoc partners add FILE with the right name"
        yield Result(name, State.FAIL, detail, repair)
        return
    if tls.client_certificate is not None:
        certificate = x509.load_pem_x509_certificates(tls.client_certificate.read_bytes())[0]
        result = _expiry(name, certificate, "renew client_certificate and client_key")
        if result.state is not State.OK:
            yield result


def load_partners(desk: Desk) -> list[Partner]:
    """The partners of the store, by id."""
    from gateway.access.records import partner_from_record  # noqa: PLC0415 - beside its only use
    from gateway.store import list_partners  # noqa: PLC0415 - beside its only use

    with desk.store() as store, store.read() as connection:
        return [partner_from_record(row.record) for row in list_partners(connection)]


def _authorities(desk: Desk) -> Iterator[Result]:
    """A real token, verified: an authority that listens may still be the wrong one."""
    from gateway.sealing import build_timestamper  # noqa: PLC0415 - beside its only use

    seal = desk.settings.seal
    if not seal.timestamp_authorities:
        yield Result("time stamps", State.OK, "none configured")
        return
    build_timestamper(seal).stamp(b"imsoc doctor", datetime.now(UTC))
    yield Result("time stamps", State.OK, f"token received and verified ({', '.join(seal.timestamp_authorities)})")


def _endpoints(desk: Desk) -> Iterator[Result]:
    for partner in load_partners(desk):
        if partner.delivery:
            yield _reach(f"endpoint {partner.id}", partner.delivery)


def _reach(name: str, target: DeliveryTarget) -> Result:
    """A connection, and the TLS handshake with the partner's own files: proof that both sides trust each other.

    Nothing is sent over it.
    """
    from adapters.tls import tls_of  # noqa: PLC0415 - beside its only use
    from gateway.soap.tls import reason_of, try_handshake  # noqa: PLC0415 - beside its only use

    address, parts = target.address, urlsplit(target.address)
    host, secured = parts.hostname or "", parts.scheme == "https"
    try:
        if not secured:
            socket.create_connection((host, parts.port or 80), CONNECT_SECONDS).close()
            return Result(name, State.OK, f"{address} listens")
        version = try_handshake(host, parts.port or 443, tls_of(target), seconds=CONNECT_SECONDS)
    except GatewayError as error:
        return Result(name, State.FAIL, f"not tried: {error.code} {error.where}: {error.found}", "correct the file")
    except ssl.SSLError as error:
        repair = "correct ca, client_certificate and client_key of the record: imsoc explain IMG-8007"
        return Result(name, State.FAIL, f"{address} listens, TLS fails: {reason_of(error)}", repair)
    except OSError as error:
        return Result(name, State.FAIL, f"{address}: {error}", f"curl -v {address}")
    return Result(name, State.OK, f"{address} listens, {version} with the files of the record")
