"""The breaches of all rules are in rule_breaches.py, for every test of this folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the name of the helper is unique
