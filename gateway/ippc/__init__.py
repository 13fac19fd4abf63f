"""What the IPPC ePhyto hub's contract says, for both sides of it: envelopes, tracking states, content forms.

The stand-in (``gateway.hub``), its endpoint and the client (``adapters.ippc_hub``) share this package; nothing in it
knows which side it is on.
"""

from gateway.ippc.models import Envelope, EnvelopeHeader, Forwarding, TrackingState

__all__ = ["Envelope", "EnvelopeHeader", "Forwarding", "TrackingState"]
