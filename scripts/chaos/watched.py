"""Ports whose calls are fail points; else they are what they wrap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from inspect import isawaitable
from typing import Any, TypeVar, cast

from bus.broker.port import Broker, Endpoint, Handler, Request, Serving, Submission
from bus.outside import Outside
from bus.store.port import Append, Landed, Lease, Store
from bus.views.port import ViewStore
from scripts.chaos.failpoints import FailPoints

T = TypeVar("T")

FAREWELL = {"close", "release"}
"""What the system does for a process that dies: its connections are closed."""


def store(port: Store, points: FailPoints) -> Store:
    """Its calls are `store.write`, `store.safe`, …, `transaction.append`, `lease.acquire`, …"""
    return cast(Store, _Store(port, "store", points))


def view_store(port: ViewStore, points: FailPoints) -> ViewStore:
    """Its calls are `view.write`, `view.load`, …"""
    return cast(ViewStore, _Port(port, "view", points))


def broker(port: Broker, points: FailPoints) -> Broker:
    """Its calls are `broker.publish_run`, …; requests that it hands over are answered in
    `cmd.respond`, `qry.respond`, …, submissions in `submit.ack` and `submit.retry`."""
    return cast(Broker, _Broker(port, "broker", points))


def outside(port: Outside, points: FailPoints) -> Outside:
    """Its call is `outside.call`."""
    return cast(Outside, _Outside(port, "outside", points))


class _Port:
    def __init__(self, port: Any, name: str, points: FailPoints) -> None:
        self._port = port
        self._name = name
        self._points = points

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        if not callable(found) or method in FAREWELL:
            return found
        return lambda *given, **named: self._passing(method, found(*given, **named))

    def _passing(self, method: str, result: Any) -> Any:
        """`result` has not begun yet, whatever it is: it does when it is awaited."""
        name = f"{self._name}.{method}"
        if isinstance(result, AbstractAsyncContextManager):
            return self._entered(name, result)
        if isawaitable(result):
            return self._awaited(name, result)
        return self._each(name, result) if hasattr(result, "__anext__") else result

    async def _awaited(self, name: str, result: Awaitable[T]) -> T:
        try:
            call = self._points.begin(name)
        except asyncio.CancelledError:
            cast(Any, result).close()  # it was never begun
            raise
        found = await result
        self._points.end(call)
        return found

    async def _each(self, name: str, batches: Any) -> AsyncIterator[Any]:
        async with aclosing(batches):
            while True:
                call = self._points.begin(name)
                try:
                    batch = await anext(batches)
                except StopAsyncIteration:
                    return
                self._points.end(call)
                yield batch

    @asynccontextmanager
    async def _entered(self, name: str, entering: Any) -> AsyncIterator[Any]:
        call = self._points.begin(name)
        async with entering as inside:
            self._points.end(call)
            yield self._inside(inside)

    def _inside(self, inside: Any) -> Any:
        return inside


class _Store(_Port):
    def _inside(self, inside: Any) -> Any:
        return _Port(inside, "transaction", self._points)

    async def write(self, append: Append) -> Landed:
        landed = await self._awaited("store.write", self._port.write(append))

        async def safe() -> None:
            await self._awaited("store.safe", landed.safe())

        return Landed(landed.head, safe)

    def lease(self) -> Lease:
        return cast(Lease, _Port(self._port.lease(), "lease", self._points))


class _Outside(_Port):
    async def __call__(self, request: Any, idempotency_key: str) -> Any:
        return await self._awaited("outside.call", self._port(request, idempotency_key))


class _Broker(_Port):
    async def serve(
        self, name: str, description: str, version: str, endpoints: Sequence[Endpoint]
    ) -> Serving:
        watched = [replace(one, handler=self._answering(one.handler)) for one in endpoints]
        serving = self._port.serve(name, description, version, watched)
        return await self._awaited("broker.serve", serving)

    async def submissions(
        self, domain: str, handler: Callable[[Submission], Awaitable[None]], window: int = 256
    ) -> Serving:
        async def take(submission: Submission) -> None:
            await handler(cast(Submission, _Port(submission, "submit", self._points)))

        taking = self._port.submissions(domain, take, window)
        return await self._awaited("broker.submissions", taking)

    def _answering(self, handler: Handler) -> Handler:
        return lambda request: handler(cast(Request, _Request(request, "", self._points)))


class _Request(_Port):
    def respond(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Nobody awaits it, so that there is nobody to tell that the process is dead."""
        with suppress(asyncio.CancelledError):
            call = self._points.begin(f"{self._port.subject.partition('.')[0]}.respond")
            self._port.respond(body, headers)
            self._points.end(call)
