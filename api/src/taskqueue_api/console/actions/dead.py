"""Retry or purge a group of dead jobs: those of one type that died for the same reason."""

from collections.abc import Awaitable, Callable, Sequence

from fastapi import Response

from taskqueue.store.connection import Store
from taskqueue.store.dead import move_in_batches, purge_dead, retry_dead
from taskqueue.views.dead_groups import read_dead_names
from taskqueue_api.console.action import METHODS, Action, UsedAction
from taskqueue_api.console.route import new_router

router = new_router()


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
    """Return the number of the jobs that were dead."""
    return sum([number async for number in move_in_batches(move, action.parts.store, jobs)])


def _counted(jobs: Sequence[str]) -> str:
    return f"{len(jobs)} dead job{'' if len(jobs) == 1 else 's'}"
