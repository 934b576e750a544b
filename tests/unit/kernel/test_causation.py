"""Whether an event or a command has caused an event can be told from its causation id."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.causation import caused_by_command, causing_event
from bus.clock import uuid7
from bus.envelope import EXTERNAL_ID
from bus.intake import Intake
from tests.unit.kernel.till import DOMAIN

UUID4 = "06144b9f-bfb4-4284-95ca-15607ae1cc18"
UUID7 = "01a218c9-50ef-78d7-8cb9-1b3d2068e376"


@given(st.from_regex(EXTERNAL_ID, fullmatch=True))
def test_no_command_id_can_be_taken_for_an_event(command_id: str) -> None:
    found = causing_event(caused_by_command(command_id))
    assert found is None or not re.fullmatch(r"[a-z][a-z0-9_]*", found[0])  # no domain's name


@pytest.mark.parametrize("command_id", ["ordering:12", "ordering:0", f"ordering:{UUID4}"])
def test_a_command_id_that_looks_like_an_event_is_marked(command_id: str) -> None:
    assert caused_by_command(command_id) == f"command:{command_id}"
    assert causing_event(caused_by_command(command_id)) is None


@pytest.mark.parametrize("command_id", ["web-1", "web:1a", UUID7, "submission:12-2026", "a:b:1"])
def test_any_other_command_id_stays_as_it_is(command_id: str) -> None:
    assert caused_by_command(command_id) == command_id


def test_an_event_is_named_by_its_domain_and_position() -> None:
    assert causing_event("ordering:12") == ("ordering", 12)
    assert causing_event(f"ordering:{UUID4}") is None
    assert causing_event("ordering:") is None
    assert causing_event("ordering:" + "9" * 30) is None


def test_a_given_command_id_is_marked_in_the_envelope_and_kept_in_the_receipt() -> None:
    intake = Intake(DOMAIN.contract, uuid7)
    headers = {"Nats-Msg-Id": "till:3"}
    work = intake.work("cmd.till.Deposit.t-1", b'{"amount":1}', headers)
    assert work.cause.causation_id == "command:till:3"
    assert work.identity is not None
    assert work.identity.command_id == "till:3"
