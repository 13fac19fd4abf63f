"""Partner records: TOML in, JSON in the store, :class:`~gateway.access.models.Partner` in the program."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from difflib import get_close_matches
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from gateway.access.models import (
    AnchorRecord,
    Authentication,
    CountryPair,
    DeliveryTarget,
    Partner,
    PartnerKind,
)
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["partner_from_record", "partner_from_toml", "record_from_toml"]

_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")
_COUNTRY = re.compile(r"[A-Z]{2}|\*")
_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
_LEVELS = ("simple", "advanced", "qualified")
_PURPOSES = frozenset({"seal", "timestamp", "tls"})
_SECRET = re.compile(r"(file|env):.+")
_REFERENCE = "file:PATH or env:NAME: where the secret is, never the secret itself"

_PARTNER_KEYS = frozenset(
    {
        "id", "name", "kind", "country", "contracts", "operations", "document_types", "country_pairs", "code_system",
        "rule_set", "com_informed_on", "personal_data", "personal_data_basis", "timestamp", "authentication",
        "anchors", "delivery", "enabled",
    }
)  # fmt: skip
_AUTHENTICATION_KEYS = frozenset({"username", "secret", "client_certificates", "web_service_client_id"})
_ANCHOR_KEYS = frozenset({"name", "file", "certificate_pem", "purposes", "level", "crls", "ocsp"})
_DELIVERY_KEYS = frozenset(
    {
        "adapter", "address", "username", "secret", "import_countries", "document_types", "ca", "client_certificate",
        "client_key", "timeout_seconds",
    }
)  # fmt: skip


def record_from_toml(path: Path) -> dict[str, Any]:
    """Read a partner file into the JSON record that the store keeps.

    Anchor, CRL and OCSP files are read here and become part of the record; relative names are relative to the file.

    Raises:
        ConfigurationError: IMG-0104 the file cannot be read; IMG-0120 with the key, what was found and expected.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            "IMG-0104", where=str(path), found=error.strerror or type(error).__name__, expected="a partner file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        _wrong(str(path.name), str(error), "a readable TOML file with a [partner] table")
    record = table.get("partner")
    if not isinstance(record, dict) or set(table) != {"partner"}:
        _wrong(path.name, ", ".join(table) or "nothing", "exactly one table [partner]")
    _pull_files_in(record, path.parent)
    if isinstance(record.get("com_informed_on"), date):
        record["com_informed_on"] = record["com_informed_on"].isoformat()
    partner_from_record(record)
    return record


def _pull_files_in(record: dict[str, Any], folder: Path) -> None:
    for number, anchor in enumerate(_list_of_tables(record, "anchors")):
        key = f"partner.anchors[{number}]"
        if "file" in anchor:
            name = anchor.pop("file")
            anchor["certificate_pem"] = _read(folder, name, f"{key}.file")
            anchor.setdefault("name", str(name).rsplit("/", 1)[-1])
        for listing in ("crls", "ocsp"):
            anchor[listing] = [_read(folder, name, f"{key}.{listing}") for name in anchor.get(listing, [])]
    delivery = record.get("delivery") or {}
    for name in ("ca", "client_certificate", "client_key"):
        if delivery.get(name):
            delivery[name] = str((folder / delivery[name]).resolve())
    for holder in (record.get("authentication") or {}, delivery):
        secret = str(holder.get("secret", ""))
        if secret.startswith("file:"):
            holder["secret"] = f"file:{(folder / secret.removeprefix('file:')).resolve()}"


def partner_from_toml(path: Path) -> Partner:
    """Read a partner file; see :func:`record_from_toml`."""
    return partner_from_record(record_from_toml(path))


def partner_from_record(record: Mapping[str, Any]) -> Partner:
    """Make the partner of a record, checking every key.

    Raises:
        ConfigurationError: IMG-0120.
    """
    _known(record, _PARTNER_KEYS, "partner")
    partner_id = _text(record, "partner", "id", _ID)
    kind = record.get("kind", "")
    if kind not in set(PartnerKind):
        _wrong("partner.kind", str(kind), " | ".join(PartnerKind))
    timestamp = record.get("timestamp", "required")
    if timestamp not in ("required", "optional"):
        _wrong("partner.timestamp", str(timestamp), "required | optional")
    return Partner(
        id=partner_id,
        name=_text(record, "partner", "name"),
        kind=PartnerKind(kind),
        country=_text(record, "partner", "country", _COUNTRY),
        contracts=frozenset(_texts(record, "partner", "contracts")),
        operations=frozenset(_texts(record, "partner", "operations", ("*",))),
        document_types=frozenset(_texts(record, "partner", "document_types", ())),
        country_pairs=tuple(_pair(text) for text in _texts(record, "partner", "country_pairs", ())),
        code_system=_text(record, "partner", "code_system", default="traces"),
        rule_set=_text(record, "partner", "rule_set", default=""),
        com_informed_on=_date(record.get("com_informed_on")),
        personal_data=record.get("personal_data", False) is True,
        personal_data_basis=_text(record, "partner", "personal_data_basis", default=""),
        timestamp_required=timestamp == "required",
        authentication=_authentication(record.get("authentication", {})),
        anchors=tuple(_anchor(anchor, n) for n, anchor in enumerate(_list_of_tables(record, "anchors"))),
        delivery=_delivery(record["delivery"]) if record.get("delivery") else None,
        enabled=record.get("enabled", True) is True,
    )


def _authentication(table: Mapping[str, Any]) -> Authentication:
    _known(table, _AUTHENTICATION_KEYS, "partner.authentication")
    key = "partner.authentication"
    username = _text(table, key, "username", default="")
    return Authentication(
        username=username,
        secret=_secret(table, key) if username else "",
        client_certificates=_texts(table, key, "client_certificates", (), _FINGERPRINT),
        web_service_client_id=_text(table, key, "web_service_client_id", default=""),
    )


def _anchor(table: Mapping[str, Any], number: int) -> AnchorRecord:
    key = f"partner.anchors[{number}]"
    _known(table, _ANCHOR_KEYS, key)
    purposes = frozenset(_texts(table, key, "purposes"))
    if not purposes or not purposes <= _PURPOSES:
        _wrong(f"{key}.purposes", ", ".join(sorted(purposes)), "some of seal, timestamp, tls")
    level = table.get("level", "")
    if level not in _LEVELS:
        _wrong(f"{key}.level", str(level), " | ".join(_LEVELS))
    pem = _text(table, key, "certificate_pem")
    if "BEGIN CERTIFICATE" not in pem:
        _wrong(f"{key}.file", pem[:40], "a PEM certificate")
    return AnchorRecord(
        name=_text(table, key, "name", default=f"anchor {number}"),
        certificate_pem=pem,
        purposes=purposes,
        level=level,
        crls=_texts(table, key, "crls", ()),
        ocsp=_texts(table, key, "ocsp", ()),
    )


def _delivery(table: Mapping[str, Any]) -> DeliveryTarget:
    key = "partner.delivery"
    _known(table, _DELIVERY_KEYS, key)
    username = _text(table, key, "username", default="")
    timeout = table.get("timeout_seconds", 20.0)
    if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not 0 < timeout <= 600:  # noqa: PLR2004 - ten minutes
        _wrong(f"{key}.timeout_seconds", str(timeout), "a number of seconds above 0, at most 600")
    address = _text(table, key, "address")
    if not address.startswith("https://") and not _is_local_http(address):
        _wrong(f"{key}.address", address, "an https address; http only on this machine")
    return DeliveryTarget(
        adapter=_text(table, key, "adapter"),
        address=address,
        username=username,
        secret=_secret(table, key) if username else "",
        import_countries=_texts(table, key, "import_countries", ("*",), _COUNTRY),
        document_types=_texts(table, key, "document_types", ("*",)),
        ca=_text(table, key, "ca", default=""),
        client_certificate=_text(table, key, "client_certificate", default=""),
        client_key=_text(table, key, "client_key", default=""),
        timeout_seconds=float(timeout),
    )


def _is_local_http(address: str) -> bool:
    """Plain HTTP shows certificates and the digest of the account to whoever is on the way: loopback only."""
    parts = urlsplit(address)
    if parts.scheme != "http":
        return False
    try:
        return parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _pair(text: str) -> CountryPair:
    issuer, separator, importer = text.partition(">")
    if not separator or not _COUNTRY.fullmatch(issuer) or not _COUNTRY.fullmatch(importer):
        _wrong("partner.country_pairs", text, "ISSUER>IMPORTER with ISO 3166-1 alpha-2 codes or *")
    return CountryPair(issuer, importer)


def _date(value: object) -> date | None:
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        _wrong("partner.com_informed_on", str(value), "a date, YYYY-MM-DD")


def _read(folder: Path, name: object, key: str) -> str:
    path = folder / str(name)
    try:
        return path.read_text("ascii")
    except OSError as error:
        _wrong(key, f"{path}: {error.strerror}", "a readable PEM file")
    except UnicodeDecodeError:
        _wrong(key, f"{path}: not text", "a PEM file")


def _list_of_tables(record: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    tables = record.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        _wrong(f"partner.{name}", type(tables).__name__, "a list of tables")
    return tables


def _text(
    table: Mapping[str, Any], key: str, name: str, pattern: re.Pattern[str] | None = None, *, default: str | None = None
) -> str:
    value = table.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        _wrong(f"{key}.{name}", repr(value), "a text")
    if pattern and not pattern.fullmatch(value):
        _wrong(f"{key}.{name}", value, f"a text of the form {pattern.pattern}")
    return value


def _secret(table: Mapping[str, Any], key: str) -> str:
    """The reference to a secret; what stands there instead may be the secret and is not shown."""
    value = table.get("secret")
    if not isinstance(value, str) or not _SECRET.fullmatch(value):
        _wrong(f"{key}.secret", "something else (not shown)" if value else "nothing", _REFERENCE)
    return value


def _texts(
    table: Mapping[str, Any],
    key: str,
    name: str,
    default: tuple[str, ...] | None = None,
    pattern: re.Pattern[str] | None = None,
) -> tuple[str, ...]:
    values = table.get(name, default)
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        _wrong(f"{key}.{name}", repr(values), "a list of texts")
    for value in values:
        if pattern and not pattern.fullmatch(value):
            _wrong(f"{key}.{name}", value, f"texts of the form {pattern.pattern}")
    return tuple(values)


def _known(table: Mapping[str, Any], keys: frozenset[str], key: str) -> None:
    if not isinstance(table, dict):
        _wrong(key, type(table).__name__, "a table")
    for name in table:
        if name not in keys:
            meant = get_close_matches(name, sorted(keys), n=1) or sorted(keys)
            _wrong(f"{key}.{name}", "a key that is not known", ", ".join(meant))


def _wrong(where: str, found: str, expected: str) -> NoReturn:
    raise ConfigurationError("IMG-0120", where=where, found=found, expected=expected)
