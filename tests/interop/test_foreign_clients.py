"""Clients made from the published WSDL by node `soap`, PHP and JAX-WS validate, submit, read back and are refused.

Their code is in ``clients/``; what they print is described in ``clients/README.md``.
"""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import RunningGateway, World

pytestmark = [pytest.mark.interop, pytest.mark.slow]

CLIENTS = Path(__file__).parent / "clients"
DEBIAN_JAVA = Path("/usr/share/java")
BOTH_VERSIONS = pytest.mark.parametrize("version", ["1.1", "1.2"])


@pytest.fixture(scope="module")
def node(external: Callable[[str], str]) -> list[str]:
    program = external("node")
    if not (CLIENTS / "node" / "node_modules" / "soap").is_dir():
        pytest.skip("the npm package soap is not installed; `bash .ci/install-external` does it")
    return [program, str(CLIENTS / "node" / "client.js")]


@pytest.fixture(scope="module")
def php(external: Callable[[str], str]) -> list[str]:
    program = external("php")
    if "soap" not in subprocess.run([program, "-m"], capture_output=True, text=True, check=True).stdout.split():
        pytest.skip("php-soap is not installed; `bash .ci/install-external` does it")
    return [program, str(CLIENTS / "php" / "client.php")]


@pytest.fixture(scope="module")
def java(
    external: Callable[[str], str], gateway: RunningGateway, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """Generates the classes from the running gateway's WSDL and compiles them with the client."""
    wsimport, javac, program = external("wsimport"), external("javac"), external("java")
    folder = tmp_path_factory.mktemp("java")
    generated, classes = folder / "generated", folder / "classes"
    generated.mkdir()
    classes.mkdir()
    run(
        [wsimport, "-quiet", "-extension", "-Xnocompile", "-p", "interop.generated", "-s", str(generated), gateway.wsdl]
    )
    # javax.xml.ws left the JDK with version 11; Debian's jar names those it needs in its manifest.
    path = os.pathsep.join(str(DEBIAN_JAVA / jar) for jar in ("jaxws-rt.jar", "javax.activation.jar"))
    sources = [*generated.rglob("*.java"), *(CLIENTS / "java").glob("*.java")]
    run([javac, "-nowarn", "-encoding", "UTF-8", "-cp", path, "-d", str(classes), *map(str, sources)])
    return [program, "-cp", f"{classes}{os.pathsep}{path}", "Client"]


def run(command: list[str], secret: str = "") -> str:
    # C.UTF-8: in an ASCII locale Java reads the secret from the environment as question marks.
    done = subprocess.run(
        command,
        env=os.environ | {"IMSOC_SECRET": secret, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{Path(command[0]).name} gave {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@BOTH_VERSIONS
@pytest.mark.parametrize("client", ["node", "php", "java"])
def test_goes_the_whole_way(
    client: str, version: str, request: pytest.FixtureRequest, gateway: RunningGateway, world: World
) -> None:
    program: list[str] = request.getfixturevalue(client)
    sealed = world.sealed()
    answer = world.folder / f"{sealed.number}-{client}-answer.xml"
    output = run(
        [*program, gateway.wsdl, gateway.username, sealed.identity, str(sealed.path), str(answer), version],
        gateway.secret,
    )
    seen = defaultdict(list)
    for line in output.splitlines():
        key, _, value = line.partition("=")
        seen[key].append(value)

    assert seen["typed.acceptable"] == ["false"]
    assert "IMG-4001" in seen["typed.finding"], "a typed certificate has no seal"
    assert not [rule for rule in seen["typed.finding"] if rule.startswith("IMG-3")], "it does pass the schema"
    assert seen["typed.number"] == [f"{sealed.number}-TYPED"]
    assert seen["typed.import"] == ["NL"]
    assert seen["typed.description"] == ["Fresh lemons & limes"]
    assert seen["typed.weight"] == ["1250.5 KGM"]

    assert seen["sealed.acceptable"] == ["true"], seen["sealed.finding"]
    assert seen["sealed.indication"] == ["TOTAL_PASSED"]
    assert seen["acknowledged.status"] == ["70"]
    assert seen["acknowledged.document"] == [sealed.number]
    assert seen["read.status"] == ["70"]
    assert seen["read.masked"] == ["false"]
    assert answer.read_bytes() == sealed.content
    assert seen["fault.code"] == ["IMG-7004"]
    assert seen["fault.retry"] == ["after-change"]
