"""The streams of the mesh: what each is made of, and how to look into it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bus import subjects
from bus.broker import jetstream
from bus.broker.connection import Connection
from bus.broker.port import StreamMissing, StreamState

_STORED_SECONDS = 1.0
_LOOK_AGAIN = 0.005
_SHORTEST_WINDOW = 100_000_000
"""Nanoseconds, the server's minimum: nothing here relies on the server's deduplication."""


@dataclass(frozen=True)
class StreamSettings:
    """`max_msgs` trims the oldest history (-1: keeps all). With `by_entity` a stream keeps
    the subject that an event was published at, which costs some 300 bytes of the server's
    memory for each aggregate."""

    replicas: int = 1
    max_msgs: int = -1
    by_entity: bool = False


class Streams:
    def __init__(self, connection: Connection, settings: StreamSettings) -> None:
        self._connection = connection
        self._settings = settings

    async def state(self, name: str) -> StreamState:
        return _state(await self._call("INFO", name))

    async def last(self, name: str, reckoned: int) -> int:
        """The last sequence, as soon as what the leader reckons with is stored; it may have
        been in vain, so that is not waited for without a bound."""
        now = asyncio.get_running_loop().time
        until = now() + _STORED_SECONDS
        while True:
            last = (await self.state(name)).last
            if last >= reckoned or now() > until:
                return last
            await asyncio.sleep(_LOOK_AGAIN)  # nothing tells when the replicas have it

    async def get(self, name: str, sequence: int) -> bytes | None:
        # Not the faster direct get: a replica that answers it may be behind.
        try:
            reply = await self._call("MSG.GET", name, {"seq": sequence})
        except jetstream.NoMessage:
            return None
        return base64.b64decode(reply["message"].get("data", ""))

    async def holds_more(self, name: str, after: int) -> bool:
        """Whether there is any message behind `after`. As all here, the leader answers."""
        try:
            await self._call("MSG.GET", name, {"seq": after + 1, "next_by_subj": ">"})
        except jetstream.NoMessage:
            return False
        return True

    async def delete(self, name: str) -> None:
        try:
            await self._call("DELETE", name)
        except StreamMissing:
            return

    async def ensure_domain(self, domain: str, first: int) -> StreamState:
        config = self._events(domain)
        info = await self._ensure({**config, "first_seq": first})
        # What may change at any time follows the settings; the rest of a stream stays as it is.
        settable = {key: config[key] for key in ("max_msgs", "num_replicas")}
        if not settable.items() <= info["config"].items():
            info = await self._call("UPDATE", config["name"], {**info["config"], **settable})
        return _state(info)

    async def ensure_submissions(self) -> None:
        await self._ensure(
            {
                **self._common(subjects.SUBMISSIONS),
                "description": "Commands that were stored before they were handled",
                "subjects": ["submit.>"],
                "retention": "workqueue",
            }
        )

    async def _ensure(self, config: Mapping[str, Any]) -> dict[str, Any]:
        name = config["name"]
        try:
            return await self._call("INFO", name)
        except StreamMissing:
            pass
        try:
            return await self._call("CREATE", name, config)
        except jetstream.NameInUse:  # another process was faster
            return await self._call("INFO", name)

    async def _call(
        self, verb: str, name: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return await jetstream.call(self._connection, f"STREAM.{verb}.{name}", name, body)

    def _events(self, domain: str) -> dict[str, Any]:
        # Exactly what the relay publishes: five tokens. What the transform makes of it has
        # three, so that nobody can publish straight to the subjects that the stream keeps.
        published = f"evt.{domain}.*.*.*"
        config = {
            **self._common(domain.upper()),
            "description": f"Events of {domain} by position",
            "subjects": [published],
            "max_msgs": self._settings.max_msgs,
        }
        if not self._settings.by_entity:
            stored = subjects.stored_event(domain, "{{wildcard(3)}}")
            config["subject_transform"] = {"src": published, "dest": stored}
        return config

    def _common(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "storage": "file",
            "retention": "limits",
            "discard": "old",
            "num_replicas": self._settings.replicas,
            "allow_direct": True,
            "duplicate_window": _SHORTEST_WINDOW,
        }


def _state(info: Mapping[str, Any]) -> StreamState:
    state = info["state"]
    last = state["last_seq"]
    first = state["first_seq"] if state["messages"] else last + 1
    return StreamState(first, last, last - first + 1 - state["messages"])
