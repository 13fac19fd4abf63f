"""A TRACES NT, real or a gateway in its role, as its client."""
