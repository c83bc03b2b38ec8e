"""plan: the demand of a day, and whether it fits under the limit."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskqueue.cli.demands import demands_of_path, demands_of_store
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.cli.instant import iso, read_day_s
from taskqueue.cli.options import (
    REDIS_DEFAULT,
    RELEASE_DEFAULT,
    OutputOption,
    RedisOption,
    ReleaseOption,
)
from taskqueue.cli.output import Output, show_drawing, show_facts, show_json, show_rows
from taskqueue.cli.schedule_text import schedule_text
from taskqueue.cli.store_command import with_store

if TYPE_CHECKING:
    from taskqueue.plan.type_demand import TypeDemand

STEP_S = 60
DAY_S = 86_400

PathOption = Annotated[
    Path | None, typer.Argument(help="A folder of manifests. Without it write --store.", show_default=False)
]
StoreOption = Annotated[bool, typer.Option("--store", help="Judge what the store has.")]
DayOption = Annotated[
    str | None, typer.Option("--day", metavar="DATE", help="A UTC day such as 2026-11-24; default: today.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as --output json.")]
RateOption = Annotated[
    float | None,
    typer.Option("--rate", min=0.001, help="The limit in starts a second; default: the store's."),
]

app = typer.Typer(no_args_is_help=True)


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
    """Plot the starts (cost-weighted) of every minute of a day, and list what each type asks for."""
    from taskqueue.plan.forecast import starts  # noqa: PLC0415 - slow

    demands, rate = _demands(path, store, redis, release)
    day_s = read_day_s(day)
    minutes = starts(demands, day_s, STEP_S)
    types = [
        {
            "type": demand.type,
            "schedule": schedule_text(demand.schedule),
            "subscriptions": demand.subscriptions,
            "cost": demand.cost,
            "slotsPerDay": round(sum(starts([demand], day_s, DAY_S))),
        }
        for demand in demands
    ]
    types.sort(key=lambda row: -int(str(row["slotsPerDay"])))
    if json or output is Output.JSON:
        show_json(
            {
                "dayStart": iso(day_s * 1000),
                "stepSeconds": STEP_S,
                "ratePerSecond": rate,
                "starts": [round(count, 3) for count in minutes],
                "types": types,
            }
        )
        return
    from taskqueue.cli.plot import day_plot  # noqa: PLC0415 - slow

    show_drawing(day_plot(minutes, iso(day_s * 1000)[:10], rate))
    show_rows(Output.TABLE, ("type", "schedule", "subscriptions", "cost", "slotsPerDay"), types)


@app.command("check")
def check(
    path: PathOption = None,
    store: StoreOption = False,
    rate: RateOption = None,
    day: DayOption = None,
    json: JsonOption = False,
    redis: RedisOption = REDIS_DEFAULT,
    release: ReleaseOption = RELEASE_DEFAULT,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say whether the demand of a day fits under the limits, and the cheapest change if not (exit code 3)."""
    from taskqueue.plan.feasibility import check as judge  # noqa: PLC0415 - slow
    from taskqueue.plan.verdict import Fit  # noqa: PLC0415 - slow

    demands, stored = _demands(path, store, redis, release)
    limit = rate or stored
    if limit is None:
        fail("say with --rate how many starts a second the limit allows", ExitCode.USAGE)
    verdict = judge(demands, limit, day_start_s=read_day_s(day))
    tightest = verdict.tightest
    facts: dict[str, Any] = {
        "verdict": verdict.fit.value,
        "ratePerSecond": limit,
        "delaySeconds": round(verdict.delay_s, 3),
        "tightest": {
            "from": iso(tightest.start_s * 1000),
            "to": iso(tightest.end_s * 1000),
            "demand": round(tightest.demand, 3),
            "capacity": round(tightest.capacity, 3),
        },
        "behind": {name: round(share, 4) for name, share in verdict.behind},
        "late": list(verdict.late),
        "violations": [asdict(violation) for violation in verdict.violations],
        "change": verdict.change,
    }
    show_facts(Output.JSON if json else output, facts)
    if verdict.fit is Fit.DOES_NOT_FIT:
        raise typer.Exit(int(ExitCode.DOES_NOT_FIT))


def _demands(
    path: Path | None, store: bool, redis: str, release: str
) -> "tuple[list[TypeDemand], float | None]":
    if (path is None) is not store:
        fail("name a folder of manifests, or write --store, and not both", ExitCode.USAGE)
    if path is not None:
        return demands_of_path(path), None
    return with_store(redis, release, demands_of_store)
