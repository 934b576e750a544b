"""The whole list of environment variables that Trueup reads.

`<DOMAIN>` stands for a domain's name in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Variable:
    """`parse` raises ValueError where `rule` is broken."""

    name: str
    meaning: str
    rule: str
    parse: Callable[[str], Any]
    default: str | None = None


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not (parts.netloc or parts.query):
            raise ValueError
        _ = parts.port  # raises ValueError where it is no port
        return text

    return parse


def _urls(*schemes: str) -> Callable[[str], str]:
    one = _url(*schemes)
    return lambda text: ",".join(one(part.strip()) for part in text.split(","))


def _choice(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return parse


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ValueError
    return int(text)


def _port(text: str) -> int:
    if not 1 <= (port := _count(text)) <= 65_535:
        raise ValueError
    return port


def _days(text: str) -> int:
    if (days := _count(text)) > 36_500:
        raise ValueError
    return days


def _hours(text: str) -> int:
    if (hours := _count(text)) > 8760:
        raise ValueError
    return hours


def _seconds(text: str) -> int:
    if (seconds := _count(text)) > 3600:
        raise ValueError
    return seconds


_database = _url("postgresql", "postgres")
DATABASE_RULE = "a URL like postgresql://user:password@host:5432/name"

VARIABLES = (
    Variable(
        "NATS_URL",
        "the NATS servers",
        "a URL like nats://127.0.0.1:4222, or several with commas between",
        _urls("nats", "tls", "ws", "wss"),
        "nats://127.0.0.1:4222",
    ),
    Variable(
        "TRUEUP_<DOMAIN>_DATABASE_URL",
        "a domain's own Postgres database",
        DATABASE_RULE,
        _database,
    ),
    Variable("TRUEUP_VIEWS_DATABASE_URL", "the views' Postgres database", DATABASE_RULE, _database),
    Variable(
        "TRUEUP_DATABASE_URL",
        "a Postgres server for all that have no URL of their own: database trueup_<domain> each",
        DATABASE_RULE,
        _database,
    ),
    Variable(
        "REDIS_URL",
        "the Redis or Valkey for views that live there",
        "a URL like redis://127.0.0.1:6379/0",
        _url("redis", "rediss", "unix"),
    ),
    Variable(
        "TRUEUP_PROVIDER_URL",
        "the payment provider",
        "a URL like http://127.0.0.1:8081",
        _url("http", "https"),
    ),
    Variable(
        "TRUEUP_METRICS_PORT",
        "where the metrics page listens; `scripts/up` takes a free port unless it is named",
        "a port from 1 to 65535",
        _port,
        "9464",
    ),
    Variable(
        "TRUEUP_HOME",
        "the folder of a local mesh: data, settings, logs",
        "a path",
        str,
        str(CHECKOUT / ".trueup"),
    ),
    Variable(
        "TRUEUP_LOG",
        "how logs are written",
        "json or console",
        _choice("json", "console"),
        "console",
    ),
    Variable(
        "TRUEUP_STREAM_REPLICAS",
        "copies of each stream",
        "1, 3 or 5",
        lambda t: int(_choice("1", "3", "5")(t)),
        "1",
    ),
    Variable(
        "TRUEUP_STREAM_SUBJECTS",
        "what a stream files events under: the event's type, or its entity too (costs memory)",
        "type or entity",
        _choice("type", "entity"),
        "type",
    ),
    Variable(
        "TRUEUP_STREAM_MAX_MSGS",
        "events that a stream keeps; older ones stay in the owner's log",
        "a whole number, 0 for all",
        _count,
        "0",
    ),
    Variable(
        "TRUEUP_RECEIPTS_DAYS",
        "days for which a command sent again gets the same answer; then its receipt goes",
        "a whole number up to 36500, 0 for ever",
        _days,
        "7",
    ),
    Variable(
        "TRUEUP_KEPT_HOURS",
        "hours for which the rows that a rebuild has replaced are kept, to go back to",
        "a whole number up to 8760",
        _hours,
        "24",
    ),
    Variable(
        "TRUEUP_HISTORY_HOURS",
        "hours for which views remember how their rows were, for questions with `as_of`; 0: never",
        "a whole number up to 8760",
        _hours,
        "24",
    ),
    Variable(
        "TRUEUP_GRACE_SECONDS",
        "seconds for which two books may disagree before it is a divergence",
        "a whole number up to 3600",
        _seconds,
        "30",
    ),
)
