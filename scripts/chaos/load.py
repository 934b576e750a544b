"""The load: the real orders, played by `trueup import olist` until they all have ended."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from scripts.chaos.mesh import Broken, Mesh
from scripts.chaos.until import until

AT_ONCE = 64
"""Orders on their way: few, so that there are some for as long as things are struck."""
TRIES = 5
"""Imports that may end with an error before that counts as one."""


class Load:
    """`runs` counts the imports that were started, `killed` those of them that were killed."""

    def __init__(self, mesh: Mesh, files: Path) -> None:
        self._mesh = mesh
        self.files = files
        self._log = mesh.home.path / "import.log"
        self._process: asyncio.subprocess.Process | None = None
        self._playing: asyncio.Task[None] | None = None
        self._begin = 0
        self.runs = 0
        self.killed = 0

    @property
    def playing(self) -> bool:
        return self._playing is not None and not self._playing.done()

    def start(self) -> None:
        self._playing = asyncio.create_task(self._play())

    async def finish(self) -> None:
        """Returns when all orders have ended. Raises Broken."""
        if self._playing is not None:
            await self._playing

    async def under_way(self) -> None:
        """Returns when the importer that runs now has orders on their way, or all have ended."""

        async def there() -> bool:
            return not self.playing or b"\norders: " in self._log.read_bytes()[self._begin :]

        await until(there)

    async def kill(self) -> None:
        """SIGKILL to the importer; another one is started."""
        process = self._process
        if process is not None and process.returncode is None:
            self.killed += 1
            process.kill()
            await process.wait()

    async def stop(self) -> None:
        """Ends it for good, wherever it is."""
        if self._playing is not None:
            self._playing.cancel()
            with suppress(asyncio.CancelledError, Broken):
                await self._playing
        await self.kill()

    async def _play(self) -> None:
        code: int | None = None
        while code != 0:
            if self.runs - self.killed >= TRIES:
                raise Broken(f"the import ends with {code} each time: {self._last_words()}")
            self.runs += 1
            code = await self._import()

    async def _import(self) -> int:
        with self._log.open("ab") as log:
            self._begin = log.tell()
            words = ("import", "olist", str(self.files), "--live", "--at-once", str(AT_ONCE))
            self._process = await self._mesh.begin(*words, output=log.fileno())
        return await self._process.wait()

    def _last_words(self) -> str:
        return " / ".join(self._log.read_text(errors="replace").splitlines()[-3:])
