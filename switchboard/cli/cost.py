"""`switchboard cost`: what model calls cost, by feature, agent, model or day."""

import os
import sys
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from switchboard.cli.exits import exit_on_error
from switchboard.ledger.archive import FOLDER, Archive
from switchboard.ledger.report import CostReport, report
from switchboard.system import runfile
from switchboard.system.errors import OperatorError

GATEWAY_S_MAX = 10.0
DAYS_DEFAULT = 30


class By(StrEnum):
    feature = "feature"
    agent = "agent"
    model = "model"
    day = "day"
    tenant = "tenant"
    alias = "alias"
    deployment = "deployment"
    provider = "provider"
    cache = "cache"
    outcome = "outcome"


def cost(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant; all of them by default.")] = None,
    by: Annotated[By, typer.Option(help="What to add up by.")] = By.feature,
    since: Annotated[str | None, typer.Option(help="The first day (UTC), as 2026-11-01; 30 days by default.")] = None,
    until: Annotated[str | None, typer.Option(help="The last day (UTC), included; today by default.")] = None,
    cap: Annotated[
        float | None,
        typer.Option(min=0, max=9_000, help="Let the tenant spend so many dollars a day from now on; 0 stops it."),
    ] = None,
    uncap: Annotated[bool, typer.Option("--uncap", help="Lift the tenant's cap.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    state_dir: Annotated[Path, typer.Option(help="Where run.json and the ledger are.")] = Path(".switchboard"),
) -> None:
    """Prints attempts, tokens and money of model calls: from the running gateway, else from the ledger on disk."""
    with exit_on_error():
        if cap is not None or uncap:
            _cap(tenant, None if uncap else cap, state_dir)
            return
        last = _day(until, "--until") or datetime.now(UTC).date()
        first = _day(since, "--since") or last - timedelta(days=DAYS_DEFAULT - 1)
        if first > last:
            raise OperatorError(f"--since {first} is after --until {last}: give the earlier day first.")
        found = _from_gateway(tenant, by, first, last, state_dir) or _from_archive(tenant, by, first, last, state_dir)
        if as_json:
            sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        else:
            show(Console(highlight=False), found)


def show(console: Console, found: CostReport) -> None:
    """Prints a report as a table."""
    whose = f"tenant {found.tenant}" if found.tenant else "all tenants"
    table = Table(title=f"Cost of {whose}, {found.since} to {found.until} (UTC)")
    table.add_column(found.by)
    for name in ("attempts", "prompt tokens", "of them cached", "completion tokens", "US dollars"):
        table.add_column(name, justify="right")
    for row in [*found.rows, found.total]:
        numbers = (row.calls, row.prompt_tokens, row.cached_tokens, row.completion_tokens)
        if row is found.total:
            table.add_section()
        table.add_row(row.key, *(f"{number:,}" for number in numbers), f"{row.cost_microusd / 1e6:,.6f}")
    console.print(table)


def _day(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise OperatorError(f"{option} is {text!r}, which is no day: write it as 2026-11-21.") from None


def _from_gateway(tenant: str | None, by: By, first: date, last: date, state_dir: Path) -> CostReport | None:
    """None where no gateway runs."""
    try:
        url = runfile.load(state_dir).gateway_url
    except OperatorError:
        return None
    asked = {"by": by.value, "since": first.isoformat(), "until": last.isoformat()}
    asked |= {"tenant": tenant} if tenant else {}
    try:
        answer = httpx.get(f"{url}/admin/cost", params=asked, headers=_token(), timeout=GATEWAY_S_MAX, trust_env=False)
        if answer.status_code != 200:
            raise OperatorError(f"The gateway cannot tell the cost: {_message(answer)}")
        return CostReport.model_validate_json(answer.content)
    except httpx.TransportError:
        return None
    except ValidationError:
        raise OperatorError(
            "The gateway's answer cannot be read: it is of another version than this command."
        ) from None


def _cap(tenant: str | None, day_usd: float | None, state_dir: Path) -> None:
    """Sets or lifts (None) a tenant's cap. Raises `OperatorError`."""
    if tenant is None:
        raise OperatorError("Say whose cap: add --tenant NAME.")
    url = f"{runfile.load(state_dir).gateway_url}/admin/budgets/{quote(tenant, safe='')}/cap"
    try:
        answer = httpx.request(
            "DELETE" if day_usd is None else "PUT",
            url,
            json=None if day_usd is None else {"day_usd": str(day_usd)},
            headers=_token(),
            timeout=GATEWAY_S_MAX,
            trust_env=False,
        )
    except httpx.TransportError:
        raise OperatorError("The gateway does not answer: look at `switchboard doctor`.") from None
    if answer.status_code != 200:
        raise OperatorError(f"The gateway did not do it: {_message(answer)}")
    standing = answer.json()
    if day_usd is None:
        said = f"Tenant {tenant} is not capped any more; it has spent {standing['day_usd']} US dollars today."
    else:
        said = (
            f"Tenant {tenant} may spend {standing['day_cap_usd']} US dollars a day from now on, and has spent "
            f"{standing['day_usd']} today; calls beyond that are refused."
        )
    Console(highlight=False, soft_wrap=True).print(said, markup=False)


def _token() -> dict[str, str]:
    token = os.environ.get("SWITCHBOARD_GATEWAY_ADMIN_TOKEN")
    return {"authorization": f"Bearer {token}"} if token else {}


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"it answered {answer.status_code}."


def _from_archive(tenant: str | None, by: By, first: date, last: date, state_dir: Path) -> CostReport:
    folder = Path(os.environ.get("SWITCHBOARD_DATA_DIR", str(state_dir / "data"))) / FOLDER
    if not folder.is_dir():
        raise OperatorError(f"There is no ledger here ({folder} does not exist): start a system with `switchboard up`.")
    sums = Archive(folder).sums(since=first.isoformat(), until=last.isoformat(), tenant=tenant)
    return report(sums, tenant=tenant, by=by.value, since=first.isoformat(), until=last.isoformat())
