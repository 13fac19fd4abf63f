"""``python -m gateway`` is ``imsoc``."""

from gateway.cli import main

main()
