"""`trueup status`: who runs, how far everybody is, what has stopped."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from scripts.commands import looks
from scripts.commands.exits import OK, REFUSED
from scripts.commands.mesh import connected
from scripts.commands.output import print_json, show

Flag = Annotated[bool, Parameter(negative=())]


async def status(*, json: Flag = False) -> int:
    """Show processes, streams, how far readers are, circuit breakers and what is parked.

    Of readers: `behind` is events, `oldest` the age in seconds of the first one that is not
    applied yet, `rate` events applied a second lately.

    For example:

    ```sh
    trueup status
    trueup status --json | jq '.streams[] | select(.behind > 0)'
    trueup status --json | jq '.readers[] | select(.stalled)'
    ```

    Exit codes: 0 all is well, 1 something does not answer, has stopped, is stalled or
    parked, 2 usage, 3 no NATS.

    Parameters
    ----------
    json
        One JSON object.
    """
    async with connected() as broker:
        found = await looks.look(broker)
    if json:
        print_json(found)
    else:
        for title, rows in found.items():
            if rows:
                show(rows, list(rows[0]), json=False, title=title)
    return REFUSED if looks.trouble(found) else OK
