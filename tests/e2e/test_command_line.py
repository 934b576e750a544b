"""The command line as a person uses it: one mesh, from up to down."""

import asyncio
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest

from bus.embedded.port import free_port
from bus.envelope import Key
from bus.settings import Settings
from bus.store.postgres import PostgresStore
from domains.inventory.messages import CONTRACT as INVENTORY
from domains.inventory.messages import UnitsReserved
from projections.sales import VIEW as SALES
from scripts.chaos.forged import forged
from scripts.supervisor import discovery
from scripts.supervisor.home import Home
from scripts.supervisor.own import client_settings, without_ours
from tests.e2e.terminal import PATIENCE, TRUEUP, Said, environment, run, spawn
from tests.metrics_page import read

TEA = '{"name":"Darjeeling","price":{"amount":1450,"currency":"EUR"}}'
ORDER = '{"customer_id":"c-7","lines":[{"sku":"tea-1","quantity":2}]}'


class Shell:
    """A terminal with a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home of a shop"
        self.environment = environment(self.home, TRUEUP_GRACE_SECONDS="2")

    def __call__(self, *words: str, stdin: str = "", **more: str) -> Said:
        return run(words, {**self.environment, **more}, stdin)

    def spawn(self, *words: str) -> Said:
        return spawn(words, self.environment)

    def json(self, *words: str) -> Any:
        said = self(*words, "--json")
        assert said.out, said.err
        return json.loads(said.out)

    def metrics(self, name: str) -> dict[str, float]:
        """What the metrics page tells under that name, by service; nothing where it is away."""
        try:
            with urlopen(self.run["urls"]["TRUEUP_METRICS_URL"], timeout=PATIENCE) as answer:
                return {labels["service"]: n for labels, n in read(answer.read().decode(), name)}
        except OSError:
            return {}

    @property
    def run(self) -> dict[str, Any]:
        return dict(json.loads((self.home / "run.json").read_text()))

    def process(self, name: str) -> dict[str, Any]:
        return next(p for p in self.run["processes"] if p["name"] == name)

    def processes(self) -> list[psutil.Process]:
        pids = [p["pid"] for p in self.run["processes"]] + [self.run["supervisor"][0]]
        return [psutil.Process(pid) for pid in pids]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("shell"))
    yield shell
    shell.spawn("down")


@pytest.fixture(scope="module")
def mesh(shell: Shell) -> Shell:
    """Up and answering."""
    up = shell.spawn("up", "--detach", f"--nats-port={free_port()}")
    assert up.code == 0, up.err
    assert up.out.startswith("Trueup is up.")
    return shell


def awaited(what: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What `what()` gives as soon as it is true."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it does not become true"
        time.sleep(0.1)
    return found


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """A zombie has ended: where nobody collects it, it stays in the list."""
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_everything_is_there_at_the_end_of_up(mesh: Shell) -> None:
    kinds = [p["kind"] for p in mesh.run["processes"]]
    assert kinds.count("server") == 3
    assert kinds.count("domain") >= 6
    assert kinds.count("provider") == 1
    assert kinds.count("metrics") == 1
    assert all(p["state"] == "running" for p in mesh.run["processes"])
    status = mesh("status")
    assert status.code == 0, status.out


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux only")
def test_no_process_of_a_mesh_interrupts_another_when_it_is_woken(mesh: Shell) -> None:
    assert {os.sched_getscheduler(p.pid) for p in mesh.processes()} == {os.SCHED_BATCH}


def test_a_second_up_says_that_it_is_running_already_and_where(mesh: Shell) -> None:
    second = mesh.spawn("up")
    assert second.code == 1
    pid = mesh.run["supervisor"][0]
    assert f"Trueup is running already (process {pid}, ready)." in second.out
    assert str(mesh.home) in second.out


def test_a_second_detached_up_is_content_with_what_runs(mesh: Shell) -> None:
    before = mesh.run["supervisor"]
    assert mesh.spawn("up", "--detach").code == 0
    assert mesh.run["supervisor"] == before


def test_env_tells_a_shell_where_everything_is(mesh: Shell) -> None:
    script = 'eval "$("$0" env)" && echo "$NATS_URL $TRUEUP_METRICS_URL $TRUEUP_HOME"'
    done = subprocess.run(
        ["sh", "-c", script, TRUEUP],
        env=mesh.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    urls = mesh.run["urls"]
    places = (urls["NATS_URL"], urls["TRUEUP_METRICS_URL"], str(mesh.home))
    assert done.stdout.strip() == " ".join(places)


def test_what_env_has_told_the_shell_of_one_mesh_is_not_taken_for_anothers(mesh: Shell) -> None:
    told = {**mesh.run["urls"], "TRUEUP_ENV_OF": str(mesh.home)}
    other = {**told, "TRUEUP_HOME": str(mesh.home.with_name("other"))}
    assert client_settings(other).nats_url == "nats://127.0.0.1:4222"
    assert "NATS_URL" not in without_ours(other, Home(Path(other["TRUEUP_HOME"])))


def test_an_order_is_sent_followed_and_asked_for(mesh: Shell) -> None:
    assert mesh("send", "catalog.ListProduct", "tea-1", TEA).code == 0
    assert mesh("send", "inventory.ReceiveStock", "tea-1", '{"quantity":10}').code == 0
    placed = mesh("send", "ordering.PlaceOrder", "o-1001", "-", "--id", "first", stdin=ORDER)
    assert json.loads(placed.out)["status"] == "accepted"
    again = mesh("send", "ordering.PlaceOrder", "o-1001", ORDER, "--id", "first")
    assert json.loads(again.out)["replayed"] is True
    awaited(lambda: "OrderConfirmed" in mesh("log", "--order", "o-1001").out)
    lines = mesh("log", "--order", "o-1001").out.splitlines()
    assert [line.split("\t")[4] for line in lines[:3]] == [
        "OrderPlaced",
        "StockReserved",
        "PaymentRequested",
    ]
    assert mesh("check", "streams").code == 0


def test_the_audit_says_that_the_books_balance(mesh: Shell) -> None:
    found = mesh.json("audit", "--full", "--grace=5")
    assert found["balanced"], found["findings"]
    told = {domain: read for domain, read in found["events"].items() if read}
    assert told.keys() == {*discovery.domains()} - {"reconciliation"}
    assert all(0 < found["proved"][domain] <= read for domain, read in told.items())
    said = mesh("audit", "--full", "--grace=5")
    assert (said.code, said.out.splitlines()[-1][:10]) == (0, "balanced: ")


async def plant(url: str) -> None:
    """One of inventory's two books says that one more unit is kept for the order."""
    store, key = PostgresStore(url), Key("stock", "tea-1")
    await store.open()
    version = (await store.versions([key]))[key]
    event = UnitsReserved(order_id="o-1001", quantity=1)
    await store.append(forged(INVENTORY, key, version, event, time=datetime.now(UTC)))
    await store.close()


def test_a_fault_in_the_books_is_found_and_made_right(mesh: Shell) -> None:
    assert mesh("divergences") == (0, "", "No divergence is open.\n")
    url = Settings.from_environment(mesh.run["urls"]).database_url("inventory")
    asyncio.run(plant(url))
    (found,) = awaited(lambda: mesh.json("divergences", "--all"))
    id = found["id"]
    assert id == "reservation-and-stock-differ-o-1001"
    awaited(lambda: json.loads(mesh("divergences", "show", id).out)["stage"] == "resolved")
    steps = json.loads(mesh("divergences", "show", id).out)["steps"]
    assert [step["event"] for step in steps] == [
        "DivergenceDetected",
        "CompensationRequested",
        "DivergenceResolved",
    ]
    facts = json.loads(mesh("query", "reconciliation.order", "o-1001").out)
    assert facts["of"]["id"] == "o-1001"
    rules = {task["found"]["rule"] for task in facts["tasks"]}  # in days, if nothing moves
    assert rules == {"stuck-confirmed", "reserved-too-long", "authorized-too-long"}
    assert mesh("query", "reconciliation.order", "tea-1").code != 0
    assert json.loads(mesh("query", "reconciliation.sku", "tea-1").out)["of"]["kind"] == "sku"
    assert found["rule"] in {row["rule"] for row in mesh.json("divergences", "rules")}
    sums = mesh.json("divergences", "sums")
    assert [(row["stage"], row["count"]) for row in sums["rows"]] == [("resolved", 1)]
    assert mesh("divergences").code == 0
    said = mesh("divergences", "approve", id)
    assert (said.code, "is right again" in said.err) == (1, True)
    assert mesh("divergences", "dismiss", "no id", "--why", "x").code == 2
    assert mesh.json("audit", "--full", "--grace=5")["balanced"]


def test_a_count_of_the_shelves_puts_the_books_right(mesh: Shell, tmp_path: Path) -> None:
    file = tmp_path / "hall 2.csv"
    file.write_text("sku,counted\ntea-1,9\n")
    assert mesh("count", str(file)) == (0, "", "1 counts taken, 0 refused.\n")
    assert mesh("count", str(file)).code == 0
    awaited(lambda: json.loads(mesh("query", "stock.get", "tea-1").out)["on_hand"] == 9)
    (found,) = mesh.json("divergences", "--all", "--rule=count-differs")
    assert found["said"] == "9 were counted, where the books said 10"
    file.write_text("sku,counted\ntea 1,9\n")
    said = mesh("count", str(file))
    assert (said.code, "line 2, column sku" in said.err) == (2, True)
    assert mesh.json("audit", "--full", "--grace=5")["balanced"]


def test_what_waits_for_a_person_is_decided_rule_by_rule(mesh: Shell, tmp_path: Path) -> None:
    awaited(lambda: mesh("divergences").code == 0)
    (before,) = mesh.json("divergences", "limits")
    assert (before["largest_refund"], before["most_an_hour"]) == (50_000, 1_000)
    (none,) = mesh.json("divergences", "limits", "--most-an-hour=0")
    assert none == {**before, "most_an_hour": 0}
    file = tmp_path / "hall 3.csv"
    file.write_text("sku,counted\ntea-1,8\n")
    assert mesh("count", str(file)).code == 0
    rule = "count-differs"
    (found,) = awaited(lambda: mesh.json("divergences", f"--rule={rule}"))
    assert (found["stage"], found["why"]) == ("escalated", "0 compensations within an hour")
    for words, said in (
        ((), "name a divergence by its id, or all of a --rule"),
        ((found["id"], f"--rule={rule}"), "name a divergence by its id, or all of a --rule"),
        ((f"--rule={rule}",), "--rule needs a --why"),
        (("--rule=none", "--why=x"), "there is no rule 'none'"),
        ((f"--rule={rule}", f"--why={'x' * 501}"), "--why takes 500 characters at most"),
    ):
        answer = mesh("divergences", "approve", *words)
        assert (answer.code, said in answer.err) == (2, True), answer
    approved = mesh("divergences", "approve", f"--rule={rule}", "--why", "counted twice")
    assert approved == (0, "", f"1 of {rule} wait for a person.\n1 approved, 0 refused.\n")
    awaited(lambda: mesh("divergences").code == 0)
    assert json.loads(mesh("query", "stock.get", "tea-1").out)["on_hand"] == 8
    none_waits = mesh("divergences", "dismiss", f"--rule={rule}", "--why", "gone")
    assert none_waits == (0, "", f"0 of {rule} wait for a person.\n0 dismissed, 0 refused.\n")
    assert mesh("divergences", "limits", "--most-an-hour=-1").code == 2
    (after,) = mesh.json("divergences", "limits", "--most-an-hour=1000")
    assert after == before


CUP = '{"customer_id":"c-7","lines":[{"sku":"cup-9","quantity":1}]}'


def provider(mesh: Shell, path: str, body: bytes | None = None) -> str:
    url = mesh.run["urls"]["TRUEUP_PROVIDER_URL"] + path
    headers = {"Idempotency-Key": "a fault", "Content-Type": "application/json"}
    with urlopen(Request(url, body, headers), timeout=PATIENCE) as answer:
        return str(answer.read().decode())


def settle(mesh: Shell, file: Path, change: Callable[[str], str] = str) -> str:
    """Hands in what the provider says up to now, changed; gives what is said of that."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    file.write_text(change(provider(mesh, f"/settlement-report?until={now}")))
    said = mesh("settle", str(file), "--until", now)
    assert (said.code, said.out) == (0, ""), said.err
    again = mesh("settle", str(file), "--until", now).err.splitlines()[-1]
    assert again.endswith("news of 0 orders, 0 refused.")
    return said.err.splitlines()[-1]


def sent(mesh: Shell, id: str) -> None:
    """An order of 900 is paid by card, and has left."""
    assert mesh("send", "ordering.PlaceOrder", id, CUP).code == 0
    awaited(lambda: "ShipmentPlanned" in mesh("log", "--order", id).out)
    assert mesh("send", "shipping.DispatchShipment", id, "{}").code == 0
    awaited(lambda: "PaymentCaptured" in mesh("log", "--order", id).out)


def settled(mesh: Shell) -> dict[str, str]:
    """The stage of each divergence that the settlement has shown, by its id."""
    rows = mesh.json("divergences", "--all")
    return {row["id"]: row["stage"] for row in rows if row["rule"].startswith(("sett", "charged"))}


def test_what_the_provider_reports_puts_the_books_right(mesh: Shell, tmp_path: Path) -> None:
    file = tmp_path / "settlement.csv"
    listed = '{"name":"Cup","price":{"amount":900,"currency":"EUR"}}'
    assert mesh("send", "catalog.ListProduct", "cup-9", listed).code == 0
    assert mesh("send", "inventory.ReceiveStock", "cup-9", '{"quantity":10}').code == 0
    sent(mesh, "s-1")
    sent(mesh, "s-2")
    assert settle(mesh, file) == (
        "2 movements of 2 orders, and none of 0 whose money has moved here: news of 2 orders, "
        "0 refused."
    )
    assert mesh.json("audit", "--full", "--grace=5")["balanced"]
    assert settled(mesh) == {}

    again = b"""{"request":"Settle","order_id":"s-1","payment":1,"customer_id":"c-7",
        "type":"debit_card","amount":{"amount":900,"currency":"EUR"},"token":""}"""
    provider(mesh, "/settlements", again)
    sent(mesh, "s-3")
    settle(mesh, file, lambda whole: re.sub(r"mv_\d+,[^,]+,s-3,.*\n", "", whole))
    found = {"charged-twice-s-1-1": "resolved", "settlement-missing-there-s-3-1": "resolved"}
    awaited(lambda: settled(mesh) == found)
    awaited(lambda: "PaymentRefunded" in mesh("log", "--order", "s-1").out)
    assert "ParcelUnpaid" in mesh("log", "--order", "s-3").out

    said = settle(mesh, file)
    assert said.startswith("5 movements of 3 orders, and none of 0")
    found["settlement-missing-here-s-3-1"] = "resolved"
    awaited(lambda: settled(mesh) == found)
    assert json.loads(mesh("query", "orders.get", "s-3").out)["unpaid"] == 0
    assert mesh.json("audit", "--full", "--grace=5")["balanced"]


def test_a_report_that_can_t_be_is_told_so_and_changes_nothing(mesh: Shell, tmp_path: Path) -> None:
    file = tmp_path / "settlement.csv"
    header = "movement,time,order,payment,reference,kind,amount,currency\n"
    file.write_text(header + "mv_1,2026-01-01T00:00:00Z,s-1,1,ch_1,captured,9.00,EUR\n")
    said = mesh("settle", str(file))
    assert (said.code, "line 2, column amount: '9.00' is no amount" in said.err) == (2, True)
    file.write_bytes(bytes(range(256)))
    assert mesh("settle", str(file)).code == 2
    assert mesh("settle", str(tmp_path)).code == 2
    assert mesh("settle", str(file), "--until", "2999-01-01T00:00:00Z").code == 2
    assert mesh("settle", str(file), "--since", "today").code == 2
    known = [line for line in provider(mesh, "/settlement-report").splitlines() if ",s-2," in line]
    file.write_text(header + known[0].replace(",900,", ",901,") + "\n")
    said = mesh("settle", str(file))
    assert (said.code, "was reported before, and otherwise" in said.err) == (1, True)
    silent = mesh("settle", str(file), NATS_URL="nats://127.0.0.1:9")
    assert (silent.code, "Traceback" in silent.err) == (3, False)
    assert mesh.json("audit", "--full", "--grace=5")["balanced"]


def test_status_says_how_far_each_reader_is_behind(mesh: Shell) -> None:
    def readers() -> Any:
        found = mesh.json("status")["readers"]
        return found if all(row["behind"] == 0 for row in found) else None

    rows = awaited(readers)
    row = next(r for r in rows if (r["reader"], r["of"]) == ("view-orders", "ordering"))
    assert row["position"] > 0
    assert (row["oldest"], row["stalled"], row["parked"]) == (0.0, False, 0)
    assert {r["reader"] for r in rows} >= {"ordering", "view-orders", "view-stock"}
    printed = [line.split("\t") for line in mesh("status").out.splitlines()]
    shown = next(cells for cells in printed if cells[:2] == ["readers", "view-orders"])
    assert len(shown) == 1 + len(row)


def test_the_metrics_page_names_every_service_and_shows_a_view_that_has_stopped(
    mesh: Shell,
) -> None:
    services = [*discovery.domains(), *(f"view-{name}" for name in discovery.views())]
    awaited(lambda: mesh.metrics("trueup_service_up") == dict.fromkeys(services, 1.0))
    awaited(lambda: mesh.metrics("trueup_position").get("view-stock", 0) > 0)
    stopped = psutil.Process(mesh.process("view-sales")["pid"])
    stopped.suspend()
    awaited(lambda: mesh.metrics("trueup_service_up").get("view-sales") == 0)
    stopped.resume()
    awaited(lambda: mesh.metrics("trueup_service_up").get("view-sales") == 1)


def test_a_killed_metrics_page_is_back_at_the_same_address(mesh: Shell) -> None:
    before = mesh.process("metrics")
    os.kill(before["pid"], signal.SIGKILL)
    awaited(lambda: mesh.process("metrics")["restarts"] == before["restarts"] + 1)
    awaited(lambda: mesh.metrics("trueup_service_up"))


def test_a_refusal_has_its_own_exit_code(mesh: Shell) -> None:
    refused = mesh("send", "ordering.CancelOrder", "o-none")
    assert refused.code == 1
    assert json.loads(refused.out)["code"] == "UnknownOrder"


def test_a_command_can_be_stored_first(mesh: Shell) -> None:
    stored = mesh("send", "inventory.ReceiveStock", "tea-2", '{"quantity":1}', "--later")
    assert stored.code == 0
    assert json.loads(stored.out)["stream"] == "SUBMISSIONS"
    awaited(lambda: mesh("log", "--order", "tea-2").code == 0)


def test_events_are_watched_as_they_happen(mesh: Shell) -> None:
    watching = subprocess.Popen(
        [TRUEUP, "watch", "tea-3", "--count", "1", "--json"],
        env=mesh.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watching.stderr is not None
    assert watching.stderr.readline() == "watching evt.*.*.tea-3.*\n"
    mesh("send", "inventory.ReceiveStock", "tea-3", '{"quantity":1}')
    seen, _ = watching.communicate(timeout=PATIENCE)
    assert json.loads(seen)["type"] == "StockReceived"


def test_rows_are_told_as_they_change(mesh: Shell) -> None:
    mesh("send", "inventory.ReceiveStock", "tea-5", '{"quantity":1}')
    awaited(lambda: mesh("query", "stock.get", "tea-5").code == 0)
    listening = subprocess.Popen(
        [TRUEUP, "live", "stock", "tea-5", "--count", "2"],
        env=mesh.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert listening.stdout is not None
    assert json.loads(listening.stdout.readline())["on_hand"] == 1
    mesh("send", "inventory.ReceiveStock", "tea-5", '{"quantity":2}')
    told, _ = listening.communicate(timeout=PATIENCE)
    assert json.loads(told)["on_hand"] == 3


def test_nothing_is_parked(mesh: Shell) -> None:
    assert mesh("parked").code == 0
    assert mesh.json("parked") == []


@pytest.mark.parametrize("name", ["ordering", "nats-server", "postgres"])
def test_what_is_killed_is_started_again(mesh: Shell, name: str) -> None:
    before = mesh.process(name)
    os.kill(before["pid"], signal.SIGKILL)
    after = awaited(
        lambda: (p := mesh.process(name))["state"] == "running" and p["pid"] != before["pid"] and p
    )
    assert after["restarts"] == before["restarts"] + 1
    body = '{"quantity":1}'
    awaited(lambda: mesh("send", "inventory.ReceiveStock", "tea-1", body).code == 0)
    cancel = ("send", "ordering.CancelOrder", "o-none")
    awaited(lambda: "UnknownOrder" in mesh(*cancel).out)


def test_a_stream_can_be_made_again_from_the_store(mesh: Shell) -> None:
    refused = mesh("repair", "inventory")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert mesh("repair", "inventory", "--yes").code == 0
    assert mesh("check", "streams", "inventory").code == 0


@pytest.mark.parametrize("view", ["orders", "stock"])
def test_a_view_is_made_anew_and_one_can_go_back(mesh: Shell, view: str) -> None:
    before = mesh.json("query", f"{view}.{'recent' if view == 'orders' else 'list'}")
    report = mesh.json("rebuild", view)
    assert report["events"] == sum(report["positions"].values()) > 0
    assert (report["build"], report["differing"], report["took_over"]) == (2, 0, True)
    back = mesh("rebuild", view, "--back")
    assert back.code == 0, back.err
    assert f"build 1 of {view} has taken over" in back.out
    assert "build 2 is kept" in back.out
    after = mesh.json("query", f"{view}.{'recent' if view == 'orders' else 'list'}")
    assert after["rows"] == before["rows"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nothing"], 2, "there is no view 'nothing'"),
        (["orders", "--back", "--fresh"], 2, "exclude each other"),
        (["sales", "--back"], 1, f"no build of version {SALES.version} of the view sales is kept"),
    ],
)
def test_a_rebuild_that_can_not_be_says_why(
    mesh: Shell, words: list[str], code: int, said: str
) -> None:
    refused = mesh("rebuild", *words)
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err


@pytest.mark.parametrize("view", ["orders", "stock"])
def test_a_view_is_what_its_events_say(mesh: Shell, view: str) -> None:
    found = mesh("verify", view, "--json")
    assert found.code == 0, found.err
    told = json.loads(found.out)
    assert told["compared"] > 0
    assert (told["differing"], told["repaired"]) == ([], 0)
    assert mesh.json("repaired", view) == []


def test_a_query_waits_for_positions(mesh: Shell) -> None:
    sent = mesh.json("send", "inventory.ReceiveStock", "tea-9", '{"quantity":3}')
    at = f"inventory={sent['position']}"
    said = mesh("query", "stock.get", "tea-9", "--after", at, "--json")
    assert said.code == 0, (said.err, mesh("status", "--json").out)  # who is behind, and whom
    assert json.loads(said.out)["on_hand"] == 3
    late = mesh("query", "stock.get", "tea-9", "--after", "inventory=999999")
    assert late.code == 3
    assert "behind" in late.err


def test_a_query_goes_back(mesh: Shell) -> None:
    def received(quantity: int) -> str:
        body = json.dumps({"quantity": quantity})
        return f"inventory={mesh.json('send', 'inventory.ReceiveStock', 'tea-8', body)['position']}"

    first = mesh.json("query", "stock.get", "tea-8", "--after", received(3))
    assert mesh.json("query", "stock.get", "tea-8", "--after", received(5))["on_hand"] == 8
    then = f"inventory={first['positions']['inventory']}"
    assert mesh.json("query", "stock.get", "tea-8", "--as-of", then) == first
    now = datetime.now(UTC).isoformat()
    asked = ("query", "stock.get", "tea-8", "--as-of", now)
    awaited(lambda: mesh(*asked).code == 0 and mesh.json(*asked)["on_hand"] == 8)
    wrong = mesh("query", "stock.get", "tea-8", "--as-of", "yesterday")
    assert wrong.code == 1
    assert "as_of" in wrong.err


def test_what_has_changed_between_two_moments_is_told(mesh: Shell) -> None:
    def received(sku: str, quantity: int) -> str:
        body = json.dumps({"quantity": quantity})
        return f"inventory={mesh.json('send', 'inventory.ReceiveStock', sku, body)['position']}"

    # In the order of their events and of their keys, as one write or more may have folded them.
    first, _ = received("tea-6", 3), received("tea-6", 5)
    then = received("tea-7", 2)
    found = mesh("diff", "stock", "--as-of", first, "--as-of", then)
    assert found.code == 1, found.err
    assert found.out.splitlines() == [
        "changed\ttea-6\ton_hand\t3\t8",
        "changed\ttea-6\tavailable\t3\t8",
        "added\ttea-7",
        f"1 added, 0 removed, 1 changed: from {first} to {then}",
    ]
    json_of = json.dumps({"inventory": int(first.removeprefix("inventory="))})
    one = mesh("diff", "stock", "--as-of", json_of, "--key", "tea-7", "--json")
    assert (one.code, json.loads(one.out)["before"]) == (1, None)
    assert one.err.startswith("1 added, 0 removed, 0 changed: ")
    same = mesh("diff", "stock", "--as-of", then, "--as-of", then)
    assert (same.code, same.out) == (0, f"0 added, 0 removed, 0 changed: from {then} to {then}\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nothing", "--as-of", "inventory=1"], 2, "there is no view 'nothing'"),
        (["stock", "--as-of", "yesterday"], 2, "from"),
        (["stock", "--as-of", '{"inventory":'], 2, "--as-of must be like"),
        (["stock", *3 * ["--as-of", "inventory=1"]], 2, "once or twice"),
        (["stock", "--as-of", "inventory=999999"], 3, "behind"),
    ],
)
def test_a_difference_that_can_not_be_told_says_why(
    mesh: Shell, words: list[str], code: int, said: str
) -> None:
    refused = mesh("diff", *words)
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err


def test_a_measurement_is_one_row_for_each_number_of_clients(mesh: Shell) -> None:
    done = mesh("bench", "--seconds", "0.2", "--clients", "1", "--clients", "4", "--json")
    assert [row["clients"] for row in json.loads(done.out)] == [1, 4]


def test_data_survives_down_and_up_and_nothing_is_left_behind(mesh: Shell) -> None:
    processes = mesh.processes()
    urls = mesh.run["urls"]
    head = mesh.json("status")["streams"]
    assert mesh.spawn("down").code == 0
    assert alive(processes) == []
    assert mesh.spawn("down").out == f"Nothing runs in {mesh.home}.\n"
    up = mesh.spawn("up", "--detach", f"--nats-port={urls['NATS_URL'].rpartition(':')[2]}")
    assert up.code == 0, up.err
    assert mesh.run["urls"] == urls
    assert mesh.json("status")["streams"] == head
    assert "OrderPlaced" in mesh("log", "--order", "o-1001").out


def test_after_kill_minus_9_of_the_supervisor_nothing_goes_on_up_works_and_ctrl_c_stops_it(
    mesh: Shell,
) -> None:
    processes = mesh.processes()
    os.kill(mesh.run["supervisor"][0], signal.SIGKILL)
    awaited(lambda: not alive(processes))
    up = subprocess.Popen(
        [TRUEUP, "up", f"--nats-port={free_port()}"],
        env=mesh.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    awaited(lambda: mesh.run["state"] == "ready" and mesh.run["supervisor"][0] == up.pid)
    processes = mesh.processes()
    up.send_signal(signal.SIGINT)
    said, _ = up.communicate(timeout=PATIENCE)
    assert up.returncode == 0
    assert said.startswith("Trueup is up.")
    assert alive([p for p in processes if p.pid != up.pid]) == []
    assert not (mesh.home / "run.json").exists()
