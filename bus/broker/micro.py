"""A micro service as the `nats micro` commands know it; the same over every adapter.

https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from bus.broker.inbound import Tally
from bus.broker.port import Endpoint, Handler, Request, Serving

Subscribe = Callable[[str, Handler, str | None, Tally | None], Awaitable[Serving]]

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_VERSION = re.compile(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")


class Micro:
    """One instance of a service: its endpoints, and who asks about them."""

    def __init__(
        self, name: str, description: str, version: str, endpoints: Sequence[Endpoint]
    ) -> None:
        _check(name, version, endpoints)
        self._endpoints = [(endpoint, Tally()) for endpoint in endpoints]
        self._description = description
        self._started = datetime.now(UTC)
        self._who = {
            "name": name,
            "id": secrets.token_hex(11),
            "version": version,
            # Which of the processes that status.<service> tells of counts here.
            "metadata": {"host": socket.gethostname(), "pid": str(os.getpid())},
        }
        self._serving: list[Serving] = []

    async def start(self, subscribe: Subscribe) -> None:
        for endpoint, tally in self._endpoints:
            self._serving.append(
                await subscribe(endpoint.subject, endpoint.handler, endpoint.queue, tally)
            )
        for verb, tell in (("PING", self._ping), ("INFO", self._info), ("STATS", self._stats)):
            handler = _telling(verb, tell)
            for address in ("", f".{self._who['name']}", f".{self._who['name']}.{self._who['id']}"):
                self._serving.append(await subscribe(f"$SRV.{verb}{address}", handler, None, None))

    async def stop(self) -> None:
        """Takes no new requests; those that were handed over can still be answered."""
        while self._serving:
            await self._serving.pop(0).stop()

    def _ping(self) -> dict[str, Any]:
        return dict(self._who)

    def _info(self) -> dict[str, Any]:
        endpoints = [
            {**_address(endpoint), "metadata": dict(endpoint.metadata)}
            for endpoint, _ in self._endpoints
        ]
        return {**self._who, "description": self._description, "endpoints": endpoints}

    def _stats(self) -> dict[str, Any]:
        endpoints = [
            {**_address(endpoint), **_counts(tally)} for endpoint, tally in self._endpoints
        ]
        return {**self._who, "started": self._started, "endpoints": endpoints}


def _telling(verb: str, tell: Callable[[], dict[str, Any]]) -> Handler:
    def handler(request: Request) -> None:
        answer = {"type": f"io.nats.micro.v1.{verb.lower()}_response", **tell()}
        request.respond(msgspec.json.encode(answer))

    return handler


def _address(endpoint: Endpoint) -> dict[str, str]:
    return {
        "name": endpoint.name,
        "subject": endpoint.subject,
        "queue_group": endpoint.queue or "",
    }


def _counts(tally: Tally) -> dict[str, Any]:
    return {
        "num_requests": tally.requests,
        "num_errors": tally.errors,
        "last_error": tally.last_error,
        "processing_time": tally.nanoseconds,
        "average_processing_time": tally.nanoseconds // max(tally.requests, 1),
    }


def _check(name: str, version: str, endpoints: Sequence[Endpoint]) -> None:
    for each in (name, *(endpoint.name for endpoint in endpoints)):
        if not _NAME.fullmatch(each):
            raise ValueError(f"{each!r} is no name for a service or an endpoint")
    if not _VERSION.fullmatch(version):
        raise ValueError(f"{version!r} is no semantic version")
