"""nats-py's connection, without a queue and a task for each subscription.

Only this file and incoming.py touch nats-py's inside (2.16). What is changed, and why:

- A listener is called from the read loop, with bytes as they came. nats-py makes a task and
  a queue for each subscription, takes twice as long, and drops messages when they are full.
- Whatever a peer sends, the read loop lives on. nats-py leaves the loop for good at a header
  block or a subject that it can't decode.
- Every error that the server reports leads to a new connection. nats-py closes for ever.
- What is closed stays closed. nats-py asks its attempts to reconnect to end, once; on Python 3.11
  they may not hear it (see bus/tasks.py), and go on for as long as the process lives.
"""

from __future__ import annotations

import asyncio

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import Error

from bus.broker.incoming import Incoming, Listener
from bus.tasks import end


class Wire(Client):
    """`listen`, `forget` and `send` queue and return; the bytes leave in one write."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners: dict[int, Listener] = {}
        self._ps = Incoming(self, self._listeners)

    @property
    def unsent(self) -> int:
        """Bytes that are queued for the socket."""
        return self._pending_data_size

    @property
    def server(self) -> str:
        """The id of the server that this is connected to, or was last."""
        return str(self._server_info.get("server_id", ""))

    @property
    def cluster(self) -> int:
        """How many servers there are, as that one has told; 0 where it is alone, or does not
        tell."""
        return len(self._server_info.get("connect_urls") or ())

    def listen(self, subject: str, listener: Listener, queue: str = "") -> int:
        """Gives the subscription's number. It is made again after every reconnect."""
        self._sid += 1
        # nats-py keeps these only to subscribe again; the future says: make no task for it.
        again = Subscription(self, self._sid, subject, queue=queue, future=asyncio.Future())
        self._subs[self._sid] = again
        self._listeners[self._sid] = listener
        self.send(f"SUB {subject} {queue} {self._sid}\r\n".encode())
        return self._sid

    def stop(self, number: int) -> None:
        """Asks for no more messages; those on their way still reach the listener."""
        if self._subs.pop(number, None) is not None:
            self.send(b"UNSUB %d\r\n" % number)

    def forget(self, number: int) -> None:
        """From now on the listener hears nothing."""
        self.stop(number)
        self._listeners.pop(number, None)

    def send(self, data: bytes) -> None:
        """Queues `data`, also while disconnected. Whoever calls looks at `unsent` first."""
        self._pending.append(data)
        self._pending_data_size += len(data)
        if self._flush_queue is not None and self._flush_queue.empty():
            self._flush_queue.put_nowait(asyncio.get_running_loop().create_future())

    def discard(self) -> None:
        """Forgets what is queued."""
        self._pending.clear()
        self._pending_data_size = 0

    async def _process_err(self, err_msg: str) -> None:
        error = Error(f"the NATS server says {err_msg}")
        await self._error_cb(error)
        if "permissions violation" not in err_msg:
            await self._process_op_err(error)

    async def _process_pong(self) -> None:
        self._pings_outstanding = 0
        if self._pongs:
            pong = self._pongs.pop(0)
            if not pong.done():
                pong.set_result(True)

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        await super()._close(status, do_cbs)
        task = self._reconnection_task
        if task is not None and task is not asyncio.current_task():
            await end([task])
            # It may have come through in that very moment.
            await super()._close(status, do_cbs=False)

    async def _attempt_reconnect(self) -> None:
        while True:
            try:
                return await super()._attempt_reconnect()
            except Exception as error:
                await self._error_cb(error)
                await asyncio.sleep(self.options["reconnect_time_wait"])
