"""`trueup story`: all that happened to one order, and who caused what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from cyclopts import Parameter
from msgspec import Raw

from bus import subjects
from bus.broker.port import BrokerUnavailable
from bus.contract import Contract
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.mesh import connected, contracts
from scripts.commands.output import say, show
from scripts.story.causes import cause_of
from scripts.story.gathering import Gathered, Gathering
from scripts.story.telling import Told, tell

Flag = Annotated[bool, Parameter(negative=())]
COLUMNS = ("time", "event", "of", "place", "caused by")


async def story(order: str, /, *, json: Flag = False) -> int:
    """Print all that happened to an order over all services, what was caused below its cause.

    Stock that was reserved for it, its payments and its parcels belong to it. Who caused an
    event is told as the command's id, the event that was reacted to, the deadline that ran out,
    or the provider's answer.

    For example:

    ```sh
    trueup story o-1001
    trueup story o-1001 --json | jq -r .event.type
    ```

    Exit codes: 0 printed, 1 nothing is known of that order, 2 usage, 3 unavailable: also where
    a service does not answer and its part may be incomplete.

    Parameters
    ----------
    order
        The order's id.
    json
        JSON, one event a line: domain, position, depth, what caused it, and the envelope.
    """
    if not subjects.is_id(order):
        raise Exit(USAGE, f"an id is 1 to 64 letters, digits, hyphens or underscores: {order!r}.")
    known = contracts()
    async with connected() as broker:
        try:
            found = await Gathering(broker, known).of(order)
        except BrokerUnavailable as error:
            raise Exit(UNAVAILABLE, f"{error}: see trueup status.") from None
    _warn(found)
    if not found.chapters:
        if found.silent:
            raise Exit(UNAVAILABLE, f"nothing of {order} is known to those who answer.")
        raise Exit(REFUSED, f"nothing is known of the order {order}.")
    told = tell(found.chapters)
    _print_json(told, known) if json else _print(told, known)
    return UNAVAILABLE if found.silent else OK


def _warn(found: Gathered) -> None:
    for domain, reason in sorted(found.silent.items()):
        seen = "only what the view orders knows of it is told" if found.viewed else "its part is"
        lacking = "" if found.viewed else " lacking, as the view orders doesn't answer either"
        say(f"trueup: {domain} does not answer ({reason}): {seen}{lacking}; see trueup status.")


def _print(told: Sequence[Told], known: dict[str, Contract]) -> None:
    rows = [
        {
            "time": one.chapter.envelope.time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            "event": "  " * one.depth + one.chapter.envelope.type,
            "of": one.chapter.envelope.subject,
            "place": str(one.chapter.place),
            "caused by": str(cause_of(one, known)),
        }
        for one in told
    ]
    show(rows, COLUMNS, json=False)


def _print_json(told: Sequence[Told], known: dict[str, Contract]) -> None:
    for one in told:
        line = {
            "domain": one.chapter.place.domain,
            "position": one.chapter.place.position,
            "depth": one.depth,
            "caused_by": cause_of(one, known)._asdict(),
            "event": Raw(one.chapter.body),
        }
        print(msgspec.json.encode(line).decode())
