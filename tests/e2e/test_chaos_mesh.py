"""Whoever begins a mesh for a campaign or a bench leaves nothing running, also on SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from bus.variables import CHECKOUT
from scripts.supervisor.home import Home

CAMPAIGN = """
import asyncio, sys
from pathlib import Path
from scripts.chaos.mesh import Mesh

async def main():
    mesh = Mesh(Path(sys.argv[1]), {})
    try:
        await mesh.up({})
        print("up", flush=True)
        await asyncio.Future()
    finally:
        await mesh.down()

asyncio.run(main())
"""


def test_a_campaign_that_is_told_to_end_takes_its_mesh_down(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CAMPAIGN, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as campaign:
        assert campaign.stdout is not None
        assert campaign.stdout.readline() == b"up\n"
        run = Home(tmp_path).run()
        assert run is not None
        assert run.alive
        campaign.send_signal(signal.SIGTERM)
        try:
            assert campaign.wait(timeout=60) != 0
        finally:
            campaign.kill()
    run = Home(tmp_path).run()
    assert run is None or not run.alive
