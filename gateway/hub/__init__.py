"""A stand-in of the IPPC ePhyto hub, which keeps envelopes until they are acknowledged, and the import from a hub."""
