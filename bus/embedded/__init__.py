"""Real servers without installation: NATS, Postgres and Valkey from PyPI wheels.

Each lives in a folder of its own on a loopback port, needs no root and works as root, dies
with the process that started it, and can be killed and started again on the same folder.
"""

from bus.embedded.nats import NatsServer
from bus.embedded.postgres import PostgresServer
from bus.embedded.server import EmbeddedError
from bus.embedded.valkey import ValkeyServer

__all__ = ["EmbeddedError", "NatsServer", "PostgresServer", "ValkeyServer"]
