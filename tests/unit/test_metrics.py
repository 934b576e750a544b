"""The metrics page, of what services are given to have said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from bus.lag import Lag, ParkedCount
from bus.status import Status
from bus.variables import CHECKOUT
from scripts.metrics.answers import Endpoint, Instance, Service
from scripts.metrics.collector import Page
from scripts.metrics.names import MEANINGS
from tests.metrics_page import read

README = (CHECKOUT / "README.md").read_text()
STOCK = {"service": "view-stock", "kind": "view"}
BILLING = {"service": "billing", "kind": "domain"}


def lag(**other: Any) -> Lag:
    known = {"position": 5, "behind": 3, "oldest": 1.5, "rate": 2.0, "stalled": False}
    return Lag(**{**known, "parked": ParkedCount(4, 2), **other})


def status(**other: Any) -> Status:
    return Status(**{"service": "view-stock", "host": "shop-1", "pid": 7, **other})


def instance(name: str, pid: int, *endpoints: Endpoint) -> Instance:
    about = {"host": "shop-1", "pid": str(pid)}
    return Instance(name=name, id=f"id-{pid}", metadata=about, endpoints=list(endpoints))


def registry(services: Sequence[Service] | None) -> CollectorRegistry:
    found = CollectorRegistry()
    found.register(Page(services))
    return found


def page(*services: Service) -> str:
    return generate_latest(registry(services)).decode()


def test_how_far_a_reader_is_is_told_by_stream() -> None:
    told = page(Service("view-stock", told=[status(streams={"bills": lag(), "money": lag()})]))
    of_bills = {**STOCK, "stream": "bills"}
    assert read(told, "trueup_position") == [(of_bills, 5), ({**STOCK, "stream": "money"}, 5)]
    for name, value in {
        "trueup_behind_events": 3,
        "trueup_oldest_event_age_seconds": 1.5,
        "trueup_applied_events_per_second": 2,
        "trueup_stalled": 0,
        "trueup_parked_events": 4,
        "trueup_parked_keys": 2,
    }.items():
        assert (of_bills, value) in read(told, name)


def test_a_stalled_reader_shows() -> None:
    told = page(Service("view-stock", told=[status(streams={"bills": lag(stalled=True)})]))
    assert read(told, "trueup_stalled") == [({**STOCK, "stream": "bills"}, 1)]


def test_what_nobody_can_tell_is_left_out() -> None:
    unknown = lag(behind=None, oldest=None, parked=None)
    told = page(Service("view-stock", told=[status(streams={"bills": unknown})]))
    assert read(told, "trueup_position")
    for name in ("behind_events", "oldest_event_age_seconds", "parked_events", "parked_keys"):
        assert read(told, f"trueup_{name}") == []
    assert "store_position" not in told
    assert "breaker" not in told
    assert "leading" not in told


def test_a_service_that_does_not_answer_is_down_and_has_no_other_numbers() -> None:
    told = page(Service("billing"), Service("view-stock", told=[status()]))
    assert read(told, "trueup_service_up") == [(BILLING, 0), (STOCK, 1)]
    assert read(told, "trueup_processes") == [(BILLING, 0), (STOCK, 1)]


def test_without_nats_nothing_else_is_told() -> None:
    told = generate_latest(registry(None)).decode()
    assert read(told, "trueup_up") == [({}, 0)]
    assert [line for line in told.splitlines() if line.startswith("trueup_")] == ["trueup_up 0.0"]
    assert read(page(), "trueup_up") == [({}, 1)]


def test_what_has_stopped_is_told_by_what_it_is_and_not_by_its_reason() -> None:
    reason = 'Position 7 of stream BILLS was event "a\\b"\nRestore the backups.'
    told = page(Service("view-stock", told=[status(problems={"reactions to bills": reason})]))
    assert read(told, "trueup_problem") == [({**STOCK, "what": "reactions to bills"}, 1)]
    assert "Restore" not in told


def test_a_leader_tells_how_far_it_has_published_what_its_store_has() -> None:
    counts = {"commits": 9, "conflicts": 2, "exclusives": 1}
    leader = status(leading=True, published=40, breaker="half-open", counts=counts)
    told = page(Service("billing", told=[leader], head=42))
    for name, value in {
        "trueup_leading": 1,
        "trueup_store_position": 42,
        "trueup_published_position": 40,
        "trueup_breaker_open": 1,
        "trueup_commits_total": 9,
        "trueup_conflicts_total": 2,
        "trueup_exclusives_total": 1,
    }.items():
        assert read(told, name) == [(BILLING, value)]


def test_requests_are_counted_by_endpoint_in_seconds() -> None:
    pay = Endpoint("Pay", num_requests=10, num_errors=3, processing_time=1_500_000_000)
    told = page(Service("billing", [instance("billing", 7, pay)]))
    labels = {**BILLING, "endpoint": "Pay"}
    assert read(told, "trueup_requests_total") == [(labels, 10)]
    assert read(told, "trueup_request_errors_total") == [(labels, 3)]
    assert read(told, "trueup_request_seconds_total") == [(labels, 1.5)]


def test_several_processes_of_a_service_are_told_apart_also_with_the_same_pid() -> None:
    lags = {"bills": lag()}
    one, other = status(host="a", pid=1, streams=lags), status(host="b", pid=1, streams=lags)
    told = page(Service("view-stock", told=[one, other]))
    assert [labels["process"] for labels, _ in read(told, "trueup_position")] == ["a:1", "b:1"]
    assert read(told, "trueup_processes") == [(STOCK, 2)]


def test_a_process_is_named_alike_by_what_it_says_and_by_what_it_counts() -> None:
    pay = Endpoint("Pay", num_requests=1, num_errors=0, processing_time=0)
    instances = [instance("billing", pid, pay) for pid in (7, 8)]
    told = page(Service("billing", instances, [status(leading=True), status(pid=8)]))
    assert read(told, "trueup_processes") == [(BILLING, 2)]
    assert [labels["process"] for labels, _ in read(told, "trueup_leading")] == ["shop-1:7"]
    counted = [labels["process"] for labels, _ in read(told, "trueup_requests_total")]
    assert counted == ["shop-1:7", "shop-1:8"]


def test_one_that_answers_twice_is_counted_once() -> None:
    """As a view does for a moment, when it begins to take questions."""
    get = Endpoint("get", num_requests=1, num_errors=0, processing_time=0)
    told = page(Service("view-stock", [instance("view-stock", 7, get)] * 2, [status()] * 2))
    assert read(told, "trueup_processes") == [(STOCK, 1)]
    assert len(read(told, "trueup_requests_total")) == 1


def test_open_metrics_reads_it_too() -> None:
    pay = Endpoint("Pay", num_requests=10, num_errors=3, processing_time=1)
    service = Service("billing", [instance("billing", 7, pay)], [status(streams={"b": lag()})], 3)
    text = generate_openmetrics(registry([service])).decode()  # type: ignore[no-untyped-call]
    names = {sample.name for family in openmetrics(text) for sample in family.samples}  # type: ignore[no-untyped-call]
    assert {"trueup_up", "trueup_requests_total", "trueup_position"} <= names


def test_a_count_of_a_later_version_is_passed_over() -> None:
    told = page(Service("billing", told=[status(counts={"commits": 1, "halvings": 2})]))
    assert "halvings" not in told


def test_the_readme_lists_each_name_with_its_meaning() -> None:
    chapter = README.split("\n## Lag and health\n", 1)[1].split("\n## ", 1)[0]
    listed = dict(re.findall(r"^\| `(trueup_\w+)` \|[^|]*\| (.+) \|$", chapter, re.M))
    assert listed == {name: meaning.text for name, meaning in MEANINGS.items()}


def test_the_alerts_of_the_readme_ask_for_what_there_is() -> None:
    (text,) = re.findall(r"```yaml\n(groups:.*?)```", README, re.S)
    rules = yaml.safe_load(text)["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"trueup_\w+", rule["expr"])}
    assert asked <= set(MEANINGS)
    assert all(rule["annotations"]["summary"] for rule in rules)


@pytest.mark.parametrize("name", MEANINGS)
def test_a_counter_is_a_total_and_nothing_else_is(name: str) -> None:
    assert name.endswith("_total") == (MEANINGS[name].type == "counter")
