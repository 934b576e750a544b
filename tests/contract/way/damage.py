"""What may happen to a stream behind everybody's back."""

from __future__ import annotations

import msgspec

from bus import subjects
from bus.broker.memory import MemoryBroker
from bus.broker.port import Broker, Outgoing
from bus.store.port import Store


class Damage:
    """Does it to the stream of `till`, over a connection of its own."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    async def delete(self) -> None:
        await self.broker.delete_stream("till")

    async def lose_message(self, sequence: int) -> None:
        if isinstance(self.broker, MemoryBroker):
            self.broker._server.delete_message("till", sequence)
        else:
            await self._ask("STREAM.MSG.DELETE.TILL", {"seq": sequence})

    async def trim(self, first: int) -> None:
        if isinstance(self.broker, MemoryBroker):
            self.broker._server.trim("till", first)
        else:
            await self._ask("STREAM.PURGE.TILL", {"seq": first})

    async def lose_tail(self, store: Store, last: int) -> None:
        await self.delete()
        await self.write(store, last)

    async def write(self, store: Store, last: int) -> None:
        """A stream that ends at `last`, as the store has it."""
        await self.broker.ensure_stream("till")
        run = [
            Outgoing(subjects.event("till", *stored.key, stored.type), stored.body)
            for stored in await store.read(0, last)
        ]
        await self.broker.publish_run("till", 0, run)

    async def put(self, sequence: int, body: bytes) -> None:
        """Writes around the relay."""
        outgoing = Outgoing(subjects.event("till", "till", "t-1", "Deposited"), body)
        await self.broker.publish_run("till", sequence - 1, [outgoing])

    async def _ask(self, verb: str, question: dict[str, int]) -> None:
        reply = await self.broker.request(f"$JS.API.{verb}", msgspec.json.encode(question))
        assert msgspec.json.decode(reply.body)["success"]
