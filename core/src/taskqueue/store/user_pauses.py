"""Pauses of users, set and ended by hand; scripts/lib/pauses.lua has the mechanism."""

from collections.abc import AsyncIterator

from taskqueue.store.command import zscan, zscore
from taskqueue.store.connection import Store
from taskqueue.store.errors import UnknownUserError
from taskqueue.store.scalars import END_MS
from taskqueue.store.script import Script
from taskqueue.store.user_key import escape_user, try_read_user

_PAUSE_USER = Script("pause_user", int)
_END_PAUSES = Script("end_pauses", int)
#: Users and subscriptions that one call resumes: a few milliseconds of the server's time.
_BATCH = 100


async def pause_user(store: Store, user: str, for_ms: int = 0) -> None:
    """Pause a user until they are resumed, or for for_ms: no scheduled job is emitted or starts; ad hoc jobs run.

    Raises UnknownUserError for a user without subscriptions.
    """
    if await store.run(_PAUSE_USER, escape_user(user), for_ms) < 0:
        raise UnknownUserError(user)


async def resume_user(store: Store, user: str) -> bool:
    """End a pause; return False if there was none."""
    return await store.run(_PAUSE_USER, escape_user(user), "") == 1


async def end_pauses(store: Store) -> bool:
    """Resume some users whose pause is over; tell whether there may be more."""
    return await store.run(_END_PAUSES, _BATCH) == 1


async def find_pause(store: Store, user: str) -> int | None:
    """Return when the pause of a user ends, epoch ms; 0: once the user is resumed, None: they are not paused."""
    score = await store.read(zscore(store.keys("paused_users"), escape_user(user)))
    return None if score is None else _end_ms(score)


async def scan_pauses(store: Store, batch: int = 1_000) -> AsyncIterator[tuple[str, int]]:
    """Yield every paused user with the end of the pause as `find_pause` does, read a batch at a time."""
    async for rows in store.scan(zscan(store.keys("paused_users"), batch)):
        for user, score in rows:
            yield try_read_user(user.decode("ascii", "replace")), _end_ms(score)


def _end_ms(score: float) -> int:
    return int(max(score, 1)) if score < END_MS else 0
