"""All users, a page at a time: a row each."""

import re
from collections.abc import AsyncIterator
from typing import Literal

from taskqueue.store.connection import Store
from taskqueue.store.subscriptions import StoredSubscription, read_subscriptions_of
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.users import Source, StoredUser, read_stored_users_at
from taskqueue.views.errors import wrong_cursor
from taskqueue.views.view import View

#: A cursor of the store, below 2^63.
_BATCH = re.compile(r"[0-9]{0,18}")


class UserRow(View):
    """A user: the source that declares them, their time zone, and the types that they subscribe to."""

    user: str
    source: Source
    time_zone: str
    state: Literal["active", "paused"]
    subscriptions: list[str]
    suspended_by_breaker: list[str]


class UserPage(View):
    """A page of users.   after: the cursor of the next page; empty for the last page."""

    users: list[UserRow]
    after: str


async def list_users(store: Store, most: int = 100, after: str = "") -> UserPage:
    """Return the next `most` users, in the order of the store, which has no other; the page is sorted.

    after: of the page before. Users that are added or removed meanwhile may be missing, or come twice.
    Raises ValueRefusedError for text that is no cursor.
    """
    catalog = await read_catalog(store)
    found: list[tuple[str, StoredUser]] = []
    cursor = ""
    async for position, user, stored in _walk(store, after):
        if len(found) == most:
            break
        found.append((user, stored))
        cursor = position
    else:
        cursor = ""
    found.sort(key=lambda one: one[0])
    subscriptions = await read_subscriptions_of(store, [user for user, _ in found])
    rows = [
        _row(user, stored, several, catalog)
        for (user, stored), several in zip(found, subscriptions, strict=True)
    ]
    return UserPage(users=rows, after=cursor)


async def _walk(store: Store, after: str) -> AsyncIterator[tuple[str, str, StoredUser]]:
    """Yield the users behind a cursor, each with the cursor that lies behind them: BATCH:USER.

    A batch of the store is sorted, so that the walk can go on within it.
    """
    batch, _, last = after.partition(":")
    if not _BATCH.fullmatch(batch):
        raise wrong_cursor(after)
    at = int(batch or 0)
    while True:
        following, rows = await read_stored_users_at(store, at)
        for user, stored in sorted(rows, key=lambda row: row[0]):
            if user > last:
                yield f"{at}:{user}", user, stored
        if not following:
            return
        at, last = following, ""


def _row(user: str, stored: StoredUser, subscriptions: list[StoredSubscription], catalog: Catalog) -> UserRow:
    return UserRow(
        user=user,
        source=stored.source,
        time_zone=zone_name(stored.zone, catalog),
        state="paused" if any(one.paused for one in subscriptions) else "active",
        subscriptions=[one.type for one in subscriptions],
        suspended_by_breaker=[one.type for one in subscriptions if one.by_breaker],
    )


def zone_name(number: int, catalog: Catalog) -> str:
    """Return the time zone of a user by the number of its variant."""
    return next((name for name, one in catalog.variants.items() if one == number), "UTC")
