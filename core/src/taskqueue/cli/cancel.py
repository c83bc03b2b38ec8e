"""cancel: jobs that are due end, by name, by type or by user."""

from collections.abc import Sequence
from typing import Annotated

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, fail_argument, fail_unknown_type, say
from taskqueue.cli.interruption import report_when_stopped
from taskqueue.cli.progress_bar import progress_bar
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details
from taskqueue.models.identity import check_user_id
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.cancel import Fate, cancel_due, cancel_named
from taskqueue.store.errors import StoreError
from taskqueue.store.types import read_catalog


@store_command
async def cancel(
    session: Session,
    jobs: Annotated[
        list[str] | None, typer.Argument(metavar="JOB", help="Names of jobs, as `get jobs` lists them.")
    ] = None,
    task_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Every job of this type that is due.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="USER", help="Every job of this user that is due.")
    ] = None,
    running: Annotated[bool, typer.Option("--running", help="Also jobs that run.")] = False,
) -> None:
    """End jobs that wait, also for another attempt; with --running also jobs that run, within a few seconds.

    Without names, jobs that become due after the call run. An interrupted command may be repeated.
    """
    if bool(jobs) == (task_type is not None or user is not None):
        fail("give names of jobs, or --type, --user or both", ExitCode.USAGE)
    if jobs:
        await _cancel_named(session, jobs, running=running)
    else:
        await _cancel_due(session, task_type, user, running=running)


async def _cancel_named(session: Session, jobs: Sequence[str], *, running: bool) -> None:
    """Cancel named jobs, and print the names of those that were not."""
    fates = await cancel_named(session.store, jobs, running=running)
    names = {fate.value: [job for job, its_fate in fates.items() if its_fate is fate] for fate in Fate}
    show_details(session.output, names)
    if names[Fate.RUNNING]:
        fail(f"{', '.join(names[Fate.RUNNING])}: running; --running ends running jobs, too", ExitCode.REFUSED)
    if names[Fate.DEAD]:
        fail(
            f"{', '.join(names[Fate.DEAD])}: dead; `taskqueue dead purge` deletes dead jobs", ExitCode.REFUSED
        )
    if names[Fate.UNKNOWN]:
        fail(
            f"{', '.join(names[Fate.UNKNOWN])}: no such job; `taskqueue get jobs` lists those that wait or run",
            ExitCode.NOT_FOUND,
        )


async def _cancel_due(session: Session, task_type: str | None, user: str | None, *, running: bool) -> None:
    """Cancel the jobs of a type, of a user or of both, and print their number."""
    if user is not None:
        try:
            check_user_id(user)
        except ValueRefusedError as error:
            fail_argument("--user", error)
    if task_type is not None and task_type not in (await read_catalog(session.store)).records:
        fail_unknown_type(task_type)
    cancelled = 0

    def stopped() -> str:
        """Return the sentence for a command that was stopped."""
        return f"stopped: {cancelled} jobs are cancelled; repeat the command for the others"

    try:
        with report_when_stopped(stopped), progress_bar("jobs cancelled", None) as moved_to:
            async for number in cancel_due(session.store, task_type=task_type, user=user, running=running):
                cancelled += number
                moved_to(cancelled)
    except StoreError:
        say(stopped())
        raise
    show_details(session.output, {"cancelled": cancelled})
