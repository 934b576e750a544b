"""What RECONCILIATION tells while a campaign goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bus.store.port import Store, StoreUnavailable
from domains.reconciliation.messages import CONTRACT
from scripts.chaos.until import LOOK

PAGE = 500


@dataclass
class Course:
    """A divergence's: times of its events. `since` is when the books began to disagree."""

    rule: str
    since: datetime
    detected: datetime
    asked: list[datetime] = field(default_factory=list)
    escalated: bool = False
    ended: datetime | None = None


class Trail:
    """The divergences by id; `heard` is called with each event's type and data."""

    def __init__(self, store: Store, heard: Callable[[str, Any], Awaitable[None]]) -> None:
        self._store = store
        self._heard = heard
        self._position = 0
        self._courses: dict[str, Course] = {}

    @property
    def courses(self) -> Mapping[str, Course]:
        return self._courses

    async def follow(self) -> None:
        """For ever, through outages of the store."""
        while True:
            try:
                page = await self._store.read(self._position, PAGE)
            except StoreUnavailable:
                page = []
            for stored in page:
                self._position = stored.position
                event = CONTRACT.decode(stored.position, stored.body)
                if event.aggregate == "divergence":
                    self._note(event)
                    await self._heard(event.type, event.data)
            if not page:
                await asyncio.sleep(LOOK)

    def _note(self, event: Any) -> None:
        if event.type == "DivergenceDetected":
            data = event.data
            self._courses[event.id] = Course(data.rule, data.since, event.time)
            return
        course = self._courses[event.id]
        match event.type:
            case "DivergenceReopened":
                course.ended = None
            case "CompensationRequested":
                course.asked.append(event.time)
            case "DivergenceEscalated":
                course.escalated = True
            case "DivergenceResolved" | "DivergenceDismissed":
                course.ended = event.time
