"""Who sealed this, when, and does it hold: anchors, XAdES seals, RFC 3161 tokens, credentials, routes, evidence.

Nothing here knows of SOAP, partners or the database: a caller hands over trees, bytes, anchors and the time, and gets a
verdict or a refusal (ARCHITECTURE section 6).
"""

from gateway.trust.anchors import TrustStore, load_certificates
from gateway.trust.body_sealer import BodySealer, sign_body
from gateway.trust.body_signature import BODY_POLICY, verify_body_signature
from gateway.trust.credentials import certificate_fingerprint, check_timestamp, check_username_token
from gateway.trust.evidence import EvidenceParts, build_evidence
from gateway.trust.inspection import FileReport, SealReport, verify_file
from gateway.trust.models import (
    Anchor,
    Indication,
    Level,
    Purpose,
    SealVerdict,
    SubIndication,
    TimestampVerdict,
    VerifiedDocument,
    indications_of,
)
from gateway.trust.policy import INLINE_POLICY, SEALED_DOCUMENT_POLICY, SignaturePolicy
from gateway.trust.routes import Route, issuing_route
from gateway.trust.sealer import Sealer, Timestamper
from gateway.trust.seals import verify_sealed
from gateway.trust.timestamps import TimestampClient
from gateway.trust.tokens import verify_token

__all__ = [
    "BODY_POLICY",
    "INLINE_POLICY",
    "SEALED_DOCUMENT_POLICY",
    "Anchor",
    "BodySealer",
    "EvidenceParts",
    "FileReport",
    "Indication",
    "Level",
    "Purpose",
    "Route",
    "SealReport",
    "SealVerdict",
    "Sealer",
    "SignaturePolicy",
    "SubIndication",
    "TimestampClient",
    "TimestampVerdict",
    "Timestamper",
    "TrustStore",
    "VerifiedDocument",
    "build_evidence",
    "certificate_fingerprint",
    "check_timestamp",
    "check_username_token",
    "indications_of",
    "issuing_route",
    "load_certificates",
    "sign_body",
    "verify_body_signature",
    "verify_file",
    "verify_sealed",
    "verify_token",
]
