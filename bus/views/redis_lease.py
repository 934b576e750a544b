"""Leadership of a view in Redis: a key that expires unless whoever has set it shows signs of
life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from bus.clock import uuid7
from bus.tasks import end, heeding_cancellation

IDLE = 3.0
"""Seconds after which the key expires."""
TOUCH = 1.0
"""Seconds between signs of life."""
RETRY = 0.5
"""Seconds between attempts: nothing tells that the key has gone."""

_OUTAGES = (RedisError, OSError, TimeoutError)
_OURS = "redis.call('GET', KEYS[1]) == ARGV[1]"
_LONGER = f"return {_OURS} and redis.call('PEXPIRE', KEYS[1], ARGV[2]) or 0"
_LEAVE = f"return {_OURS} and redis.call('DEL', KEYS[1]) or 0"


class RedisLease:
    """See `bus.store.port.Lease`. `redis` gives the client, once that is open."""

    def __init__(self, redis: Callable[[], Any], name: str) -> None:
        self._redis = redis
        self._name = name
        self._token = ""
        self._until = 0.0
        self._touching: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._gone.set()

    @property
    def held(self) -> bool:
        """The key lives for IDLE seconds after a sign of life has come to the server, which was
        not before it was sent."""
        return not self._gone.is_set() and asyncio.get_running_loop().time() < self._until

    async def acquire(self) -> None:
        await self.release()
        self._token = uuid7()
        while True:
            if await self._try():
                break
            await asyncio.sleep(RETRY)
        self._gone = asyncio.Event()
        self._touching = asyncio.create_task(self._touch(self._gone))

    async def lost(self) -> None:
        await self._gone.wait()

    async def release(self) -> None:
        touching, self._touching = self._touching, None
        if touching is not None:
            await end([touching])
        self._gone.set()
        token, self._token = self._token, ""
        if token:
            with suppress(*_OUTAGES):  # then it expires
                await self._redis().eval(_LEAVE, 1, self._name, token)

    async def _try(self) -> bool:
        sent = asyncio.get_running_loop().time()
        try:
            with heeding_cancellation():
                life = int(IDLE * 1000)
                taken = await self._redis().set(self._name, self._token, nx=True, px=life)
        except _OUTAGES:
            return False
        self._until = sent + IDLE
        return bool(taken)

    async def _touch(self, gone: asyncio.Event) -> None:
        try:
            while self.held:
                await asyncio.sleep(TOUCH)
                sent, life = asyncio.get_running_loop().time(), int(IDLE * 1000)
                async with asyncio.timeout(IDLE - TOUCH):
                    if not await self._redis().eval(_LONGER, 1, self._name, self._token, life):
                        return
                self._until = sent + IDLE
        except _OUTAGES:
            pass
        finally:
            gone.set()
