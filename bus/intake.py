"""From the bytes of a request to a command that is known to be well-formed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import force_setattr

from bus import subjects
from bus.causation import caused_by_command
from bus.clock import Ids
from bus.contract import Contract
from bus.envelope import EXTERNAL_ID, TRACEPARENT
from bus.messages import Command
from bus.replies import Answer, invalid
from bus.work import Cause, Identity, Work

_path = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_missing = re.compile(r"missing required field `(?P<name>[^`]*)`")
_unknown = re.compile(r"unknown field `(?P<name>[^`]*)`")


class Invalid(Exception):
    """The request can't be taken; `answer` says which field breaks which rule."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode())
        self.answer = answer


class Address(Struct, frozen=True, gc=False):
    command: str
    id: str


class Intake:
    """Reads the requests of one domain. Everything it refuses is answered with 400."""

    def __init__(self, contract: Contract, ids: Ids) -> None:
        self._contract = contract
        self._ids = ids
        self._decoders = {name: msgspec.json.Decoder(c) for name, c in contract.public.items()}

    def work(self, subject: str, body: bytes, headers: Mapping[str, str], own_id: str = "") -> Work:
        """The work that the request asks for. Raises Invalid.

        `own_id` identifies a request that carries no Nats-Msg-Id but may come again.
        """
        address = self.address(subject)
        command = self._command(address, body)
        if not headers and not own_id:  # as most are
            command_id = self._ids()
            return Work(commands=(command,), cause=Cause(command_id, command_id))
        known = {name.lower(): value for name, value in headers.items()}
        given = _command_id(known) or own_id
        command_id = given or self._ids()
        correlation = known.get("correlation-id", "")
        trace = known.get("traceparent", "")
        return Work(
            commands=(command,),
            cause=Cause(
                correlation if EXTERNAL_ID.fullmatch(correlation) else command_id,
                caused_by_command(command_id),
                trace if TRACEPARENT.fullmatch(trace) else None,
            ),
            identity=Identity(command_id, _digest(address, body)) if given else None,
            expected_version=_expected_version(known),
        )

    def address(self, subject: str) -> Address:
        """Raises Invalid where the last token is no id or the command is not known."""
        _, domain, name, *rest = subject.split(".", 3)
        id = rest[0] if rest else ""
        if name not in self._contract.public:
            raise Invalid(invalid("UnknownCommand", f"{domain} takes no {name}", command=name))
        if not subjects.is_id(id):
            raise Invalid(
                invalid(
                    "InvalidId",
                    "the subject's last token must be an id: 1 to 64 letters, digits, "
                    "hyphens or underscores",
                    field="id",
                )
            )
        return Address(name, id)

    def _command(self, address: Address, body: bytes) -> Command:
        try:
            command = self._decoders[address.command].decode(body or b"{}")
        except msgspec.ValidationError as error:
            raise Invalid(_validation(address.command, str(error))) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(invalid("MalformedJson", _sentence(str(error)))) from error
        except RecursionError as error:
            raise Invalid(invalid("MalformedJson", "the JSON is nested too deeply")) from error
        if command.id not in ("", address.id):
            message = f"the body names {command.id!r}, the subject {address.id!r}"
            raise Invalid(invalid("IdMismatch", message, field="id"))
        # The one moment at which a command is not finished: nobody else has seen it yet.
        force_setattr(command, "id", address.id)
        return command


def _validation(command: str, error: str) -> Answer:
    found = _path.search(error)
    path = found["path"] if found else ""
    for pattern in (_missing, _unknown):
        if (named := pattern.search(error)) is not None:
            path = f"{path}.{named['name']}".lstrip(".")
    rule = _path.sub("", error)
    where = path or "the body"
    return invalid("InvalidBody", f"{where} of {command}: {rule}", field=path, rule=rule)


def _sentence(error: str) -> str:
    return error if "JSON" in error else f"the body is no UTF-8 JSON: {error}"


def _command_id(headers: Mapping[str, str]) -> str:
    value = headers.get("nats-msg-id", "")
    if value and not EXTERNAL_ID.fullmatch(value):
        raise _invalid_header("Nats-Msg-Id", f"must match {EXTERNAL_ID.pattern}")
    return value


def _expected_version(headers: Mapping[str, str]) -> int | None:
    value = headers.get("expected-version")
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", value):
        raise _invalid_header("Expected-Version", "must be a whole number, 0 or more")
    return int(value)


def _invalid_header(name: str, rule: str) -> Invalid:
    return Invalid(invalid("InvalidHeader", f"{name} {rule}", field=name, rule=rule))


def _digest(address: Address, body: bytes) -> bytes:
    return hashlib.sha256(f"{address.command}.{address.id}\n".encode() + body).digest()
