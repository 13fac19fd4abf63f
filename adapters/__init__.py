"""One module per kind of partner system that the gateway calls."""
