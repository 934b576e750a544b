"""A socket for a server of ours, so that a taken port is told before anything else is done."""

from __future__ import annotations

import errno
import socket

from scripts.supervisor.trouble import Trouble


def listen(host: str, port: int, otherwise: str) -> socket.socket:
    """`otherwise` says how to choose another port. Raises Trouble."""
    listening = socket.socket(socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise Trouble(f"port {port} is taken by another program: {otherwise}") from None
        raise Trouble(f"can't listen on {host}:{port}: {error.strerror}: {otherwise}") from None
    return listening
