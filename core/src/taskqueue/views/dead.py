"""Jobs that used up their attempts: a row each, and one with its params."""

from typing import Any

from taskqueue.store.connection import Store
from taskqueue.store.dead import DeadLetter, find_dead, read_dead
from taskqueue.store.subscriptions import decode_params
from taskqueue.views.errors import NotDeadError
from taskqueue.views.instant import at
from taskqueue.views.view import Instant, View


class DeadRow(View):
    """A dead job. failures: failed attempts; losses: attempts that ended as their worker vanished."""

    job: str
    died_at: Instant
    failures: int
    losses: int
    reason: str


class DeadDetail(DeadRow):
    """A dead job with its params."""

    params: dict[str, Any]


async def list_dead(store: Store, most: int = 100, offset: int = 0) -> list[DeadRow]:
    """Return the dead jobs, newest first, without the newest `offset`."""
    return [DeadRow(**_fields(letter)) for letter in await read_dead(store, offset, most)]


async def read_dead_detail(store: Store, job: str) -> DeadDetail:
    """Return one dead job. Raises NotDeadError."""
    letter = await find_dead(store, job)
    if letter is None:
        raise NotDeadError(job)
    return DeadDetail(**_fields(letter), params=decode_params(letter.payload))


def _fields(letter: DeadLetter) -> dict[str, Any]:
    return {
        "job": letter.job,
        "died_at": at(letter.at_ms),
        "failures": letter.failures,
        "losses": letter.losses,
        "reason": letter.reason,
    }
