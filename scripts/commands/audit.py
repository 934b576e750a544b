"""`trueup audit`: whether stock and money are conserved, worked out from the raw streams alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console

from bus import garbage
from bus.broker.port import BrokerUnavailable
from bus.clock import SystemClock
from bus.halt import Halt
from bus.store.port import Store, StoreUnavailable
from bus.store.postgres import PostgresStore
from scripts.audit.auditing import Auditing
from scripts.audit.finding import Finding
from scripts.audit.report import Report, report
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, Exit
from scripts.commands.mesh import connected, settings
from scripts.commands.output import print_json, say, show
from scripts.commands.progress import Progress
from scripts.supervisor import discovery

GRACE = 30.0
SHOWN = 50
"""Findings that are printed one by one."""
Flag = Annotated[bool, Parameter(negative=())]
Seconds = Annotated[float, Parameter(validator=Number(gte=0))]


async def audit(*, full: Flag = False, grace: Seconds = GRACE, json: Flag = False) -> int:
    """Prove from the raw streams that stock and money are conserved.

    Reads every event of every domain, with none of the domains' code: that each aggregate's
    versions are 1, 2, 3, …, that stream and store hold the same bytes by the same hash chain, and
    that for each order, each SKU and the whole shop what was ordered, reserved, charged, sent and
    given back adds up. Changes nothing.

    With --full it reads all that is there, the stores byte by byte as well, prints the sums and a
    verdict, and ends. Without, it goes on beside the shop, and says whenever something stops adding
    up, or does again.

    For example:

    ```sh
    trueup audit --full
    trueup audit --full --json | jq .money
    trueup audit
    ```

    Exit codes: 0 balanced, 1 not, 2 usage, 3 unavailable, 130 Ctrl-C.

    Parameters
    ----------
    full
        Once, with sums and a verdict.
    grace
        Seconds for which nobody has told of an order that does not balance, until that counts.
    json
        The outcome as JSON; without --full one line for each change of it.
    """
    garbage.settle(garbage.WHOLE_STEPS)
    try:
        async with _auditing(timedelta(seconds=grace)) as auditing:
            if full:
                return await _once(auditing, json=json)
            following = _Following(auditing, json=json)
            await auditing.follow(following.look)
            return OK
    except (StoreUnavailable, BrokerUnavailable) as error:
        raise Exit(UNAVAILABLE, f"{error}.") from None
    except Halt as error:
        raise Exit(REFUSED, f"{error}") from None


@asynccontextmanager
async def _auditing(grace: timedelta) -> AsyncIterator[Auditing]:
    known = settings()
    async with connected() as broker, AsyncExitStack() as stack:
        stores: dict[str, Store] = {}
        for domain in discovery.domains():
            store = PostgresStore(known.database_url(domain))
            await store.open()
            stack.push_async_callback(store.close)
            stores[domain] = store
        yield Auditing(broker, stores, SystemClock(), grace)


async def _once(auditing: Auditing, *, json: bool) -> int:
    with Progress("audit", "events", Console(stderr=True)) as progress:
        await auditing.catch_up(progress.at)
        await auditing.compare()
    found = report(auditing)
    if json:
        print_json(found)
    else:
        show(found.sums(), ["of", "currency", "sum", "amount"], json=False)
        _list(found)
        print(found.verdict)
    return OK if found.balanced else REFUSED


def _list(found: Report) -> None:
    rows = [msgspec.structs.asdict(finding) for finding in found.findings[:SHOWN]]
    show(rows, ["rule", "of", "said", "amount", "currency"], json=False)
    more = len(found.findings) - SHOWN
    if more > 0:
        print(f"… and {more:,} more: --json lists all")


class _Following:
    """Prints what has changed since the last look."""

    def __init__(self, auditing: Auditing, *, json: bool) -> None:
        self._auditing = auditing
        self._json = json
        self._known: Mapping[Finding, None] | None = None

    def look(self) -> None:
        now = dict.fromkeys(sorted(self._auditing.findings()))
        if now == self._known:
            return
        known, self._known = self._known or {}, now
        if self._json:
            print(msgspec.json.encode(report(self._auditing)).decode(), flush=True)
            return
        for finding in known.keys() - now.keys():
            print(f"right again: {finding.of}: {finding.rule}", flush=True)
        for finding in now.keys() - known.keys():
            print(f"found: {finding.of}: {finding.rule}: {finding.said}", flush=True)
        say(report(self._auditing).verdict)
