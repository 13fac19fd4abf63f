"""``captured("faults/UnauthenticatedException.xml")``: the bytes of a published capture; skips where it is absent."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the names of the helpers are unique


@pytest.fixture(scope="session")
def captured():
    def read(name: str) -> bytes:
        folder = os.environ.get("IMSOC_CONTRACTS")
        path = Path(folder or "/nowhere") / "traces-nt" / name
        if folder is None or not path.is_file():
            pytest.skip("IMSOC_CONTRACTS names no folder with the captures of TRACES NT")
        return path.read_bytes()

    return read
