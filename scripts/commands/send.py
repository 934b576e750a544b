"""`trueup send`: a command by hand."""

from __future__ import annotations

import difflib
import json as pythons_json
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from bus import subjects
from bus.broker.port import Reply
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.mesh import ask, connected, contract
from scripts.commands.output import terminal

Flag = Annotated[bool, Parameter(negative=())]


async def send(
    command: str,
    id: str,
    body: Annotated[str, Parameter(allow_leading_hyphen=True)] = "{}",
    /,
    *,
    command_id: Annotated[str | None, Parameter(name="--id")] = None,
    expected_version: int | None = None,
    later: Flag = False,
    timeout: float = 5.0,
    json: Flag = False,
) -> int:
    """Send a command and print its answer.

    For example:

    ```sh
    trueup send inventory.ReceiveStock tea-1 '{"quantity":10}'
    trueup send ordering.CancelOrder o-1001
    trueup send ordering.PlaceOrder o-1002 @order.json --id 7f3a --json
    cat order.json | trueup send ordering.PlaceOrder o-1003 - --later
    ```

    Exit codes: 0 accepted (or, with --later, stored), 1 refused, invalid or in conflict,
    2 usage, 3 unavailable.

    Parameters
    ----------
    command
        Which one, as in ordering.PlaceOrder; `trueup describe` lists them.
    id
        Of what it is for: the order's, the product's.
    body
        Its JSON; @FILE reads a file, - the standard input.
    command_id
        The command's own id: sent again with it, it gets the stored answer.
    expected_version
        Refuse it unless the aggregate has this version.
    later
        Store it first; it is handled when its domain is up. Refusals go to `refused.…`.
    timeout
        Seconds to wait for the answer.
    json
        Print the answer as it came, also on a terminal.
    """
    domain, name = _named(command)
    if not subjects.is_id(id):
        raise Exit(USAGE, f"an id is 1 to 64 letters, digits, hyphens or underscores, not {id!r}.")
    headers = {"Nats-Msg-Id": command_id} if command_id else {}
    if expected_version is not None:
        headers["Expected-Version"] = str(expected_version)
    subject = (subjects.submission if later else subjects.command)(domain, name, id)
    content = _content(body)
    async with connected() as broker:
        reply = await ask(broker, subject, content, headers, timeout)
    answer = msgspec.json.decode(reply.body)
    if json or not terminal():
        print(reply.body.decode())
    else:
        print(_sentence(answer))
    return _stored(answer) if later else _code(reply)


def _named(command: str) -> tuple[str, str]:
    """Checked here, because nobody answers for a name that does not exist."""
    domain, dot, name = command.partition(".")
    if not dot:
        raise Exit(USAGE, f"a command is named like ordering.PlaceOrder, not {command!r}.")
    known = contract(domain).public
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(known)}."
        raise Exit(USAGE, f"{domain} takes no command {name!r} from outside: {hint}")
    return domain, name


def _content(body: str) -> bytes:
    if body == "-":
        return sys.stdin.buffer.read()
    if not body.startswith("@"):
        return body.encode(errors="surrogateescape")
    try:
        return Path(body[1:]).read_bytes()
    except OSError as error:
        raise Exit(USAGE, f"{body[1:]}: {error.strerror}.") from None


def _code(reply: Reply) -> int:
    match reply.headers.get("Nats-Service-Error-Code"):
        case None:
            return OK
        case "503":
            return UNAVAILABLE
        case _:
            return REFUSED


def _stored(answer: dict[str, Any]) -> int:
    return UNAVAILABLE if "error" in answer else OK


def _sentence(answer: dict[str, Any]) -> str:
    """For a person."""
    if "seq" in answer:
        return f"stored as number {answer['seq']} of {answer['stream']}: handled later"
    if answer.get("status") != "accepted":
        details = pythons_json.dumps(answer["details"]) if answer.get("details") else ""
        code = answer.get("code", answer.get("error"))
        return f"{answer.get('status', 'failed')}: {code}: {answer.get('message', '')} {details}"
    events = ", ".join(event["type"] for event in answer["events"]) or "nothing new"
    again = " (answered before)" if answer["replayed"] else ""
    where = f"version {answer['version']}, position {answer['position']}"
    return f"accepted{again}: {events} at {where}"
