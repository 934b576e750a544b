"""What is found out for one page, service by service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from bus.status import Status


class Endpoint(Struct, frozen=True):
    """`num_errors` are requests that were answered with an error; `processing_time` is
    nanoseconds, of all together."""

    name: str
    num_requests: int
    num_errors: int
    processing_time: int


class Instance(Struct, frozen=True):
    """A process's answer on $SRV.STATS (ADR-32)."""

    name: str
    id: str
    metadata: dict[str, str] | None = None
    endpoints: list[Endpoint] | None = None

    @property
    def process(self) -> str:
        about = self.metadata or {}
        return f"{about['host']}:{about['pid']}" if {"host", "pid"} <= about.keys() else self.id


class Service(NamedTuple):
    """`head` is the last position of a domain's store; None where it can't be told now."""

    name: str
    instances: Sequence[Instance] = ()
    told: Sequence[Status] = ()
    head: int | None = None

    @property
    def kind(self) -> str:
        return "view" if self.name.startswith("view-") else "domain"

    @property
    def processes(self) -> set[str]:
        """Whoever answers. A view that begins to serve answers twice for a moment."""
        return {one.process for one in self.instances} | {process(one) for one in self.told}


def process(status: Status) -> str:
    return f"{status.host}:{status.pid}"
