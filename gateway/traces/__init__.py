"""The contracts of TRACES NT as data, for both sides of them: headers, faults, requests and replies (DIGEST 4 to 6)."""
