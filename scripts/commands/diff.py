"""`trueup diff`: what has changed in a view between two moments."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from msgspec import Raw, Struct
from rich.console import Console
from rich.text import Text

from bus import subjects
from bus.broker.port import Broker, Reply
from scripts.commands.differing import Field, differing, spelled
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.mesh import ask, connected, view
from scripts.commands.moments import moment
from scripts.commands.moments import spelled as spelled_moment
from scripts.commands.output import say, terminal

PAGE = 200
"""Rows that are asked for at once."""
TIMEOUT = 15.0
"""Seconds for an answer: events may have to be folded for it."""
SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}

Flag = Annotated[bool, Parameter(negative=())]


class _Page(Struct):
    """As `bus.views.changed.ChangedList`."""

    before: dict[str, int] = msgspec.field(name="from")
    after: dict[str, int] = msgspec.field(name="to")
    changed: list[Raw]
    next: str | None


class _Changed(Struct):
    key: str
    before: Any
    after: Any

    @property
    def what(self) -> str:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


async def diff(
    name: str,
    /,
    *,
    as_of: Annotated[list[str], Parameter(negative=())],
    key: str | None = None,
    json: Flag = False,
) -> int:
    """Print what has changed in a view between two moments, or from one until now.

    Keys that came, went or changed, in the order in which they first did; of those that changed
    the fields that differ, with both values. Only what was written between the two moments is
    looked at.

    For example:

    ```sh
    trueup diff orders --as-of 2026-01-31T12:00:00Z
    trueup diff orders --as-of ordering=2 --as-of ordering=4
    trueup diff stock --as-of '{"inventory":3}' --key tea-1
    trueup diff orders --as-of ordering=4711 --json | jq -r .key
    ```

    Exit codes: 0 nothing differs, 1 something does, 2 usage, 3 unavailable: also where it is no
    longer remembered how the rows were.

    Parameters
    ----------
    name
        Which view.
    as_of
        From where, and if given twice, up to where: positions, as ordering=4711,payments=12 or as
        an answer has printed them, or a time with its offset from UTC. What names less than the
        view follows is completed to a cut.
    key
        Only this one.
    json
        JSON, one changed row a line: key, before, after.
    """
    view(name)
    if len(as_of) > 2:
        raise Exit(USAGE, "--as-of is given once or twice: from where, and up to where.")
    moments = dict(zip(("from", "to"), map(moment, as_of), strict=False))
    asked = {**moments, "limit": PAGE, **({"key": key} if key is not None else {})}
    counts: Counter[str] = Counter()
    async with connected() as broker:
        async for page in _pages(broker, name, asked):
            for text in page.changed:
                changed = msgspec.json.decode(text, type=_Changed)
                counts[changed.what] += 1
                print(bytes(text).decode()) if json else _print(changed)
    told = ", ".join(f"{counts[what]:,} {what}" for what in SIGNS)
    summary = f"{told}: from {spelled_moment(page.before)} to {spelled_moment(page.after)}"
    say(summary) if json else print(summary)
    return REFUSED if counts else OK


async def _pages(broker: Broker, name: str, asked: Mapping[str, Any]) -> AsyncIterator[_Page]:
    """All of the two moments that the first one tells. Raises Exit."""
    following: Mapping[str, Any] = {}
    while True:
        body = msgspec.json.encode({**asked, **following})
        reply = await ask(broker, subjects.changed_list(name), body, timeout=TIMEOUT)
        page = _page(reply)
        yield page
        if page.next is None:
            return
        following = {"from": page.before, "to": page.after, "page": page.next}


def _page(reply: Reply) -> _Page:
    if trouble := reply.headers.get("Nats-Service-Error"):
        invalid = reply.headers.get("Nats-Service-Error-Code") == "400"
        raise Exit(USAGE if invalid else UNAVAILABLE, f"{trouble}.")
    return msgspec.json.decode(reply.body, type=_Page)


def _print(changed: _Changed) -> None:
    """For people, or one line a field with tabs."""
    both = changed.what == "changed"
    fields = [*differing(changed.before, changed.after)] if both else []
    if terminal():
        _print_coloured(changed, fields)
    else:
        for path, before, after in fields:
            print("\t".join([changed.what, changed.key, path, spelled(before), spelled(after)]))
        if not both:
            print(f"{changed.what}\t{changed.key}")


def _print_coloured(changed: _Changed, fields: list[Field]) -> None:
    sign, colour = SIGNS[changed.what]
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{sign} {changed.key}", style=f"bold {colour}"))
    width = max((len(field.path) for field in fields), default=0)
    for path, before, after in fields:
        line = Text(f"    {path:<{width}}  ")
        line.append(spelled(before), style="red").append(" → ")
        console.print(line.append(spelled(after), style="green"))
