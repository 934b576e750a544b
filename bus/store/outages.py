"""What went wrong with a database, as a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def reaching(name: str, *, committing: bool = False) -> Iterator[None]:
    """Turns what the database `name` may raise in an outage into StoreUnavailable.

    `committing`: the block commits, so that a broken connection leaves it unknown.
    """
    try:
        yield
    except OUTAGES as error:
        if isinstance(error, ValueError):  # asyncpg: an argument is wrong, not the database
            raise
        unknown = committing and isinstance(error, _UNDECIDED)
        raise StoreUnavailable(explain(name, error), unknown=unknown) from error
