"""The pages agree with the program and with each other."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def load_generator():
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["error-codes.md", "configuration.md", "commands.md", "ched-rules.md"])
def test_a_generated_page_is_current(name):
    generator = load_generator()
    expected = generator.NOTICE + generator.PAGES[name]().rstrip() + "\n"
    assert (ROOT / "docs" / name).read_text("utf-8") == expected, "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            slugs = {heading.lower().replace(" ", "-") for heading in HEADING.findall(target.read_text("utf-8"))}
            assert anchor in slugs, f"{page.name}: {link}"


def test_every_page_is_reachable_from_the_index():
    linked = set()
    waiting = [ROOT / "README.md", ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in linked or page.suffix != ".md" or not page.is_file():
            continue
        linked.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in LINK.findall(page.read_text("utf-8"))]
    missing = {page for page in PAGES if page.parent.name != "adr"} - linked
    assert not missing


def test_commands_in_the_pages_exist():
    """``imsoc word`` in a page is a command of the program."""
    commands = (ROOT / "docs" / "commands.md").read_text("utf-8")
    known = {line.split()[2].rstrip("`") for line in commands.splitlines() if line.startswith("## `imsoc")}
    for page in PAGES:
        text = page.read_text("utf-8")
        for word in re.findall(r"(?:^ {4}|[`&] ?)imsoc (?:--config \S+ )?([a-z]+)", text, re.MULTILINE):
            assert word in known, f"{page.name}: imsoc {word}"


def test_make_targets_in_the_pages_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        for word in re.findall(r"(?:^ {4}|`)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE):
            assert word in targets, f"{page.name}: make {word}"


def test_python_in_the_readme_is_python():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert blocks, "README.md shows no Python"
    for block in blocks:
        ast.parse("\n".join(line.removeprefix("   ") for line in block.splitlines()))


def test_threats_name_places_and_tests_that_exist():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / "docs" / "security.md").read_text("utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| Threat ")
    ]
    assert len(rows) > 10
    for threat, _control, where, default, _source, tests in rows:
        assert default, threat
        for place in re.findall(r"`([^`]+)`", where + tests):
            assert (ROOT / place).exists(), f"{threat}: {place}"
        for folder in re.findall(r"`(tests/[^`.]+)`", tests):
            assert list((ROOT / folder).glob("test_*.py")), f"{threat}: no test in {folder}"
