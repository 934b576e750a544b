"""The divergences of one rule that wait for a person, decided all together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bus import subjects
from bus.broker.port import Broker
from bus.clock import SystemClock, uuid7
from domains.reconciliation.messages import ApproveCompensation, DismissDivergence
from scripts.commands.mesh import ask_json
from scripts.sender import Answer, Sender

PAGE = 1000
Decision = type[ApproveCompensation] | type[DismissDivergence]


@dataclass(frozen=True)
class Waiting:
    """`sums` by currency, in minor units."""

    ids: Sequence[str]
    sums: Mapping[str, int]


@dataclass
class Decided:
    """`refused` says why, by the divergence's id: by then it had become another matter."""

    done: int = 0
    refused: dict[str, str] = field(default_factory=dict)


async def waiting(broker: Broker, rule: str) -> Waiting:
    """All of them, of the whole view. Raises Exit."""
    ids: list[str] = []
    sums: Counter[str] = Counter()
    page: str | None = None
    while True:
        asked = {"rule": rule, "stage": "escalated", "limit": PAGE, "page": page}
        answer = await ask_json(broker, subjects.query("divergences", "list"), **asked)
        for row in answer["rows"]:
            ids.append(row["id"])
            if row["currency"]:
                sums[row["currency"]] += row["amount"]
        if (page := answer["next"]) is None:
            return Waiting(ids, sums)


async def decide(broker: Broker, decision: Decision, ids: Sequence[str], why: str) -> Decided:
    """Each one by itself, so that it can be stopped at any point. Raises MeshSilent."""
    sender = Sender(broker, SystemClock())

    async def one(id: str) -> tuple[str, Answer]:
        return id, await sender.send("reconciliation", decision(id=id, why=why), uuid7())

    decided = Decided()
    for id, answer in await asyncio.gather(*map(one, ids)):
        if answer.status == "accepted":
            decided.done += 1
        else:
            decided.refused[id] = answer.message
    return decided
