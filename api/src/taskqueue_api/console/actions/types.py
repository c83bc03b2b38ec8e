"""Run a task type."""

from fastapi import Response

from taskqueue_api.console.action import METHODS, UsedAction
from taskqueue_api.console.route import new_router

router = new_router()


@router.api_route("/actions/types/{name}/run", methods=METHODS)
async def run(action: UsedAction, name: str) -> Response:
    """Add one job of a type for a user."""
    user = action.field("user")
    if not action.is_confirmed:
        text = f"One job of {name} for {user} is added, and starts as soon as its limits allow. The schedule stays."
        return action.ask(f"Run {name} now?", text, "Run now")
    job = await action.parts.client.enqueue(user, name)
    return action.done(f"Added the job {job}.")
