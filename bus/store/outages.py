"""What went wrong with a database, as a sentence that says what to do."""

from __future__ import annotations

from urllib.parse import urlsplit

import asyncpg

from bus.store.port import StoreUnavailable

_ADVICE: tuple[tuple[type[BaseException], str], ...] = (
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "turns the user or password away: correct the database URL",
    ),
    (asyncpg.InvalidCatalogNameError, "does not exist: create it, or correct the database URL"),
    (asyncpg.TooManyConnectionsError, "has no connection left: raise max_connections or run less"),
    (asyncpg.DiskFullError, "has no disk space left: free some; nothing was lost, it goes on then"),
    (asyncpg.InsufficientPrivilegeError, "lacks a permission: make the user its owner"),
    (asyncpg.ReadOnlySQLTransactionError, "is read-only: point the URL at the primary"),
    (asyncpg.CannotConnectNowError, "is starting or stopping"),
    (
        asyncpg.ObjectNotInPrerequisiteStateError,
        "is closed for connections: open it again with alter database … allow_connections true",
    ),
    (asyncpg.InsufficientResourcesError, "has run out of resources"),
    (asyncpg.PostgresSystemError, "can't read or write its files: see its log"),
    (asyncpg.QueryCanceledError, "cancelled the statement"),
    (asyncpg.IdleSessionTimeoutError, "ended a session that stood still"),
    (asyncpg.OperatorInterventionError, "ended the session"),
    (asyncpg.TransactionRollbackError, "rolled the transaction back"),
    (asyncpg.IdleInTransactionSessionTimeoutError, "ended a transaction that stood still"),
    (asyncpg.PostgresConnectionError, "broke the connection off"),
    (asyncpg.InterfaceError, "closed the connection"),
    (asyncpg.InternalClientError, "broke off in the middle of an answer"),
    (TimeoutError, "does not answer: see whether it runs and is reachable"),
    (OSError, "can't be reached: see whether it runs and the database URL is right"),
)

_UNDECIDED = (
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    TimeoutError,
    OSError,
)
"""Errors after which a commit that was under way may have happened all the same."""

OUTAGES = tuple(error for error, _ in _ADVICE)


def database(url: str) -> str:
    """The database that `url` names, without its password."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.path.lstrip('/') or 'postgres'} on {parts.hostname or 'localhost'}{port}"


def explain(name: str, error: BaseException) -> str:
    """`error` of the database `name` in a sentence."""
    advice = next(text for kind, text in _ADVICE if isinstance(error, kind))
    return f"The database {name} {advice} ({type(error).__name__}: {error})"


class reaching:  # noqa: N801, it reads as what it does
    """Turns what the database `name` may raise in an outage into StoreUnavailable.

    `committing`: the block commits, so that a broken connection leaves it unknown.
    """

    __slots__ = ("_committing", "_name")

    def __init__(self, name: str, *, committing: bool = False) -> None:
        self._name = name
        self._committing = committing

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        # asyncpg's ValueErrors: an argument is wrong, not the database.
        if isinstance(error, OUTAGES) and not isinstance(error, ValueError):
            unknown = self._committing and isinstance(error, _UNDECIDED)
            raise StoreUnavailable(explain(self._name, error), unknown=unknown) from error
