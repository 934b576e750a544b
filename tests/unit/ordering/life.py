"""An order's life, driven command by command, for tests that try many of them."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

from hypothesis import strategies as st

from bus.decider import NotYet, Refused
from bus.envelope import Key
from bus.messages import Command, Event
from bus.testing import NOW
from bus.testing.history import record
from domains.ordering.domain import DOMAIN
from domains.ordering.messages import Line, OrderLine, PlaceOrder
from tests.unit.ordering.examples import eur

ORDER = Key("order", "o-1")


class Life:
    """What has been recorded of one order, and the state that this makes."""

    def __init__(self, *commands: Command) -> None:
        self.state: Any = DOMAIN.initial(ORDER)
        self.events: list[Event] = []
        for command in commands:
            self.send(command)

    def send(self, command: Command) -> None:
        """A refusal changes nothing; any other exception is an error of the rules."""
        states = dict.fromkeys(DOMAIN.reads(command), self.state)
        try:
            decided = DOMAIN.decide(command, states, NOW)
        except (Refused, NotYet):
            return
        for key, event in decided:
            self.state = DOMAIN.evolve(key, self.state, event)
            self.events.append(event)

    def of(self, *kinds: type[Event]) -> Sequence[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    def replayed(self) -> Any:
        """The state as another process makes it, from the stored bytes."""
        stored = (record(DOMAIN.contract, ORDER, event, (), NOW).data for event in self.events)
        return reduce(
            lambda state, event: DOMAIN.evolve(ORDER, state, event), stored, DOMAIN.initial(ORDER)
        )


def lines_of(parcels: Sequence[Sequence[OrderLine]], number: int) -> set[int]:
    return {line.line for line in parcels[number - 1]}


def orders() -> st.SearchStrategy[PlaceOrder]:
    """Orders of one to four lines with agreed prices, of up to three sellers."""
    line = st.builds(
        Line,
        sku=st.sampled_from(["tea-1", "pot-1"]),
        quantity=st.integers(1, 3),
        price=st.integers(0, 500).map(eur),
        freight=st.integers(0, 50).map(eur),
        seller_id=st.sampled_from(["shop", "potter", "teahouse"]),
    )
    return st.builds(
        lambda lines: PlaceOrder(id="o-1", customer_id="c-7", lines=lines),
        st.lists(line, min_size=1, max_size=4),
    )
