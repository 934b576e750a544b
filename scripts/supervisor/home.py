"""TRUEUP_HOME: the folder of one mesh. Data, logs, ports, and a note of what runs."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec
import psutil
from msgspec import Struct

from bus.embedded import found
from scripts.supervisor.trouble import Trouble, explained


class ProcessState(Struct):
    """`state` is running, waiting (to be started again) or stopped. `since` is when that
    began, `started` when the process did: both in seconds since 1970."""

    name: str
    kind: str
    pid: int | None
    started: float
    state: str
    since: float
    restarts: int


class Run(Struct):
    """What a supervisor notes while it runs. `urls` is what a shell or a client needs, `notes`
    what the person should know."""

    state: str
    supervisor: tuple[int, float]
    home: str
    urls: dict[str, str]
    processes: list[ProcessState]
    notes: list[str] = []

    @property
    def alive(self) -> bool:
        """Whether the supervisor is."""
        return found(*self.supervisor) is not None


class Remembered(Struct):
    """Of the servers that were started here last: the ports, by server, so that URLs stay
    what they were; and the URLs, by environment variable."""

    ports: dict[str, int]
    urls: dict[str, str]


class AlreadyRunning(Exception):
    """Another supervisor has this home; `run` is what it has noted, if it has yet."""

    def __init__(self, run: Run | None) -> None:
        super().__init__("running already")
        self.run = run


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"

    def make(self) -> None:
        """Raises Trouble where the folder can't be made or written."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._write("probe", b"")
            (self.path / "probe").unlink()
        except OSError as error:
            raise explained(error, f"TRUEUP_HOME ({self.path})") from error

    def lock(self) -> IO[bytes]:
        """Held until it is closed or the process ends, however it ends.

        Raises AlreadyRunning.
        """
        held = (self.path / "lock").open("ab")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            held.close()
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise AlreadyRunning(self.run()) from None
            raise Trouble(f"{self.path} can't be locked: {error}") from error
        held.truncate(0)
        held.write(b"%d\n" % os.getpid())
        held.flush()
        return held

    def holder(self) -> int | None:
        """The pid of the supervisor that has the lock, even if it has noted nothing yet."""
        try:
            return int((self.path / "lock").read_text())
        except (OSError, ValueError):
            return None

    def locked(self) -> bool:
        """Whether a supervisor has this home now."""
        try:
            with (self.path / "lock").open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except (FileNotFoundError, NotADirectoryError):
            return False
        return False

    def run(self) -> Run | None:
        """What was noted last, by a supervisor that may be gone."""
        try:
            return msgspec.json.decode((self.path / "run.json").read_bytes(), type=Run)
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
            return None

    def note(self, run: Run) -> None:
        self._write("run.json", msgspec.json.format(msgspec.json.encode(run)))

    def forget(self, pid: int | None = None) -> None:
        """Drops what was noted; with a `pid` only if that supervisor has noted it."""
        run = self.run()
        if pid is None or (run is not None and run.supervisor[0] == pid):
            (self.path / "run.json").unlink(missing_ok=True)

    def remembered(self) -> Remembered:
        try:
            return msgspec.json.decode((self.path / "servers.json").read_bytes(), type=Remembered)
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
            return Remembered({}, {})

    def remember(self, servers: Remembered) -> None:
        self._write("servers.json", msgspec.json.format(msgspec.json.encode(servers)))

    def _write(self, name: str, content: bytes) -> None:
        """Whole or not at all; for this user's eyes only, because URLs hold passwords."""
        partial = self.path / f"{name}.partial"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        partial.replace(self.path / name)


def end_remains(processes: Sequence[ProcessState]) -> None:
    """Ends what a supervisor that was killed has left behind."""
    left = [p for state in processes if state.pid and (p := found(state.pid, state.started))]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(left, timeout=10)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
