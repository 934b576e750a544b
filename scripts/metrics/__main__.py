"""Serves the metrics page of the mesh that NATS_URL names: `python -m scripts.metrics`."""

from __future__ import annotations

import argparse
import sys

from bus.main import USAGE, run_until_stopped
from bus.settings import Settings, SettingsError
from scripts.listening import listen
from scripts.metrics.mesh import Mesh
from scripts.metrics.server import Server
from scripts.supervisor import discovery
from scripts.supervisor.trouble import Trouble

PORT = "TRUEUP_METRICS_PORT"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.metrics", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    host = parser.parse_args().host
    try:
        port = Settings.from_environment().metrics_port
        listening = listen(host, port, f"name another in {PORT}")
    except Trouble as error:
        sys.exit(f"metrics: {error}")
    except SettingsError as error:
        print(f"metrics: {error}", file=sys.stderr)
        sys.exit(USAGE)
    run_until_stopped("metrics", lambda told: Server(Mesh(told.nats_url, _expected()), listening))


def _expected() -> list[str]:
    """All that lie in this checkout."""
    return [*discovery.domains(), *(f"view-{name}" for name in discovery.views())]


if __name__ == "__main__":
    main()
