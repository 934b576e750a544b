"""What a process is told by its environment; the list of all variables is `bus/variables.py`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit, urlunsplit

from bus.variables import DATABASE_RULE, VARIABLES, Variable

if TYPE_CHECKING:
    from bus.observe import Style


class SettingsError(Exception):
    """A variable is missing or breaks its rule; the message names both."""


@dataclass(frozen=True)
class Settings:
    """Read once, when a process starts. What is asked for but not set raises SettingsError."""

    environment: Mapping[str, str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Checks every variable that is set. Raises SettingsError."""
        known = dict(os.environ if environment is None else environment)
        settings = cls(known)
        for variable in VARIABLES:
            for name in settings.names(variable):
                settings._read(variable, name)
        return settings

    def names(self, variable: Variable) -> list[str]:
        """The names under which `variable` is set; one with <DOMAIN> may be set often."""
        pattern = re.compile(re.escape(variable.name).replace("<DOMAIN>", "([A-Z0-9_]+)"))
        return [
            name for name, value in self.environment.items() if value and pattern.fullmatch(name)
        ]

    @property
    def nats_url(self) -> str:
        return cast(str, self._get("NATS_URL"))

    @property
    def redis_url(self) -> str:
        return cast(str, self._get("REDIS_URL"))

    @property
    def provider_url(self) -> str:
        return cast(str, self._get("TRUEUP_PROVIDER_URL"))

    @property
    def metrics_port(self) -> int:
        return cast(int, self._get("TRUEUP_METRICS_PORT"))

    @property
    def home(self) -> Path:
        return Path(self._get("TRUEUP_HOME")).expanduser().absolute()

    @property
    def log(self) -> Style:
        return cast("Style", self._get("TRUEUP_LOG"))

    @property
    def stream_replicas(self) -> int:
        return cast(int, self._get("TRUEUP_STREAM_REPLICAS"))

    @property
    def stream_by_entity(self) -> bool:
        """Whether streams keep each event's full subject."""
        return bool(self._get("TRUEUP_STREAM_SUBJECTS") == "entity")

    @property
    def stream_max_msgs(self) -> int:
        """0 means all."""
        return cast(int, self._get("TRUEUP_STREAM_MAX_MSGS"))

    @property
    def receipts_days(self) -> int:
        """0 means for ever."""
        return cast(int, self._get("TRUEUP_RECEIPTS_DAYS"))

    @property
    def kept_hours(self) -> int:
        return cast(int, self._get("TRUEUP_KEPT_HOURS"))

    @property
    def history_hours(self) -> int:
        """0 means that views remember nothing."""
        return cast(int, self._get("TRUEUP_HISTORY_HOURS"))

    @property
    def grace_seconds(self) -> int:
        return cast(int, self._get("TRUEUP_GRACE_SECONDS"))

    def database_url(self, owner: str) -> str:
        """The database of a domain, or of all views (owner `views`)."""
        name = database_variable(owner)
        if self.environment.get(name):
            return self.environment[name]
        if self.environment.get("TRUEUP_DATABASE_URL"):
            return with_database(self.environment["TRUEUP_DATABASE_URL"], database_name(owner))
        raise SettingsError(f"{name} must be {DATABASE_RULE}: it is not set")

    def _get(self, name: str) -> Any:
        variable = next(v for v in VARIABLES if v.name == name)
        return self._read(variable, name)

    def _read(self, variable: Variable, name: str) -> Any:
        value = self.environment.get(name) or variable.default
        if value is None:
            raise SettingsError(f"{name} must be {variable.rule}: it is not set")
        try:
            return variable.parse(value)
        except ValueError:
            shown = "" if "@" in value else f", not {value!r}"  # what precedes an @ is secret
            raise SettingsError(f"{name} must be {variable.rule}{shown}") from None


def database_variable(owner: str) -> str:
    return f"TRUEUP_{owner.upper()}_DATABASE_URL"


def database_name(owner: str) -> str:
    return f"trueup_{owner}"


def with_database(url: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
