"""How far a reader is, and whether what it has read is still what is there."""

from __future__ import annotations

from bus.broker.port import Broker, StreamMissing
from bus.contract import Contract
from bus.halt import Halt
from bus.owner import Delivered, Owner, identify
from bus.store.port import Checkpoint


class RestoredBackup(Halt):
    """The event at a reader's checkpoint is not the one that it has read there."""

    def __init__(self, contract: Contract, position: int, read: str, found: str | None) -> None:
        there = "there is none now" if found is None else f"is event {found} now"
        super().__init__(
            f"Position {position} of stream {contract.stream} was event {read} when it was read, "
            f"and {there}. {contract.domain}'s store was restored from a backup, or this "
            f"reader's own was. Nothing more is read. Restore the backups that belong together, "
            f"or run: trueup repair {contract.domain}"
        )
        self.position = position


class Place:
    """A position in a stream. The event's id there is only worked out when it is asked for."""

    def __init__(self, contract: Contract, checkpoint: Checkpoint) -> None:
        self._contract = contract
        self._event_id = checkpoint.event_id
        self._body: bytes | None = None
        self.position = checkpoint.position

    def move(self, event: Delivered) -> None:
        """On to `event`, which must be the next one."""
        if event.position != self.position + 1:
            raise ValueError(f"{event.position} does not follow {self.position}")
        self.position = event.position
        self._body = event.body

    async def compare(self, broker: Broker, owner: Owner) -> None:
        """Looks whether the event here is still the same, in the stream or else the log.

        Raises RestoredBackup; OwnerSilent or BrokerUnavailable where that can't be known now.
        """
        if self.position == 0:
            return
        try:
            body = await broker.stream_get(self._contract.domain, self.position)
        except StreamMissing:
            body = None
        if body is None:
            page, _ = await owner.read(self.position - 1, 1)
            body = page[0].body if page else None
        read = self._event_id if self._body is None else identify(self._body).id
        found = None if body is None else identify(body).id
        if found != read:
            raise RestoredBackup(self._contract, self.position, read, found)
