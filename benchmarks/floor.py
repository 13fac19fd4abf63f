"""The floor: what the steps cost that nobody can leave out, each measured alone, on the certificate without envelope.

Parse, XSD, exclusive canonical form, SHA-256, one verification, one signature, one durable commit. The time-stamped
path adds the verification of one RFC 3161 token.
"""

from __future__ import annotations

import gc
import hashlib
import sqlite3
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from lxml import etree
from rfc3161_client import VerifierBuilder, decode_timestamp_response

from benchmarks.measure import Batch, resident_kib
from benchmarks.partner import Partner, Stamper
from benchmarks.schemas import strict_schema
from gateway.xml.names import DS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["INFORMATION", "Floor"]

INFORMATION = ("RSA-2048 verify", "RSA-2048 sign")
"""Parts that are measured beside the floor and are not in its sum."""
SIGNED_INFO = b"x" * 900
"""About as long as the canonical SignedInfo of a XAdES seal."""


class Floor:
    """The steps, one after the other over the same payloads.

    Args:
        folder: the sender's keys; the database file is written there too.
        size: bytes of the certificate before it is sealed.
        timestamped: the seals carry a token, which is verified too.
    """

    def __init__(self, folder: Path, size: int, *, timestamped: bool = False) -> None:
        self._partner = Partner(folder, size, "FLOOR", timestamped=timestamped)
        self._schema = strict_schema()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._signature = self._key.sign(SIGNED_INFO, ec.ECDSA(hashes.SHA256()))
        self._rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._rsa_signature = self._rsa.sign(SIGNED_INFO, padding.PKCS1v15(), hashes.SHA256())
        self._database = sqlite3.connect(folder / f"floor-{size}-{timestamped}.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        self._stamper = Stamper(folder) if timestamped else None
        root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
        self._verifier = VerifierBuilder().add_root_certificate(root).build()

    def run(self, count: int) -> Batch:
        payloads = [message.sealed for message in self._partner.messages(count)]
        trees = [etree.fromstring(payload) for payload in payloads]
        contents = [_without_seal(etree.fromstring(payload)) for payload in payloads]
        octets = [_canonical(content) for content in contents]
        public, rsa_public = self._key.public_key(), self._rsa.public_key()
        ecdsa, sha, pkcs = ec.ECDSA(hashes.SHA256()), hashes.SHA256(), padding.PKCS1v15()
        steps: dict[str, tuple[Callable[[Any], object], Sequence[object]]] = {
            "parse": (etree.fromstring, payloads),
            "XSD (libxml2, strict)": (self._validate, trees),
            "exclusive c14n": (_canonical, contents),
            "SHA-256": (lambda data: hashlib.sha256(data).digest(), octets),
            "P-256 verify": (lambda _: public.verify(self._signature, SIGNED_INFO, ecdsa), payloads),
            "P-256 sign": (lambda _: self._key.sign(SIGNED_INFO, ecdsa), payloads),
            "durable commit (SQLite WAL FULL)": (self._commit, payloads),
            "RSA-2048 verify": (lambda _: rsa_public.verify(self._rsa_signature, SIGNED_INFO, pkcs, sha), payloads),
            "RSA-2048 sign": (lambda _: self._rsa.sign(SIGNED_INFO, pkcs, sha), payloads),
        }
        if self._stamper is not None:
            tokens = [decode_timestamp_response(self._stamper.answer(SIGNED_INFO)) for _ in payloads]
            imprint = hashlib.sha256(SIGNED_INFO).digest()
            steps["token verify (rfc3161-client)"] = (lambda token: self._verifier.verify(token, imprint), tokens)
        gc.collect()
        parts = {name: _time(step, material) for name, (step, material) in steps.items()}
        needed = [part for name, part in parts.items() if name not in INFORMATION]
        return Batch(
            [sum(wall for wall, _ in needed)] * count, sum(cpu for _, cpu in needed) * count, parts, resident_kib()
        )

    def close(self) -> None:
        self._database.close()

    def _validate(self, root: Any) -> None:
        if not self._schema.validate(root):
            raise RuntimeError(str(self._schema.error_log))

    def _commit(self, payload: bytes) -> None:
        self._database.execute("INSERT INTO message (body) VALUES (?)", (payload,))


def _time(step: Callable[[Any], object], material: Sequence[object]) -> tuple[float, float]:
    wall = []
    cpu = time.process_time()
    for item in material:
        start = time.perf_counter()
        step(item)
        wall.append(time.perf_counter() - start)
    return median(wall), (time.process_time() - cpu) / len(material)


def _without_seal(root: Any) -> Any:
    root.remove(root.find(f"{{{DS}}}Signature"))
    return root


def _canonical(root: Any) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=True)
