"""The past of real orders on a real mesh: recorded, killed on the way, recorded again, checked, and
then reconciled.

The data set is not part of the project: TRUEUP_OLIST names a folder that has it.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from bus.embedded.port import free_port
from scripts.olist.expected_history import MONEY
from tests.e2e.sample import SAMPLE, needs_sample
from tests.e2e.terminal import TRUEUP, Said, environment, spawn

LONG = 600
"""Seconds that an import may take."""
ON_THE_WAY = 100
"""Orders after which the first import is killed."""
DOMAINS = ("catalog", "inventory", "ordering", "payments", "shipping")
FOUND = {"what is found", "what that comes to"}
"""Books of the check that reconciliation fills."""

pytestmark = needs_sample


class Shop:
    """A mesh in a folder of its own. While the past is recorded nothing counts as a divergence."""

    def __init__(self, folder: Path) -> None:
        self.environment = environment(folder / "shop", TRUEUP_GRACE_SECONDS="3600")

    def trueup(self, *words: str) -> Said:
        return spawn(words, self.environment)

    def importing(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [TRUEUP, "import", "olist", str(SAMPLE), *words],
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )

    def up(self) -> None:
        up = self.trueup("up", "--detach", f"--nats-port={free_port()}")
        assert up.code == 0, up.err

    def checked(self) -> dict[str, Any]:
        """The command's verdict is that of the books."""
        said = self.trueup("check", "olist", str(SAMPLE), "--history", "--json")
        found: dict[str, Any] = json.loads(said.out)
        assert said.code == any(book["differing"] for book in found["books"]), said.out
        return found

    def heads(self) -> dict[str, int]:
        said = self.trueup("check", "streams", "--json")
        assert said.code == 0, said.out
        return {one["domain"]: one["head"] for one in json.loads(said.out) if one["head"]}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("olist"))
    shop.up()
    yield shop
    shop.trueup("down")


def _recorded(line: str) -> int:
    """What a line such as `orders of the past: 256 of 2,000, 446/s, 4 s left` tells, else 0."""
    title, _, numbers = line.partition(": ")
    return int(numbers.split()[0].replace(",", "")) if title == "orders of the past" else 0


@pytest.fixture(scope="module")
def recorded(shop: Shop) -> dict[str, Any]:
    """Killed on the way, and run again to the end: what that says of itself."""
    first = shop.importing()
    assert first.stdout is not None
    for line in first.stdout:
        if _recorded(line) >= ON_THE_WAY:
            break
    first.kill()
    assert first.wait() < 0, "it was over before it could be killed"
    first.stdout.close()
    again = shop.importing("--json")
    printed, _ = again.communicate(timeout=LONG)
    assert again.returncode == 0, printed
    found: dict[str, Any] = json.loads(printed)
    return found


def test_every_order_is_remembered_to_the_cent(shop: Shop, recorded: dict[str, Any]) -> None:
    found = shop.checked()

    assert {book["title"] for book in found["books"] if book["differing"]} == FOUND
    assert {rule["found"]["orders"] for rule in found["rules"]} == {0}
    assert shop.heads() == recorded["facts"]
    assert recorded["known_before"]["ordering"] >= ON_THE_WAY
    paid = {book["title"]: book["shop"] for book in found["books"]}["amount of each payment"]
    assert recorded["sums"]["paid"] == paid > 0


def test_the_audit_finds_exactly_what_the_files_do_not_agree_on(
    shop: Shop, recorded: dict[str, Any]
) -> None:
    said = shop.trueup("audit", "--full", "--grace=0", "--json")

    found, rules = json.loads(said.out), shop.checked()["rules"]
    money = [rule for rule in rules if rule["rule"] in MONEY]
    assert said.code == 1
    assert sorted(finding["of"] for finding in found["findings"]) == sorted(
        f"order/{id}" for rule in money for id in rule["ids"]
    )
    past = found["past"]["BRL"]
    assert past["over"] + past["under"] == sum(rule["cents"] for rule in money)
    assert (past["orders"], found["orders"]) == (recorded["facts"]["ordering"], 0)
    assert found["proved"] == found["events"]


def test_the_views_show_the_past(shop: Shop, recorded: dict[str, Any]) -> None:
    counts = json.loads(shop.trueup("query", "orders.counts").out)["rows"]
    assert {row["state"]: row["count"] for row in counts} == recorded["orders"]
    totals = json.loads(shop.trueup("query", "payments.totals").out)["rows"]
    assert sum(row["settled"] for row in totals) == recorded["sums"]["paid"]
    assert json.loads(shop.trueup("parked", "--json").out) == []


def test_one_more_import_records_nothing(shop: Shop, recorded: dict[str, Any]) -> None:
    before = shop.heads()

    again = shop.importing("--json")
    printed, _ = again.communicate(timeout=LONG)

    assert again.returncode == 0
    found = json.loads(printed)
    assert found["known_before"] == found["facts"] == recorded["facts"]
    assert shop.heads() == before


@pytest.fixture(scope="module")
def reconciled(shop: Shop, recorded: dict[str, Any]) -> dict[str, Any]:
    """What the check says when all that was found is right again."""
    shop.trueup("down")
    shop.environment["TRUEUP_GRACE_SECONDS"] = "1"
    shop.up()
    until = time.monotonic() + LONG
    while True:
        found = shop.checked()
        there = sum(rule["found"]["orders"] - rule["open"]["orders"] for rule in found["rules"])
        if there == sum(rule["orders"] for rule in found["rules"]):
            return found
        assert time.monotonic() < until, found["rules"]


def test_all_is_found_exactly_and_made_right(shop: Shop, reconciled: dict[str, Any]) -> None:
    assert [book for book in reconciled["books"] if book["differing"]] == []
    sums = {
        (row["rule"], row["stage"]): (row["count"], row["amount"])
        for row in json.loads(shop.trueup("divergences", "sums", "--json").out)["rows"]
    }
    assert sums == {
        (rule["name"], "resolved"): (rule["orders"], rule["cents"])
        for rule in reconciled["rules"]
        if rule["orders"]
    }
    assert shop.trueup("divergences").code == 0
    (limits,) = json.loads(shop.trueup("divergences", "limits", "--json").out)
    assert limits["used"] == sum(orders for orders, _ in sums.values())


def test_the_audit_balances_after_it(
    shop: Shop, recorded: dict[str, Any], reconciled: dict[str, Any]
) -> None:
    said = shop.trueup("audit", "--full", "--grace=0", "--json")

    found = json.loads(said.out)
    assert (said.code, found["balanced"], found["findings"]) == (0, True, [])
    assert found["compensations"] == sum(rule["orders"] for rule in reconciled["rules"])
    past = found["past"]["BRL"]
    assert (past["orders"], past["unbalanced"]) == (recorded["facts"]["ordering"], 0)


def test_the_provider_has_heard_nothing_of_it(shop: Shop, reconciled: dict[str, Any]) -> None:
    home = Path(shop.environment["TRUEUP_HOME"])
    url = json.loads((home / "run.json").read_text())["urls"]["TRUEUP_PROVIDER_URL"]
    with urlopen(f"{url}/report?limit=1") as answer:
        assert json.loads(answer.read())["totals"] == {}
