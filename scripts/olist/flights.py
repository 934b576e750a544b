"""Orders on their way through the shop, a window of them at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from scripts.olist.course import Course, Step, Told
from scripts.olist.mapping import Journey
from scripts.olist.report import Report
from scripts.sender import Answer, MeshSilent, Sender

WINDOW = 512
"""Orders on their way at a time, unless it is said otherwise."""
STALLED = 60.0
"""Seconds without any news after which the report says so."""


@dataclass(slots=True)
class Flight:
    journey: Journey
    course: Course
    sent: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Surprise:
    """An order that ended otherwise than expected."""

    order_id: str
    expected: str
    actual: str
    message: str = ""


class Landed:
    """Which orders ended how."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.late_cancellations = 0
        self.refused: list[tuple[str, str]] = []
        self.surprises: list[Surprise] = []

    def note(self, journey: Journey, end: str, message: str = "") -> None:
        self.ends[end] += 1
        if end.startswith("refused"):
            self.refused.append((journey.place.id, end.removeprefix("refused ")))
        elif journey.cancelled and journey.dispatched_at is not None:
            self.late_cancellations += 1
        if end != journey.end:
            self.surprises.append(Surprise(journey.place.id, journey.end, end, message))


class Flights:
    """Starts orders, sends what is next for each as the streams tell, and counts their ends."""

    def __init__(self, sender: Sender, report: Report, window: int = WINDOW) -> None:
        self._window = window
        self.landed = Landed()
        self._sender = sender
        self._report = report
        self._courses: dict[str, Course] = {}
        self._flying: dict[str, Flight] = {}
        self._free = asyncio.Semaphore(window)
        self._tasks: asyncio.TaskGroup
        self._heard = 0

    def hear(self, told: Told) -> None:
        """Takes what a stream tells; also of orders that have not been started here."""
        self._heard += 1
        course = self._courses.get(told.order_id)
        if course is None:
            course = self._courses[told.order_id] = Course()
        course.hear(told)
        flight = self._flying.get(told.order_id)
        if flight is not None:
            self._advance(flight)

    async def play(self, journeys: Iterable[Journey]) -> None:
        """Returns when all have ended. Raises MeshSilent (in a group) when nobody answers."""
        async with asyncio.TaskGroup() as self._tasks:
            watching = self._tasks.create_task(self._watch())
            try:
                await self._play(journeys)
            finally:
                self._flying.clear()  # what a stream still tells starts nothing any more
                watching.cancel()

    async def _play(self, journeys: Iterable[Journey]) -> None:
        for number, journey in enumerate(journeys):
            await self._start(journey)
            if number % self._window == 0:
                await asyncio.sleep(0)
        for _ in range(self._window):
            await self._free.acquire()
        for _ in range(self._window):
            self._free.release()

    async def _start(self, journey: Journey) -> None:
        course = self._courses.setdefault(journey.place.id, Course())
        if course.ended(journey):
            self._land(journey, course.state)
            return
        await self._free.acquire()
        self._flying[journey.place.id] = flight = Flight(journey, course)
        self._advance(flight)

    def _advance(self, flight: Flight) -> None:
        if flight.course.ended(flight.journey):
            self._arrive(flight, flight.course.state)
            return
        for step in flight.course.next(flight.journey):
            if step.name not in flight.sent:
                flight.sent.add(step.name)
                self._tasks.create_task(self._send(flight, step))

    async def _send(self, flight: Flight, step: Step) -> None:
        id = flight.journey.place.id
        try:
            answer = await self._sender.send(step.domain, step.command, step.id)
        except MeshSilent:
            self._flying.clear()
            raise
        if answer.status != "accepted" and id in self._flying:
            self._turned_down(flight, step, answer)

    def _turned_down(self, flight: Flight, step: Step, answer: Answer) -> None:
        if step.name == "place":
            self._arrive(flight, f"{answer.status} {answer.code}", answer.message)
        elif step.name == "cancel" and flight.course.state == flight.journey.end:
            flight.course.cancel_refused = True
            self._advance(flight)
        else:
            end = f"{flight.course.state}, {step.name} {answer.status} {answer.code}"
            self._arrive(flight, end, answer.message)

    def _arrive(self, flight: Flight, end: str, message: str = "") -> None:
        del self._flying[flight.journey.place.id]
        self._free.release()
        self._land(flight.journey, end, message)

    def _land(self, journey: Journey, end: str, message: str = "") -> None:
        self.landed.note(journey, end, message)
        self._report.advance()

    async def _watch(self) -> None:
        """Says so when nothing moves: an order may wait for a service that is down."""
        while True:
            heard = self._heard
            await asyncio.sleep(STALLED)
            if heard == self._heard and self._flying:
                some = ", ".join(
                    f"{id} ({flight.course.state or 'not placed'})"
                    for id, flight in list(self._flying.items())[:3]
                )
                self._report.say(
                    f"Nothing has moved for {STALLED:.0f} s. {len(self._flying)} orders are on "
                    f"their way, for example {some}. See `scripts/trueup status`."
                )
