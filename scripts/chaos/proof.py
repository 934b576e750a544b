"""That nothing was lost and nothing doubled: what must hold of a mesh after everything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from scripts.chaos import once
from scripts.chaos.mesh import Broken, Mesh, Said
from scripts.chaos.scene import Scene
from scripts.chaos.until import until

MONEY = {
    "authorised": "authorized",
    "captured": "captured",
    "settled": "settled",
    "voided": "voided",
    "refunded": "refunded",
}
"""What the provider's books call it, and the shop's."""
KEPT = {"authorized": 0, "captured": 1, "settled": 1, "voided": 0, "refunded": -1}
LISTING = '{"name":"Probe","price":{"amount":1,"currency":"EUR"}}'
PATIENCE = 60.0
"""Seconds that a submission may take."""
WAIT = "--wait=180"


async def everything(scene: Scene) -> Sequence[str]:
    """When all orders have ended: a line about each thing that holds. Raises Broken with the
    first that does not."""
    await scene.load.finish()
    parts: Sequence[Callable[[Mesh, Path], Awaitable[str]]] = (
        _books,
        _streams,
        _audit,
        _no_false_alarm,
        _once,
        _money,
        _submission,
        _nothing_waits,
    )
    return [await part(scene.mesh, scene.load.files) for part in parts]


async def _books(mesh: Mesh, files: Path) -> str:
    said = await mesh.trueup("check", "olist", str(files), WAIT, "--json")
    found = _json(said)
    different = {
        book["title"]: book["differing"][:3] for book in found["books"] if book["differing"]
    }
    if different or not found["at_rest"]:
        raise Broken(f"the books differ (at rest: {found['at_rest']}): {different}")
    return f"{sum(book['rows'] for book in found['books']):,} numbers compared, none differs"


async def _streams(mesh: Mesh, _: Path) -> str:
    found = _json(await mesh.trueup("check", "streams", "--json"))
    if wrong := [one for one in found if not one["equal"]]:
        raise Broken(f"streams are not their stores: {wrong}")
    return f"{sum(one['head'] for one in found):,} events equal in store and stream"


async def _audit(mesh: Mesh, _: Path) -> str:
    """By none of the code that has kept the books."""
    found = _json(await mesh.trueup("audit", "--full", "--json"))
    if not found["balanced"] or found["moving"]:
        raise Broken(f"the audit has {found['moving']} orders moving and {found['findings'][:5]}")
    return f"{found['orders']:,} orders audited, stock and money balance"


async def _no_false_alarm(mesh: Mesh, _: Path) -> str:
    """Late is not lost: who looks for what disagrees has found nothing on the whole way."""
    found = _json(await mesh.trueup("divergences", "--all", "--json"))
    if found:
        raise Broken(f"{len(found)} divergences were told of: {found[:3]}")
    return "no divergence, no false alarm"


async def _once(mesh: Mesh, files: Path) -> str:
    accepted, wrong = await once.compare(files, mesh.urls)
    if wrong:
        raise Broken(f"not once each: {wrong[:5]}")
    return f"{accepted:,} accepted commands, each done once"


async def _money(mesh: Mesh, _: Path) -> str:
    """The provider's own books against the shop's."""
    shop, provider = await _moved(mesh)
    if shop != provider:
        raise Broken(f"the provider has {provider}, the shop {shop}")
    return f"{len(provider)} sums of money, the provider's and the shop's the same"


async def kept(mesh: Mesh) -> str:
    """What the provider has kept is what the shop says, whatever it has called it."""
    shop, provider = (
        sum(KEPT[name.partition(" ")[2]] * amount for name, amount in moved.items())
        for moved in await _moved(mesh)
    )
    if shop != provider:
        raise Broken(f"the provider has kept {provider}, and the shop says {shop}")
    return f"{provider:,} cents kept, the provider's and the shop's the same"


async def _moved(mesh: Mesh) -> tuple[dict[str, int], dict[str, int]]:
    """The sums of the shop, and the provider's, by type and what was done."""
    said = await mesh.trueup("query", "payments.totals", "--json")
    shop: dict[str, int] = {}
    for row in _json(said)["rows"]:
        for name in MONEY.values():
            shop[f"{row['type']} {name}"] = shop.get(f"{row['type']} {name}", 0) + row[name]
    provider = await _provider(mesh.urls["TRUEUP_PROVIDER_URL"])
    return {k: v for k, v in shop.items() if v}, provider


async def _provider(url: str) -> dict[str, int]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/report?limit=1") as reply:
        totals = (await reply.json())["totals"]
    moved = {
        f"{t} {MONEY[k]}": v for t, sums in totals.items() for k, v in sums.items() if k in MONEY
    }
    return {name: amount for name, amount in moved.items() if amount}


async def _submission(mesh: Mesh, _: Path) -> str:
    """A stored command still finds its way."""
    said = await mesh.trueup("send", "catalog.ListProduct", "probe", LISTING, "--later")
    if said.code:
        raise Broken(f"nothing can be submitted: {said.err or said.out}")

    async def listed() -> bool:
        return (await mesh.trueup("query", "products.get", "probe")).code == 0

    try:
        async with asyncio.timeout(PATIENCE):
            await until(listed)
    except TimeoutError:
        raise Broken(f"what was submitted is not done after {PATIENCE:.0f} s") from None
    return "a submitted command is done"


async def _nothing_waits(mesh: Mesh, _: Path) -> str:
    for words in (("parked",), ("status",)):
        said = await mesh.trueup(*words)
        if said.code:
            raise Broken(f"trueup {words[0]}: {said.out or said.err}")
    return "nothing is parked, everybody is well"


def _json(said: Said) -> Any:
    try:
        return json.loads(said.out)
    except ValueError:
        raise Broken(f"no answer (exit code {said.code}): {said.err or said.out}") from None
