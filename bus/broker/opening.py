"""The first connection to a server: made at once, or refused with a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog

from bus.broker.port import BrokerUnavailable
from bus.broker.wire import Wire

MAX_UNSENT = 64 * 1024 * 1024
"""Bytes that wait for a slow or absent server before anything more is turned away."""

OPTIONS: Mapping[str, Any] = {
    "max_reconnect_attempts": -1,
    "reconnect_time_wait": 0.1,
    "ping_interval": 2,
    "max_outstanding_pings": 2,
    "connect_timeout": 2,
    "pending_size": MAX_UNSENT,
}

_TRIES = 2

Callback = Callable[[], Awaitable[None]]
_log = structlog.get_logger("bus.broker")


def servers(url: str) -> Sequence[str]:
    return [server.strip() for server in url.split(",") if server.strip()]


def without_passwords(url: str) -> str:
    """For people and logs."""
    parts = [urlsplit(s if "//" in s else f"nats://{s}") for s in servers(url)]
    return ",".join(f"{part.scheme}://{part.netloc.rpartition('@')[2]}" for part in parts)


async def connect(
    wire: Wire, url: str, options: Mapping[str, Any], broken: Callback, back: Callback
) -> None:
    """Raises BrokerUnavailable when every server has failed twice; nats-py would go on."""
    options = {**OPTIONS, **options}
    watch = _FirstErrors(len(servers(url)))
    connecting = asyncio.ensure_future(
        wire.connect(
            list(servers(url)),
            error_cb=watch.note,
            disconnected_cb=broken,
            reconnected_cb=back,
            **options,
        )
    )
    patience = (options["connect_timeout"] + 1) * _TRIES * len(servers(url))
    if not await _ended_well(connecting, watch.all_failed, patience):
        await wire.close()
        why = _failure(connecting) or watch.last or "no answer in time"
        raise BrokerUnavailable(f"NATS can't be reached at {without_passwords(url)}: {why}")


class _FirstErrors:
    """Notes what goes wrong; later, with a connection that comes back by itself, it only logs."""

    def __init__(self, servers: int) -> None:
        self._left = servers * _TRIES
        self.last = ""
        self.all_failed = asyncio.Event()

    async def note(self, error: Exception) -> None:
        text = str(error) or type(error).__name__
        # The one that says most stays: a server that refuses may also reset the connection.
        if "authorization" not in self.last.lower():
            self.last = text
        self._left -= 1
        if self._left == 0:
            self.all_failed.set()
        _log.debug("NATS", error=text)


async def _ended_well(
    connecting: asyncio.Task[None], failed: asyncio.Event, patience: float
) -> bool:
    gave_up = asyncio.ensure_future(failed.wait())
    try:
        await asyncio.wait(
            {connecting, gave_up}, timeout=patience, return_when=asyncio.FIRST_COMPLETED
        )
        return connecting.done() and _failure(connecting) is None
    finally:
        gave_up.cancel()
        connecting.cancel()


def _failure(connecting: asyncio.Task[None]) -> BaseException | None:
    return connecting.exception() if connecting.done() and not connecting.cancelled() else None
