"""A stand-in of the IPPC ePhyto hub: takes envelopes in, keeps them until they are acknowledged, tells their state."""

from gateway.hub.service import CONTRACT, MAX_HEADERS, MAX_PULL, MAX_PULL_BYTES, HubService

__all__ = ["CONTRACT", "MAX_HEADERS", "MAX_PULL", "MAX_PULL_BYTES", "HubService"]
