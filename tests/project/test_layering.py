"""Imports point one way (docs/architecture.md). TYPE_CHECKING imports count: a type is a dependency too."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.short

ROOT = Path(__file__).parents[2]

GROUND = {"errors", "faultpoints", "timezones"}
LOWER = GROUND | {"xml", "soap", "trust", "store"}
MIDDLE = LOWER | {"access", "rules", "documents", "mappings", "customs", "delivery", "adapters"}
ALL = MIDDLE | {
    "exchange",
    "endpoints",
    "hub",
    "ippc",
    "traces",
    "certex",
    "single_window",
    "ched",
    "pdf",
    "pdf_signing",
    "console",
    "adapters",
    "config",
    "app",
    "serve",
    "sealing",
    "releasing",
    "logs",
    "sandbox",
    "wsdl",
    "xsd",
}

MAY_IMPORT = {
    "errors": set(),
    "faultpoints": set(),
    "timezones": set(),
    "settings_reader": GROUND,
    "config": GROUND | {"xml", "settings_reader"},
    "logs": GROUND | {"config"},
    "wsdl": set(),
    "xsd": set(),
    "xml": GROUND | {"xsd"},
    "soap": GROUND | {"xml", "wsdl", "xsd"},
    "trust": GROUND | {"xml", "soap"},
    "store": GROUND,
    "documents": GROUND | {"xml"},
    "rules": GROUND | {"xml", "documents"},
    "access": LOWER,
    "mappings": LOWER,
    "ippc": GROUND | {"xml"},
    "traces": GROUND | {"xml", "soap", "documents"},
    "pdf": GROUND | {"xml", "documents"},
    "adapters": LOWER | {"ippc", "traces", "certex", "customs", "documents"},
    "delivery": LOWER | {"adapters", "ippc"},
    "customs": LOWER | {"documents"},
    "certex": GROUND | {"xml", "soap", "traces"},
    "exchange": MIDDLE | {"ippc"},
    "hub": MIDDLE | {"exchange", "ippc"},
    "ched": MIDDLE | {"exchange", "traces", "pdf"},
    "single_window": MIDDLE | {"exchange", "ched", "traces", "certex"},
    "endpoints": MIDDLE | {"exchange", "hub", "ippc", "ched", "traces", "certex", "single_window"},
    "console": MIDDLE | {"exchange"},
    "sandbox": ALL,
    "releasing": MIDDLE | {"exchange", "hub", "ched", "traces"},
    "sealing": LOWER | {"access", "config"},
    "pdf_signing": GROUND | {"trust"},
    "serve": ALL,
    "app": ALL,
    "cli": ALL,
}


def modules() -> list[Path]:
    tops = ("gateway", "adapters", "mappings", "wsdl", "xsd")
    return [path for top in tops for path in sorted((ROOT / top).rglob("*.py"))]


def layer_of(parts):
    """gateway.soap.peer -> soap, mappings.engine -> mappings, zeep -> None."""
    if parts[0] == "gateway":
        return parts[1] if len(parts) > 1 else "gateway"
    return parts[0] if parts[0] in ("adapters", "mappings", "wsdl", "xsd") else None


def imports_of(path):
    """(line, layer) of every import of ours; importlib.resources anchors count as imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" if node.module == "gateway" else node.module for alias in node.names]
        else:
            continue
        for name in names:
            layer = layer_of(name.split("."))
            if layer and not layer.startswith("__"):
                yield node.lineno, layer


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path):
    own = layer_of(path.relative_to(ROOT).with_suffix("").parts)
    if own in ("gateway", "__init__", "__main__"):
        return
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {layer}"
        for line, layer in imports_of(path)
        if layer != own and layer not in MAY_IMPORT[own]
    ]
    assert not wrong, "\n".join(wrong)


def test_every_package_has_its_place():
    """A new package is added to the table above, and to docs/architecture.md."""
    packages = {path.parent.name for path in (ROOT / "gateway").glob("*/__init__.py")}
    assert packages <= MAY_IMPORT.keys()
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    missing = [name for name in packages if f"`gateway/{name}/`" not in page]
    assert not missing, f"docs/architecture.md does not say what {missing} is for"


def test_only_the_boundary_parses_xml():
    """ARCHITECTURE 4: bytes become trees in gateway/xml only."""
    parsers = {"fromstring", "parse", "XML", "iterparse", "XMLParser", "HTMLParser", "XMLID"}
    wrong = []
    for path in modules():
        if path.relative_to(ROOT).parts[:2] == ("gateway", "xml"):
            continue
        wrong += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.func.value.id}.{node.func.attr}"
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in parsers
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("etree", "ET", "ElementTree", "lxml", "objectify")
            )
        ]
    assert not wrong, "\n".join(wrong)
