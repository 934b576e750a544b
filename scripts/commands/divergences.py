"""`trueup divergences`: where two books disagree, and what a person decides about it."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from bus import subjects
from projections.reconciliation.rules import RULES
from scripts.commands.deciding import approve, dismiss
from scripts.commands.exits import OK, REFUSED
from scripts.commands.limits import limits
from scripts.commands.mesh import ask_json, connected
from scripts.commands.output import print_json, say, show

Flag = Annotated[bool, Parameter(negative=())]
COLUMNS = ["id", "rule", "subject", "stage", "amount", "currency", "detected", "said", "why"]
SUMS = ["rule", "stage", "currency", "count", "amount"]

app = App(name="divergences", help="Where two books disagree, and what is done about it.")


@app.default
async def listed(
    *,
    rule: str | None = None,
    all: Flag = False,
    limit: int = 50,
    json: Flag = False,
) -> int:
    """List what is open, the oldest first: what is being compensated, and what waits for a person.

    For example:

    ```sh
    trueup divergences
    trueup divergences --rule stuck-confirmed --json
    ```

    Exit codes: 0 nothing is open, 1 something is, 2 usage, 3 unavailable.

    Parameters
    ----------
    rule
        Only those of one rule.
    all
        Also what is right again, or was dismissed.
    limit
        Rows at most.
    json
        JSON, with each one's steps.
    """
    asked: dict[str, Any] = {"limit": limit, **({} if all else {"open": True})}
    if rule is not None:
        asked["rule"] = rule
    async with connected() as broker:
        answer = await ask_json(broker, subjects.query("divergences", "list"), **asked)
    rows = answer["rows"]
    if json or rows:
        show(rows, COLUMNS, json=json)
    else:
        say("No divergence is open.")
    return REFUSED if any(row["open"] == "yes" for row in rows) else OK


@app.command
async def sums(*, json: Flag = False) -> int:
    """Count them, and sum up their money, by rule and stage; and tell the age of the oldest."""
    async with connected() as broker:
        totals = await ask_json(broker, subjects.query("divergences", "totals"))
        oldest = await ask_json(broker, subjects.query("divergences", "oldest"))
    if json:
        print_json({"rows": totals["rows"], "oldest": oldest["oldest"]})
        return OK
    show(totals["rows"], SUMS, json=False)
    if found := oldest["oldest"]:
        say(f"The oldest that is open: {found['id']}, since {found['detected']}.")
    return OK


@app.command(name="rules")
def known_rules(*, json: Flag = False) -> int:
    """List the rules: what each means, and what would make it right."""
    rows = [{"rule": each.name, "means": each.means, "remedy": each.remedy} for each in RULES]
    show(rows, ["rule", "means", "remedy"], json=json)
    return OK


@app.command(name="show")
async def shown(id: str, /) -> int:
    """Print one divergence, with all that happened to it, as JSON."""
    async with connected() as broker:
        print_json(await ask_json(broker, subjects.query("divergences", "get", id)))
    return OK


for decision in (approve, dismiss, limits):
    app.command(decision)
