"""Pause and resume a task type or a user."""

from typing import Literal

from fastapi import Response

from taskqueue.models.duration import format_ms
from taskqueue_api.console.action import METHODS, UsedAction
from taskqueue_api.console.route import new_router

router = new_router()

Noun = Literal["types", "users"]


@router.api_route("/actions/{noun}/{name}/pause", methods=METHODS)
async def pause(action: UsedAction, noun: Noun, name: str) -> Response:
    """Pause a type or a user, for a time or until it is resumed."""
    for_ms = action.duration_ms("for")
    until = f"for {format_ms(for_ms)}" if for_ms else "until it is resumed"
    if not action.is_confirmed:
        text = f"No scheduled job of {name} is emitted or starts, {until}. Jobs added by hand still run."
        return action.ask(f"Pause {name}?", text, "Pause")
    task_type, user = _named(noun, name)
    await action.parts.client.pause(task_type=task_type, user=user, for_s=for_ms / 1000 if for_ms else None)
    return action.done(f"{name} is paused {until}.")


@router.api_route("/actions/{noun}/{name}/resume", methods=METHODS)
async def resume(action: UsedAction, noun: Noun, name: str) -> Response:
    """End the pause of a type or of a user."""
    if not action.is_confirmed:
        text = f"Scheduled jobs of {name} are emitted again from now on."
        return action.ask(f"Resume {name}?", text, "Resume")
    task_type, user = _named(noun, name)
    ended = await action.parts.client.resume(task_type=task_type, user=user)
    return action.done(f"{name} runs again." if ended else f"{name} was not paused.")


def _named(noun: Noun, name: str) -> tuple[str | None, str | None]:
    """Return the type and the user that a pause is for: one of them."""
    return (name, None) if noun == "types" else (None, name)
