"""Pages of jobs: each job that waits or runs once, wherever it is, whatever the size of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.values import Limit, LimitKey, Priority, Schedule, TaskType
from taskqueue.views import job_pages
from taskqueue.views.job_pages import JobState, list_job_page

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
#: One start in a thousand seconds: a user's second job is parked.
SHOP = Limit("shop", LimitKey.USER, 0.001)
SYNC = TaskType("sync", HOUR, limits=("shop",))
LOW = TaskType("low", HOUR, priority=Priority.LOW)
USERS = [f"u|{number}" for number in range(40)]


@pytest.fixture
async def jobs(world: World) -> set[str]:
    """Jobs of forty users: one that runs, one that is parked and one in a lane for each."""
    await world.install(SYNC, LOW, limits=[SHOP])
    names = await world.enqueue("sync", *USERS)
    await world.claim(n=len(USERS))
    names += await world.enqueue("sync", *USERS)
    await world.claim(n=len(USERS))
    names += await world.enqueue("low", *USERS)
    waiting = await world.waiting()
    assert sum(key.startswith("parked:") for key in waiting) == len(USERS)
    return set(names)


async def walked(world: World, most: int, **selection: str) -> list[str]:
    found, after = [], ""
    while True:
        state: JobState | None = selection.get("state")  # type: ignore[assignment]
        page = await list_job_page(
            world.store,
            most,
            after,
            task_type=selection.get("task_type"),
            user=selection.get("user"),
            state=state,
        )
        assert len(page.jobs) <= most
        found += [row.job for row in page.jobs]
        after = page.after
        if not after:
            return found


@pytest.mark.parametrize("most", [1, 7, 1_000])
async def test_pages_have_every_job_once(world: World, jobs: set[str], most: int) -> None:
    found = await walked(world, most)
    assert len(found) == len(jobs)
    assert set(found) == jobs


async def test_a_page_ends_early_rather_than_walk_far(
    world: World, jobs: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_pages, "_MAX_STEPS", 1)
    first = await list_job_page(world.store, 1_000)
    assert first.after
    assert len(first.jobs) < len(jobs)
    assert set(await walked(world, 1_000)) == jobs


@pytest.mark.parametrize(
    ("selection", "number"),
    [
        ({"task_type": "low"}, 40),
        ({"user": "u|7"}, 3),
        ({"user": "u|7", "task_type": "sync"}, 2),
        ({"state": "running"}, 40),
        ({"state": "waiting"}, 80),
        ({"state": "running", "user": "u|7"}, 1),
        ({"user": "u"}, 0),
    ],
    ids=str,
)
async def test_a_selection_has_its_jobs_alone(
    world: World, jobs: set[str], selection: dict[str, str], number: int
) -> None:
    found = await walked(world, 7, **selection)
    assert len(set(found)) == len(found) == number
    assert set(found) <= jobs


@pytest.mark.parametrize(
    "cursor", ["x", "[]x", "[3]", '[1,-1,"",0,""]', '[1,18446744073709551615,"",0,""]', "[1,0,0]"]
)
async def test_a_text_that_is_no_cursor_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(ValueRefusedError, match="a cursor"):
        await list_job_page(world.store, 10, cursor)
