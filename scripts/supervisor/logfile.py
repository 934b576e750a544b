"""A process's log: one file, and the one before it."""

from __future__ import annotations

from pathlib import Path

LIMIT = 10_000_000
"""Bytes, after which the file becomes `<name>.log.1` and a new one begins."""


class LogFile:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")

    def write(self, line: bytes) -> None:
        """Gives up quietly where the disk is full: logging must not stop the process."""
        try:
            self._file.write(line)
            self._file.flush()
            if self._file.tell() > LIMIT:
                self._turn()
        except OSError:
            return

    def close(self) -> None:
        self._file.close()

    def _turn(self) -> None:
        self._file.close()
        self.path.replace(self.path.with_name(self.path.name + ".1"))
        self._file = self.path.open("ab")


def last_lines(path: Path, count: int) -> list[str]:
    """The end of a log, empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 64 * 1024))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []
