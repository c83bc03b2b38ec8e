"""Pause and resume a user; let a subscription through that the circuit breaker suspended."""

from fastapi import Response

from taskqueue.models.duration import format_ms
from taskqueue_api.console.action import METHODS, UsedAction
from taskqueue_api.console.route import new_router

router = new_router()


@router.api_route("/actions/users/{name}/pause", methods=METHODS)
async def pause(action: UsedAction, name: str) -> Response:
    """Pause a user, for a time or until it is resumed."""
    for_ms = action.duration_ms("for")
    until = f"for {format_ms(for_ms)}" if for_ms else "until the user is resumed"
    if not action.is_confirmed:
        text = f"No scheduled job of this user is emitted or starts, {until}. Jobs added by hand still run."
        return action.ask(f"Pause {name}?", text, "Pause")
    await action.parts.client.pause(user=name, for_s=for_ms / 1000 if for_ms else None)
    return action.done(f"{name} is paused {until}.")


@router.api_route("/actions/users/{name}/resume", methods=METHODS)
async def resume(action: UsedAction, name: str) -> Response:
    """End the pause of a user."""
    if not action.is_confirmed:
        return action.ask(
            f"Resume {name}?", "Scheduled jobs of this user are emitted again from now on.", "Resume"
        )
    ended = await action.parts.client.resume(user=name)
    return action.done(f"{name} runs again." if ended else f"{name} was not paused.")


@router.api_route("/actions/users/{name}/try", methods=METHODS)
async def try_suspended(action: UsedAction, name: str) -> Response:
    """Let the next job of a suspended subscription through; `type` names it."""
    task_type = action.field("type")
    if not action.is_confirmed:
        text = f"The next job of {task_type} runs. Its outcome decides whether the suspension is over."
        return action.ask(f"Try {task_type} of {name}?", text, "Try")
    tried = await action.parts.client.resume(user=name, task_type=task_type)
    return action.done(
        f"The next job of {task_type} decides." if tried else f"{task_type} was not suspended by the breaker."
    )
