"""One stored command that was handed over by the work queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from bus.broker import delivery
from bus.broker.connection import Connection
from bus.broker.port import BrokerUnavailable

ACK_WAIT = 30
"""Seconds without a word after which the server hands a submission to somebody else."""

_NANO = 1_000_000_000


class StoredSubmission:
    """bus.broker.port.Submission."""

    def __init__(
        self,
        connection: Connection,
        subject: bytes,
        ack: bytes,
        body: bytes,
        headers: Mapping[str, str],
    ) -> None:
        stored = delivery.parse(ack)
        self.subject = subject.decode("utf-8", "surrogateescape")
        self.body = body
        self.headers = headers
        self.reply = ""
        self.token = f"{stored.sequence}-{stored.stored}"
        self._connection = connection
        self._ack = ack.decode()

    def respond(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Whoever submitted has had their answer: it is stored."""

    async def ack(self) -> None:
        self._say(b"+ACK")

    async def retry(self, after: float) -> None:
        # Of two short delays at once, the server (2.15) has made one last for the whole
        # ack_wait. So a short delay is kept here, and the server told when it is over.
        if after < ACK_WAIT / 2:
            self._say(b"+WPI")
            asyncio.get_running_loop().call_later(after, self._try_to_say, b"-NAK")
        else:
            self._say(b'-NAK {"delay": %d}' % int(after * _NANO))

    def in_progress(self) -> None:
        self._try_to_say(b"+WPI")

    def _try_to_say(self, what: bytes) -> None:
        with contextlib.suppress(BrokerUnavailable):  # then it comes again by itself
            self._say(what)

    def _say(self, what: bytes) -> None:
        self._connection.publish(self._ack, what)
