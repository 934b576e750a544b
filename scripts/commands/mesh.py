"""How commands reach a mesh: its settings, a connection, its contracts."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from bus.broker.nats import NatsBroker
from bus.broker.opening import without_passwords
from bus.broker.port import Broker, BrokerUnavailable, NoResponders, Reply
from bus.contract import Contract
from bus.contracts import all_contracts
from bus.observe import log_to_stderr
from bus.settings import Settings
from bus.view import View
from scripts.commands.exits import UNAVAILABLE, USAGE, Exit
from scripts.supervisor import discovery
from scripts.supervisor.own import client_settings


def settings() -> Settings:
    return client_settings(os.environ)


@asynccontextmanager
async def connected() -> AsyncIterator[Broker]:
    """A connection to the mesh's NATS. Raises Exit where there is none."""
    log_to_stderr("trueup", level=logging.ERROR)  # what matters is said by the command
    told = settings()
    if "NATS_URL" not in told.environment:
        raise Exit(
            UNAVAILABLE,
            f"nothing runs in {told.home}: start it with scripts/up, or name a mesh in NATS_URL.",
        )
    url = told.nats_url
    broker = NatsBroker(url, name="trueup-cli")
    try:
        await broker.open()
    except BrokerUnavailable:
        raise Exit(
            UNAVAILABLE,
            f"no NATS at {without_passwords(url)}: start a mesh with scripts/up, or name one in "
            "NATS_URL.",
        ) from None
    try:
        yield broker
    finally:
        await broker.close()


async def ask(
    broker: Broker,
    subject: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
) -> Reply:
    """The one answer. Raises Exit where nobody gives it."""
    try:
        return await broker.request(subject, body, headers, timeout)
    except NoResponders:
        raise Exit(UNAVAILABLE, f"nobody answers on {subject}: see trueup status.") from None
    except BrokerUnavailable as error:
        raise Exit(UNAVAILABLE, f"no answer on {subject} within {timeout:g} s: {error}") from None


async def ask_json(broker: Broker, subject: str, **question: Any) -> Any:
    """The answer's JSON. Raises Exit, also where the answer is an error."""
    return msgspec.json.decode(await ask_body(broker, subject, **question))


async def ask_body(broker: Broker, subject: str, **question: Any) -> bytes:
    """The answer as it is. Raises Exit, also where the answer is an error."""
    reply = await ask(broker, subject, msgspec.json.encode(question))
    if trouble := reply.headers.get("Nats-Service-Error"):
        raise Exit(UNAVAILABLE, f"{subject}: {trouble}")
    return reply.body


def contracts() -> dict[str, Contract]:
    """Of every `domains/<name>/messages.py`, by domain."""
    return {contract.domain: contract for contract in all_contracts("domains")}


def contract(domain: str) -> Contract:
    known = contracts()
    if domain not in known:
        raise Exit(USAGE, f"there is no domain {domain!r}, only {', '.join(known)}.")
    return known[domain]


def views() -> dict[str, View]:
    """Of every `projections/<name>.py`, by name."""
    found = [importlib.import_module(f"projections.{name}").VIEW for name in discovery.views()]
    return {view.name: view for view in found}


def view(name: str) -> View:
    known = views()
    if name not in known:
        raise Exit(USAGE, f"there is no view {name!r}, only {', '.join(known)}.")
    return known[name]
