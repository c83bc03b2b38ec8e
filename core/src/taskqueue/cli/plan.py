"""plan show, plan check: the demand of a day, and whether the limits allow it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from taskqueue.cli.demands import Plan, plan_of_path, plan_of_store
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.instant import iso, read_day_s
from taskqueue.cli.limit_lines import limit_line, show_limits
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
from taskqueue.cli.schedule_text import schedule_text
from taskqueue.cli.store_command import with_store
from taskqueue.cli.table import show_details, show_rows
from taskqueue.command_line.command import new_group
from taskqueue.models.quantity import written_rate
from taskqueue.plan.feasibility import check as judge
from taskqueue.plan.forecast import starts
from taskqueue.plan.verdict import Fit

STEP_S = 60
DAY_S = 86_400

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
    plan = _plan(path, store, redis, release)
    demands, rate = plan.demands, plan.rate
    day_s = read_day_s(day)
    minutes = starts(demands, day_s, STEP_S)
    types: list[dict[str, Any]] = [
        {
            "type": demand.type,
            "schedule": schedule_text(demand.schedule),
            "subscriptions": demand.subscriptions,
            "zones": dict(demand.zones),
            "cost": demand.cost,
            "slotsPerDay": round(sum(starts([demand], day_s, DAY_S))),
        }
        for demand in demands
    ]
    types.sort(key=lambda row: -row["slotsPerDay"])
    if json or output is Output.JSON:
        show_json(
            {
                "dayStart": iso(day_s * 1000),
                "stepSeconds": STEP_S,
                "ratePerSecond": None if rate is None else written_rate(rate),
                "starts": [round(count, 3) for count in minutes],
                "types": types,
            }
        )
        return
    show_drawing(day_plot(minutes, iso(day_s * 1000)[:10], rate))
    columns = ("type", "schedule", "subscriptions", "zones", "cost", "slotsPerDay")
    show_rows(Output.TABLE, columns, [{**row, "zones": len(row["zones"]) or None} for row in types])


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
    plan = _plan(path, store, redis, release)
    limit = given or plan.rate
    if limit is None:
        fail("--rate must be given: the starts per second that the limit allows, or none", ExitCode.USAGE)
    verdict = judge(plan.demands, limit, limits=plan.limits, users=plan.users, day_start_s=read_day_s(day))
    output = Output.JSON if json else output
    lines = [limit_line(found) for found in verdict.limits]
    tightest = lines[0] if lines else {}
    details: dict[str, Any] = {
        "verdict": verdict.fit.value,
        "ratePerSecond": written_rate(limit),
        "delaySeconds": round(verdict.delay_s, 3),
        "limit": tightest.get("limit"),
        "tightest": tightest.get("tightest"),
        "behind": tightest.get("behind"),
        "late": list(verdict.late),
        "unknownLimits": {name: list(types) for name, types in verdict.unknown},
        "change": verdict.change,
    }
    if output is Output.JSON:
        show_json({**details, "limits": lines})
    else:
        show_details(output, details)
        show_limits(lines)
    if verdict.fit is Fit.DOES_NOT_FIT:
        raise typer.Exit(int(ExitCode.DOES_NOT_FIT))


def _plan(path: Path | None, store: bool, redis: str, release: str) -> Plan:
    """Return the plan of a folder or of the store."""
    if (path is None) is not store:
        fail("give either a folder of manifests or --store", ExitCode.USAGE)
    return plan_of_path(path) if path is not None else with_store(redis, release, plan_of_store)
