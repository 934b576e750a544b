"""Trueup's version, from the one place that has it."""

from __future__ import annotations

import tomllib

from bus.variables import CHECKOUT


def version() -> str:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    return str(project["project"]["version"])
