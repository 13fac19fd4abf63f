"""What every test folder may ask for: the strangers whose second opinion counts."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

REQUIRE = "IMSOC_REQUIRE_EXTERNAL"


@pytest.fixture(scope="session")
def external() -> Callable[[str], str]:
    """``external("xmlsec1")`` gives the program's path; where it is absent the test is skipped, or fails in CI."""

    def find(tool: str) -> str:
        path = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/usr/local/sbin")
        if path:
            return path
        reason = f"{tool} is not installed; `bash .ci/install-external` does it"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{reason} ({REQUIRE}=1)")
        pytest.skip(reason)

    return find


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test may not hide behind an absent stranger by skipping in its own way ("... is not installed")."""
    report = yield
    if os.environ.get(REQUIRE) == "1" and report.skipped and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2])
        if "not installed" in reason:
            report.outcome = "failed"
            report.longrepr = f"{reason} ({REQUIRE}=1)"
    return report
