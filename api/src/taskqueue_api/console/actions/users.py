"""Let a subscription through that the circuit breaker suspended."""

from fastapi import Response

from taskqueue_api.console.action import METHODS, UsedAction
from taskqueue_api.console.route import new_router

router = new_router()


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
