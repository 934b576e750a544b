"""A stream held against its store: what is equal, and what is found where it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from bus import subjects
from bus.broker.memory import MemoryBroker
from bus.broker.port import Outgoing, Request
from bus.envelope import Key
from bus.store.memory import MemoryStore
from bus.store.port import Append, NewEvent
from scripts import check_streams
from scripts.check_streams import Compared, compare

COUNT = 7


@dataclass
class Books:
    store: MemoryStore
    broker: MemoryBroker

    async def streamed(self, bodies: Sequence[bytes], first: int = 1) -> Compared:
        """What is found when the stream holds `bodies` from `first` on."""
        await self.broker.ensure_stream("tea", first)
        run = [Outgoing("evt.tea.leaf.1.Grown", body) for body in bodies]
        await self.broker.publish_run("tea", first - 1, run)
        return await compare("tea", self.store, self.broker)


@pytest.fixture
async def books(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    """A store of seven events, read three at a time, whose stream need not be waited for."""
    monkeypatch.setattr(check_streams, "PAGE", 3)
    monkeypatch.setattr(check_streams, "PATIENCE", 0.2)
    books = Books(MemoryStore(), MemoryBroker())
    await books.store.open()
    await books.broker.open()
    key = Key("leaf", "1")
    events = [NewEvent(f"e-{n}", key, n, "Grown", _body(n)) for n in range(1, COUNT + 1)]
    await books.store.append(Append(expected={key: 0}, events=events))
    yield books
    await books.broker.close()
    await books.store.close()


def _body(number: int) -> bytes:
    return b'{"leaf":%d}' % number


def _bodies(first: int = 1, last: int = COUNT) -> list[bytes]:
    return [_body(number) for number in range(first, last + 1)]


async def test_a_copy_is_equal(books: Books) -> None:
    found = await books.streamed(_bodies())

    assert found.equal
    assert (found.compared, found.trimmed, found.chain) == (COUNT, 0, True)


async def test_one_other_byte_is_found_and_breaks_the_chain(books: Books) -> None:
    bodies = _bodies()
    bodies[4] = b'{"leaf":0}'

    found = await books.streamed(bodies)

    assert not found.equal
    assert (found.differing, found.chain) == ([5], False)


async def test_events_in_another_order_are_found(books: Books) -> None:
    bodies = _bodies()
    bodies[1], bodies[2] = bodies[2], bodies[1]

    assert (await books.streamed(bodies)).differing == [2, 3]


async def test_a_lost_tail_is_found(books: Books) -> None:
    found = await books.streamed(_bodies(last=5))

    assert not found.equal
    assert (found.differing, found.last) == ([6, 7], 5)


async def test_what_was_lost_in_the_middle_is_found(books: Books) -> None:
    await books.streamed(_bodies())
    books.broker._server.delete_message("tea", 4)

    found = await compare("tea", books.store, books.broker)

    assert not found.equal
    assert (found.differing, found.holes, found.mended) == ([4], [4], 0)


async def test_what_was_lost_is_reported_and_equal_again_when_it_is_back(books: Books) -> None:
    await books.streamed(_bodies())
    books.broker._server.delete_message("tea", 4)
    reports: list[bytes] = []

    def mend(report: Request) -> None:
        reports.append(report.body)
        books.broker._server._streams["tea"]._messages[4] = ("evt.tea.Grown", _body(4))

    await books.broker.subscribe(subjects.hole("tea"), mend)
    found = await compare("tea", books.store, books.broker)

    assert reports == [b'{"position":4}']
    assert found.equal
    assert (found.mended, found.holes) == (1, [])


async def test_a_stream_that_is_not_there_is_not_equal(books: Books) -> None:
    found = await compare("tea", books.store, books.broker)

    assert not found.equal
    assert found.differing == list(range(1, COUNT + 1))


async def test_a_stream_that_is_ahead_of_its_store_is_found(books: Books) -> None:
    found = await books.streamed(_bodies(last=COUNT + 2))

    assert not found.equal
    assert found.differing == [COUNT + 1, COUNT + 2]


async def test_what_the_stream_has_let_go_of_is_trimmed_and_not_damaged(books: Books) -> None:
    found = await books.streamed(_bodies(first=5), first=5)

    assert found.equal
    assert (found.compared, found.trimmed) == (3, 4)


async def test_nothing_is_equal_to_nothing() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    await store.open()
    await broker.open()
    await broker.ensure_stream("tea")

    assert (await compare("tea", store, broker)).equal
