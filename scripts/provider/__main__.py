"""Starts the provider: `python -m scripts.provider --port 8400 --database provider.sqlite`."""

from __future__ import annotations

import argparse
import logging
import socket
import sqlite3
import sys
from pathlib import Path

import uvicorn

from scripts.listening import listen
from scripts.provider.app import create
from scripts.provider.ledger import Ledger
from scripts.supervisor.trouble import Trouble


def main() -> None:
    arguments = _arguments()
    try:
        listening = listen(arguments.host, arguments.port, "choose another with --port")
        ledger = Ledger(arguments.database)
    except Trouble as error:
        sys.exit(f"provider: {error}")
    except sqlite3.Error as error:
        sys.exit(f"provider: can't keep books in {arguments.database}: {error}")
    print(f"provider on http://{arguments.host}:{listening.getsockname()[1]}", flush=True)
    _serve(ledger, listening)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.provider", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8400, help="0: any free one")
    parser.add_argument("--database", type=Path, default=Path("provider.sqlite"))
    return parser.parse_args()


def _serve(ledger: Ledger, listening: socket.socket) -> None:
    logging.getLogger("uvicorn.error").addFilter(_not_lost_on_purpose)
    config = uvicorn.Config(
        create(ledger),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        ledger.close()


def _not_lost_on_purpose(record: logging.LogRecord) -> bool:
    return "without completing response" not in record.getMessage()


if __name__ == "__main__":
    main()
