"""The campaign: what is done to which mesh, how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.chaos import faults, points, proof, restored
from scripts.chaos.faults import Fault, at_once, killed
from scripts.chaos.scene import Scene

Named = tuple[str, Fault]
Ending = Callable[[Scene], Awaitable[Sequence[str]]]


@dataclass(frozen=True)
class Scenario:
    """`faults` gives what is done, one after the other, each when the last is recovered from;
    `rounds` is how often the whole is played, each time in a mesh of its own. `ending` gives
    a line about each thing that must hold then; it raises Broken where one does not."""

    name: str
    faults: Callable[[Scene], Iterable[Named]]
    rounds: int = 1
    scale: Mapping[str, int] = field(default_factory=dict)
    before: Fault | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = proof.everything


def _processes(times: int) -> Callable[[Scene], Sequence[Named]]:
    """Each of our processes so many times, in an order left to chance. Many in one mesh would
    be for little: a process that dies often is started again later and later."""

    def build(scene: Scene) -> Sequence[Named]:
        names = scene.mesh.names("domain", "view", "provider") * times
        scene.chance.shuffle(names)
        return [(f"kill -9 {name}", killed(name)) for name in names]

    return build


def _always(*what: Named) -> Callable[[Scene], Sequence[Named]]:
    return lambda _: what


_NATS = ("kill -9 nats-server", killed("nats-server"))
_POSTGRES = ("kill -9 postgres", killed("postgres"))
_VALKEY = ("kill -9 valkey-server", killed("valkey-server"))
_FLUSHED = ("flush valkey", faults.valkey_flushed)
_IMPORTER = ("kill -9 importer", faults.importer_killed)
_DELETED = ("delete JetStream's folder", faults.jetstream_deleted)
_ROLLED_BACK = ("roll JetStream's folder back", faults.jetstream_rolled_back)
_FLIPPED = ("flip a byte of a stream", faults.byte_flipped)
_TWO = {"ordering": 2, "inventory": 2}


def _as_long_as_orders_are_played(scene: Scene) -> Iterator[Named]:
    """Whoever it hits, the servers and the importer as well."""
    names = scene.mesh.names("server", "domain", "view", "provider")
    anybody = [_IMPORTER, *(_kill(name) for name in names)]
    while scene.load.playing:
        yield scene.chance.choice(anybody)


def _pair(one: Named, other: Named) -> Named:
    return f"{one[0]} + {other[0]}", at_once(one[1], other[1])


def _kill(name: str) -> Named:
    return f"kill -9 {name}", killed(name)


def _die(name: str, call: str) -> Named:
    return f"kill -9 {name} after {call}", points.died(name, call, "after")


def _pause(domain: str) -> Named:
    return f"pause {domain}'s leader", faults.leader_paused(domain)


ALL = (
    Scenario("processes", _processes(1), rounds=10),
    Scenario(
        "points-before", points.met("before"), environment=points.THROUGH, ending=points.everything
    ),
    Scenario(
        "points-after", points.met("after"), environment=points.THROUGH, ending=points.everything
    ),
    Scenario("nats", _always(*[_NATS] * 5)),
    Scenario("postgres", _always(*[_POSTGRES] * 5)),
    Scenario("valkey", _always(*[_VALKEY, _FLUSHED] * 3)),
    Scenario("importer", _always(*[_IMPORTER] * 10)),
    Scenario("jetstream-deleted", _always(*[_DELETED] * 3)),
    Scenario("jetstream-back", _always(_ROLLED_BACK), before=faults.jetstream_copied, rounds=3),
    Scenario("jetstream-bytes", _always(*[_FLIPPED] * 6)),
    Scenario(
        "restored",
        _always(),
        before=restored.copied("ordering"),
        ending=restored.stopped("ordering"),
        scale={"ordering": 2},
    ),
    Scenario("leaders", _always(*[_pause("ordering"), _pause("inventory")] * 3), scale=_TWO),
    Scenario(
        "pairs",
        _always(
            _pair(_NATS, _POSTGRES),
            _pair(_POSTGRES, _FLUSHED),
            _pair(_DELETED, _kill("ordering")),
            _pair(_POSTGRES, _kill("payments")),
            _pair(_IMPORTER, _kill("view-stock")),
            _pair(_kill("inventory"), _kill("provider")),
            _pair(_NATS, _VALKEY),
            _pair(_FLIPPED, _kill("view-orders")),
        ),
    ),
    # Nothing that is only late counts as lost, so that there need be no time of grace.
    Scenario("anybody", _as_long_as_orders_are_played, environment={"TRUEUP_GRACE_SECONDS": "0"}),
    Scenario(
        "short",
        # Whoever takes long to come back is last, so that all are struck while orders are played.
        _always(
            _die("ordering", "store.write"),
            _IMPORTER,
            _kill("view-orders"),
            _NATS,
            _POSTGRES,
        ),
        environment=points.THROUGH,
    ),
)
