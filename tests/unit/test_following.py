"""What `trueup status` makes of what processes say of themselves."""

from typing import Any

from bus.lag import Lag, ParkedCount
from bus.status import Status
from scripts.commands.following import readers
from scripts.commands.looks import trouble


def lag(**other: object) -> Lag:
    known = {
        "position": 5,
        "behind": 3,
        "oldest": 1.5,
        "rate": 2.0,
        "stalled": False,
        "parked": ParkedCount(4, 2),
    }
    return Lag(**{**known, **other})  # type: ignore[arg-type]


def status(one: Lag | None) -> Status:
    streams = {"bills": one} if one else {}
    return Status(service="view-debts", pid=7, positions={"bills": 5}, streams=streams)


def test_a_reader_is_shown_as_its_process_says() -> None:
    (row,) = readers([status(lag())], {"bills": 100})
    assert row == {
        "reader": "view-debts",
        "pid": 7,
        "of": "bills",
        "position": 5,
        "behind": 3,
        "oldest": 1.5,
        "rate": 2.0,
        "stalled": False,
        "parked": 4,
    }


def test_where_the_stream_can_not_tell_its_end_the_owner_does() -> None:
    unknown = lag(behind=None, oldest=None, parked=None)
    (row,) = readers([status(unknown)], {"bills": 9})
    assert (row["behind"], row["oldest"], row["parked"]) == (4, None, None)
    (older,) = readers([status(None)], {"bills": 9})
    assert (older["behind"], older["rate"]) == (4, None)
    (nobody,) = readers([status(unknown)], {})
    assert nobody["behind"] is None


def test_a_reader_that_is_stalled_is_trouble() -> None:
    found: dict[str, list[dict[str, Any]]] = {
        "processes": [],
        "breakers": [],
        "parked": [],
        "problems": [],
    }
    assert not trouble({**found, "readers": readers([status(lag())], {})})
    assert trouble({**found, "readers": readers([status(lag(stalled=True))], {})})
