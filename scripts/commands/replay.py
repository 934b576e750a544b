"""`trueup replay`: history once more, in order."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from scripts.commands.exits import USAGE, Exit
from scripts.replay import words

Flag = Annotated[bool, Parameter(negative=())]


async def replay(
    domain: str | None = None,
    /,
    *,
    start: Annotated[int | None, Parameter(name="--from")] = None,
    to: str | None = None,
    into: str | None = None,
    speed: str | None = None,
    max: Flag = False,
    view: str | None = None,
    query: str | None = None,
    key: str | None = None,
    params: Annotated[str, Parameter(name=["--params", "-p"])] = "",
    keep: Flag = False,
    scratch: str | None = None,
    drop: str | None = None,
    json: Flag = False,
) -> int:
    """Send a domain's history to a subject once more, or fold it into a fresh view.

    Into a subject go the very bytes, in order; the headers Trueup-Domain, Trueup-Position and
    Trueup-Type say what each is. Without --into events are printed as by trueup log.

    With --view a fresh view is made on a scratch database from the first event up to --to, asked
    with --query, and dropped, unless --keep keeps it. What serves is left alone.

    For example:

    ```sh
    trueup replay ordering --from 4711 --to 4720
    trueup replay ordering --into replay.ordering
    trueup replay ordering --speed 10x --into replay.ordering
    trueup replay --view orders --to ordering=2 --query get --key o-1001
    trueup replay --view orders --keep
    trueup replay --view orders --scratch trueup_scratch_orders_3fa9c1 --query counts
    trueup replay --drop trueup_scratch_orders_3fa9c1
    ```

    Exit codes: 0 done, 1 refused, or the view has parked events, 2 usage, 3 unavailable, 130
    Ctrl-C.

    Parameters
    ----------
    domain
        Whose history.
    start
        The first position; 1 unless given.
    to
        The last position, as 4711, or a view's, as ordering=4711,payments=12; what is there
        now unless given.
    into
        A subject of your own.
    speed
        As many times as fast as it happened: 1x is as it was.
    max
        As fast as it is taken: so it is unless there is a --speed.
    view
        Which view to make afresh.
    query
        What to ask it, as get.
    key
        Of what is asked for, where the query wants one.
    params
        The query's parameters as JSON.
    keep
        Keep the scratch database; its name is printed.
    scratch
        Ask what was kept before.
    drop
        Drop a scratch database that was kept.
    json
        Print events as JSON, one line each.
    """
    from scripts.replay import fresh, once_more

    if sum(1 for one in (domain, view, drop) if one is not None) != 1:
        raise Exit(USAGE, "name a domain, a --view or what to --drop; see trueup replay --help.")
    if speed is not None and max:
        raise Exit(USAGE, "--speed and --max exclude each other.")
    if domain is not None:
        _only("a --view", query=query, key=key, params=params or None)
        _only("a --view", keep=keep or None, scratch=scratch)
        pace = None if speed is None else words.speed(speed)
        asked = once_more.Asked(domain, start or 1, words.number(to), into, pace, json)
        return await once_more.run(asked)
    _only("a domain", into=into, speed=speed, **{"from": start})
    if drop is not None:
        return await fresh.drop(drop)
    question = fresh.Question(query, key, params.encode())
    return await fresh.run(view or "", to, question, keep=keep, kept=scratch)


def _only(what: str, **given: object) -> None:
    """Raises Exit where an option is given that has no meaning here."""
    for name, value in given.items():
        if value is not None:
            raise Exit(USAGE, f"--{name} goes with {what}.")
