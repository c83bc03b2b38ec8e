"""Pause, resume and run a task type."""

from fastapi import Response

from taskqueue.models.duration import format_ms
from taskqueue_api.console.action import METHODS, UsedAction
from taskqueue_api.console.route import new_router

router = new_router()


@router.api_route("/actions/types/{name}/pause", methods=METHODS)
async def pause(action: UsedAction, name: str) -> Response:
    """Pause a type, for a time or until it is resumed."""
    for_ms = action.duration_ms("for")
    until = f"for {format_ms(for_ms)}" if for_ms else "until it is resumed"
    if not action.is_confirmed:
        text = f"None of its scheduled jobs is emitted or starts, {until}. Jobs added by hand still run."
        return action.ask(f"Pause {name}?", text, "Pause")
    await action.parts.client.pause(task_type=name, for_s=for_ms / 1000 if for_ms else None)
    return action.done(f"{name} is paused {until}.")


@router.api_route("/actions/types/{name}/resume", methods=METHODS)
async def resume(action: UsedAction, name: str) -> Response:
    """End the pause of a type."""
    if not action.is_confirmed:
        return action.ask(f"Resume {name}?", "Its scheduled jobs are emitted again from now on.", "Resume")
    ended = await action.parts.client.resume(task_type=name)
    return action.done(f"{name} runs again." if ended else f"{name} was not paused.")


@router.api_route("/actions/types/{name}/run", methods=METHODS)
async def run(action: UsedAction, name: str) -> Response:
    """Add one job of a type for a user."""
    user = action.field("user")
    if not action.is_confirmed:
        text = f"One job of {name} for {user} is added, and starts as soon as its limits allow. The schedule stays."
        return action.ask(f"Run {name} now?", text, "Run now")
    job = await action.parts.client.enqueue(user, name)
    return action.done(f"Added the job {job}.")
