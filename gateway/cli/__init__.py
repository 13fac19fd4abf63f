"""The ``imsoc`` command. One module per group of commands; the rest of the gateway is imported inside the commands.

So ``imsoc --help`` answers at once, and a broken installation can still say what is broken (``imsoc doctor``).
"""

__all__ = ["main"]


def main() -> None:
    """Run the command line; the entry point of the distribution."""
    from gateway.cli.application import app  # noqa: PLC0415 - see above

    app(prog_name="imsoc")
