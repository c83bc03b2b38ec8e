"""describe type, describe user: one task type or one user in full."""

from taskqueue.cli.failure import fail_unknown_type, fail_unknown_user
from taskqueue.cli.options import TypeArgument, UserArgument
from taskqueue.cli.output import Output, show_json, show_line
from taskqueue.cli.store_command import Session, store_command
from taskqueue.cli.table import show_details, show_views
from taskqueue.command_line.command import new_group
from taskqueue.store.errors import UnknownTypeError, UnknownUserError
from taskqueue.views.type_detail import read_type_detail
from taskqueue.views.user_detail import SubscriptionRow, UserJobRow, read_user_detail

app = new_group()


@app.command("type")
@store_command
async def describe_type(session: Session, name: TypeArgument) -> None:
    """Show a task type: its schedule, next periods, limits and number of subscriptions."""
    try:
        found = await read_type_detail(session.store, name)
    except UnknownTypeError:
        fail_unknown_type(name)
    show_details(session.output, found.to_json())


@app.command("user")
@store_command
async def describe_user(session: Session, user: UserArgument) -> None:
    """Show the subscriptions of a user: next run, last outcome, and why jobs of the user wait."""
    try:
        found = await read_user_detail(session.store, user, walk=True)
    except UnknownUserError:
        fail_unknown_user(user)
    if session.output is Output.JSON:
        show_json(found.to_json())
        return
    show_details(session.output, found.model_dump(mode="json", exclude={"subscriptions", "jobs"}))
    show_line()
    show_views(session.output, SubscriptionRow, found.subscriptions)
    if found.jobs:
        show_line()
        show_views(session.output, UserJobRow, found.jobs)
