"""Why a seal or a time stamp has the level it has (R-38-43).

Until trusted lists are read, ``qualified`` comes from the anchor's record alone. What the certificate claims about
itself in its QcStatements (ETSI EN 319 412-5) is told beside it, so that an operator sees a record that says more than
the certificate does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1crypto import core
from cryptography import x509

from gateway.trust.models import Level

if TYPE_CHECKING:
    from gateway.trust.models import Anchor

__all__ = ["explain_level", "qc_statements"]

_QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
_NAMES = {
    "0.4.0.1862.1.1": "QcCompliance",
    "0.4.0.1862.1.4": "QcSSCD",
    "0.4.0.1862.1.6": "QcType",
    "0.4.0.1862.1.6.1": "QcType esign",
    "0.4.0.1862.1.6.2": "QcType eseal",
    "0.4.0.1862.1.6.3": "QcType web",
}


class _QcStatement(core.Sequence):  # type: ignore[misc]  # asn1crypto ships no types
    _fields = [  # noqa: RUF012 - asn1crypto's own way to declare a structure
        ("statement_id", core.ObjectIdentifier),
        ("statement_info", core.Any, {"optional": True}),
    ]


class _QcStatements(core.SequenceOf):  # type: ignore[misc]  # asn1crypto ships no types
    _child_spec = _QcStatement


class _QcTypes(core.SequenceOf):  # type: ignore[misc]  # asn1crypto ships no types
    _child_spec = core.ObjectIdentifier


def qc_statements(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names of the known QcStatements of a certificate; empty when there are none or they cannot be read."""
    try:
        extension = certificate.extensions.get_extension_for_oid(_QC_STATEMENTS).value
        if not isinstance(extension, x509.UnrecognizedExtension):
            return ()
        names: list[str] = []
        for statement in _QcStatements.load(extension.value):
            oid = statement["statement_id"].dotted
            if _NAMES.get(oid) == "QcType":
                types = statement["statement_info"].parse(_QcTypes)
                names.extend(_NAMES[kind.dotted] for kind in types if kind.dotted in _NAMES)
            elif oid in _NAMES:
                names.append(_NAMES[oid])
    except (x509.ExtensionNotFound, ValueError, TypeError):
        return ()
    return tuple(names)


def explain_level(anchor: Anchor, certificate: x509.Certificate) -> str:
    """One sentence for the verdict: where the level comes from, and what the certificate claims."""
    claims = qc_statements(certificate)
    claimed = f"the certificate claims {', '.join(claims)}" if claims else "the certificate carries no QcStatements"
    if anchor.level is Level.QUALIFIED:
        return f"qualified by the record of anchor {anchor.name}, no trusted list was read; {claimed}"
    return f"{anchor.level.name.lower()} by the record of anchor {anchor.name}; {claimed}"
