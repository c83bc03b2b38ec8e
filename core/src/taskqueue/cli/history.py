"""history type, history user: what ran, by the minute, and which runs of a user were planned."""

from typing import Annotated

import typer

from taskqueue.cli.failure import fail_argument, fail_unknown_type, fail_unknown_user, say
from taskqueue.cli.options import LIMIT_DEFAULT, LimitOption, TypeArgument, UserArgument
from taskqueue.cli.output import Output, show_json, show_line
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details, show_rows, show_views
from taskqueue.command_line.command import new_group
from taskqueue.models.duration import format_ms, parse_positive_ms
from taskqueue.models.outcome import Outcome
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.errors import UnknownTypeError, UnknownUserError
from taskqueue.views.history import HistoryRow, TypeHistory, read_type_history
from taskqueue.views.instant import written
from taskqueue.views.planned_run import PlannedRun
from taskqueue.views.user_history import read_user_history

SinceOption = Annotated[
    str, typer.Option("--since", metavar="DURATION", help='From so long ago on, such as "6h"; at most 72h.')
]
#: Characters of the longest bar.
_BAR = 30

app = new_group()


@app.command("type")
@store_command
async def history_type(session: Session, name: TypeArgument, since: SinceOption = "1h") -> None:
    """Show starts, lateness and outcomes of a type: each minute of 6 hours, 5 minutes of a day, 15 of 3 days."""
    try:
        since_ms = parse_positive_ms(since)
    except ValueRefusedError as error:
        fail_argument("--since", error)
    try:
        found = await read_type_history(session.store, name, since_ms)
    except UnknownTypeError:
        fail_unknown_type(name)
    if session.output is Output.JSON:
        show_json(found.to_json())
        return
    show_details(session.output, _totals(found))
    if found.started or any(found.outcomes.values()):
        show_line()
        _show_rows(found)


@app.command("user")
@store_command
async def history_user(session: Session, user: UserArgument, limit: LimitOption = LIMIT_DEFAULT) -> None:
    """Show the runs planned for a user in the last and next 24 hours, and what became of each, as far as known."""
    try:
        found = await read_user_history(session.store, user, limit)
    except UnknownUserError:
        fail_unknown_user(user)
    if session.output is Output.JSON:
        show_json(found.to_json())
        return
    for cut in found.cut:
        span = f"from {written(cut.since)} to {written(cut.until)}"
        say(f"{cut.type}: only the runs {span} are listed: raise --limit to list more")
    for idle in found.without_runs:
        say(f"{idle.type}: no run is planned: {idle.why}")
    show_views(session.output, PlannedRun, found.runs)


def _totals(found: TypeHistory) -> dict[str, object]:
    return {
        "type": found.type,
        "since": written(found.since),
        "started": found.started,
        **_outcomes(found.outcomes),
        "lateness": dict(zip(_classes(found), found.lateness, strict=True)),
    }


def _classes(found: TypeHistory) -> list[str]:
    """Return names of the classes of lateness."""
    bounds = [format_ms(bound) for bound in found.lateness_bounds_ms]
    return [*(f"<={bound}" for bound in bounds), f">{bounds[-1]}"]


def _outcomes(outcomes: dict[Outcome, int]) -> dict[str, int]:
    """Return done jobs, and the other outcomes that there were."""
    return {outcome.value: times for outcome, times in outcomes.items() if times or outcome is Outcome.DONE}


def _show_rows(found: TypeHistory) -> None:
    """Print a row for each step from the first start on, with a bar for its starts."""
    begins = [bool(row.started or any(row.outcomes.values())) for row in found.rows]
    most = max(row.started for row in found.rows)
    columns = ("at", "started", *_outcomes(found.outcomes), "latest", "")
    rows = [
        {
            "at": written(row.at)[:16],
            "started": row.started,
            **{outcome.value: times for outcome, times in row.outcomes.items()},
            "latest": _latest(found, row),
            "": "#" * round(_BAR * row.started / max(1, most)),
        }
        for row in found.rows[begins.index(True) :]
    ]
    show_rows(Output.TABLE, columns, rows)


def _latest(found: TypeHistory, row: HistoryRow) -> str | None:
    """Return the class of the latest start."""
    classes = [name for name, starts in zip(_classes(found), row.lateness, strict=True) if starts]
    return classes[-1] if classes else None
