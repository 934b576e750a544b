"""Commands that are stored first and handled when their domain is up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from bus.broker.port import Request
from bus.testing.ground import Ground
from bus.testing.mesh import Mesh
from domains.inventory.domain import DOMAIN as INVENTORY


@asynccontextmanager
async def warehouse(ground: Ground) -> AsyncIterator[Mesh]:
    async with Mesh(ground, [INVENTORY]) as mesh:
        yield mesh


async def submit(mesh: Mesh, subject: str, body: bytes) -> None:
    """Returns when the broker has stored it."""
    await mesh.request(subject, body)


async def recorded(mesh: Mesh, events: int) -> None:
    async def holds() -> bool:
        return len(await mesh.events("inventory")) >= events

    await mesh.until(holds, f"{events} events")


async def test_what_was_submitted_while_the_domain_was_down_is_handled_later(
    ground: Ground,
) -> None:
    async with warehouse(ground) as mesh:
        (process,) = mesh.processes
        await mesh.kill(process)
        for number in range(20):
            await submit(mesh, f"submit.inventory.ReceiveStock.sku-{number}", b'{"quantity":1}')
        await mesh.start_process(INVENTORY)
        await recorded(mesh, 20)
        await mesh.rest()
        assert sorted(event.id for event in await mesh.events("inventory")) == sorted(
            f"sku-{number}" for number in range(20)
        )


async def test_each_submission_has_its_effect_once_whoever_dies_on_the_way(
    ground: Ground,
) -> None:
    async with warehouse(ground) as mesh:
        for number in range(60):
            if number % 20 == 10:
                await mesh.start_process(INVENTORY)
                await mesh.kill(mesh.processes[0])
            await submit(mesh, "submit.inventory.ReceiveStock.tea", b'{"quantity":1}')
        await recorded(mesh, 60)
        await mesh.rest()
        assert len(await mesh.events("inventory")) == 60


async def test_what_is_not_accepted_comes_out_at_refused(ground: Ground) -> None:
    async with warehouse(ground) as mesh:
        refusals: asyncio.Queue[Request] = asyncio.Queue()
        listening = await mesh.broker.subscribe("refused.>", refusals.put_nowait)
        cases = {
            "submit.inventory.WriteOffStock.tea": (b'{"quantity":3}', "OutOfStock"),
            "submit.inventory.ReceiveStock.tea": (b'{"quantity":0}', "InvalidBody"),
            "submit.inventory.Nonsense.tea": (b"{}", "UnknownCommand"),
        }
        for subject, (body, code) in cases.items():
            await submit(mesh, subject, body)
            await mesh.until(lambda: _holds(not refusals.empty()), "a refusal")
            refusal = refusals.get_nowait()
            assert refusal.subject == subject.replace("submit.", "refused.")
            assert msgspec.json.decode(refusal.body)["code"] == code
        await listening.stop()


async def _holds(truth: bool) -> bool:
    return truth
