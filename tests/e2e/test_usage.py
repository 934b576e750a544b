"""What the command line says where there is nothing to talk to, or no sense in the words."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.terminal import TRUEUP, Said, environment, run, spawn

NOWHERE = "nats://127.0.0.1:1"
COMMANDS = (
    *("up", "down", "status", "env", "send", "watch", "live", "log", "parked", "retry", "query"),
    *("import", "check", "repair", "bench", "describe"),
)


def trueup(*words: str, home: Path, **more: str) -> Said:
    return run(words, environment(home, **more))


@pytest.mark.parametrize(
    "words",
    [
        ["sing"],
        ["send"],
        ["send", "PlaceOrder", "o-1"],
        ["send", "warehouse.PlaceOrder", "o-1"],
        ["send", "ordering.PlaceOrdr", "o-1"],
        ["send", "ordering.ConfirmOrder", "o-1"],
        ["send", "ordering.CancelOrder", "o.1"],
        ["send", "ordering.CancelOrder", "o-1", "@/no/such/file"],
        ["send", "ordering.CancelOrder", "o-1", "--expected-version", "one"],
        ["query", "orders"],
        ["query", "orders.get", "a b"],
        ["log"],
        ["log", "warehouse"],
        ["watch", "a b"],
        ["live", "orders", "a b"],
        ["up", "--nats-port", "0"],
        ["up", "--nats-port", "port"],
        ["up", "--scale", "warehouse=2"],
        ["up", "--scale", "ordering=none"],
        ["describe", "warehouse"],
        ["describe", "ordering", "Sing"],
        ["repair", "warehouse"],
        ["import", "olist"],
        ["bench", "--seconds", "0"],
    ],
    ids=" ".join,
)
def test_words_without_sense_are_usage(words: list[str], tmp_path: Path) -> None:
    done = trueup(*words, home=tmp_path)
    assert done.code == 2
    assert done.err
    assert "Traceback" not in done.err


def test_a_misspelt_command_is_told_the_one_that_was_meant(tmp_path: Path) -> None:
    done = trueup("send", "ordering.PlaceOrdr", "o-1", home=tmp_path)
    assert done.err.endswith("did you mean PlaceOrder?\n")


@pytest.mark.parametrize(
    "words",
    [
        ["send", "ordering.CancelOrder", "o-1"],
        ["status"],
        ["log", "ordering"],
        ["parked"],
        ["query", "orders.get", "o-1"],
    ],
    ids=" ".join,
)
def test_where_there_is_no_nats_the_way_to_one_is_told(words: list[str], tmp_path: Path) -> None:
    done = trueup(*words, home=tmp_path, NATS_URL=NOWHERE)
    assert done.code == 3
    assert "no NATS at nats://127.0.0.1:1: start a mesh with scripts/up" in done.err


def test_a_setting_that_breaks_its_rule_is_usage(tmp_path: Path) -> None:
    done = trueup("status", home=tmp_path, NATS_URL="http://127.0.0.1")
    assert done.code == 2
    assert done.err.startswith("trueup: NATS_URL must be ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples_or_commands_of_its_own(
    command: str, tmp_path: Path
) -> None:
    done = trueup(command, "--help", home=tmp_path)
    assert done.code == 0
    subcommands = command in ("import", "check")
    assert ("Commands" if subcommands else "For example:") in done.out
    assert subcommands or "Exit codes: 0" in done.out


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    done = trueup("up", home=tmp_path / "home")
    assert done.code == 3
    assert f"TRUEUP_HOME ({tmp_path / 'home'}) is no folder" in done.err


def test_a_taken_port_is_told_and_nothing_is_left_running(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = spawn(["up", "--detach", f"--nats-port={port}"], environment(tmp_path))
    assert done.code == 3
    assert f"Port {port} is taken by another program: choose another" in done.err
    assert trueup("down", home=tmp_path).out == f"Nothing runs in {tmp_path}.\n"


def test_a_taken_port_for_the_metrics_page_is_told_before_anything_is_started(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = trueup("up", home=tmp_path, TRUEUP_METRICS_PORT=str(port))
    assert done.code == 3
    said = f"The metrics page has no port: port {port} is taken by another program: name another"
    assert f"trueup: {said} in TRUEUP_METRICS_PORT.\n" in done.err
    assert "Starting" not in done.err


def test_a_server_of_ones_own_that_is_not_there_is_told(tmp_path: Path) -> None:
    url = "postgresql://shop:secret@127.0.0.1:1/postgres"
    done = trueup("up", home=tmp_path, TRUEUP_DATABASE_URL=url)
    assert done.code == 3
    assert "Postgres at 127.0.0.1:1/postgres gives no database trueup_" in done.err
    assert "secret" not in done.err


def test_describe_needs_no_mesh(tmp_path: Path) -> None:
    rows = trueup("describe", "ordering", home=tmp_path).out.splitlines()
    assert rows[0].split("\t")[:4] == [
        *("ordering", "command", "PlaceOrder", "cmd.ordering.PlaceOrder.<id>")
    ]
    whole = json.loads(trueup("describe", "--asyncapi", home=tmp_path).out)
    assert whole["asyncapi"] == "3.0.0"
    one = json.loads(trueup("describe", "ordering", "OrderPlaced", home=tmp_path).out)
    assert one["subject"] == "evt.ordering.order.<id>.OrderPlaced"


def test_a_link_to_the_command_works_from_anywhere(tmp_path: Path) -> None:
    link = tmp_path / "trueup"
    link.symlink_to(TRUEUP)
    done = subprocess.run([link, "--version"], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0.1.0"
