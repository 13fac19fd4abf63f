"""Lets the tests of documents share CHEDs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the name of the helper is unique
