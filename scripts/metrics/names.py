"""What the page tells, and what each number means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple


class Meaning(NamedTuple):
    type: Literal["gauge", "counter"]
    text: str


def _gauge(text: str) -> Meaning:
    return Meaning("gauge", text)


def _counter(text: str) -> Meaning:
    return Meaning("counter", text)


MEANINGS: Mapping[str, Meaning] = {
    "trueup_up": _gauge("1 if NATS answers; if not, nothing else can be told"),
    "trueup_service_up": _gauge("1 if a process of the service answers"),
    "trueup_processes": _gauge("Processes of the service that answer"),
    "trueup_problem": _gauge("1 for what has stopped; its status and its log say why"),
    "trueup_position": _gauge("Position of the last event of the stream that was applied"),
    "trueup_behind_events": _gauge("Events in the stream that are not applied yet"),
    "trueup_oldest_event_age_seconds": _gauge("Age of the first event that is not applied yet"),
    "trueup_applied_events_per_second": _gauge("Events applied a second, over the last ten"),
    "trueup_stalled": _gauge("1 if there are events, and none was applied for ten seconds"),
    "trueup_parked_events": _gauge("Events that could not be taken, or wait behind such a one"),
    "trueup_parked_keys": _gauge("Keys that have parked events"),
    "trueup_leading": _gauge("1 if the process leads its domain: relays, reacts, calls outside"),
    "trueup_store_position": _gauge("Position of the last event in the domain's store"),
    "trueup_published_position": _gauge("Position up to which the leader has filled the stream"),
    "trueup_breaker_open": _gauge("1 if the world outside is spared, as it did not answer"),
    "trueup_commits_total": _counter("Batches of commands that were committed"),
    "trueup_conflicts_total": _counter("Appends that lost a race and were decided again"),
    "trueup_exclusives_total": _counter("Batches that took the head first, so as not to lose"),
    "trueup_requests_total": _counter("Requests that came: commands, queries, logs, status"),
    "trueup_request_errors_total": _counter("Requests that were answered with an error"),
    "trueup_request_seconds_total": _counter("Seconds from requests to their answers, in all"),
}
