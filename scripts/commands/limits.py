"""`trueup divergences limits`: how much is made right without a person."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from bus import subjects
from bus.broker.port import Broker
from bus.clock import SystemClock
from domains.reconciliation.limits import LIMITS, Limits
from domains.reconciliation.messages import CONTRACT
from scripts.commands.deciding import sent
from scripts.commands.exits import OK
from scripts.commands.log import pages
from scripts.commands.mesh import connected
from scripts.commands.output import show

Flag = Annotated[bool, Parameter(negative=())]
Refund = Annotated[int, Parameter(validator=Number(gte=0, lte=2**53))]
Hourly = Annotated[int, Parameter(validator=Number(gte=0, lte=1_000_000))]


async def limits(
    *,
    largest_refund: Refund | None = None,
    most_an_hour: Hourly | None = None,
    json: Flag = False,
) -> int:
    """Show how much is made right without a person, and how much of that the last hour has used;
    or change it.

    For example:

    ```sh
    trueup divergences limits
    trueup divergences limits --most-an-hour 10000
    ```

    Exit codes: 0 done, 1 refused, 2 usage, 3 unavailable.

    Parameters
    ----------
    largest_refund
        What is given back at most, in minor units of whatever currency.
    most_an_hour
        Compensations of all domains within an hour.
    json
        JSON.
    """
    async with connected() as broker:
        known = await _known(broker)
        changed = {
            "largest_refund": known.largest_refund if largest_refund is None else largest_refund,
            "most_an_hour": known.most_an_hour if most_an_hour is None else most_an_hour,
        }
        if largest_refund is not None or most_an_hour is not None:
            await sent(broker, "SetLimits", "all", changed)
            known = await _known(broker)
    row = {
        "largest_refund": known.largest_refund,
        "most_an_hour": known.most_an_hour,
        "used": known.used(SystemClock().now()),
    }
    show([row], [*row], json=json)
    return OK


async def _known(broker: Broker) -> Limits:
    """As the domain itself comes to them: by all that was set and counted."""
    found: Limits = LIMITS.initial
    async for page in pages(broker, subjects.log_history(CONTRACT.domain, "all"), 0):
        for logged in page.events:
            event = CONTRACT.decode(logged.position, bytes(logged.event))
            found = LIMITS.evolve(found, event.data)
    return found
