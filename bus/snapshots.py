"""Snapshots: a state at a version, kept so that a long history need not be folded again.

They are a cache and are treated like one. A snapshot is written in the background, after
the commit that it rests on; one that is lost costs time, nothing else. One is used only if
it has the shape that this process's decider works with and its seal fits the event that
the store has at its version. And some are compared with the whole history (`_prove`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
import structlog

from bus.decider import Decider, Domain
from bus.envelope import Key
from bus.folding import Folded, State, fold_all
from bus.store.port import NewEvent, Past, Snapshot, Store, StoredEvent, StoreUnavailable

EVERY = 100
"""Events between two snapshots of an aggregate."""
PENDING = 1_000
"""Snapshots that wait to be written, at most; more are let go."""
PROVABLE = 10_000
"""Events that are folded, at most, to prove a snapshot that was loaded."""

Last = NewEvent | StoredEvent
"""The event that a state is that after."""

log = structlog.get_logger()


class Codec:
    """A decider's states as JSON. Raises TypeError where msgspec can't read the type back.

    `shape` changes with the type's structure, and with the decider's own number.
    """

    def __init__(self, decider: Decider) -> None:
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(decider.state)
        schema = msgspec.json.encode(msgspec.json.schema(decider.state), order="sorted")
        self.shape = f"{decider.shape}-{sha256(schema).hexdigest()[:16]}"

    def encode(self, value: Any) -> bytes:
        """Raises ValueError where the bytes would be read back as another state."""
        body = msgspec.json.encode(value)
        if self.decode(body) != value:
            raise ValueError("it is read back as another state")
        return body

    def decode(self, body: bytes) -> Any:
        """Raises msgspec.MsgspecError."""
        return self._decoder.decode(body)


class _Unsealed(Exception):
    """A snapshot does not belong to the event that the store has at its version."""


class Snapshots:
    """Of one process. `counts`: `written`; `ignored` (unreadable, or sealed otherwise);
    `wrong` (the history says something else).

    `on_wrong` hears of the kind of aggregate whose snapshots are not used any more.
    """

    def __init__(self, domain: Domain, store: Store) -> None:
        self._domain = domain
        self._store = store
        kept = {name: d for name, d in domain.deciders.items() if d.state is not None}
        self._codecs = {name: Codec(decider) for name, decider in kept.items()}
        self._trusted = {name: codec.shape for name, codec in self._codecs.items()}
        self._unproved = set(self._codecs)
        self._pending: dict[Key, tuple[State, Last | None]] = {}
        self._doubted: dict[Key, State] = {}
        self._wake = asyncio.Event()
        self.on_wrong: Callable[[str], None] = lambda _: None
        self.counts = {"written": 0, "ignored": 0, "wrong": 0}

    @property
    def shapes(self) -> Mapping[str, str]:
        """The snapshots that may be used: a shape for each kind of aggregate."""
        return self._trusted

    @property
    def problems(self) -> dict[str, str]:
        """What a person must look at, by name, in a sentence."""
        distrusted = sorted(self._codecs.keys() - self._trusted.keys())
        what = "not used since one was wrong: raise `shape` of its decider, if `evolve` has changed"
        return {f"snapshots of {name}": what for name in distrusted}

    def restore(self, key: Key, past: Past) -> State | None:
        """The state that the snapshot in `past` holds; None where it can't be trusted."""
        found = past.snapshot
        if found is None or key.aggregate not in self._trusted:
            return None
        try:
            state = State(found.version, self._codecs[key.aggregate].decode(found.body))
            _check_seal(found, past)
        except (msgspec.MsgspecError, _Unsealed) as error:
            self.counts["ignored"] += 1
            log.warning("snapshot ignored", of=key, version=found.version, reason=str(error))
            return None
        if key.aggregate in self._unproved and state.version <= PROVABLE:
            self._unproved.discard(key.aggregate)
            self._doubt(key, state)
        return state

    def committed(self, events: Sequence[NewEvent], states: Mapping[Key, Folded]) -> None:
        """Notes which of the aggregates that a commit has written to need a new snapshot."""
        if due := {e.key for e in events if e.version % EVERY == 0} if self._codecs else set():
            for key, last in {e.key: e for e in events if e.key in due}.items():
                if isinstance(state := states[key], State):
                    self.take(key, state, last)

    def take(self, key: Key, state: State, last: Last | None = None) -> None:
        """Will keep `state` soon: the latest of each aggregate. None: `last` is looked up."""
        room = key in self._pending or len(self._pending) < PENDING
        if room and key.aggregate in self._codecs:
            self._pending[key] = (state, last)
            self._wake.set()

    async def run(self) -> None:
        """Writes and proves what was noted, until cancelled."""
        while True:
            await self._wake.wait()
            try:
                await self.work()
            except StoreUnavailable as error:
                log.info("snapshots let go", domain=self._domain.name, reason=str(error))

    async def work(self) -> None:
        """Writes what is noted now, in one statement; then proves what is to be proved."""
        self._wake.clear()
        pending, self._pending = self._pending, {}
        rows = [row for key, noted in pending.items() if (row := await self._row(key, *noted))]
        if rows:
            await self._store.keep_snapshots(rows)
            self.counts["written"] += len(rows)
        for key, (state, _) in pending.items():
            if _has_doubled(state.version):
                self._doubt(key, state)
        doubted, self._doubted = self._doubted, {}
        for key, state in doubted.items():
            await self._prove(key, state)

    async def _row(self, key: Key, state: State, last: Last | None) -> Snapshot | None:
        if last is None:
            version = state.version
            (last,) = await self._store.sequence(key, after=version - 1, upto=version)
        codec = self._codecs[key.aggregate]
        try:
            body = codec.encode(state.value)
        except Exception as error:  # whatever a domain's types raise: it does without
            log.error("no snapshot", domain=self._domain.name, of=key, reason=repr(error))
            return None
        sealed = seal(codec.shape, last.body, body)
        return Snapshot(key, state.version, last.event_id, codec.shape, body, sealed)

    def _doubt(self, key: Key, state: State) -> None:
        self._doubted[key] = state
        self._wake.set()

    async def _prove(self, key: Key, state: State) -> None:
        """Folds the whole history up to `state`; where that differs, history is right."""
        try:
            folded = await fold_all(self._domain, self._store, key, state.version)
        except StoreUnavailable:
            self._unproved.add(key.aggregate)  # the next one that is loaded is proved instead
            raise
        if folded == state:
            return
        log.error("snapshots not used: one is wrong", of=key, version=state.version)
        self.counts["wrong"] += 1
        self._trusted.pop(key.aggregate, None)
        self._pending.pop(key, None)
        self.on_wrong(key.aggregate)
        await self._store.forget_snapshot(key)


def seal(shape: str, event: bytes, body: bytes) -> bytes:
    """Binds a snapshot's body to its shape and to the event that it was taken behind."""
    return sha256(b"\n".join((shape.encode(), sha256(event).digest(), body))).digest()


def _check_seal(found: Snapshot, past: Past) -> None:
    own = past.events[0] if past.events else None
    if own is None or (own.version, own.event_id) != (found.version, found.event_id):
        raise _Unsealed("the store has another event at its version")
    if seal(found.shape, own.body, found.body) != found.seal:
        raise _Unsealed("its seal is broken")


def _has_doubled(version: int) -> bool:
    """Since about the snapshot before. To prove those costs each event two more folds in
    the long run, however long the history gets."""
    return version.bit_length() > (version - EVERY).bit_length()
