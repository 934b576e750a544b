"""Requests that need a look into a store before they can be answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bus import replies
from bus.broker.port import Reply, Request
from bus.intake import Invalid
from bus.replies import Answer
from bus.store.port import StoreUnavailable

AT_ONCE = 8
"""Questions under way at the same time."""
MOST = 1000
"""Questions that wait or are under way; more are turned away."""

log = structlog.get_logger()

Answers = Callable[[Request], Awaitable[bytes | Reply | None]]


class Answering:
    """A broker's handler: gives each request the one answer that `answers` finds for it.

    What `answers` raises becomes an error reply: Invalid its own, StoreUnavailable a 503,
    anything else a 500. A Reply is handed on as it is, None leaves the request to another
    process.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, request: Request) -> None:
        if len(self._tasks) >= MOST:
            busy = replies.unavailable("Busy", "too many questions are waiting")
            request.respond(busy.body, busy.headers)
            return
        task = asyncio.create_task(self._answer(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request) -> None:
        async with self._places:
            try:
                found = await self._answers(request)
            except Exception as error:
                answer = _error(request.subject, error)
                request.respond(answer.body, answer.headers)
                return
        if isinstance(found, Reply):
            request.respond(found.body, found.headers)
        elif found is not None:
            request.respond(found)


def _error(subject: str, error: Exception) -> Answer:
    match error:
        case Invalid(answer=answer):
            return answer
        case StoreUnavailable():
            return replies.unavailable("StoreUnavailable", str(error))
        case _:
            log.error("question failed", subject=subject, exc_info=error)
            message = "the question could not be answered, see the log"
            return replies.error(500, "failed", "InternalError", message)
