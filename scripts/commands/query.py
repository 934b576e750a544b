"""`trueup query`: ask a view."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from bus import subjects
from bus.broker.port import Reply
from bus.replies import AT_LEAST
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.mesh import ask, connected
from scripts.commands.moments import moment
from scripts.commands.output import print_json, say, show, terminal

Flag = Annotated[bool, Parameter(negative=())]


async def query(
    question: str,
    key: str | None = None,
    /,
    *,
    params: Annotated[str, Parameter(name=["--params", "-p"])] = "",
    after: str = "",
    as_of: str = "",
    json: Flag = False,
) -> int:
    """Ask a view and print what it answers.

    For example:

    ```sh
    trueup query orders.get o-1001
    trueup query orders.by_status -p '{"status":"confirmed","limit":10}'
    trueup query stock.get tea-1 --json | jq .available
    trueup query orders.get o-1001 --after ordering=4711
    trueup query orders.get o-1001 --as-of 2026-01-31T12:00:00Z
    ```

    Exit codes: 0 answered, 1 unknown key or refused, 2 usage, 3 unavailable.

    Parameters
    ----------
    question
        View and query, as in orders.get; `nats micro info view-orders` lists them.
    key
        Of what is asked for, where the query wants one.
    params
        The query's parameters as JSON.
    after
        Wait until the view has come to these positions, as ordering=4711,payments=12: a
        command's reply names its own.
    as_of
        Go back to positions, as ordering=4711,payments=12 or as an answer has printed them, or to
        a time with its offset from UTC. What an answer has printed gives that answer again; what
        names less is completed to a cut.
    json
        JSON also on a terminal.
    """
    view, dot, name = question.partition(".")
    if not (dot and view and name) or any(c in question for c in " *>"):
        raise Exit(USAGE, f"a question is named like orders.get, not {question!r}.")
    if key is not None and not subjects.is_id(key):
        raise Exit(USAGE, f"a key is 1 to 64 letters, digits, hyphens or underscores: {key!r}.")
    headers = {AT_LEAST: after} if after else {}
    body = _going_back(params, as_of) if as_of else params.encode()
    async with connected() as broker:
        reply = await ask(broker, subjects.query(view, name, key), body, headers)
    if trouble := reply.headers.get("Nats-Service-Error"):
        say(f"trueup: {trouble}")
        return UNAVAILABLE if reply.headers.get("Nats-Service-Error-Code") == "503" else REFUSED
    _print(reply, json)
    return OK


def _going_back(params: str, as_of: str) -> bytes:
    """The query's body with `as_of` in it."""
    try:
        given = msgspec.json.decode(params or "{}", type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError as error:
        raise Exit(USAGE, f"--params must be a JSON object: {error}.") from error
    return msgspec.json.encode({**given, "as_of": moment(as_of)})


def _print(reply: Reply, json: bool) -> None:
    answer: Any = msgspec.json.decode(reply.body)
    rows = answer.get("rows") if isinstance(answer, dict) else None
    if json or not terminal():
        print(reply.body.decode())
    elif rows and isinstance(rows, list):
        show(rows, list(dict.fromkeys(name for row in rows for name in row)), json=False)
    else:
        print_json(answer)
