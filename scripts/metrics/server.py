"""Serves the page over HTTP until the process is told to stop."""

from __future__ import annotations

import asyncio
import socket

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from scripts.metrics import PATH
from scripts.metrics.collector import Page
from scripts.metrics.mesh import Mesh

GRACE = 2.0
"""Seconds for pages that are under way when the process is to stop."""

log = structlog.get_logger()


class Server:
    """bus.main.Running, on a socket that listens already."""

    def __init__(self, mesh: Mesh, listening: socket.socket) -> None:
        self._mesh = mesh
        self._listening = listening
        app = web.Application()
        app.router.add_get(PATH, self._page)
        app.router.add_get("/health", _health)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=GRACE)

    async def start(self) -> None:
        """Whether NATS answers or not: that is what the page is there to tell."""
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening).start()
        host, port = self._listening.getsockname()
        log.info("serves", url=f"http://{host}:{port}{PATH}")

    async def wait(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        await self._runner.cleanup()
        await self._mesh.close()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        registry = CollectorRegistry()
        registry.register(Page(await self._mesh.services()))
        return await make_aiohttp_handler(registry)(request)


async def _health(_: web.Request) -> web.Response:
    """Of this process alone."""
    return web.json_response({"status": "ok"})
