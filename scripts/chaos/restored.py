"""A domain's database is restored from an older copy while everything runs.

Here the end is no zero difference: what the copy lacks others have heard already, so that
going on would be a guess. Everybody concerned must stop and say what to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from bus import subjects
from bus.settings import database_variable
from bus.status import Status
from scripts.chaos.mesh import Broken
from scripts.chaos.scene import Scene
from scripts.chaos.until import until

PATIENCE = 60.0
"""Seconds that everybody gets to notice."""
SENTENCE = "trueup repair {}"
"""What each message must name: the way out."""
COPY = "copy_of_{}"
ASKED = 40
"""Commands in a row that must be refused: the processes of a domain share them by chance."""
_END_SESSIONS = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"


def copied(domain: str) -> Callable[[Scene], Awaitable[None]]:
    """A copy of the domain's database; its processes must reconnect."""

    async def copy(scene: Scene) -> None:
        server, name = _place(scene, domain)
        connection = await asyncpg.connect(server)
        try:
            await _alone(connection, name)
            await connection.execute(f'create database "{COPY.format(name)}" template "{name}"')
            await connection.execute(f'alter database "{name}" allow_connections true')
        finally:
            await connection.close()
        await scene.lookout.caught_up()

    return copy


def stopped(domain: str) -> Callable[[Scene], Awaitable[Sequence[str]]]:
    """Puts the copy back in the midst of the orders, and sees who stops."""

    async def end(scene: Scene) -> Sequence[str]:
        await scene.load.under_way()
        await _restore(scene, domain)
        said = await _problem(scene, domain, "relay", domain)
        await scene.load.stop()
        head = await _head(scene, domain)
        await _refused(scene, domain)
        for process in [n for n in scene.mesh.names("domain") if n.split("-")[0] == domain]:
            await scene.mesh.kill(process)
        await _refused(scene, domain)
        await _problem(scene, domain, "relay", domain)
        if await _head(scene, domain) != head:
            raise Broken(f"{domain}'s store was written, though it has stopped")
        repaired = await scene.mesh.trueup("repair", domain, "--yes")
        if repaired.code:
            raise Broken(f"trueup repair {domain}: {repaired.err}")
        readers = await _readers(scene, domain)
        return [said, "no command is taken, nothing is recorded", *readers]

    return end


async def _readers(scene: Scene, domain: str) -> list[str]:
    """Whoever has read beyond the copy stops, too, and does not skip."""
    views = [("view-orders", "streams"), ("view-sales", "streams")]
    reactions = [("inventory", f"reactions to {domain}"), ("payments", f"reactions to {domain}")]
    return [await _problem(scene, name, what, domain) for name, what in [*views, *reactions]]


async def _problem(scene: Scene, service: str, what: str, domain: str) -> str:
    """What the service says of `what`, which has stopped. Raises Broken."""

    def stands(status: Status) -> bool:
        return SENTENCE.format(domain) in status.problems.get(what, "")

    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                for status in await scene.lookout.told(service, stands):
                    if stands(status):
                        return f"{service}, {what}: {status.problems[what][:70]}…"
    except TimeoutError:
        raise Broken(f"{service} does not stop: {what}") from None


async def _refused(scene: Scene, domain: str) -> None:
    """Each process must refuse, within the time that it has to notice."""
    wanted = SENTENCE.format(domain).encode()

    async def taken_by_nobody() -> bool:
        subject = subjects.command(domain, "CancelOrder", "nobody")
        said = [await scene.lookout.ask(subject, b"{}") for _ in range(ASKED)]
        return all(wanted in answer for answer in said)

    try:
        async with asyncio.timeout(PATIENCE):
            await until(taken_by_nobody)
    except TimeoutError:
        raise Broken(f"{domain} still takes commands") from None


async def _head(scene: Scene, domain: str) -> int:
    server, name = _place(scene, domain)
    connection = await asyncpg.connect(_database(server, name))
    try:
        return int(await connection.fetchval("select position from head"))
    finally:
        await connection.close()


async def _restore(scene: Scene, domain: str) -> None:
    server, name = _place(scene, domain)
    connection = await asyncpg.connect(server)
    try:
        await _alone(connection, name)
        await connection.execute(f'drop database "{name}"')
        await connection.execute(f'alter database "{COPY.format(name)}" rename to "{name}"')
    finally:
        await connection.close()


async def _alone(connection: asyncpg.Connection, name: str) -> None:
    await connection.execute(f'alter database "{name}" allow_connections false')

    async def nobody() -> bool:
        await connection.execute(_END_SESSIONS, name)
        left = await connection.fetchval(
            "select count(*) from pg_stat_activity where datname = $1", name
        )
        return not left

    await until(nobody)


def _place(scene: Scene, domain: str) -> tuple[str, str]:
    """The server's own database, and the domain's name there."""
    url = scene.mesh.urls[database_variable(domain)]
    return _database(url, "postgres"), urlsplit(url).path.lstrip("/")


def _database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
