"""Pages of users: all users once, whatever the size of a page and of the store's own batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.store.users import set_users
from taskqueue.views.users import list_users

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.store.conftest import World

SYNC = TaskType("sync", Schedule(interval_s=3600))


async def add(world: World, *users: str) -> None:
    await set_users(
        world.store, "import", [UserSubscription(user, (Subscription("sync"),)) for user in users]
    )


async def pages(world: World, most: int) -> AsyncIterator[list[str]]:
    """Walk all users, a page at a time."""
    after = ""
    while True:
        page = await list_users(world.store, most, after)
        assert len(page.users) <= most
        yield [row.user for row in page.users]
        after = page.after
        if not after:
            return


@pytest.mark.parametrize(
    ("most", "number"), [(7, 0), (7, 1), (7, 7), (7, 20), (70, 2_500), (900, 2_500), (2_500, 2_500)]
)
async def test_pages_have_every_user_once(world: World, most: int, number: int) -> None:
    await world.install(SYNC)
    users = [f"u:{one}" for one in range(number)]
    await add(world, *users)
    found = [page async for page in pages(world, most)]
    assert sorted(user for page in found for user in page) == sorted(users)
    assert [len(page) for page in found[:-1]] == [most] * (len(found) - 1)
    assert all(page == sorted(page) for page in found)
    assert number == 0 or found[-1]


async def test_a_page_goes_on_behind_a_user_who_was_removed(world: World) -> None:
    await world.install(SYNC)
    await add(world, "a", "b", "c", "d")
    first = await list_users(world.store, 2)
    await set_users(world.store, "import", [UserSubscription("b")])
    second = await list_users(world.store, 2, first.after)
    assert [row.user for row in (*first.users, *second.users)] == ["a", "b", "c", "d"]
    assert second.after == ""


@pytest.mark.parametrize("after", ["x", "x:ada", "-1:ada", "9" * 30, "\u0663:ada", "0x1:"])
async def test_text_that_is_no_cursor_is_refused(world: World, after: str) -> None:
    with pytest.raises(ValueRefusedError, match="must be a cursor that the page before has"):
        await list_users(world.store, 2, after)
