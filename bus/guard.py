"""Spares the world outside when it is down: short retries, and a circuit breaker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

import stamina
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState
from purgatory.service._async.circuitbreaker import AsyncCircuitBreaker

from bus.clock import Clock

FAILURES = 5
"""Failed attempts in a row that open the breaker."""
PAUSE = 5.0
"""Seconds that an open breaker waits before it lets one probe through."""
ATTEMPTS = 3
TIMEOUT = 30.0
"""Seconds until a call that never ends counts as failed."""

T = TypeVar("T")
BreakerState = Literal["closed", "open", "half-open"]


class OutsideUnavailable(Exception):
    """The world outside did not answer, or not with sense. What it did is unknown: it is
    asked again under the same idempotency key."""


class BreakerOpen(Exception):
    """Nobody was asked: the last calls have failed, and the pause is not over."""


class Guard:
    """Lets calls through as long as they work. Counts OutsideUnavailable only: any other
    exception is a fault of our own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # The breaker's own pause follows the machine's clock, which a test can't move. So it
        # is over at once, and the pause is kept here.
        self._breakers = AsyncCircuitBreakerFactory(FAILURES, -1.0, exclude=[(BaseException, _own)])
        self._breaker: AsyncCircuitBreaker | None = None
        self._opened = datetime.min.replace(tzinfo=UTC)

    @property
    def state(self) -> BreakerState:
        """`half-open` from the end of the pause until a probe has decided."""
        if self._breaker is None or self._breaker.context.state == "closed":
            return "closed"
        if self._breaker.context.state == "half-opened":
            return "half-open"
        return "open" if self.pause > 0 else "half-open"

    @property
    def pause(self) -> float:
        """Seconds until the next probe is let through; 0 where nothing is to be waited for."""
        if self._breaker is None or self._breaker.context.state != "opened":
            return 0.0
        left = self._opened + timedelta(seconds=PAUSE) - self._clock.now()
        return max(0.0, left.total_seconds())

    def admits(self, in_flight: int, most: int) -> int:
        """How many more calls may start beside those `in_flight`: one probe, if half-open."""
        match self.state:
            case "closed":
                return max(0, most - in_flight)
            case "half-open":
                return max(0, 1 - in_flight)
            case "open":
                return 0

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` gives, tried up to 3 times. Raises OutsideUnavailable, BreakerOpen."""
        try:
            return await self._attempt(ask)
        except OutsideUnavailable:  # only then is a schedule of retries worth its price
            return await self._retry(ask)

    async def _retry(self, ask: Callable[[], Awaitable[T]]) -> T:
        async for attempt in stamina.retry_context(
            on=OutsideUnavailable,
            attempts=ATTEMPTS - 1,
            timeout=None,
            wait_initial=0.02,
            wait_max=0.2,
            wait_jitter=0.02,
        ):
            with attempt:
                return await self._attempt(ask)
        raise AssertionError("stamina gives an answer or an exception")

    async def _attempt(self, ask: Callable[[], Awaitable[T]]) -> T:
        if self._breaker is None:
            self._breaker = await self._breakers.get_breaker("outside")
        if self.state == "open":
            raise BreakerOpen
        try:
            async with self._breaker:
                return await _bounded(ask)
        except OpenedState as error:
            raise BreakerOpen from error
        except OutsideUnavailable:
            if self._breaker.context.state == "opened":
                self._opened = self._clock.now()
            raise


async def _bounded(ask: Callable[[], Awaitable[T]]) -> T:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await ask()
    except TimeoutError as error:
        raise OutsideUnavailable(f"no answer within {TIMEOUT:.0f} s") from error


def _own(error: BaseException) -> bool:
    return not isinstance(error, OutsideUnavailable)
