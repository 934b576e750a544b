"""What goes over the wire: publishing frames and header blocks.

https://docs.nats.io/reference/reference-protocols/nats-protocol
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-4.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

MAX_CONTROL_LINE = 4000
"""In bytes. A server drops the connection at 4,096, so no line gets near it."""

MAX_INBOX = 512

NO_HEADERS: Mapping[str, str] = {}

_VERSION = b"NATS/1.0"
_HEADER_KEY = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LINE_BREAKS = str.maketrans("\r\n\0", "   ")
_UNPUBLISHABLE = re.compile(r"[\s\0]|^\.|\.\.|\.$|^$|(^|\.)[*>](\.|$)")
_is_plain = re.compile(r"[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*").fullmatch
"""What nearly all subjects look like: seven times as fast as looking for what is wrong."""
_is_inbox = re.compile(r"_INBOX(\.[^\s\0.*>]+)+").fullmatch


class Status(NamedTuple):
    """What the server itself says, as 100 for a heartbeat; `code` 0 where it says nothing."""

    code: int
    text: str
    headers: Mapping[str, str]


def is_inbox(subject: str) -> bool:
    """Whether an answer may go there: never to a subject that means something."""
    return len(subject) <= MAX_INBOX and _is_inbox(subject) is not None


def check_subject(subject: str) -> None:
    """Raises ValueError where nothing can be published to `subject`."""
    if not _is_plain(subject) and _UNPUBLISHABLE.search(subject):
        raise ValueError(f"{subject!r} is no subject to publish to")


def encode_headers(headers: Mapping[str, str] | None) -> bytes:
    """The header block, empty where there are none. Line breaks in values become spaces.

    Raises ValueError for a key that is no token.
    """
    if not headers:
        return b""
    lines = [_VERSION]
    for key, value in headers.items():
        if not _HEADER_KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no name for a header")
        text = value.translate(_LINE_BREAKS).strip()
        lines.append(f"{key}: {text}".encode(errors="replace"))
    return b"\r\n".join(lines) + b"\r\n\r\n"


def decode_headers(block: bytes) -> Mapping[str, str]:
    """Takes whatever a peer has sent: lines that are no header are read over."""
    found: dict[str, str] = {}
    for line in block.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        key = name.decode("ascii", "replace")
        if colon and _HEADER_KEY.fullmatch(key):
            found.setdefault(key, value.strip().decode("utf-8", "replace"))
    return found


def decode_status(block: bytes) -> Status:
    """A status stands in the block's first line: `NATS/1.0 503` or `NATS/1.0 409 Why`."""
    code, _, text = block[len(_VERSION) :].partition(b"\r\n")[0].strip().partition(b" ")
    number = int(code) if len(code) == 3 and code.isdigit() else 0
    return Status(number, text.decode("utf-8", "replace"), decode_headers(block))


def frame(subject: str, body: bytes, headers: bytes = b"", reply: str = "") -> bytes:
    """One PUB or HPUB. Raises ValueError where the line is too long for a server."""
    target = f"{subject} {reply}" if reply else subject
    if headers:
        text = f"HPUB {target} {len(headers)} {len(headers) + len(body)}\r\n"
    else:
        text = f"PUB {target} {len(body)}\r\n"
    line = text.encode("utf-8", "surrogateescape")
    if len(line) > MAX_CONTROL_LINE:
        raise ValueError(f"a subject of {len(line)} bytes is too long")
    return b"".join((line, headers, body, b"\r\n"))
