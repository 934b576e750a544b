"""The provider over HTTP: one POST a request, the idempotency key as a header."""

from __future__ import annotations

import math

import aiohttp
import msgspec
from msgspec import Struct

from bus.messages import Text
from bus.outside import OutsideUnavailable
from domains.payments.provider import (
    Answer,
    Authorize,
    Capture,
    Done,
    Pending,
    Refund,
    Refusal,
    Rejected,
    Request,
    Settle,
    Void,
)

PATHS: dict[type[Request], str] = {
    Authorize: "/authorizations",
    Settle: "/settlements",
    Capture: "/captures",
    Void: "/voids",
    Refund: "/refunds",
}
TIMEOUT = 10.0
"""Seconds until an answer counts as lost."""
BUSY = {408, 425, 429}
"""Statuses that say nothing of the request, only of the moment."""
CONNECTIONS = 64
MAX_REASON = 500
"""Characters of a reason that are kept."""
ASK_AGAIN = 1.0
"""Seconds until the next question, where the provider suggests none."""


class _Body(Struct):
    """Any answer of the provider: a 200 has a reference, the others a reason.

    Both end up in our events, so what would break those is kept out here.
    """

    reference: Text = ""
    reason: str = ""

    @property
    def plain_reason(self) -> str:
        return "".join(c if c.isprintable() else " " for c in self.reason)[:MAX_REASON]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Body)


class HttpProvider:
    """`url` is the provider's, without a path. Connects at the first request."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, request: Request, idempotency_key: str) -> Answer:
        url = self._url + PATHS[type(request)]
        try:
            async with self._connected().post(
                url,
                data=_encoder.encode(request),
                headers={"Idempotency-Key": idempotency_key, "Content-Type": "application/json"},
            ) as response:
                return _answer(response, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise OutsideUnavailable(f"no answer from {url}: {reason}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
            )
        return self._session


def _answer(response: aiohttp.ClientResponse, body: bytes) -> Answer:
    if response.status == 202:
        return Pending(_seconds(response.headers.get("Retry-After")))
    try:
        told = _decoder.decode(body)
    except msgspec.MsgspecError:
        raise OutsideUnavailable(f"{response.status} without sense from {response.url}") from None
    match response.status:
        case 200 if told.reference:
            return Done(told.reference)
        case 402:
            return Refusal(told.plain_reason)
        case status if 400 <= status < 500 and status not in BUSY:
            raise Rejected(f"{status} from {response.url}: {told.plain_reason}")
        case status:
            raise OutsideUnavailable(f"{status} from {response.url}: {told.plain_reason}")


def _seconds(retry_after: str | None) -> float:
    try:
        seconds = float(retry_after or ASK_AGAIN)
    except ValueError:  # a date: that is not how this provider says it
        return ASK_AGAIN
    return seconds if math.isfinite(seconds) and seconds > 0 else ASK_AGAIN
