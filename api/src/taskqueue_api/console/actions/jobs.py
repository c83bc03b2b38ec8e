"""Cancel a job."""

from fastapi import Response

from taskqueue.store.cancel import Fate, cancel_named
from taskqueue_api.console.action import METHODS, UsedAction
from taskqueue_api.console.route import new_router

router = new_router()

_NOTICES = {
    Fate.CANCELLED: "The job is cancelled.",
    Fate.RUNNING: "The job runs already.",
    Fate.DEAD: "The job is dead already.",
    Fate.UNKNOWN: "The job has ended meanwhile.",
}


@router.api_route("/actions/jobs/cancel", methods=METHODS)
async def cancel(action: UsedAction) -> Response:
    """Cancel the job that the field `job` names, also while it runs."""
    job = action.field("job")
    if not action.is_confirmed:
        text = f"{job} does not start. If it runs already, its handler is cancelled within seconds."
        return action.ask("Cancel the job?", text, "Cancel the job", is_grave=True)
    fate = (await cancel_named(action.parts.store, [job], running=True))[job]
    return action.done(_NOTICES[fate])
