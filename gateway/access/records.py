"""Partner records: TOML in, JSON in the store, :class:`~gateway.access.models.Partner` in the program."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from gateway.access.body_records import traces_of
from gateway.access.customs_records import customs_of
from gateway.access.fields import known, secret_of, tables_of, text_of, texts_of, wrong
from gateway.access.membership_records import hub_of, polling_of
from gateway.access.models import (
    AnchorRecord,
    Authentication,
    CountryPair,
    DeliveryTarget,
    Partner,
    PartnerKind,
    Untranslatable,
)
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["CONTRACTS", "partner_from_record", "partner_from_toml", "record_from_toml"]

CONTRACTS: Final = frozenset(
    {
        "certificate-attachments", "certificate-exchange", "ched-certificate", "ched-control", "ched-submission",
        "customs-certex-ched", "customs-lookup", "docom", "eu-intra", "ippc-hub", "reference-data",
    }
)  # fmt: skip
"""What ``contracts`` may grant: the names of all contracts that a gateway serves."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")
_COUNTRY = re.compile(r"[A-Z]{2}|\*")
_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
_LABEL = re.compile(r"^sha-?256(?: fingerprint=|:)", re.IGNORECASE)
_LEVELS = ("simple", "advanced", "qualified")
_PURPOSES = frozenset({"seal", "timestamp", "tls"})

_PARTNER_KEYS = frozenset(
    {
        "id", "name", "kind", "country", "contracts", "operations", "document_types", "country_pairs", "code_system",
        "rule_set", "com_informed_on", "personal_data", "personal_data_basis", "timestamp", "authentication",
        "anchors", "delivery", "customs", "enabled", "hub", "polling", "traces", "untranslatable",
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
        wrong(str(path.name), str(error), "a readable TOML file with a [partner] table")
    record = table.get("partner")
    if not isinstance(record, dict) or set(table) != {"partner"}:
        wrong(path.name, ", ".join(table) or "nothing", "exactly one table [partner]")
    _pull_files_in(record, path.parent)
    if isinstance(record.get("com_informed_on"), date):
        record["com_informed_on"] = record["com_informed_on"].isoformat()
    for contract in sorted(partner_from_record(record).contracts - CONTRACTS):
        wrong("partner.contracts", contract, " | ".join(sorted(CONTRACTS)))
    return record


def _pull_files_in(record: dict[str, Any], folder: Path) -> None:
    for number, anchor in enumerate(tables_of(record, "partner", "anchors")):
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
    hub = record.get("hub") or {}
    if hub.get("signature_certificate"):
        key = "partner.hub.signature_certificate"
        hub["signature_certificate"] = _read(folder, hub["signature_certificate"], key)
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
    known(record, _PARTNER_KEYS, "partner")
    partner_id = text_of(record, "partner", "id", _ID)
    kind = record.get("kind", "")
    if kind not in set(PartnerKind):
        wrong("partner.kind", str(kind), " | ".join(PartnerKind))
    timestamp = record.get("timestamp", "required")
    if timestamp not in ("required", "optional"):
        wrong("partner.timestamp", str(timestamp), "required | optional")
    untranslatable = record.get("untranslatable", Untranslatable.REFUSE)
    if untranslatable not in set(Untranslatable):
        wrong("partner.untranslatable", str(untranslatable), " | ".join(Untranslatable))
    delivery = _delivery(record["delivery"]) if record.get("delivery") else None
    return Partner(
        id=partner_id,
        name=text_of(record, "partner", "name"),
        kind=PartnerKind(kind),
        country=text_of(record, "partner", "country", _COUNTRY),
        contracts=frozenset(texts_of(record, "partner", "contracts")),
        operations=frozenset(texts_of(record, "partner", "operations", ("*",))),
        document_types=frozenset(texts_of(record, "partner", "document_types", ())),
        country_pairs=tuple(_pair(text) for text in texts_of(record, "partner", "country_pairs", ())),
        code_system=text_of(record, "partner", "code_system", default="traces"),
        rule_set=text_of(record, "partner", "rule_set", default=""),
        com_informed_on=_date(record.get("com_informed_on")),
        personal_data=record.get("personal_data", False) is True,
        personal_data_basis=text_of(record, "partner", "personal_data_basis", default=""),
        timestamp_required=timestamp == "required",
        untranslatable=Untranslatable(untranslatable),
        authentication=_authentication(record.get("authentication", {})),
        anchors=tuple(_anchor(anchor, n) for n, anchor in enumerate(tables_of(record, "partner", "anchors"))),
        delivery=delivery,
        hub=hub_of(record["hub"], PartnerKind(kind)) if "hub" in record else None,
        polling=polling_of(record["polling"], delivery) if "polling" in record else None,
        traces=traces_of(record["traces"]) if "traces" in record else None,
        customs=customs_of(record["customs"], PartnerKind(kind)) if "customs" in record else None,
        enabled=record.get("enabled", True) is True,
    )


def _authentication(table: Mapping[str, Any]) -> Authentication:
    known(table, _AUTHENTICATION_KEYS, "partner.authentication")
    key = "partner.authentication"
    username = text_of(table, key, "username", default="")
    return Authentication(
        username=username,
        secret=secret_of(table, key) if username else "",
        client_certificates=_fingerprints(table, key),
        web_service_client_id=text_of(table, key, "web_service_client_id", default=""),
    )


def _fingerprints(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """``sha256:`` and 64 small hex digits, made of that or of what openssl prints: a label, upper case, colons."""
    values = texts_of(table, key, "client_certificates", ())
    made = tuple(f"sha256:{_LABEL.sub('', value.strip()).replace(':', '').lower()}" for value in values)
    for value, fingerprint in zip(values, made, strict=True):
        if not _FINGERPRINT.fullmatch(fingerprint):
            wrong(
                f"{key}.client_certificates", value, "sha256:…, or as openssl x509 -noout -fingerprint -sha256 prints"
            )
    return made


def _anchor(table: Mapping[str, Any], number: int) -> AnchorRecord:
    key = f"partner.anchors[{number}]"
    known(table, _ANCHOR_KEYS, key)
    purposes = frozenset(texts_of(table, key, "purposes"))
    if not purposes or not purposes <= _PURPOSES:
        wrong(f"{key}.purposes", ", ".join(sorted(purposes)), "some of seal, timestamp, tls")
    level = table.get("level", "")
    if level not in _LEVELS:
        wrong(f"{key}.level", str(level), " | ".join(_LEVELS))
    pem = text_of(table, key, "certificate_pem")
    if "BEGIN CERTIFICATE" not in pem:
        wrong(f"{key}.file", pem[:40], "a PEM certificate")
    return AnchorRecord(
        name=text_of(table, key, "name", default=f"anchor {number}"),
        certificate_pem=pem,
        purposes=purposes,
        level=level,
        crls=texts_of(table, key, "crls", ()),
        ocsp=texts_of(table, key, "ocsp", ()),
    )


def _delivery(table: Mapping[str, Any]) -> DeliveryTarget:
    key = "partner.delivery"
    known(table, _DELIVERY_KEYS, key)
    username = text_of(table, key, "username", default="")
    timeout = table.get("timeout_seconds", 20.0)
    if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not 0 < timeout <= 600:  # noqa: PLR2004 - ten minutes
        wrong(f"{key}.timeout_seconds", str(timeout), "a number of seconds above 0, at most 600")
    address = text_of(table, key, "address")
    if not address.startswith("https://") and not _is_local_http(address):
        wrong(f"{key}.address", address, "an https address; http only on this machine")
    return DeliveryTarget(
        adapter=text_of(table, key, "adapter"),
        address=address,
        username=username,
        secret=secret_of(table, key) if username else "",
        import_countries=texts_of(table, key, "import_countries", ("*",), _COUNTRY),
        document_types=texts_of(table, key, "document_types", ("*",)),
        ca=text_of(table, key, "ca", default=""),
        client_certificate=text_of(table, key, "client_certificate", default=""),
        client_key=text_of(table, key, "client_key", default=""),
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
        wrong("partner.country_pairs", text, "ISSUER>IMPORTER with ISO 3166-1 alpha-2 codes or *")
    return CountryPair(issuer, importer)


def _date(value: object) -> date | None:
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        wrong("partner.com_informed_on", str(value), "a date, YYYY-MM-DD")


def _read(folder: Path, name: object, key: str) -> str:
    path = folder / str(name)
    try:
        return path.read_text("ascii")
    except OSError as error:
        wrong(key, f"{path}: {error.strerror}", "a readable PEM file")
    except UnicodeDecodeError:
        wrong(key, f"{path}: not text", "a PEM file")
