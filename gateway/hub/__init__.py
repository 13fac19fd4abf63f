"""A stand-in of the IPPC ePhyto hub: takes envelopes in, keeps them until they are acknowledged, tells how far they are."""
