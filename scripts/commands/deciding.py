"""`trueup divergences approve` and `dismiss`: what a person decides."""

from __future__ import annotations

from typing import Any

import msgspec

from bus import subjects
from bus.broker.port import Broker
from bus.messages import Text
from domains.reconciliation.messages import ApproveCompensation, DismissDivergence
from projections.reconciliation.rules import RULES
from scripts.audit.amounts import amount
from scripts.commands.exits import OK, REFUSED, UNAVAILABLE, USAGE, Exit
from scripts.commands.mesh import ask, connected
from scripts.commands.output import say
from scripts.commands.waiting import Decision, decide, waiting
from scripts.sender import MeshSilent

NAMED = 20
"""Refusals that are named one by one."""


async def approve(id: str | None = None, /, *, rule: str | None = None, why: str = "") -> int:
    """Have done what was proposed, whatever the limits: for one, or for all of a rule that wait.

    For example:

    ```sh
    trueup divergences approve captured-too-much-o-1001-1 --why "seen at the provider"
    trueup divergences approve --rule past-rounding --why "cents of the past"
    ```

    Exit codes: 0 done, 1 refused, 2 usage, 3 unavailable.

    Parameters
    ----------
    id
        The divergence's.
    rule
        All that wait of this rule instead; how many these are is said.
    why
        What is kept of the decision; needed with --rule.
    """
    return await _decided(ApproveCompensation, id, rule, why)


async def dismiss(id: str | None = None, /, *, rule: str | None = None, why: str) -> int:
    """Leave it as it is: one, or all of a rule that wait. It comes again when it is another one.

    Exit codes: 0 done, 1 refused, 2 usage, 3 unavailable.

    Parameters
    ----------
    id
        The divergence's.
    rule
        All that wait of this rule instead; how many these are is said.
    why
        What is kept of the decision.
    """
    return await _decided(DismissDivergence, id, rule, why)


async def _decided(decision: Decision, id: str | None, rule: str | None, why: str) -> int:
    if (id is None) == (rule is None):
        raise Exit(USAGE, "name a divergence by its id, or all of a --rule: one of both.")
    try:
        msgspec.convert(why, Text)
    except msgspec.ValidationError:
        raise Exit(USAGE, "--why takes 500 characters at most, in one line.") from None
    async with connected() as broker:
        if rule is not None:
            return await _all(broker, decision, rule, why)
        if id is None or not subjects.is_id(id):
            raise Exit(USAGE, f"{id!r} is no divergence's id: see `trueup divergences`.")
        answer = await sent(broker, decision.__name__, id, {"why": why})
    say("Done." if answer["events"] else "Nothing has changed: it had been decided before.")
    return OK


async def _all(broker: Broker, decision: Decision, rule: str, why: str) -> int:
    if not why:
        raise Exit(USAGE, "--rule needs a --why: it is kept with each of them.")
    found = await waiting(broker, rule)
    if not found.ids and rule not in {each.name for each in RULES}:
        raise Exit(USAGE, f"there is no rule {rule!r}: see `trueup divergences rules`.")
    worth = "".join(f", {amount(sum, currency)}" for currency, sum in found.sums.items())
    say(f"{len(found.ids):,} of {rule} wait for a person{worth}.")
    try:
        decided = await decide(broker, decision, found.ids, why)
    except MeshSilent as error:
        raise Exit(UNAVAILABLE, f"{error}") from None
    for id, message in [*decided.refused.items()][:NAMED]:
        say(f"{id}: {message}")
    said = "approved" if decision is ApproveCompensation else "dismissed"
    say(f"{decided.done:,} {said}, {len(decided.refused):,} refused.")
    return REFUSED if decided.refused else OK


async def sent(broker: Broker, command: str, id: str, body: Any) -> Any:
    """The answer to what was accepted. Raises Exit."""
    subject = subjects.command("reconciliation", command, id)
    reply = await ask(broker, subject, msgspec.json.encode(body))
    answer = msgspec.json.decode(reply.body)
    if answer["status"] == "unavailable":
        raise Exit(UNAVAILABLE, f"{answer['message']}")
    if answer["status"] != "accepted":
        raise Exit(REFUSED, f"{answer['message']}")
    return answer
