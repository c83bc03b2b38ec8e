"""get types, users, jobs, workers: lists of the objects in the store."""

from taskqueue.cli.failure import say
from taskqueue.cli.options import LIMIT_DEFAULT, LimitOption
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_views
from taskqueue.command_line.command import new_group
from taskqueue.views.jobs import JobRow, list_jobs
from taskqueue.views.types import TypeRow, list_types
from taskqueue.views.users import UserRow, list_users
from taskqueue.views.workers import WorkerRow, list_workers

app = new_group()


@app.command("types")
@store_command
async def types(session: Session) -> None:
    """List the task types, with the number of their running subscriptions."""
    show_views(session.output, TypeRow, await list_types(session.store))


@app.command("users")
@store_command
async def users(session: Session, limit: LimitOption = LIMIT_DEFAULT) -> None:
    """List users, with the source that declares them, their time zone and the types they subscribe to."""
    page = await list_users(session.store, limit)
    if page.after:
        say(f"there are more than {limit} users: raise --limit to list them")
    show_views(session.output, UserRow, page.users)


@app.command("jobs")
@store_command
async def jobs(session: Session, limit: LimitOption = LIMIT_DEFAULT) -> None:
    """List waiting and running jobs, the first of each lane and of each limit."""
    found = await list_jobs(session.store, limit)
    if found.is_cut:
        say(f"there may be more than {limit} jobs: raise --limit to list them; `taskqueue audit` counts all")
    show_views(session.output, JobRow, found.jobs)


@app.command("workers")
@store_command
async def workers(session: Session) -> None:
    """List workers that sent a heartbeat in the last hour."""
    show_views(session.output, WorkerRow, await list_workers(session.store))
