"""What the reply subject of a message from JetStream says about it."""

from __future__ import annotations

from typing import NamedTuple

PREFIX = b"$JS.ACK."


class Delivery(NamedTuple):
    """`sequence` in the stream, `number` among the consumer's deliveries; `stored` is the
    time in nanoseconds; `pending` is how many more messages the consumer has to give."""

    sequence: int
    number: int
    stored: int
    pending: int


def parse(reply: bytes) -> Delivery:
    """$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<times>.<seq>.<number>.<ns>.<pending>

    With a domain there may be a random token at the end.
    """
    tokens = reply.split(b".")
    at = 5 if len(tokens) == 9 else 7
    return Delivery(int(tokens[at]), int(tokens[at + 1]), int(tokens[at + 2]), int(tokens[at + 3]))
