"""`trueup`: the command line. Each command is imported only when it runs."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, Group

from bus.settings import SettingsError
from scripts.commands.exits import UNAVAILABLE, USAGE, Exit
from scripts.commands.version import version
from scripts.supervisor.trouble import Trouble

HELP = """\
Trueup: an event-sourced commerce back end on NATS whose books always agree.

Where to find a mesh is told by TRUEUP_HOME (default: .trueup in the checkout) or NATS_URL.
On a terminal commands print tables; piped, one line a row with tabs, or JSON with --json.

Exit codes: 0 done, 1 refused or differences found, 2 usage, 3 nothing answers or something
is in the way.
"""

MESH, TALK, BOOKS = (
    Group.create_ordered("The mesh"),
    Group.create_ordered("Talk to it"),
    Group.create_ordered("Its books"),
)

COMMANDS = {
    MESH: {
        "up": "up:up",
        "down": "down:down",
        "status": "status:status",
        "env": "down:env",
        "describe": "describe:describe",
        "bench": "bench:bench",
    },
    TALK: {
        "send": "send:send",
        "query": "query:query",
        "diff": "diff:diff",
        "watch": "watch:watch",
        "live": "live:live",
        "log": "log:log",
        "story": "story:story",
        "replay": "replay:replay",
    },
    BOOKS: {
        "divergences": "divergences:app",
        "count": "count:count",
        "settle": "settle:settle",
        "parked": "parked:parked",
        "retry": "parked:retry",
        "import": "olist:import_app",
        "check": "check:app",
        "repair": "repair:repair",
        "rebuild": "rebuild:rebuild",
        "verify": "verify:verify",
        "audit": "audit:audit",
        "repaired": "verify:repaired",
    },
}


def build(words: Sequence[str]) -> App:
    """A command's modules are loaded only when it is used, or when all are listed."""
    listed = not words or words[0] in ("--help", "-h")
    app = App(name="trueup", help=HELP, help_format="markdown", version=version)
    for group, commands in COMMANDS.items():
        for name, place in commands.items():
            command = _loaded(place) if listed else f"scripts.commands.{place}"
            if isinstance(command, App):  # with commands of its own; it has its name
                command.group = (group,)
                app.command(command)
            else:
                app.command(command, name=name, group=group)
    return app


def _loaded(place: str) -> Any:
    module, name = place.split(":")
    return getattr(importlib.import_module(f"scripts.commands.{module}"), name)


def main(words: Sequence[str] | None = None) -> None:
    """Runs one command, of `sys.argv` unless `words` are given; exits with its code."""
    try:
        given = sys.argv[1:] if words is None else words
        build(given)(given)
    except Exit as error:
        fail(error.code, str(error))
    except SettingsError as error:
        fail(USAGE, str(error))
    except Trouble as error:
        fail(UNAVAILABLE, str(error))
    except PermissionError as error:
        fail(UNAVAILABLE, f"{error.filename}: {error.strerror}: check its owner and permissions.")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read us has left; Python would complain at its end once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(code: int, message: str) -> None:
    print(f"trueup: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
