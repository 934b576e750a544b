"""Loopback ports."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

HOST = "127.0.0.1"

_LOWEST = 10_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_OUTGOING = 32_768
"""From where the system takes the ports of outgoing connections, if it does not say."""


def free_port() -> int:
    """One that nobody listens on, and that no outgoing connection is given until somebody does."""
    while True:
        port = _LOWEST + secrets.randbelow(_outgoing() - _LOWEST)
        if not port_taken(port):
            return port


def port_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
        return False


def _outgoing() -> int:
    try:
        lowest = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _OUTGOING
    return lowest if lowest > 2 * _LOWEST else _OUTGOING
