"""Reference data and translation between code systems."""
