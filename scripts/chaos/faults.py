"""What is done to a mesh."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis

from scripts.chaos.scene import Scene

Fault = Callable[[Scene], Awaitable[None]]


def killed(name: str) -> Fault:
    async def kill(scene: Scene) -> None:
        await scene.mesh.kill(name)

    return kill


def at_once(*faults: Fault) -> Fault:
    async def strike(scene: Scene) -> None:
        await asyncio.gather(*(fault(scene) for fault in faults))

    return strike


async def importer_killed(scene: Scene) -> None:
    await scene.load.kill()


async def valkey_flushed(scene: Scene) -> None:
    redis = Redis.from_url(scene.mesh.urls["REDIS_URL"])
    try:
        await redis.flushall()
    finally:
        await redis.aclose()


async def jetstream_deleted(scene: Scene) -> None:
    """Under the running server; the supervisor must notice."""
    folder = _jetstream(scene)
    pid = scene.mesh.process("nats-server").pid
    while folder.exists() and scene.mesh.process("nats-server").pid == pid:
        shutil.rmtree(folder, ignore_errors=True)
    await scene.mesh.running("nats-server", but=pid)


async def jetstream_copied(scene: Scene) -> None:
    """What a backup does that copies the folder of a running server."""
    copy = _copy(scene)
    shutil.rmtree(copy, ignore_errors=True)
    with suppress(shutil.Error):  # files come and go while they are copied
        shutil.copytree(_jetstream(scene), copy)


async def jetstream_rolled_back(scene: Scene) -> None:
    """To the copy, which is taken here where there is none yet."""
    folder, copy = _jetstream(scene), _copy(scene)
    folder.rename(folder.with_name("jetstream.newer"))
    copy.rename(folder)
    await scene.mesh.kill("nats-server")
    shutil.rmtree(folder.with_name("jetstream.newer"), ignore_errors=True)


async def byte_flipped(scene: Scene) -> None:
    """One byte of a stream on the disk, which the server reads anew."""
    blocks = [path for path in _jetstream(scene).rglob("msgs/*.blk") if path.stat().st_size]
    block = scene.chance.choice(sorted(blocks))
    place = scene.chance.randrange(block.stat().st_size)
    with block.open("r+b") as file:
        file.seek(place)
        (before,) = file.read(1)
        file.seek(place)
        file.write(bytes([before ^ 1 << scene.chance.randrange(8)]))
    stream = block.parent.parent.name
    scene.say(f"  byte {place} of {block.stat().st_size} in {stream}'s {block.name} is another")
    await scene.mesh.kill("nats-server")


def leader_paused(domain: str) -> Fault:
    """Until another process leads, which must then be the only one."""

    async def pause(scene: Scene) -> None:
        pid = await scene.lookout.leader(domain)
        os.kill(pid, signal.SIGSTOP)
        try:
            await scene.lookout.leader(domain, but=pid)
        finally:
            os.kill(pid, signal.SIGCONT)

    return pause


def _jetstream(scene: Scene) -> Path:
    return scene.mesh.home.path / "nats" / "jetstream"


def _copy(scene: Scene) -> Path:
    return scene.mesh.home.path / "nats" / "jetstream.copy"
