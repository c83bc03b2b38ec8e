"""dead list, show, retry, purge: jobs that used up their attempts."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, say
from taskqueue.cli.interruption import report_when_stopped
from taskqueue.cli.options import LIMIT_DEFAULT, LimitOption
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details, show_views
from taskqueue.command_line.command import new_group
from taskqueue.store.connection import Store
from taskqueue.store.dead import move_in_batches, purge_dead, retry_dead
from taskqueue.views.dead import DeadRow, list_dead, read_dead_detail
from taskqueue.views.dead_groups import read_dead_names
from taskqueue.views.errors import NotDeadError

JobsArgument = Annotated[list[str] | None, typer.Argument(metavar="JOB", help="Names of dead jobs.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every job that is dead now.")]

app = new_group()


@app.command("list")
@store_command
async def show_list(session: Session, limit: LimitOption = LIMIT_DEFAULT) -> None:
    """List dead jobs, newest first, each with the reason."""
    show_views(session.output, DeadRow, await list_dead(session.store, limit))


@app.command("show")
@store_command
async def show(
    session: Session, job: Annotated[str, typer.Argument(metavar="JOB", help="Name of a dead job.")]
) -> None:
    """Show one dead job with its params."""
    try:
        found = await read_dead_detail(session.store, job)
    except NotDeadError:
        fail(f"{job}: no such dead job; `taskqueue dead list` lists them", ExitCode.NOT_FOUND)
    show_details(session.output, found.to_json())


@app.command("retry")
@store_command
async def retry(session: Session, jobs: JobsArgument = None, all_: AllOption = False) -> None:
    """Return dead jobs to their lanes, with all attempts and no deadline."""
    await _move(session, "retried", retry_dead, jobs or [], all_=all_)


@app.command("purge")
@store_command
async def purge(session: Session, jobs: JobsArgument = None, all_: AllOption = False) -> None:
    """Delete dead jobs."""
    await _move(session, "purged", purge_dead, jobs or [], all_=all_)


async def _move(
    session: Session,
    word: str,
    act: Callable[[Store, Sequence[str]], Awaitable[int]],
    jobs: list[str],
    *,
    all_: bool,
) -> None:
    """Apply a verb to dead jobs in batches, and print the number of jobs.

    word: the past participle of the verb. Ends the command with NOT_FOUND where a named job is not dead.
    """
    if bool(jobs) == all_:
        fail("give either names of jobs or --all", ExitCode.USAGE)
    if all_:
        jobs = await read_dead_names(session.store)
    moved = 0
    with report_when_stopped(lambda: f"stopped: {moved} of {len(jobs)} jobs are {word}"):
        async for number in move_in_batches(act, session.store, jobs):
            moved += number
    show_details(session.output, {word: moved})
    if moved < len(jobs) and not all_:
        say(f"{len(jobs) - moved} of these jobs are not dead: `taskqueue dead list` lists the dead ones")
        raise typer.Exit(int(ExitCode.NOT_FOUND))
