"""One of a view's partitions in a process: what is kept of it, and what works on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bus.broker.port import Broker
from bus.clock import Clock
from bus.views.builder import Builder
from bus.views.live import Live
from bus.views.mending import Mending
from bus.views.port import ViewStore
from bus.views.verifier import Verifier


class Partition:
    """`moved` is called after each write to it that this process made or has heard of."""

    def __init__(
        self, store: ViewStore, broker: Broker, clock: Clock, moved: Callable[[], None]
    ) -> None:
        writing = asyncio.Lock()
        mending = Mending(store, broker, clock, writing)
        self.store = store
        self.builder = Builder(store, clock, moved, mending.keys, writing)
        self.verifier = Verifier(store, mending, clock)
        self.live = Live(store, broker, clock)
