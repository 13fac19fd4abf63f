"""One serving process per SQLite file.

The lock is the kernel's (``flock``) on a file beside the database: it goes away with the process that held it, however
that died, so a stale lock file needs no care. It does not reach across machines on NFS or other network file systems;
nor does SQLite's own locking, so a database there is wrong anyway: use PostgreSQL.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["InstanceLock"]


class InstanceLock:
    """Held from construction to `release` or the end of the process.

    Raises:
        ConfigurationError: IMG-0110, another process holds it.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise ConfigurationError("IMG-0110", where=str(path), found=f"process {holder}") from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next process in; the file stays, because removing it would race with whoever opens it now."""
        os.close(self._file)
