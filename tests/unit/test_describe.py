"""What is described is what is taken: the schemas are held against real messages."""

import warnings
from typing import Annotated, Any

import jsonschema
import msgspec
import pytest

from bus.asyncapi import document
from bus.contract import Contract
from bus.describe import command_schema, describe, event_schema, summary
from bus.messages import Command, tag
from domains.catalog import messages as catalog
from domains.inventory import messages as inventory
from domains.ordering import messages as ordering
from domains.payments import messages as payments
from domains.shipping import messages as shipping
from projections.orders import VIEW as ORDERS
from projections.stock import VIEW as STOCK

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydantic's, about names in that library
    from asyncapi3.models.asyncapi import AsyncAPI3

SHOP = [m.CONTRACT for m in (catalog, inventory, ordering, payments, shipping)]
ORDER = {"customer_id": "c-7", "lines": [{"sku": "tea-1", "quantity": 2}]}


VIEWS = (ORDERS, STOCK)


def mesh() -> dict[str, Any]:
    return document(SHOP, VIEWS, server="nats://user:secret@127.0.0.1:4222", version="1.2.3")


@pytest.mark.parametrize("contract", SHOP, ids=lambda contract: contract.domain)
def test_each_schema_is_a_schema(contract: Contract) -> None:
    described = describe(contract)
    for message in (*described["commands"], *described["events"]):
        jsonschema.Draft202012Validator.check_schema(message["schema"])
    assert [c["name"] for c in described["commands"]] == list(contract.public)
    assert [e["name"] for e in described["events"]] == list(contract.event_types)


def test_a_body_needs_neither_its_name_nor_its_id() -> None:
    schema = command_schema(ordering.PlaceOrder)
    jsonschema.validate(ORDER, schema)
    jsonschema.validate({"type": "PlaceOrder", "id": "o-1", **ORDER}, schema)
    assert schema["required"] == ["customer_id", "lines"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**ORDER, "discount": 10},
        {**ORDER, "customer_id": "c 7"},
        {**ORDER, "lines": [{"sku": "tea-1", "quantity": 0}]},
        {**ORDER, "lines": [{"sku": "tea-1"}]},
        {**ORDER, "type": "CancelOrder"},
    ],
)
def test_what_the_domain_calls_invalid_the_schema_does_too(body: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, ordering.PlaceOrder)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, command_schema(ordering.PlaceOrder))


def test_an_event_that_was_encoded_fits_its_schema() -> None:
    event = inventory.StockReceived(quantity=3, note="from the harbour")
    encoded = msgspec.json.decode(msgspec.json.encode(event))
    jsonschema.validate(encoded, event_schema(inventory.StockReceived))


def test_a_schema_stands_alone() -> None:
    schema = command_schema(ordering.PlaceOrder)
    refs = set(_refs(schema))
    assert refs
    assert refs <= {f"#/$defs/{name}" for name in schema["$defs"]}


def test_a_summary_is_the_first_sentence_of_the_docstring() -> None:
    class Told(Command, tag="Told"):
        """Tell them. Nobody
        needs the rest."""

    class Silent(Command, tag="Silent"):
        amount: Annotated[int, msgspec.Meta(ge=1)]

    assert summary(Told) == "Tell them"
    assert summary(Silent) == ""


def test_the_mesh_is_a_valid_asyncapi_document() -> None:
    AsyncAPI3.model_validate(mesh())


def test_every_reference_in_the_document_leads_somewhere() -> None:
    whole = mesh()
    for ref in _refs(whole):
        found: Any = whole
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]


def test_every_command_and_event_of_the_mesh_has_its_subject() -> None:
    addresses = {channel["address"] for channel in mesh()["channels"].values()}
    for contract in SHOP:
        for name in contract.public:
            assert f"cmd.{contract.domain}.{name}.{{id}}" in addresses
            assert f"submit.{contract.domain}.{name}.{{id}}" in addresses
        for aggregate, events in contract.events.items():
            for event in events:
                assert f"evt.{contract.domain}.{aggregate}.{{id}}.{tag(event)}" in addresses


def test_every_view_of_the_mesh_tells_its_rows() -> None:
    whole = mesh()
    for view in VIEWS:
        channel = whole["channels"][f"live_{view.name}"]
        assert channel["address"] == f"live.{view.name}.{{key}}"
        assert set(channel["parameters"]) == {"key"}
        assert whole["operations"][f"live_{view.name}"]["action"] == "send"
        message = whole["components"]["messages"][f"live_{view.name}"]
        assert message["headers"]["properties"]["Live-Row"]["enum"] == ["current", "changed"]
        jsonschema.validate({"id": "o-1"}, message["payload"])
        jsonschema.validate(None, message["payload"])


def test_an_event_in_the_document_is_a_whole_envelope() -> None:
    message = mesh()["components"]["messages"]["ordering_OrderPlaced"]
    envelope, inside = message["payload"]["allOf"]
    assert envelope == {"$ref": "#/components/schemas/Envelope"}
    assert inside["properties"]["type"] == {"const": "OrderPlaced"}


def test_passwords_stay_out_of_the_document() -> None:
    assert mesh()["servers"]["nats"] == {"host": "127.0.0.1:4222", "protocol": "nats"}


def _refs(schema: Any) -> list[str]:
    match schema:
        case {"$ref": ref}:
            return [ref]
        case dict():
            return [ref for value in schema.values() for ref in _refs(value)]
        case list():
            return [ref for value in schema for ref in _refs(value)]
        case _:
            return []
