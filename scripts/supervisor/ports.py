"""Ports for what listens here beside the servers, remembered so that URLs stay what they were."""

from __future__ import annotations

from bus.embedded.port import HOST, free_port, port_taken
from bus.settings import Settings
from scripts.listening import listen
from scripts.supervisor.home import Home, Remembered
from scripts.supervisor.trouble import Trouble

METRICS_PORT = "TRUEUP_METRICS_PORT"


def named(own: Settings) -> int | None:
    """The port that the user has named for the metrics page. Raises Trouble where nothing can
    listen there, so that this shows before anything is started."""
    if not own.environment.get(METRICS_PORT):
        return None
    try:
        listen(HOST, own.metrics_port, f"name another in {METRICS_PORT}").close()
    except Trouble as error:
        raise Trouble(f"The metrics page has no port: {error}.") from None
    return own.metrics_port


def url(home: Home, name: str, variable: str, *, port: int | None = None, path: str = "") -> str:
    """Of the part `name`: at `port`, else where it was last, else at a free one."""
    known = home.remembered()
    last = known.ports.get(name)
    port = port or (last if last and not port_taken(last) else free_port())
    found = f"http://{HOST}:{port}{path}"
    home.remember(Remembered({**known.ports, name: port}, {**known.urls, variable: found}))
    return found
