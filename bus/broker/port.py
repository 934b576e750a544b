"""The broker as the kernel sees it. Adapters: `nats.py`, `memory.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Outgoing(NamedTuple):
    """An event on its way to the stream: the subject that watchers see, and its bytes."""

    subject: str
    body: bytes


class StreamMessage(NamedTuple):
    sequence: int
    subject: str
    body: bytes


class StreamState(NamedTuple):
    """`first` is 1 more than `last` in an empty stream. `holes` counts the messages between
    them that the server knows to be gone; what is damaged may show only when it is read."""

    first: int
    last: int
    holes: int = 0


class Reply(NamedTuple):
    body: bytes
    headers: Mapping[str, str]


class Request(Protocol):
    """A message somebody sent us; `headers` keys are as sent, `reply` is empty for a pub."""

    @property
    def subject(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def reply(self) -> str: ...

    def respond(self, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Queues the one answer. Inbound headers are never copied.

        Dropped and counted where `reply` is no inbox (`_INBOX.…`), nothing where it is empty.
        """


class Submission(Request, Protocol):
    """A stored command from the work queue; it comes again until it is acknowledged."""

    @property
    def token(self) -> str:
        """Names this stored message for ever: its sequence and its time in nanoseconds."""

    async def ack(self) -> None: ...

    async def retry(self, after: float) -> None:
        """Have it delivered again after that many seconds."""


Handler = Callable[[Request], None]
"""Takes a request off the connection's hands at once: it only queues."""


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of a micro service: `name` for `nats micro`, `subject` with wildcards.

    `queue` None means every process answers (a broadcast), else one of the group does.
    """

    name: str
    subject: str
    handler: Handler
    queue: str | None = "q"
    metadata: Mapping[str, str] = field(default_factory=dict)


class Serving(Protocol):
    async def stop(self) -> None:
        """Takes no new requests; those that were handed over can still be answered.

        A request that one server of a cluster has sent to another, before it heard of this,
        goes on to somebody else of the queue group. Where there is nobody else, nobody
        answers it: no server asks for a message back. Whoever sent it repeats it by its id.
        """


class Subscriber(NamedTuple):
    """A subscription as the servers know it. Whoever subscribes once more, or connects again,
    has another `connection` or `number`; what these are is the adapter's matter."""

    server: str
    connection: int
    number: str
    subject: str


class WrongSequence(Exception):
    """The stream's last sequence is `last`, not what the run follows on."""

    def __init__(self, last: int) -> None:
        super().__init__(f"the stream's last sequence is {last}")
        self.last = last


class StreamMissing(Exception):
    """There is no such stream."""


class BrokerUnavailable(Exception):
    """The broker can't be reached or did not answer in time."""


class NoResponders(Exception):
    """Nobody serves the subject."""


class MessageTooLarge(ValueError):
    """Body and headers are more than `max_payload`. Nothing was sent."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a message of {size:,} bytes, where {limit:,} are allowed")
        self.size = size
        self.limit = limit


class Broker(Protocol):
    """Every async method raises BrokerUnavailable where the broker can't be reached."""

    @property
    def max_payload(self) -> int:
        """The largest message body plus headers, in bytes."""

    @property
    def reconnects(self) -> int:
        """How often the connection was lost and made again; a change means: look again."""

    async def open(self) -> None: ...

    async def close(self) -> None:
        """Flushes what was published and leaves."""

    async def ensure_stream(self, domain: str, first: int = 1) -> StreamState:
        """Creates the domain's stream, starting at `first`, unless it is there."""

    async def delete_stream(self, domain: str) -> None:
        """Harmless where there is none."""

    async def stream_state(self, domain: str) -> StreamState:
        """Raises StreamMissing."""

    async def stream_get(self, domain: str, sequence: int) -> bytes | None:
        """The bytes at `sequence`, None where there are none. Raises StreamMissing."""

    async def publish_run(self, domain: str, after: int, run: Sequence[Outgoing]) -> None:
        """Stores `run` at `after + 1 …`; returns when the server has acknowledged the last.

        Every message carries the sequence it expects, so a refused one refuses all after
        it: but for a first one whose place another message has, as all behind it then follow
        on. Raises WrongSequence, in that case too; StreamMissing, BrokerUnavailable.
        """

    def read_stream(
        self, domain: str, after: int, batch: int = 1000
    ) -> AsyncIterator[Sequence[StreamMessage]]:
        """Batches in stream order from the first message behind `after` on, for ever.

        Waits at the end for more; survives reconnects and stalls by going on behind the
        last message it gave. Sequences rise, but may skip where the stream has holes.
        An empty batch is given each time the end is reached: all that was stored by then
        has been given, whichever replica it came from.
        Raises StreamMissing.
        """

    async def serve(
        self, name: str, description: str, version: str, endpoints: Sequence[Endpoint]
    ) -> Serving:
        """A micro service (ADR-32) that `nats micro ls/info/stats/ping` can see."""

    async def subscribe(
        self, subject: str, handler: Handler, queue: str | None = None
    ) -> Serving: ...

    async def request(
        self,
        subject: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> Reply:
        """The one answer. Raises NoResponders; BrokerUnavailable on time-out."""

    async def publish(
        self, subject: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None: ...

    async def listeners(self, pattern: str) -> Collection[Subscriber]:
        """Who subscribes now to anything that `pattern` matches, wildcards on either side.

        All that this connection published before, without breaking meanwhile, has come to its
        server by then; and what it publishes from now on reaches all of them.
        """

    async def ensure_submissions(self) -> None:
        """Creates the work-queue stream SUBMISSIONS over `submit.>` unless it is there."""

    async def submissions(
        self, domain: str, handler: Callable[[Submission], Awaitable[None]], window: int = 256
    ) -> Serving:
        """Hands the domain's submissions over, at most `window` unacknowledged at a time.

        All processes of the domain share one durable consumer.
        """
