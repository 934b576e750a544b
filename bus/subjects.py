"""The subjects of the mesh, in one place. Tokens are checked before they get here."""

from __future__ import annotations

import re

from bus.messages import ID_PATTERN

SUBMISSIONS = "SUBMISSIONS"
"""The work-queue stream of commands that were stored before they were handled."""

_id = re.compile(ID_PATTERN).match
_token = re.compile(r"[^\s\x00-\x1f\x7f\ud800-\udfff.*>]+").fullmatch


def is_id(token: str) -> bool:
    return _id(token) is not None


def is_token(text: str) -> bool:
    """Whether it can be one token of a subject, as every id can."""
    return _token(text) is not None


def overlap(one: str, other: str) -> bool:
    """Whether there is a subject that both patterns match."""
    ours, theirs = one.split("."), other.split(".")
    for mine, yours in zip(ours, theirs, strict=False):
        if ">" in (mine, yours):
            return True
        if mine != yours and "*" not in (mine, yours):
            return False
    return len(ours) == len(theirs)


def command(domain: str, name: str, id: str) -> str:
    return f"cmd.{domain}.{name}.{id}"


def submission(domain: str, name: str, id: str) -> str:
    return f"submit.{domain}.{name}.{id}"


def refused(domain: str, name: str, id: str) -> str:
    """Where the answer to a submission that was not accepted is published."""
    return f"refused.{domain}.{name}.{id}"


def event(domain: str, aggregate: str, id: str, name: str) -> str:
    """Where an event is published, for people who watch."""
    return f"evt.{domain}.{aggregate}.{id}.{name}"


def stored_event(domain: str, name: str) -> str:
    """Under what the stream keeps an event: by type, because each subject costs memory."""
    return f"evt.{domain}.{name}"


def log_read(domain: str) -> str:
    return f"log.{domain}.read"


def log_history(domain: str, id: str) -> str:
    return f"log.{domain}.history.{id}"


def log_tracking(domain: str) -> str:
    """Where a domain says how far it has reacted to the others' streams."""
    return f"log.{domain}.tracking"


def hint(domain: str) -> str:
    """Where a process tells its domain's relay that it has committed."""
    return f"hint.{domain}"


def hole(domain: str) -> str:
    """Where a reader tells the domain's relay that the stream lacks something."""
    return f"hole.{domain}"


def parked_list(owner: str) -> str:
    """Where a domain or a view tells what it has parked."""
    return f"parked.{owner}.list"


def repaired_list(view: str) -> str:
    """Where a view tells which of its rows it has put right."""
    return f"repaired.{view}.list"


def changed_list(view: str) -> str:
    """Where a view tells which of its rows have changed between two moments."""
    return f"changed.{view}.list"


def parked_retry(owner: str) -> str:
    """Where a domain or a view is asked to try again what it has parked."""
    return f"parked.{owner}.retry"


def query(view: str, name: str, key: str | None = None) -> str:
    return f"qry.{view}.{name}" + (f".{key}" if key else "")


def workers(view: str) -> str:
    """Where those who share the partitions of a view tell each other that they are there."""
    return f"workers.{view}"


def live(view: str, key: str) -> str:
    """Where a row is told whenever it changes, to whoever listens."""
    return f"live.{view}.{key}"
