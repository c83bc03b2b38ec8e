"""A release with types, limits and users, for tests of the API."""

from taskqueue.models.values import Limit, LimitKey, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.store.connection import Store
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from taskqueue.store.users import set_users

ORDERS = TaskType(
    "fetch-orders",
    Schedule(interval_s=3_600, intervals_s=(300,)),
    function="fetch_orders",
    limits=("shop",),
    locked_params=("url",),
)
REPORT = TaskType("send-report", Schedule(cron="0 2 * * *"), function="send_report")
SHOP = Limit("shop", LimitKey.USER, 2.0, burst=5)
APP = Limit("app", LimitKey.RELEASE, 50.0)


async def seed(store: Store) -> None:
    """Write two types, two limits, a rate of 100, and three users: of a folder, of an import, of an application."""
    version = await put_limits(store, (await read_catalog(store)).version, [SHOP, APP])
    await put_types(
        store, version, [TypeRecord(one, (Generation(1, one.schedule),)) for one in (ORDERS, REPORT)]
    )
    await set_rate(store, 100.0)
    orders = (Subscription("fetch-orders", {"region": "eu"}),)
    await set_users(store, "folder", [UserSubscription("of-folder", orders)])
    await set_users(store, "import", [UserSubscription("of-import", orders)])
    await set_users(store, "client", [UserSubscription("u-1", orders)])
