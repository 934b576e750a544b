"""A row of a store is altered behind everybody's back, and an audit beside the shop says so."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import asyncpg

from bus.settings import Settings
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.until import until

DOMAIN = "inventory"
PATIENCE = 60.0
"""Seconds after which it breaks the run that nothing is said."""
FOUND = f"found: {DOMAIN}: a store holds what it has published"
RIGHT = f"right again: {DOMAIN}: a store holds what it has published"
ALTER = """
UPDATE events SET body = replace(body::text, $1, $2)::json
WHERE position = (SELECT min(position) FROM events WHERE type = 'StockReceived')
"""
TRUE, FALSE = '"note":""', '"note":"?"'


async def found_after(mesh: Mesh) -> float:
    """Seconds until a row that was altered is told of. A person puts it back. Raises Broken."""
    file = mesh.home.path / "audit.log"
    with file.open("ab") as output:
        audit = await mesh.begin("audit", output=output.fileno())
    try:
        await _said(file, "balanced: ")
        began = time.monotonic()
        await _alter(mesh, TRUE, FALSE)
        await _said(file, FOUND)
        seconds = time.monotonic() - began
        await _alter(mesh, FALSE, TRUE)
        await _said(file, RIGHT)
    finally:
        audit.terminate()
        await audit.wait()
    return seconds


async def _said(file: Path, words: str) -> None:
    async def there() -> bool:
        return words in await asyncio.to_thread(file.read_text)

    try:
        async with asyncio.timeout(PATIENCE):
            await until(there)
    except TimeoutError:
        said = await asyncio.to_thread(file.read_text)
        raise Broken(f"the audit did not say '{words}': {said[-500:]}") from None


async def _alter(mesh: Mesh, before: str, after: str) -> None:
    url = Settings.from_environment(mesh.urls).database_url(DOMAIN)
    connection = await asyncpg.connect(url)
    try:
        done = await connection.execute(ALTER, before, after)
    finally:
        await connection.close()
    if done != "UPDATE 1":
        raise Broken(f"no row of {DOMAIN} was altered: {done}")
