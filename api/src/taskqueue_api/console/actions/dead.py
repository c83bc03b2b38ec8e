"""Retry or purge a group of dead jobs: those of one type that died for the same reason."""

from collections.abc import Awaitable, Callable, Sequence

from fastapi import Response

from taskqueue.store.connection import Store
from taskqueue.store.dead import purge_dead, retry_dead
from taskqueue.views.dead_groups import read_dead_names
from taskqueue_api.console.action import METHODS, Action, UsedAction
from taskqueue_api.console.problem_page import new_router

router = new_router()

#: Jobs moved in one call of a script; longer calls would keep workers from the store.
_BATCH = 500


@router.api_route("/actions/dead/retry", methods=METHODS)
async def retry(action: UsedAction) -> Response:
    """Return the jobs of a group to their lanes."""
    jobs = await _names(action)
    if not action.is_confirmed:
        text = f"{_counted(jobs)} of {action.field('type')} start again, with all attempts and within the limits."
        return action.ask(f"Retry {_counted(jobs)}?", text, f"Retry {len(jobs)}")
    return action.done(f"{await _move(action, retry_dead, jobs)} jobs are back in their lanes.")


@router.api_route("/actions/dead/purge", methods=METHODS)
async def purge(action: UsedAction) -> Response:
    """Delete the jobs of a group."""
    jobs = await _names(action)
    if not action.is_confirmed:
        text = f"{_counted(jobs)} of {action.field('type')} are deleted for good."
        return action.ask(f"Purge {_counted(jobs)}?", text, f"Purge {len(jobs)}", is_grave=True)
    return action.done(f"{await _move(action, purge_dead, jobs)} dead jobs are deleted.")


async def _names(action: Action) -> list[str]:
    return await read_dead_names(action.parts.store, action.field("type"), action.fields.get("reason", ""))


async def _move(
    action: Action, move: Callable[[Store, Sequence[str]], Awaitable[int]], jobs: Sequence[str]
) -> int:
    """Move the jobs in batches, and return the number of the ones that were dead."""
    starts = range(0, len(jobs), _BATCH)
    return sum([await move(action.parts.store, jobs[start : start + _BATCH]) for start in starts])


def _counted(jobs: Sequence[str]) -> str:
    return f"{len(jobs)} dead job{'' if len(jobs) == 1 else 's'}"
