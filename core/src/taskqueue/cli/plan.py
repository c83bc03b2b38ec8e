"""plan show, plan check: the demand of a day, and whether the limits allow it."""

from pathlib import Path
from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.instant import read_day_s
from taskqueue.cli.limit_lines import show_limits
from taskqueue.cli.options import (
    REDIS_DEFAULT,
    RELEASE_DEFAULT,
    OutputOption,
    RedisOption,
    ReleaseOption,
)
from taskqueue.cli.output import Output, show_drawing, show_json
from taskqueue.cli.plot import day_plot
from taskqueue.cli.rate import StoredRateOption, read_rate
from taskqueue.cli.store_command import with_store
from taskqueue.cli.table import show_details, show_rows
from taskqueue.command_line.command import new_group
from taskqueue.plan.verdict import Fit
from taskqueue.sources.folder import load
from taskqueue.views.demands import Plan, read_plan
from taskqueue.views.plan import PlanTypeRow, plan_day
from taskqueue.views.plan_check import check_plan

PathOption = Annotated[
    Path | None,
    typer.Argument(metavar="PATH", help="Manifest file or folder; omit it with --store.", show_default=False),
]
StoreOption = Annotated[bool, typer.Option("--store", help="Plan the types and subscriptions of the store.")]
DayOption = Annotated[
    str | None, typer.Option("--day", metavar="DATE", help="UTC day such as 2026-11-24; today by default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --output json.")]

app = new_group()


@app.command("show")
def show(
    path: PathOption = None,
    store: StoreOption = False,
    day: DayOption = None,
    json: JsonOption = False,
    redis: RedisOption = REDIS_DEFAULT,
    release: ReleaseOption = RELEASE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Plot the starts of each minute of a day, weighted by cost, and list the demand of each type."""
    found = plan_day(_plan(path, store, redis, release), read_day_s(day))
    if json or output is Output.JSON:
        show_json(found.to_json())
        return
    rate = found.rate_per_second
    date = f"{found.day_start:%Y-%m-%d}"
    show_drawing(day_plot(found.starts, date, rate if isinstance(rate, float) else None))
    rows = [row.to_json() for row in found.types]
    show_rows(
        Output.TABLE, PlanTypeRow.columns(), [{**row, "zones": len(row["zones"]) or None} for row in rows]
    )


@app.command("check")
def check(
    path: PathOption = None,
    store: StoreOption = False,
    rate: StoredRateOption = None,
    day: DayOption = None,
    json: JsonOption = False,
    redis: RedisOption = REDIS_DEFAULT,
    release: ReleaseOption = RELEASE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Check that the limits allow the demand of a day; if not, name the cheapest change (exit code 3).

    A line for each limit follows, those that are exceeded first.
    """
    given = None if rate is None else read_rate("--rate", rate)
    plan = _plan(path, store, redis, release, with_users=True)
    limit = given or plan.rate
    if limit is None:
        fail("--rate must be given: the starts per second that the limit allows, or none", ExitCode.USAGE)
    verdict = check_plan(plan, limit, read_day_s(day))
    if json or output is Output.JSON:
        show_json(verdict.to_json())
    else:
        show_details(output, verdict.model_dump(mode="json", exclude={"limits"}))
        show_limits(verdict.limits)
    if verdict.verdict is Fit.DOES_NOT_FIT:
        raise typer.Exit(int(ExitCode.DOES_NOT_FIT))


def _plan(path: Path | None, store: bool, redis: str, release: str, *, with_users: bool = False) -> Plan:
    """Return the plan of a folder or of the store."""
    if (path is None) is not store:
        fail("give either a folder of manifests or --store", ExitCode.USAGE)
    if path is not None:
        return plan_of_path(path)
    return with_store(redis, release, lambda opened: read_plan(opened, with_users=with_users))


def plan_of_path(path: Path) -> Plan:
    """Read the plan of a folder. Ends the command with FAULTS where a manifest is at fault."""
    desired = load(path)
    if desired.faults:
        fail(
            f"{len(desired.faults)} faults below {path} hide a part of the plan: "
            f"`taskqueue validate {path}` lists them",
            ExitCode.FAULTS,
        )
    return Plan(desired.demands(), desired.limits, desired.user_demands(), None)
