"""Children that end when the process that started them does, even by kill -9."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_CHILD = Path(__file__).with_name("child.py")


def tied(
    command: Sequence[str], stop_signal: signal.Signals = signal.SIGTERM, user: str = "-"
) -> list[str]:
    """`command` so that it gets `stop_signal` when this process dies (Linux).

    More exactly: when the thread that starts it ends, so start it from the main thread. As
    root it becomes `user` first, unless that is `-`. The first word must be a path.
    """
    launcher = [sys.executable, "-I", "-S", str(_CHILD)]
    return [*launcher, str(os.getpid()), str(int(stop_signal)), user, *command]
