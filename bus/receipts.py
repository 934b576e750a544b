"""The same command again: answered from its receipt, and decided never twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from bus import answers
from bus.store.port import Store
from bus.work import Accepted, Identity, IdReused, TurnedDown, Work, tell

RECENT = 10_000
"""Receipts kept in memory, so that a quick repeat costs no failed append."""


class Receipts:
    """The store's receipts, with the recent ones at hand."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent: OrderedDict[str, tuple[bytes, Accepted | TurnedDown]] = OrderedDict()

    def keep(self, identity: Identity, outcome: Accepted | TurnedDown) -> None:
        self._remember(identity.command_id, identity.digest, outcome)

    def answer(self, work: Work) -> bool:
        """Tells `work` what its recent receipt says. False where there is none at hand."""
        known = self._recent.get(work.identity.command_id) if work.identity else None
        if known is None or work.identity is None:
            return False
        digest, outcome = known
        tell(
            work, replace(outcome, replayed=True) if digest == work.identity.digest else IdReused()
        )
        return True

    async def answer_stored(self, works: Iterable[Work], ids: Sequence[str]) -> None:
        """Answers those of `works` whose id is in `ids` and has a receipt in the store."""
        stored = await self._store.receipts(ids) if ids else {}
        for work in works:
            if work.identity is None or work.identity.command_id not in stored:
                continue
            receipt = stored[work.identity.command_id]
            outcome = answers.decode(receipt.answer, receipt.position)
            self._remember(work.identity.command_id, receipt.digest, outcome)
            self.answer(work)

    def _remember(self, command_id: str, digest: bytes, outcome: Accepted | TurnedDown) -> None:
        self._recent[command_id] = (digest, outcome)
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)
