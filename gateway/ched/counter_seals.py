"""TRACES' own seal over a CHED that a national system decided: fetched, verified, kept (Article 41(2), R-41-3).

The reply to a submission has no place for it, so it is asked for with getChedSignedXmlCertificate (docs/adr/0010).
Until it is here and holds, the CHED is accepted with its counter-seal pending.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from gateway.ched.models import SealRole
from gateway.documents.ched import read_ched
from gateway.errors import DeliveryError, GatewayError, SealRefused
from gateway.exchange.storing import seal_json
from gateway.store import ChedSeal, ChedWrite, ched_content, get_ched, new_id, record_ched
from gateway.trust import SEALED_DOCUMENT_POLICY, Level, verify_sealed
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from adapters.traces_nt import Caller
    from gateway.ched.upstream import Upstream
    from gateway.exchange import Context
    from gateway.store import ChedRow
    from gateway.trust import VerifiedDocument

__all__ = ["CounterSealReader"]

OPERATION = "counter-seal"

_log = structlog.get_logger(__name__)


class CounterSealReader:
    """Fetches counter-seals from one TRACES.

    Args:
        context: the services; the anchors of TRACES are those of its record.
        upstream: TRACES.
        partner: id of its record.
    """

    def __init__(self, context: Context, upstream: Upstream, partner: str) -> None:
        self._context = context
        self._store = context.store
        self._upstream = upstream
        self._partner = partner

    def fetch(self, row: ChedRow, caller: Caller) -> bool:
        """Complete a CHED whose counter-seal is pending; whether it is complete now. Never refuses the caller."""
        try:
            sealed = self._upstream.ched_signed_xml(row.reference, caller)
            verified = self.verify(row, sealed)
        except DeliveryError as error:
            _log.info("traces.no_counter_seal", reference=row.reference, code=error.code)
            return False
        except GatewayError as error:
            _log.warning("traces.counter_seal_refused", reference=row.reference, code=error.code, found=error.found)
            return False
        self._keep(row, sealed, verified)
        return True

    def verify(self, row: ChedRow, sealed: bytes) -> VerifiedDocument:
        """Hold the seal against TRACES' anchors, and what it covers against what was decided here.

        Raises:
            SealRefused: IMG-40xx the seal does not hold; IMG-4220 it is over another CHED or another decision.
            XmlRefused: it is no document.
        """
        partner = self._context.directory.by_id(self._partner)
        if partner is None:
            raise SealRefused("IMG-4220", where="ds:Signature", found=f"no partner {self._partner}")
        policy = replace(SEALED_DOCUMENT_POLICY, minimum_level=Level.ADVANCED, timestamp_required=True)
        root = parse(sealed, limits=self._context.limits).root
        verified = verify_sealed(
            root, policy=policy, trust=self._context.trust.of(partner), at=self._context.clock(), content=sealed
        )
        there = read_ched(verified.root)
        if there.reference != row.reference:
            raise SealRefused("IMG-4220", where="I.2", found=there.reference, expected=row.reference)
        with self._store.read() as connection:
            parts = ched_content(connection, row)
        here = read_ched(parse(parts.content, limits=self._context.limits).root) if parts is not None else there
        conclusions = [_conclusion(each) for each in (there, here)]
        if conclusions[0] != conclusions[1]:
            raise SealRefused("IMG-4220", where="II.9 to II.16", found=conclusions[0], expected=conclusions[1])
        return verified

    def _keep(self, row: ChedRow, sealed: bytes, verified: VerifiedDocument) -> None:
        at = self._context.clock()
        seal = ChedSeal(SealRole.TRACES.value, sealed, seal_json(verified.seal), verified.seal.signature_value)

        def unit(connection: Connection) -> None:
            current = get_ched(connection, row.id)
            if current is None or current.pending != OPERATION:
                return
            write = ChedWrite(
                version_id=new_id(at),
                row=replace(current, pending="", signed=True),
                expected_version=current.version,
                at=at,
                operation=OPERATION,
                partner=self._partner,
                seals=(seal,),
            )
            record_ched(connection, write)

        self._store.write(unit)


def _conclusion(ched: object) -> str:
    decision = getattr(ched, "decision", None)
    return ", ".join(each.code for each in decision.conclusion) if decision is not None else ""
