"""What services have said, as numbers in the words of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from bus.lag import Lag
from bus.status import Status
from scripts.metrics.answers import Endpoint, Instance, Service, process
from scripts.metrics.names import MEANINGS

Labels = Mapping[str, str]


class Number(NamedTuple):
    """None is what nobody could tell: it is left out, as a number would be a lie."""

    name: str
    labels: Labels
    value: float | None


class Page(Collector):
    """`services` is None where nobody could be asked."""

    def __init__(self, services: Sequence[Service] | None) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        metrics = {
            name: Metric(name.removesuffix("_total"), meaning.text, meaning.type)
            for name, meaning in MEANINGS.items()
        }
        # Two numbers under one name would make Prometheus throw the whole page away.
        known = set()
        for number in self._numbers():
            key = (number.name, *sorted(number.labels.items()))
            if number.value is not None and key not in known:
                known.add(key)
                value = float(number.value)
                metrics[number.name].add_sample(number.name, dict(number.labels), value)
        return [metric for metric in metrics.values() if metric.samples]

    def _numbers(self) -> Iterator[Number]:
        yield Number("trueup_up", {}, self._services is not None)
        for service in self._services or ():
            yield from _service(service)


def _service(service: Service) -> Iterator[Number]:
    labels = {"service": service.name, "kind": service.kind}
    processes = service.processes
    yield Number("trueup_service_up", labels, bool(processes))
    yield Number("trueup_processes", labels, len(processes))
    yield Number("trueup_store_position", labels, service.head)

    def of(name: str) -> Labels:
        """Which process is only told where there are several: its pid changes."""
        return {**labels, "process": name} if len(processes) > 1 else labels

    for status in service.told:
        yield from _status(status, of(process(status)))
    for instance in service.instances:
        yield from _instance(instance, of(instance.process))


def _status(status: Status, labels: Labels) -> Iterator[Number]:
    for what in status.problems:
        yield Number("trueup_problem", {**labels, "what": what}, 1)
    for stream, lag in status.streams.items():
        yield from _lag(lag, {**labels, "stream": stream})
    yield Number("trueup_leading", labels, status.leading)
    yield Number("trueup_published_position", labels, status.published)
    if status.breaker is not None:
        yield Number("trueup_breaker_open", labels, status.breaker != "closed")
    for what, count in status.counts.items():
        if (name := f"trueup_{what}_total") in MEANINGS:  # else it is of a later version
            yield Number(name, labels, count)


def _lag(lag: Lag, labels: Labels) -> Iterator[Number]:
    yield Number("trueup_position", labels, lag.position)
    yield Number("trueup_behind_events", labels, lag.behind)
    yield Number("trueup_oldest_event_age_seconds", labels, lag.oldest)
    yield Number("trueup_applied_events_per_second", labels, lag.rate)
    yield Number("trueup_stalled", labels, lag.stalled)
    if lag.parked is not None:
        yield Number("trueup_parked_events", labels, lag.parked.events)
        yield Number("trueup_parked_keys", labels, lag.parked.keys)


def _instance(instance: Instance, labels: Labels) -> Iterator[Number]:
    for endpoint in instance.endpoints or ():
        yield from _endpoint(endpoint, {**labels, "endpoint": endpoint.name})


def _endpoint(endpoint: Endpoint, labels: Labels) -> Iterator[Number]:
    yield Number("trueup_requests_total", labels, endpoint.num_requests)
    yield Number("trueup_request_errors_total", labels, endpoint.num_errors)
    yield Number("trueup_request_seconds_total", labels, endpoint.processing_time / 1e9)
