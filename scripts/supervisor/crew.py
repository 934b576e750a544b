"""The processes of a mesh, and what each is told: its own database and no other's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from bus.settings import Settings, database_variable
from bus.variables import CHECKOUT
from scripts.metrics import PATH
from scripts.supervisor import ports
from scripts.supervisor.home import Home
from scripts.supervisor.logfile import LogFile
from scripts.supervisor.own import SHELL_OF
from scripts.supervisor.part import Changed
from scripts.supervisor.process import Process
from scripts.supervisor.servers import VIEWS, Servers

PROVIDER = "TRUEUP_PROVIDER_URL"
METRICS = "TRUEUP_METRICS_URL"
THROUGH = "TRUEUP_THROUGH"
"""A module that domains and views are run through: it gets the name of theirs. For whoever
measures them, or kills them on purpose."""


class Crew:
    def __init__(
        self,
        home: Home,
        environment: Mapping[str, str],
        own: Settings,
        servers: Servers,
        changed: Changed,
    ) -> None:
        self._home = home
        self._servers = servers
        self._own = own
        self._changed = changed
        self._base = _base(environment, home, servers)

    def processes(
        self, domains: Sequence[str], views: Sequence[str], scale: Mapping[str, int]
    ) -> list[Process]:
        """The provider first, because its URL is told to the others."""
        provider = self._provider()
        return [
            *provider,
            *(self._domain(name, n) for name in domains for n in range(1, scale.get(name, 1) + 1)),
            *(
                self._view(name, n)
                for name in views
                for n in range(1, scale.get(f"view-{name}", 1) + 1)
            ),
            self._metrics(),
        ]

    def demo(self) -> Process:
        return self._process("demo", "demo", "scripts.demo", self._base)

    def _domain(self, name: str, number: int) -> Process:
        variable = database_variable(name)
        environment = {**self._base, variable: self._servers.urls[variable]}
        label = name if number == 1 else f"{name}-{number}"
        return self._ours(label, "domain", f"domains.{name}.app", environment, service=name)

    def _view(self, name: str, number: int) -> Process:
        variable = database_variable(VIEWS)
        environment = {**self._base, variable: self._servers.urls[variable]}
        service = f"view-{name}"  # a domain may have the same name
        label = service if number == 1 else f"{service}-{number}"
        return self._ours(label, "view", f"projections.{name}", environment, service=service)

    def _ours(
        self, label: str, kind: str, module: str, environment: Mapping[str, str], *, service: str
    ) -> Process:
        through = [*self._base.get(THROUGH, "").split(), module]
        return self._process(
            label, kind, through[0], environment, service=service, arguments=through[1:]
        )

    def _provider(self) -> list[Process]:
        if self._own.environment.get(PROVIDER):
            self._base[PROVIDER] = self._servers.urls[PROVIDER] = self._own.provider_url
            return []
        name, books = "provider", self._home.path / "provider.sqlite"
        url = ports.url(self._home, name, PROVIDER)
        self._base[PROVIDER] = self._servers.urls[PROVIDER] = url
        port = urlsplit(url).port
        arguments = ["--port", str(port), "--database", str(books)]
        return [
            self._process(
                name, name, "scripts.provider", self._base, arguments=arguments, port=port
            )
        ]

    def _metrics(self) -> Process:
        name, named = "metrics", ports.named(self._own)
        url = ports.url(self._home, name, METRICS, port=named, path=PATH)
        self._servers.urls[METRICS] = url
        port = urlsplit(url).port
        environment = {**self._base, ports.METRICS_PORT: str(port)}
        return self._process(name, name, "scripts.metrics", environment, port=port)

    def _process(
        self,
        name: str,
        kind: str,
        module: str,
        environment: Mapping[str, str],
        *,
        service: str = "",
        arguments: Sequence[str] = (),
        port: int | None = None,
    ) -> Process:
        return Process(
            name,
            kind,
            self._changed,
            module=module,
            arguments=arguments,
            environment=environment,
            log=LogFile(self._home.logs / f"{name}.log"),
            service=service,
            port=port,
        )


def _base(environment: Mapping[str, str], home: Home, servers: Servers) -> dict[str, str]:
    """What every process may know."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.endswith("DATABASE_URL") and name != SHELL_OF
    }
    told = {name: servers.urls[name] for name in ("NATS_URL", "REDIS_URL")}
    ways = {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", "TRUEUP_HOME": str(home.path)}
    return {**kept, **told, **ways}
