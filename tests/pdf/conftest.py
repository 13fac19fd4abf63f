"""Printed documents read again: their text, their pictures; CHEDs to print."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest

from gateway.documents.ched import read_ched
from gateway.xml.boundary import parse

sys.path.insert(0, str(Path(__file__).parents[1] / "documents"))  # invented CHEDs with every box filled

NOW = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


class Printed:
    """A PDF file as a reader sees it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.file = pypdfium2.PdfDocument(data)

    @property
    def pages(self) -> list[str]:
        return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in self.file]

    @property
    def text(self) -> str:
        """All pages, words apart by one space; a word cut at the end of a line is one again (U+FFFE, pdfium's)."""
        return " ".join(" ".join(self.pages).replace("\ufffe", "").split())

    def picture(self, page: int = 0, scale: float = 2.0):
        return self.file[page].render(scale=scale).to_pil()


@pytest.fixture(scope="session")
def printed():
    return Printed


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def contracts() -> Path:
    """The published captures."""
    where = os.environ.get("IMSOC_CONTRACTS")
    if not where:
        pytest.skip("IMSOC_CONTRACTS does not say where the published captures are")
    return Path(where) / "traces-nt"


@pytest.fixture(scope="session")
def captured(contracts):
    """The certificate inside a captured reply."""

    def certificate(name: str):
        root = parse((contracts / name).read_bytes()).root
        return next(each for each in root.iter("{*}SPSCertificate"))

    return certificate


@pytest.fixture(scope="session")
def captured_ched(captured):
    return lambda name: read_ched(captured(f"ched/{name}"))
