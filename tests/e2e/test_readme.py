"""The README, word for word: in a fresh copy of the checkout, in a folder with a space."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from nats.aio.client import Client

from bus.embedded.port import free_port
from tests.e2e import nats_cli
from tests.e2e.nats_cli import Example
from tests.e2e.terminal import environment

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PATIENCE = 30.0
OWN = ("Your own view", "Your own domain")
"""The chapters whose files are put into the checkout."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a stranger has after cloning, and the environment."""
    copy = tmp_path_factory.mktemp("a fresh") / "check out"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
            target.chmod((ROOT / name).stat().st_mode)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    yield copy
    run(copy, "scripts/trueup", "down")


@pytest.fixture(scope="module")
def own_files(checkout: Path) -> list[str]:
    """The files of the chapters on a view and a domain of one's own, put where they say."""
    for name, text in files_of_the_page().items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)
    (checkout / "domains" / "loyalty" / "__init__.py").touch()
    return [*files_of_the_page()]


def files_of_the_page() -> dict[str, str]:
    return dict(re.findall(r"```python\n# (\S+)\n(.*?)```", README.read_text(), re.S))


def run(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=checkout,
        env=environment(checkout / ".trueup"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def url(checkout: Path) -> str:
    """Where the mesh is, started as the README says (on a free port: 4222 may be taken)."""
    started = run(checkout, "scripts/up", "--detach", f"--nats-port={free_port()}")
    assert started.returncode == 0, started.stderr
    told = run(checkout, "scripts/trueup", "env").stdout
    found = re.search(r"NATS_URL='?([^'\s]+)", told)
    assert found is not None, told
    return found[1]


@pytest.fixture(scope="module")
def restarted(checkout: Path, url: str, own_files: list[str]) -> str:
    """The mesh, started again as both chapters say: once, with the files of both."""
    told, again = ([e.words for e in mesh_commands(chapter)] for chapter in OWN)
    assert told == again
    for words in told:
        port = [f"--nats-port={urlsplit(url).port}"] if words[0] == "scripts/up" else []
        done = run(checkout, *words, *port)
        assert done.returncode == 0, done.stdout + done.stderr
    return url


def mesh_commands(chapter: str) -> list[Example]:
    return [
        example
        for example in nats_cli.examples(README, chapter)
        if example.words[0] in ("scripts/trueup", "scripts/up")
    ]


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    client = await nats_cli.connect(url)
    yield client
    await client.close()


async def test_the_walk_through_prints_what_the_readme_says(client: Client) -> None:
    for chapter in ("Walk-through", "Which positions belong together", "Live queries"):
        for example in nats_cli.examples(README, chapter):
            await check(client, example)


async def test_the_chapter_on_going_back_prints_what_the_readme_says(
    client: Client, checkout: Path
) -> None:
    for example in nats_cli.examples(README, "Going back"):
        if example.words[0] == "nats":
            await check(client, example)
        else:
            done = run(checkout, *example.words)
            assert (done.returncode, done.stdout.splitlines()) == (1, example.printed), done.stderr


@pytest.mark.usefixtures("url")
def test_the_chapter_on_replay_prints_what_the_readme_says(checkout: Path) -> None:
    for example in nats_cli.examples(README, "Replay"):
        done = run(checkout, *example.words)
        assert done.returncode == 0, done.stderr
        if done.stdout.startswith("{"):
            assert same("\n".join(example.printed).strip(), done.stdout)
        else:
            told = without_positions(done.stdout + done.stderr)
            shown = without_positions("\n".join(example.printed))
            assert [word for word in shown if word != "…" and word not in told] == []


def without_positions(text: str) -> list[str]:
    """Its words: where services interleave, a position is another in each run."""
    return re.sub(r":\d+", ":n", text).split()


async def test_a_process_says_how_far_behind_it_is_as_the_readme_says(client: Client) -> None:
    """Its numbers are those of the moment: what is shown is held to by name."""
    for example in nats_cli.examples(README, "Lag and health"):
        if example.words[0] == "nats":
            shown = json.loads(re.sub(r"…,?\s*", "", "".join(example.printed)))
            found = json.loads(await nats_cli.run(client, example.words))
            assert shown.keys() <= found.keys()
            assert shown["streams"].keys() == found["streams"].keys()
            for domain, lag in shown["streams"].items():
                assert lag.keys() == found["streams"][domain].keys()


@pytest.mark.usefixtures("url")
def test_the_metrics_page_has_the_numbers_that_the_readme_shows(checkout: Path) -> None:
    """By name and labels: what they are is of the moment."""
    (page,) = (e for e in nats_cli.examples(README, "Lag and health") if e.words[0] == "curl")
    assert page.command == "curl -s $TRUEUP_METRICS_URL"
    told = re.search(r"TRUEUP_METRICS_URL=(\S+)", run(checkout, "scripts/trueup", "env").stdout)
    assert told is not None
    with urlopen(told[1]) as answer:
        found = {line.rpartition(" ")[0] for line in answer.read().decode().splitlines()}
    shown = {line.rpartition(" ")[0] for line in page.printed if line.startswith("trueup_")}
    assert shown
    assert shown <= found


@pytest.mark.skipif(nats_cli.NATS is None, reason="there is no `nats` on PATH")
async def test_the_real_cli_is_answered_too(url: str) -> None:
    listed = await nats_cli.run_binary(url, ["nats", "micro", "ls"])
    assert b"ordering" in listed
    order = '{"customer_id":"c-9","lines":[{"sku":"tea-1","quantity":1}]}'
    words = ["nats", "req", "cmd.ordering.PlaceOrder.o-9001", order]
    assert json.loads(await nats_cli.run_binary(url, words))["status"] == "accepted"


def test_a_view_of_ones_own_is_one_short_file() -> None:
    assert len(files_of_the_page()["projections/shortages.py"].splitlines()) <= 40


def test_the_chapters_on_what_is_ones_own_are_clean_code(
    checkout: Path, own_files: list[str]
) -> None:
    python = str(checkout / ".venv" / "bin" / "python")
    known = f"--cache-dir={ROOT / '.mypy_cache'}"  # what is the same has been checked there
    for tool in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", known]):
        checked = run(checkout, python, "-m", *tool, *own_files)
        assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("chapter", OWN)
async def test_what_is_ones_own_runs_beside_the_shops(
    checkout: Path, restarted: str, chapter: str
) -> None:
    client = await nats_cli.connect(restarted)
    for example in nats_cli.examples(README, chapter):
        if example.words[0] == "nats":
            await check(client, example)
        elif example not in mesh_commands(chapter):
            done = run(checkout, *example.words)
            assert done.returncode == 0, done.stdout + done.stderr
    await client.close()


async def check(client: Client, example: Example) -> None:
    """Runs the example until it prints what the README shows.

    Queries are repeated: what they wait for is shown by nothing but their answer.
    """
    expected = "\n".join(example.printed).strip()
    async with asyncio.timeout(PATIENCE):
        while True:
            printed = (await nats_cli.run(client, example.words)).decode()
            if same(expected, printed):
                return
            repeatable = any(word.startswith(("qry.", "log.")) for word in example.words)
            assert repeatable or example.words[1] in ("micro", "stream", "sub"), (example, printed)
            await asyncio.sleep(0)


def same(expected: str, printed: str) -> bool:
    """Whether what is printed has all that the README shows; `…` stands for more."""
    if not expected.startswith("{"):
        return all(word in printed for word in expected.split())
    shown = re.sub(r",?\s*…,?(?=(\s*\S))", lambda m: "" if m[1].strip() in "]}" else ",", expected)
    return covers(json.loads(shown), json.loads(printed))


def covers(shown: Any, found: Any) -> bool:
    """Where events of several services interleave, a position is another in each run."""
    match shown:
        case dict():
            return isinstance(found, dict) and all(
                key in found and (key in ("position", "head") or covers(value, found[key]))
                for key, value in shown.items()
            )
        case list():
            pairs = zip(shown, found, strict=False)
            return len(shown) <= len(found) and all(covers(one, other) for one, other in pairs)
        case _:
            return bool(shown == found)
