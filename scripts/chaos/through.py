"""Runs a domain or a view as ever, until a death is set down for it: then it dies of SIGKILL.

    TRUEUP_HOME=… python -m scripts.chaos.through domains.ordering.app

The supervisor runs everybody through this where TRUEUP_THROUGH names it.
"""

from __future__ import annotations

import asyncio
import os
import runpy
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bus import process as domains
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.process import DomainProcess
from bus.views import process as views
from bus.views.worker import ViewWorker
from scripts.chaos import watched
from scripts.chaos.deaths import Fate, Note
from scripts.chaos.failpoints import FailPoints, Point

QUEUED = ("respond", "publish")
"""Calls that only queue what they send: it leaves with the next turns of the loop."""


class Doomed:
    """The process in which this runs."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._points = FailPoints(Fate(note).meets, self._die)
        self._broker: Broker
        self._dying: asyncio.Task[None] | None = None

    def domain(self, domain: Any, store: Any, broker: Any, **more: Any) -> DomainProcess:
        """In place of DomainProcess."""
        self._broker = broker
        if (outside := more.get("outside")) is not None:
            more["outside"] = watched.outside(outside, self._points)
        store = watched.store(store, self._points)
        return DomainProcess(domain, store, watched.broker(broker, self._points), **more)

    def view(self, view: Any, stores: Any, broker: Any, **more: Any) -> ViewWorker:
        """In place of ViewWorker."""
        self._broker = broker
        stores = [watched.view_store(store, self._points) for store in stores]
        return ViewWorker(view, stores, watched.broker(broker, self._points), **more)

    def _die(self, point: Point) -> None:
        if point.side == "after" and point.call.name.rpartition(".")[2] in QUEUED:
            self._dying = asyncio.create_task(self._die_when_sent())
        else:
            self._end()

    async def _die_when_sent(self) -> None:
        """Once the server has answered, it has all that was sent before the question, too."""
        with suppress(NoResponders, BrokerUnavailable):
            await self._broker.request("nobody.listens.here", timeout=1)
        self._end()

    def _end(self) -> None:
        self._note.sign()
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    module = sys.argv.pop(1)
    doomed = Doomed(Note(Path(os.environ["TRUEUP_HOME"]), module))
    with (
        patch.object(domains, "DomainProcess", doomed.domain),
        patch.object(views, "ViewWorker", doomed.view),
    ):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
