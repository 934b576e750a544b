"""Which servers are the user's own: those that the environment names by URL.

What `trueup env` has put into the shell names our own servers and does not count: its
variables are told by the note of the home that they came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bus.settings import Settings
from scripts.supervisor.home import Home

SHELL_OF = "TRUEUP_ENV_OF"
"""The home whose URLs `trueup env` has put into this shell."""


def without_ours(environment: Mapping[str, str], home: Home) -> dict[str, str]:
    """`environment` without the URLs of servers that a supervisor has started."""
    ours = dict(home.remembered().urls)
    if environment.get(SHELL_OF):
        ours.update(Home(Path(environment[SHELL_OF])).remembered().urls)
    return {
        name: value
        for name, value in environment.items()
        if name != SHELL_OF and ours.get(name) != value
    }


def client_settings(environment: Mapping[str, str]) -> Settings:
    """For a command that talks to a mesh: the user's own URLs, else the home's."""
    home = Home(Settings.from_environment(environment).home)
    run = home.run()
    known = run.urls if run is not None else {}
    return Settings.from_environment({**known, **without_ours(environment, home)})
