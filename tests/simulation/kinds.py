"""The kinds of mortal processes: a domain's and a view's."""

from __future__ import annotations

from bus.process import DomainProcess
from bus.testing.ground import MemoryGround
from bus.view import View
from bus.views.worker import ViewWorker
from domains.payments.answers import AskProvider
from scripts.chaos import watched
from scripts.chaos.failpoints import FailPoints
from tests.mesh.shop import Shop
from tests.simulation.day import VIEWS
from tests.simulation.mortal import Chosen, Mortal


def mortal_of(it: Shop, ground: MemoryGround, process: str, chosen: Chosen, lives: int) -> Mortal:
    """`process` is the name of a domain, or that of a view behind `view-`."""
    for view in VIEWS:
        if process == f"view-{view.name}":
            return MortalView(it, ground, chosen, lives, view)
    return MortalDomain(it, ground, chosen, lives, process)


class MortalDomain(Mortal):
    def __init__(
        self, it: Shop, ground: MemoryGround, chosen: Chosen, lives: int, domain: str
    ) -> None:
        super().__init__(it, ground, chosen, lives)
        self._domain = it.mesh.domains[domain]
        self._process: DomainProcess

    async def _displace(self) -> None:
        own = next(p for p in self.it.mesh.processes if p.domain is self._domain)
        await self.it.mesh.kill(own)

    async def _start(self, points: FailPoints) -> None:
        name = self._domain.name
        self._process = DomainProcess(
            self._domain,
            watched.store(await self.ground.store(name), points),
            watched.broker(self.ground.broker(), points),
            clock=self.ground.clock,
            outside=watched.outside(AskProvider(self.it.provider), points)
            if name == "payments"
            else None,
        )
        await self._process.start()
        self.it.mesh.processes.append(self._process)

    async def _bury(self) -> None:
        process = self._process
        if process in self.it.mesh.processes:
            self.it.mesh.processes.remove(process)
        if hasattr(process, "service"):
            await process.kill()
        else:  # it did not live to see its parts
            await process.broker.close()
        self.ground.disks[self._domain.name].leadership.end()


class MortalView(Mortal):
    def __init__(
        self, it: Shop, ground: MemoryGround, chosen: Chosen, lives: int, view: View
    ) -> None:
        super().__init__(it, ground, chosen, lives)
        self._view = view
        self._worker: ViewWorker

    async def _displace(self) -> None:
        own = next(w for w in self.it.mesh.workers if w.view is self._view)
        self.it.mesh.workers.remove(own)
        await own.kill()

    async def _start(self, points: FailPoints) -> None:
        self._worker = ViewWorker(
            self._view,
            [watched.view_store(await self.ground.view_store(self._view), points)],
            watched.broker(self.ground.broker(), points),
            self.ground.clock,
        )
        await self._worker.start()
        self.it.mesh.workers.append(self._worker)

    async def _bury(self) -> None:
        if self._worker in self.it.mesh.workers:
            self.it.mesh.workers.remove(self._worker)
        await self._worker.kill()
