"""Stored commands: each is handed over until it is acknowledged."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import pytest

from bus.broker.port import Broker, Submission
from tests.contract.broker.conftest import CrashingNet, Net
from tests.contract.broker.waiting import BOUND, until


async def submit(broker: Broker, domain: str, *numbers: int) -> None:
    for n in numbers:
        await broker.request(f"submit.{domain}.PlaceOrder.o-{n}", b"%d" % n)


async def test_a_submission_is_acknowledged_before_it_is_handled(net: Net) -> None:
    broker = await net.broker()
    await broker.ensure_submissions()
    await broker.ensure_submissions()
    reply = await broker.request(f"submit.{net.domain}.PlaceOrder.o-1", b"{}")
    stored = msgspec.json.decode(reply.body)
    assert stored["stream"] == "SUBMISSIONS"
    assert stored["seq"] >= 1


async def test_submissions_wait_for_their_domain_and_are_handed_over_once(net: Net) -> None:
    broker = await net.broker()
    await broker.ensure_submissions()
    seen: list[Submission] = []

    async def handle(submission: Submission) -> None:
        seen.append(submission)
        await submission.ack()

    await submit(broker, net.domain, 1, 2)
    await submit(broker, f"{net.domain}b", 9)
    await broker.request(f"submit.{net.domain}.PlaceOrder.o-3", b"3", {"Nats-Msg-Id": "id-3"})
    serving = await broker.submissions(net.domain, handle)
    await until(lambda: len(seen) == 3)
    await serving.stop()
    again = await broker.submissions(net.domain, handle)
    await submit(broker, net.domain, 4)
    await until(lambda: len(seen) == 4)
    await again.stop()
    assert [submission.body for submission in seen] == [b"1", b"2", b"3", b"4"]
    assert seen[2].subject == f"submit.{net.domain}.PlaceOrder.o-3"
    assert seen[2].headers == {"Nats-Msg-Id": "id-3"}
    assert seen[2].reply == ""
    assert len({submission.token for submission in seen}) == 4


async def test_the_server_does_not_judge_ids(net: Net) -> None:
    """The domain compares payloads under one id. The server, which doesn't, looks for
    repeats for as short as it can: a tenth of a second."""
    broker = await net.broker()
    await broker.ensure_submissions()
    subject, headers = f"submit.{net.domain}.PlaceOrder.o-1", {"Nats-Msg-Id": net.domain}
    await broker.request(subject, b"one", headers)
    async with asyncio.timeout(BOUND):
        while b"duplicate" in (await broker.request(subject, b"other", headers)).body:
            pass
    seen: list[bytes] = []

    async def handle(submission: Submission) -> None:
        seen.append(submission.body)
        await submission.ack()

    await broker.submissions(net.domain, handle)
    await until(lambda: seen == [b"one", b"other"])


async def test_a_submission_comes_again_until_it_is_acknowledged(net: Net) -> None:
    broker = await net.broker()
    await broker.ensure_submissions()
    tries: Counter[str] = Counter()
    acknowledged: list[str] = []

    async def handle(submission: Submission) -> None:
        tries[submission.token] += 1
        if tries[submission.token] < 3:
            await submission.retry(after=0.01)
        else:
            await submission.ack()
            acknowledged.append(submission.token)

    await broker.submissions(net.domain, handle)
    await submit(broker, net.domain, 1, 2)
    await until(lambda: len(acknowledged) == 2)
    assert list(tries.values()) == [3, 3]


async def test_a_handler_that_raises_gets_it_again(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.broker.submissions._AFTER_A_FAULT", 0.01)
    broker = await net.broker()
    await broker.ensure_submissions()
    tries: list[str] = []

    async def handle(submission: Submission) -> None:
        tries.append(submission.token)
        if len(tries) == 1:
            raise RuntimeError
        await submission.ack()

    await broker.submissions(net.domain, handle)
    await submit(broker, net.domain, 1)
    await until(lambda: len(tries) == 2)
    assert tries[0] == tries[1]


async def test_two_processes_share_the_submissions(net: Net) -> None:
    handled: Counter[bytes] = Counter()
    shares: Counter[int] = Counter()
    for process in range(2):
        broker = await net.broker()
        await broker.ensure_submissions()

        async def handle(submission: Submission, process: int = process) -> None:
            handled[submission.body] += 1
            shares[process] += 1
            await asyncio.sleep(0)
            await submission.ack()

        await broker.submissions(net.domain, handle, window=8)
    await submit(net.brokers[0], net.domain, *range(100))
    await until(lambda: len(handled) == 100)
    assert set(handled.values()) == {1}
    assert sorted(shares) == [0, 1]


async def test_no_more_than_the_window_is_under_way(net: Net) -> None:
    broker = await net.broker()
    await broker.ensure_submissions()
    held: list[Submission] = []

    async def handle(submission: Submission) -> None:
        held.append(submission)

    await broker.submissions(net.domain, handle, window=4)
    await submit(broker, net.domain, *range(10))
    await until(lambda: len(held) == 4)
    await broker.request(f"submit.{net.domain}.PlaceOrder.o-11")
    assert len(held) == 4
    done: list[Submission] = []
    while len(done) < 11:
        await until(lambda: len(held) > len(done))
        await held[len(done)].ack()
        done.append(held[len(done)])
    assert len({submission.token for submission in held}) == 11


async def test_what_a_process_leaves_unfinished_comes_to_another(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bus.broker.submissions.ACK_WAIT", 1)
    leaving, staying = await net.broker(), await net.broker()
    await leaving.ensure_submissions()
    held: list[str] = []
    handled: list[str] = []

    async def hold(submission: Submission) -> None:
        held.append(submission.token)

    async def handle(submission: Submission) -> None:
        handled.append(submission.token)
        await submission.ack()

    await leaving.submissions(net.domain, hold)
    await submit(staying, net.domain, 1)
    await until(lambda: len(held) == 1)
    await leaving.close()
    await staying.submissions(net.domain, handle)
    await until(lambda: handled == held)


async def test_submissions_go_on_after_a_broken_connection(net: Net) -> None:
    broker = await net.broker()
    await broker.ensure_submissions()
    seen: list[bytes] = []

    async def handle(submission: Submission) -> None:
        seen.append(submission.body)
        await submission.ack()

    await broker.submissions(net.domain, handle)
    await submit(broker, net.domain, 1)
    await until(lambda: seen == [b"1"])
    await net.break_connection(broker)
    await submit(broker, net.domain, 2)
    await until(lambda: b"2" in seen)


async def test_submissions_survive_a_killed_server(crashing: CrashingNet) -> None:
    broker = await crashing.broker()
    await broker.ensure_submissions()
    seen: list[bytes] = []

    async def handle(submission: Submission) -> None:
        seen.append(submission.body)
        await submission.ack()

    await submit(broker, crashing.domain, 1, 2, 3)
    await crashing.crash_under(broker)
    await broker.submissions(crashing.domain, handle)
    await until(lambda: len(seen) >= 3)
    await crashing.crash_under(broker)
    await submit(broker, crashing.domain, 4)
    await until(lambda: b"4" in seen)
    assert sorted(set(seen)) == [b"1", b"2", b"3", b"4"]
