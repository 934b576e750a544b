"""Real orders through a real mesh: imported, killed on the way, imported again, checked.

The data set is not part of the project: TRUEUP_OLIST names a folder that has it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard

from bus.embedded.port import free_port
from tests.e2e.sample import SAMPLE, needs_sample
from tests.e2e.terminal import TRUEUP, Said, environment, spawn

LONG = 1200
"""Seconds that an import may take."""
ON_THE_WAY = 200
"""Orders after which the first import is killed."""

pytestmark = needs_sample


class Shop:
    """A mesh in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        # What is late under load must not be taken for lost, however short the time of grace.
        self.environment = environment(folder / "shop", TRUEUP_GRACE_SECONDS="0")

    def trueup(self, *words: str) -> Said:
        return spawn(words, self.environment)

    def importing(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [TRUEUP, "import", "olist", str(SAMPLE), "--live"],
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )

    def check(self, folder: Path = SAMPLE) -> tuple[int, dict[str, Any]]:
        said = self.trueup("check", "olist", str(folder), "--json")
        return said.code, json.loads(said.out)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("olist"))
    up = shop.trueup("up", "--detach", f"--nats-port={free_port()}")
    assert up.code == 0, up.err
    yield shop
    shop.trueup("down")


def _orders_played(line: str) -> int:
    """What a line such as `orders: 256 of 1,960, 46/s, 37 s left` tells, else 0."""
    return int(line.split()[1].replace(",", "")) if line.startswith("orders: ") else 0


def _one_cent_more(folder: Path) -> None:
    """The first item costs a cent more, so that its order's payments don't add up."""
    plain = folder / "olist_order_items_dataset.csv"
    packed = plain.with_suffix(".csv.zst")
    if packed.exists():
        unpacking = zstandard.ZstdDecompressor().stream_reader(packed.read_bytes())
        plain.write_bytes(unpacking.read())
        packed.unlink()
    header, first, *others = plain.read_text().splitlines()
    *fields, price, freight = first.split(",")
    dearer = ",".join([*fields, str(Decimal(price) + Decimal("0.01")), freight])
    plain.write_text("\n".join([header, dearer, *others]))


@pytest.fixture(scope="module")
def imported(shop: Shop) -> Shop:
    """Killed on the way, and run again to the end."""
    first = shop.importing()
    assert first.stdout is not None
    for line in first.stdout:
        if _orders_played(line) >= ON_THE_WAY:
            break
    first.kill()
    assert first.wait() < 0, "it was over before it could be killed"
    first.stdout.close()
    again = shop.importing()
    printed, _ = again.communicate(timeout=LONG)
    assert again.returncode == 0, printed
    return shop


def test_every_difference_is_zero(imported: Shop) -> None:
    code, found = imported.check()

    assert found["at_rest"]
    assert [book for book in found["books"] if book["differing"]] == []
    assert code == 0
    titles = {book["title"]: book["rows"] for book in found["books"]}
    assert titles["orders by state"] == 5
    assert titles["refused by code"] == 2
    assert titles["units shipped by SKU"] > 1000


def test_each_stream_is_its_store(imported: Shop) -> None:
    said = imported.trueup("check", "streams", "--json")

    assert said.code == 0, said.out
    assert {one["domain"]: one["equal"] for one in json.loads(said.out)} == dict.fromkeys(
        ("catalog", "inventory", "ordering", "payments", "reconciliation", "shipping"), True
    )


def test_the_audit_balances(imported: Shop) -> None:
    said = imported.trueup("audit", "--full", "--json")

    found = json.loads(said.out)
    assert (said.code, found["findings"], found["moving"]) == (0, [], 0)
    assert found["proved"] == found["events"]
    money = found["money"]["BRL"]
    assert money["kept"] + money["held"] == money["left"] + money["to_leave"] + money["early"]
    assert found["units"]["left"] == found["units"]["shipped"] > 1000


def test_nothing_was_ever_found_to_disagree(imported: Shop) -> None:
    said = imported.trueup("divergences", "--all", "--json")

    assert (said.code, json.loads(said.out)) == (0, [])


def test_one_more_import_records_nothing(imported: Shop) -> None:
    before = imported.trueup("check", "streams", "--json")

    again = imported.importing()
    assert again.communicate(timeout=LONG)
    assert again.returncode == 0

    after = imported.trueup("check", "streams", "--json")
    heads = [[one["head"] for one in json.loads(said.out)] for said in (before, after)]
    assert heads[0] == heads[1]


def test_files_that_say_something_else_are_told_apart(imported: Shop, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(SAMPLE, other)
    _one_cent_more(other)

    code, found = imported.check(other)

    assert code == 1
    wrong = {book["title"] for book in found["books"] if book["differing"]}
    assert {"orders by state", "refused by code"} <= wrong
