"""Another domain's event, taken again because its effect is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bus.decider import Reaction
from bus.messages import Command


def again(
    reactions: Sequence[Reaction], upstream: str, position: int, body: bytes
) -> Iterable[Command]:
    """What the domain's own reaction makes of the event at `position` of `upstream`.

    Deciders answer a repeat with nothing, so that what it has had already is not had twice.
    Raises LookupError where the domain does not listen to `upstream`, msgspec.MsgspecError where
    the event can't be read.
    """
    for reaction in reactions:
        if reaction.upstream.domain == upstream:
            return reaction.react(reaction.upstream.decode(position, body))
    raise LookupError(f"nothing here listens to {upstream}")
