"""The comparer of shapes is with the tests of the platform's other services."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "traces"))  # importlib mode does not
