"""The `nats` commands of a page, run by the real binary where one is on PATH, and the same
bytes through nats-py always."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

NATS = shutil.which("nats")


@dataclass
class Example:
    """A command as a page shows it, and the lines that it says are printed."""

    command: str
    printed: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command)


def examples(page: Path, chapter: str) -> list[Example]:
    """The `$ …` lines of the chapter's console blocks, in order, with what follows each."""
    text = page.read_text().split(f"\n## {chapter}\n", 1)[1].split("\n## ", 1)[0]
    found: list[Example] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                found.append(Example(line[2:]))
            elif found:
                found[-1].printed.append(line)
    return found


async def run(client: Client, words: list[str]) -> bytes:
    """What a `nats req`, `nats pub`, `nats sub` or `nats stream get` does, through nats-py."""
    match words[1:]:
        case ["req", subject, body, *options]:
            return (
                await client.request(subject, body.encode(), 10, headers=_headers(options))
            ).data
        case ["pub", subject, body, *options]:
            await client.publish(subject, body.encode(), headers=_headers(options))
            await client.flush()
            return b""
        case ["sub", subject, "--count", count, "--raw"]:
            return await _heard(client, subject, int(count))
        case ["stream", "get", stream, sequence]:
            return (await client.jetstream().get_msg(stream, int(sequence))).data or b""
        case ["micro", "ls" | "list"]:
            return await _gather(client, "$SRV.PING")
        case ["micro", "info" | "stats" as verb, name]:
            return await _gather(client, f"$SRV.{verb.upper()}.{name}")
    raise ValueError(f"the pages use no such command: {words}")


async def run_binary(url: str, words: list[str]) -> bytes:
    """The same by the real `nats`. Raises AssertionError where it fails."""
    assert NATS is not None
    raw = ["--raw"] if words[1] == "req" else []
    process = await asyncio.create_subprocess_exec(
        NATS, "--server", url, *words[1:], *raw, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, words
    return printed


async def connect(url: str) -> Client:
    return await nats.connect(url)


async def _heard(client: Client, subject: str, count: int) -> bytes:
    """So many messages."""
    subscription = await client.subscribe(subject)
    try:
        return b"\n".join([(await subscription.next_msg(10)).data for _ in range(count)])
    finally:
        await subscription.unsubscribe()


async def _gather(client: Client, subject: str) -> bytes:
    """Every answer to a broadcast, up to the first silence of a second."""
    answers: list[bytes] = []
    heard = asyncio.Event()

    async def keep(message: Msg) -> None:
        answers.append(message.data)
        heard.set()

    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox, cb=keep)
    await client.publish(subject, b"", reply=inbox)
    while True:
        heard.clear()
        try:
            await asyncio.wait_for(heard.wait(), 1.0)
        except TimeoutError:
            break
    await subscription.unsubscribe()
    return b"\n".join(answers)


def _headers(options: list[str]) -> dict[str, str] | None:
    pairs = [value for flag, value in zip(options[::2], options[1::2], strict=True) if flag == "-H"]
    return {name: value for name, _, value in (pair.partition(":") for pair in pairs)} or None
