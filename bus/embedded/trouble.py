"""Why a server can't run, in sentences that say what to do."""

from __future__ import annotations

import shutil
from pathlib import Path


class EmbeddedError(Exception):
    """A server can't run; the message says why and what to do, in one sentence."""


class PortTaken(EmbeddedError):
    """Another program listens there."""

    def __init__(self, port: int, server: str) -> None:
        super().__init__(f"port {port} is taken by another program: choose another for {server}")


class NotReady(Exception):
    """The server does not answer yet."""


def explain(name: str, text: str, folder: Path) -> str:
    low = text.lower()
    if "no space left" in low or shutil.disk_usage(folder).free < 1 << 20:
        return f"the disk under {folder} is full: free some space and start {name} again"
    if "permission denied" in low:
        return f"{name} may not read or write {folder}: check who owns it and its permissions"
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "no output")
    return f"{name} ended at once, its last words: {last.strip()}"
