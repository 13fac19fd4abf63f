"""The wire of CustomsCertexChedService V06, for both sides of it (DIGEST 7)."""
