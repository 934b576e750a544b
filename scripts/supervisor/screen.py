"""The one screen at the end of a start: where everything is, what to type next."""

from __future__ import annotations

from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape

from scripts.commands.output import lines
from scripts.supervisor.home import Run

LISTING = '{"name":"Darjeeling","price":{"amount":1450,"currency":"EUR"}}'
ORDER = '{"customer_id":"c-7","lines":[{"sku":"tea-1","quantity":2}]}'
NEXT = (
    'eval "$(scripts/trueup env)"   # tells the nats CLI where to go',
    "nats micro ls",
    f"nats req cmd.catalog.ListProduct.tea-1 '{LISTING}'",
    """nats req cmd.inventory.ReceiveStock.tea-1 '{"quantity":10}'""",
    f"nats req cmd.ordering.PlaceOrder.o-1001 '{ORDER}'",
    "nats req qry.orders.get.o-1001 ''",
    "scripts/trueup log --order o-1001",
    "scripts/trueup status | watch | describe | down",
)


def show(run: Run, *, headline: str = "Trueup is up.") -> None:
    """Plain where the output is no terminal."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold green]{escape(headline)}[/]")
    for note in run.notes:
        console.print(f"[yellow]{escape(note)}[/]")
    console.print()
    console.print(escape(lines(_places(run))))
    console.print("\n[bold]Next:[/]")
    console.print(escape("\n".join(f"  {line}" for line in NEXT)))


def running_already(run: Run) -> str:
    return f"Trueup is running already (process {run.supervisor[0]}, {run.state})."


def _places(run: Run) -> list[tuple[str, str]]:
    urls = run.urls
    databases = [url for name, url in urls.items() if name.endswith("_DATABASE_URL")]
    servers = sorted({_place(url) for url in databases})
    return [
        ("NATS", _without_password(urls["NATS_URL"])),
        ("Postgres", f"{', '.join(servers)} (a database for each domain, one for the views)"),
        ("Valkey", _without_password(urls["REDIS_URL"])),
        ("provider", _without_password(urls["TRUEUP_PROVIDER_URL"])),
        ("metrics", urls["TRUEUP_METRICS_URL"]),
        ("domains", _names(run, "domain")),
        ("views", _names(run, "view")),
        ("data, logs", run.home),
    ]


def _names(run: Run, kind: str) -> str:
    names = [p.name.removeprefix("view-") for p in run.processes if p.kind == kind]
    return " ".join(names) or "none"


def _place(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _without_password(url: str) -> str:
    return ",".join(
        part.replace(urlsplit(part).netloc, _place(part), 1) if "@" in part else part
        for part in url.split(",")
    )
