"""Real servers without installation: NATS, Postgres and Valkey from PyPI wheels.

Each lives in a folder of its own on a loopback port, needs no root and works as root, dies
with the process that started it, and can be killed and started again on the same folder.
"""

from bus.embedded.cluster import NatsCluster
from bus.embedded.nats import NatsServer
from bus.embedded.owner import found, identity
from bus.embedded.postgres import PostgresServer, create_database
from bus.embedded.server import Server
from bus.embedded.tie import tied
from bus.embedded.trouble import EmbeddedError, PortTaken
from bus.embedded.valkey import ValkeyServer

__all__ = [
    "EmbeddedError",
    "NatsCluster",
    "NatsServer",
    "PortTaken",
    "PostgresServer",
    "Server",
    "ValkeyServer",
    "create_database",
    "found",
    "identity",
    "tied",
]
