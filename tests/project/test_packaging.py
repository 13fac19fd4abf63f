"""What is installed: dependencies with reasons, packages with their data, a wheel that works from any folder."""

import configparser
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from setuptools import find_namespace_packages, find_packages

ROOT = Path(__file__).parents[2]


def setup_cfg():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", "utf-8")
    return parser


def names(requirements):
    return [re.split(r"[\s\[<>=;]", line.strip(), maxsplit=1)[0] for line in requirements.strip().splitlines()]


def test_every_dependency_has_its_line_and_every_line_its_dependency():
    parser = setup_cfg()
    required = names(parser["options"]["install_requires"])
    required += [name for extra in parser["options.extras_require"].values() for name in names(extra)]
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    explained = [
        row[0] for row in re.findall(r"^\| ([a-z0-9-]+) \| (.+) \| (.+) \|$", page, re.MULTILINE) if row[0] != "---"
    ]
    assert sorted(required) == sorted(explained)


def test_dependencies_are_pinned_by_range():
    for line in setup_cfg()["options"]["install_requires"].strip().splitlines():
        assert re.search(r"[a-z0-9\]] (>=[\d.]+)(,<\d+)?", line), line


def test_every_import_is_a_declared_dependency():
    distributions = {
        "OpenSSL": "pyopenssl", "asn1crypto": "asn1crypto", "rfc3161_client": "rfc3161-client", "psycopg": "psycopg",
        "bidi": "python-bidi",
    }  # fmt: skip
    ours = {"gateway", "adapters", "mappings", "wsdl", "xsd"}
    required = set(names(setup_cfg()["options"]["install_requires"]))
    for top in ours:
        for path in (ROOT / top).rglob("*.py"):
            for module in re.findall(r"^\s*(?:from|import) ([A-Za-z_][\w]*)", path.read_text("utf-8"), re.MULTILINE):
                if module in ours or module in sys.stdlib_module_names:
                    continue
                name = distributions.get(module, module.lower().replace("_", "-"))
                assert name in required, f"{path.relative_to(ROOT)} imports {module}"


def test_every_folder_with_code_is_a_package():
    """A folder without __init__.py would be missing from the wheel."""
    include = ["gateway*", "adapters*", "mappings*", "wsdl*", "xsd*"]
    packages = set(find_packages(str(ROOT), include=include))
    with_code = {
        name
        for name in find_namespace_packages(str(ROOT), include=include)
        if any((ROOT / name.replace(".", "/")).glob("*.py"))
    }
    assert with_code == packages


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = tmp_path_factory.mktemp("source")
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    for name in filter(None, tracked.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "benchmarks/", "docs/", "examples/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
        str(source),
    ]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_all_data(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    data = {
        str(path.relative_to(ROOT))
        for top in ("gateway", "adapters", "mappings", "wsdl", "xsd")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".md")
    }
    assert {"wsdl/CertificateExchange.wsdl", "gateway/error_codes.toml"} <= data
    assert sorted(data - inside) == []


@pytest.mark.slow
def test_the_wheel_works_from_another_folder(wheel, tmp_path):
    """Installed beside this environment's dependencies, run where no source is near."""
    folder = tmp_path / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    site = next((folder / "lib").glob("python3*")) / "site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(here), "utf-8")
    program = """
import pathlib, sys
sys.path[:] = [path for path in sys.path if "__editable__" not in path]
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder).lower()]
import gateway, mappings, wsdl, xsd
from gateway.sandbox.samples import example
from gateway.xml.boundary import parse
from gateway.xml.schemas import SchemaName, validate
from mappings import load_tables
for module in (gateway, mappings, wsdl, xsd):
    assert pathlib.Path(module.__file__).is_relative_to(sys.prefix), module.__file__
validate(SchemaName.SPS_STRICT, parse(example()).root)
load_tables()
from gateway.cli.application import app
from typer.testing import CliRunner
for arguments in (["keys", "trial"], ["-c", "trial/imsoc.toml", "db", "upgrade"], ["explain", "IMG-0101"]):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, (arguments, result.output, result.exception)
print("works")
"""
    done = subprocess.run(
        [str(folder / "bin" / "python"), "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith(("IMSOC_", "PYTHON"))},
    )
    assert done.stdout.strip().endswith("works"), done.stderr
