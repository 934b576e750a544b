"""Whether a service of the mesh answers: `python -m scripts.healthy ordering`, for containers.

Exit codes: 0 it answers, 1 it does not.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

from bus.settings import Settings
from scripts.supervisor import health
from scripts.supervisor.trouble import Trouble


async def answers(service: str) -> bool:
    try:
        client = await health.connected(Settings.from_environment().nats_url)
    except Trouble:
        return False
    try:
        return bool((await health.answering(client, Counter([service])))[service])
    finally:
        await client.close()


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(answers(sys.argv[1])) else 1)
