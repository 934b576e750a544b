"""Sessions that write, read what they have written, and read again, while processes are killed.

    python -m scripts.chaos.sessions [--sessions N] [--at-once N] [--seed S]

Each session has keys of its own, so that it knows what it must see: a question that carries what
the session has heard so far (`after`) has to show the session's last write, and may never be
older than an answer before. Several processes of each view answer, of which one after the other
is killed, as are those of the domains. Being told to ask again is no violation; a wrong answer
is. Exit codes: 0 none, 1 some, 2 usage.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.console import Console

from bus import subjects
from bus.broker.nats import NatsBroker
from bus.clock import uuid7
from bus.replies import AT_LEAST
from bus.tasks import end
from scripts.chaos.at_once import at_once
from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.patient import Patient
from scripts.commands.output import say
from scripts.commands.progress import Progress

SCALE = {"inventory": 2, "catalog": 2, "view-stock": 3, "view-products": 3}
ROUNDS = 2
"""Writes of a session; after each it reads twice."""
LIFE = (0.3, 1.5)
"""Seconds between two kills."""

Count = Annotated[int, Parameter(validator=Number(gte=1))]

app = App(name="sessions", help="Sessions that read their own writes while processes are killed.")


def _receive(_: int) -> tuple[str, Mapping[str, Any]]:
    return "ReceiveStock", {"quantity": 1}


def _price(number: int) -> tuple[str, Mapping[str, Any]]:
    price = {"amount": number, "currency": "BRL"}
    if number > 1:
        return "ChangePrice", {"price": price}
    more = {"name": "a thing", "category": "things", "seller_id": "seller-1"}
    return "ListProduct", {"price": price, **more}


class Kind(NamedTuple):
    """What a session writes and where it reads it. `command` gives name and body of its write
    with a number, from 1 on; after that `field` of the view's row is the number."""

    domain: str
    command: Callable[[int], tuple[str, Mapping[str, Any]]]
    view: str
    field: str


KINDS = (
    Kind("inventory", _receive, "stock", "on_hand"),
    Kind("catalog", _price, "products", "price"),
)


@dataclass
class Tally:
    sessions: int = 0
    reads: int = 0
    again: int = 0
    kills: int = 0
    violations: list[str] = field(default_factory=list)


class Sessions:
    """Plays them, and counts."""

    def __init__(self, mesh: Mesh, patient: Patient, chance: random.Random) -> None:
        self.tally = Tally()
        self._mesh = mesh
        self._patient = patient
        self._chance = chance
        self._run = secrets.token_hex(4)

    async def play(self, count: int, clients: int, progress: Progress) -> None:
        """Raises Broken where somebody is not answered any more."""
        numbers = iter(range(count))

        async def client() -> None:
            for number in numbers:
                await self._session(KINDS[number % len(KINDS)], f"s-{self._run}-{number}")
                self.tally.sessions += 1
                progress.at(self.tally.sessions, count)

        killing = asyncio.create_task(self._kill())
        try:
            await at_once(clients, client)
        finally:
            await end([killing])

    async def _session(self, kind: Kind, id: str) -> None:
        heard: dict[str, int] = {}
        for number in range(1, ROUNDS + 1):
            heard.update(await self._write(kind, id, number))
            for _ in range(2):
                answer = await self._read(kind, id, heard)
                self._judge(kind, id, number, heard, answer)
                heard.update(answer["positions"])

    def _judge(
        self, kind: Kind, id: str, number: int, heard: Mapping[str, int], answer: Any
    ) -> None:
        self.tally.reads += 1
        if answer.get(kind.field) != number:
            shown = answer.get(kind.field, answer["status"])
            self._violated(f"{id} wrote {number} and read {shown} in {kind.view}")
        for domain, position in answer["positions"].items():
            if position < heard.get(domain, 0):
                self._violated(f"{id} was at {domain}={heard[domain]} and then at {position}")

    def _violated(self, what: str) -> None:
        self.tally.violations.append(what)
        say(what)

    async def _write(self, kind: Kind, id: str, number: int) -> Mapping[str, int]:
        """The positions that the reply's header names."""
        name, body = kind.command(number)
        subject = subjects.command(kind.domain, name, id)
        headers = {"Nats-Msg-Id": uuid7()}
        reply = await self._patient.ask(subject, msgspec.json.encode(body), headers)
        if AT_LEAST not in reply.headers:
            raise Broken(f"{subject} was answered {reply.body.decode()}")
        domain, _, position = reply.headers[AT_LEAST].partition("=")
        return {domain: int(position)}

    async def _read(self, kind: Kind, id: str, heard: Mapping[str, int]) -> Any:
        body = msgspec.json.encode({"after": heard})
        reply = await self._patient.ask(subjects.query(kind.view, "get", id), body, {})
        return {"positions": {}, **msgspec.json.decode(reply.body)}

    async def _kill(self) -> None:
        names = [*SCALE, *(f"{name}-{n}" for name in SCALE for n in range(2, SCALE[name] + 1))]
        while True:
            await asyncio.sleep(self._chance.uniform(*LIFE))
            await self._mesh.kill(self._chance.choice(names))
            self.tally.kills += 1


@app.default
def main(*, sessions: Count = 100_000, at_once: Count = 64, seed: str = "") -> None:
    """Play sessions, and count what was violated.

    Parameters
    ----------
    sessions
        How many, each with two writes and four reads.
    at_once
        How many at the same time.
    seed
        Chance, the same again.
    """
    seed = seed or secrets.token_hex(4)
    say(f"seed {seed}")
    try:
        tally = asyncio.run(_played(sessions, at_once, seed))
    except Broken as broken:
        sys.exit(str(broken))
    print(
        f"{tally.sessions:,} sessions, {tally.reads:,} reads of what they had written, "
        f"{tally.kills} processes killed, asked again {tally.again:,} times: "
        f"{len(tally.violations)} violations"
    )
    sys.exit(bool(tally.violations))


async def _played(count: int, at_once: int, seed: str) -> Tally:
    folder = Path(tempfile.mkdtemp(prefix="trueup-sessions-"))
    mesh = Mesh(folder, {})
    try:
        await mesh.up(SCALE)
        broker = NatsBroker(mesh.urls["NATS_URL"], name="sessions")
        await broker.open()
        try:
            patient = Patient(broker)
            sessions = Sessions(mesh, patient, random.Random(seed))
            with Progress("sessions", "sessions", Console(stderr=True)) as progress:
                await sessions.play(count, at_once, progress)
            sessions.tally.again = patient.again
            return sessions.tally
        finally:
            await broker.close()
    finally:
        await mesh.down()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    app()
