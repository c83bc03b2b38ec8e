"""A store takes manifests from one owner, and from no former leader of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.errors import DeposedError, ForeignOwnerError
from taskqueue.store.fence import UNFENCED, Fence, read_epoch, refuse_foreign, take_epoch
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.users import read_stored_users, set_users

if TYPE_CHECKING:
    from taskqueue.store.connection import Store

SYNC = TaskType("sync", Schedule(interval_s=60))
RECORD = TypeRecord(SYNC, (Generation(1, SYNC.schedule),))
ADA = UserSubscription("ada", (Subscription("sync"),))
OURS, THEIRS = Fence("shop/uid-1", 7), Fence("shop/uid-2", 99)


@pytest.mark.parametrize(
    ("writer", "error"),
    [
        (OURS, None),
        (OURS._replace(epoch=8), None),
        (OURS._replace(epoch=6), DeposedError),
        (THEIRS, ForeignOwnerError),
        (UNFENCED, ForeignOwnerError),
    ],
    ids=["the leader", "its successor", "its predecessor", "another cluster", "a folder"],
)
async def test_writers_after_a_leader_are_checked_by_epoch(
    store: Store, writer: Fence, error: type[Exception] | None
) -> None:
    version = await put_types(store, 0, [RECORD], fence=OURS)
    if error is None:
        assert await put_types(store, version, [], removed=["sync"], fence=writer) == version + 1
        assert await set_users(store, "kubernetes", [ADA], writer) == []
        return
    with pytest.raises(error):
        await put_types(store, version, [], removed=["sync"], fence=writer)
    with pytest.raises(error):
        await set_users(store, "kubernetes", [ADA], writer)
    assert set((await read_catalog(store)).records) == {"sync"}
    assert await read_stored_users(store) == {}


@pytest.mark.parametrize("writer", [THEIRS, UNFENCED], ids=["another cluster", "a folder"])
async def test_a_refused_writer_is_told_the_owner_and_the_remedy(store: Store, writer: Fence) -> None:
    await refuse_foreign(store, writer)
    version = await put_types(store, 0, [RECORD], fence=OURS)
    await refuse_foreign(store, OURS)
    remedy = (
        r"in the Kubernetes namespace shop \(uid uid-1\): edit those with kubectl, or choose another release"
    )
    with pytest.raises(ForeignOwnerError, match=remedy):
        await refuse_foreign(store, writer)
    with pytest.raises(ForeignOwnerError, match=remedy):
        await put_types(store, version, [RECORD], fence=writer)


async def test_an_epoch_grows_and_a_refused_writer_takes_none(store: Store) -> None:
    assert await read_epoch(store) == 0
    assert await take_epoch(store, OURS.owner, above=6) == 7
    assert await take_epoch(store, OURS.owner, above=0) == 8
    await put_types(store, 0, [RECORD], fence=OURS._replace(epoch=8))
    assert await take_epoch(store, THEIRS.owner, above=3) == 4
    assert await read_epoch(store) == 8
    with pytest.raises(ForeignOwnerError):
        await put_types(store, 1, [RECORD], fence=THEIRS._replace(epoch=4))


async def test_an_import_is_always_accepted(store: Store) -> None:
    await put_types(store, 0, [RECORD], fence=OURS)
    assert await set_users(store, "import", [ADA]) == []
    assert (await read_stored_users(store))["ada"].source == "import"


async def test_a_returning_publisher_reads_the_changes(store: Store) -> None:
    ours, theirs = Publisher(store, "kubernetes"), Publisher(store, "kubernetes")
    assert ours.lead(OURS)
    assert not ours.lead(OURS), "nothing new"
    assert (await ours.publish({"sync": SYNC}, {"ada": ADA})).users_written == 1
    theirs.lead(OURS._replace(epoch=8))
    assert (await theirs.publish({"sync": SYNC}, {})).users_removed == 1
    with pytest.raises(DeposedError):
        await ours.publish({"sync": SYNC}, {"bob": UserSubscription("bob", ADA.tasks)})
    assert await read_stored_users(store) == {}
    ours.lead(OURS._replace(epoch=9))
    assert (await ours.publish({"sync": SYNC}, {"ada": ADA})).users_written == 1
