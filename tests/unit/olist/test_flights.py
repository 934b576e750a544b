"""How many orders are on their way at a time."""

from __future__ import annotations

import asyncio
import io
import math
from typing import cast

from rich.console import Console

from bus.broker.port import Broker
from bus.clock import ManualClock
from bus.messages import Command
from scripts.olist.files import Files
from scripts.olist.flights import Flights
from scripts.olist.mapping import journey
from scripts.olist.report import on
from scripts.sender import Answer, Sender


class Patient(Sender):
    """Takes everything; what becomes of it nobody tells."""

    def __init__(self) -> None:
        super().__init__(cast(Broker, None), ManualClock(), math.inf)
        self.placed: list[str] = []

    async def send(self, domain: str, command: Command, command_id: str) -> Answer:
        self.placed.append(command.id)
        return Answer("accepted")


async def test_no_more_orders_are_on_their_way_than_asked(files: Files) -> None:
    sender = Patient()
    flights = Flights(sender, on(Console(file=io.StringIO())), 2)
    playing = asyncio.create_task(flights.play(journey(order) for order in files.orders()))
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(sender.placed) == 2
    playing.cancel()
    await asyncio.wait([playing])
