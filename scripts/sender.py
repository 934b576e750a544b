"""Commands to the living services, each under an id of its own, sent until they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from bus import subjects
from bus.broker.port import Broker, BrokerUnavailable, NoResponders
from bus.clock import Clock
from bus.messages import Command

AT_ONCE = 256
"""Requests that wait for their answer at the same time."""
PATIENCE = 120.0
"""Seconds that one command is tried before its sender gives up."""
_PAUSES = (0.1, 5.0)
"""Seconds: the first pause, and the longest."""


class Answer(Struct, frozen=True):
    """`replayed`: the same command had been answered before; nothing new was decided. `events` were
    decided then."""

    status: str
    code: str = ""
    message: str = ""
    replayed: bool = False
    events: Sequence[Any] = ()


class MeshSilent(Exception):
    """The services have not answered for a long time; the message says what to do."""


class Sender:
    """Sends the same command under the same id however often, so that it counts once."""

    def __init__(self, broker: Broker, clock: Clock, patience: float = PATIENCE) -> None:
        """`patience` is in seconds; `math.inf` tries for ever."""
        self._broker = broker
        self._clock = clock
        self._patience = patience
        self._free = asyncio.Semaphore(AT_ONCE)
        self._decoder = msgspec.json.Decoder(Answer)

    async def send(self, domain: str, command: Command, command_id: str) -> Answer:
        """The answer, which is never `unavailable`. Raises MeshSilent."""
        name = str(command.__struct_config__.tag)
        subject = subjects.command(domain, name, command.id)
        body = msgspec.json.encode(command)
        pause, longest = _PAUSES
        since = self._clock.now()
        while True:
            answer = await self._ask(subject, body, command_id)
            if answer.status != "unavailable":
                return answer
            if (self._clock.now() - since).total_seconds() > self._patience:
                raise MeshSilent(
                    f"{subject} has had no answer for {self._patience:.0f} s "
                    f"({answer.message}). See `scripts/trueup status`."
                )
            await self._clock.sleep(pause)
            pause = min(pause * 2, longest)

    async def _ask(self, subject: str, body: bytes, command_id: str) -> Answer:
        try:
            async with self._free:
                reply = await self._broker.request(subject, body, {"Nats-Msg-Id": command_id})
        except NoResponders:
            return Answer("unavailable", "NoResponders", "nobody serves it")
        except BrokerUnavailable as error:
            return Answer("unavailable", "BrokerUnavailable", str(error))
        return self._decoder.decode(reply.body)
