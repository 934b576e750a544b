"""`trueup describe`: what the mesh takes and tells, from its contracts."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from bus.asyncapi import document
from bus.describe import describe as described
from bus.view import View
from scripts.commands.exits import OK, USAGE, Exit
from scripts.commands.mesh import contract, contracts, settings, views
from scripts.commands.output import print_json, show
from scripts.commands.version import version

Flag = Annotated[bool, Parameter(negative=())]
COLUMNS = ["domain", "kind", "name", "subject", "summary"]


def describe(
    domain: str | None = None,
    message: str | None = None,
    /,
    *,
    json: Flag = False,
    asyncapi: Flag = False,
) -> int:
    """Print commands and events with their JSON Schema; needs no running mesh.

    For example:

    ```sh
    trueup describe
    trueup describe ordering
    trueup describe ordering PlaceOrder
    trueup describe --json > contracts.json
    trueup describe --asyncapi > asyncapi.json
    ```

    Exit codes: 0 printed, 2 usage: there is no such domain or message.

    Parameters
    ----------
    domain
        One domain; all of them unless named.
    message
        One command or event, with its JSON Schema.
    json
        Everything, with the JSON Schemas.
    asyncapi
        The whole mesh as AsyncAPI 3.
    """
    chosen = [contract(domain)] if domain else list(contracts().values())
    if asyncapi:
        of_views: list[View] = [] if domain else [*views().values()]
        print_json(document(chosen, of_views, server=settings().nats_url, version=version()))
        return OK
    found = [described(one) for one in chosen]
    if message is not None:
        print_json(_one(found, message))
    elif json:
        print_json(found)
    else:
        show(_rows(found), COLUMNS, json=False)
    return OK


def _one(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for domain in found:
        for message in (*domain["commands"], *domain["events"]):
            if message["name"] == name:
                return dict(message)
    raise Exit(USAGE, f"{found[0]['domain']} has no command or event {name!r}.")


def _rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"domain": domain["domain"], "kind": kind, **message}
        for domain in found
        for kind, messages in (("command", domain["commands"]), ("event", domain["events"]))
        for message in messages
    ]
