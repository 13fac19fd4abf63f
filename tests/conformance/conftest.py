"""The authorities' own files, from the folder that IMSOC_CONTRACTS names; skipped, saying so, where it is absent."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode does not; the name of the helper is unique

XSD = "{http://www.w3.org/2001/XMLSchema}"


@pytest.fixture(scope="session")
def contracts() -> Path:
    named = os.environ.get("IMSOC_CONTRACTS", "")
    if not named or not Path(named).is_dir():
        pytest.skip("IMSOC_CONTRACTS names no folder: the authorities' own files are not here")
    return Path(named)


@pytest.fixture(scope="session")
def andean(contracts) -> etree.XMLSchema:
    """Another region's SPSCertificate 17: UN/CEFACT's order, closed lists, its own slot for a signature."""
    return etree.XMLSchema(etree.parse(contracts / "andean-sps17/data/standard/SPSCertificate_17p0.xsd"))


@pytest.fixture(scope="session")
def un17a(contracts, tmp_path_factory) -> dict[str, etree.XMLSchema]:
    """UN/CEFACT 17A's own root schemas and data types, over the aggregates of the Andean copy.

    UN/CEFACT's aggregates are not public. The Andean ones differ in one type, which is put back to UN/CEFACT's text.
    """
    folder = tmp_path_factory.mktemp("un17a")
    for name in ("codelist", "identifierlist"):
        shutil.copytree(contracts / "andean-sps17" / name, folder / name)
    data = folder / "data/standard"
    shutil.copytree(contracts / "uncefact-17a/data/standard", data)
    # copies of read-only files: make them writable, so that the folder can be removed again
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    aggregates = "ReusableAggregateBusinessInformationEntity_21p0.xsd"
    text = (contracts / "andean-sps17/data/standard" / aggregates).read_text("utf-8")
    (data / aggregates).write_text(text.replace("qdt:AcronymSubjectCodesType", "udt:TextType"), "utf-8")
    return {
        name: etree.XMLSchema(etree.parse(data / f"{name}_17p0.xsd"))
        for name in ("SPSCertificate", "SPSAcknowledgement")
    }
