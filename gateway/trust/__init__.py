"""Who sealed this, when, and does it hold: anchors, XAdES seals, RFC 3161 tokens, credentials, routes, evidence.

Nothing here knows of SOAP, partners or the database: a caller hands over trees, bytes, anchors and the time, and gets a
verdict or a refusal (ARCHITECTURE section 6).
"""
