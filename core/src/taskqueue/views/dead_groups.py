"""Dead jobs grouped by type and reason. Each function walks all of them: there are at most 10,000."""

from collections.abc import AsyncIterator

from taskqueue.store.connection import Store
from taskqueue.store.dead import DeadLetter, read_dead
from taskqueue.store.job_name import owner_of
from taskqueue.views.instant import at
from taskqueue.views.view import Instant, View

_BATCH = 500


class DeadGroup(View):
    """Dead jobs of one type that died for the same reason.   died_at: of the newest."""

    type: str
    reason: str
    jobs: int
    died_at: Instant


async def list_dead_groups(store: Store) -> list[DeadGroup]:
    """Return a row for each group, the largest first."""
    groups: dict[tuple[str, str], dict[str, int]] = {}
    async for letter in _walk(store):
        groups.setdefault(_group(letter), {})[letter.job] = letter.at_ms
    rows = [
        DeadGroup(type=task_type, reason=reason, jobs=len(dead_ms), died_at=at(max(dead_ms.values())))
        for (task_type, reason), dead_ms in groups.items()
    ]
    return sorted(rows, key=lambda row: (-row.jobs, row.type, row.reason))


async def read_dead_names(store: Store, task_type: str | None = None, reason: str | None = None) -> list[str]:
    """Return the names of all dead jobs; task_type, reason: only of this type, and with this reason."""
    names: dict[str, None] = {}
    async for letter in _walk(store):
        of_type, of_reason = _group(letter)
        if task_type in {None, of_type} and reason in {None, of_reason}:
            names[letter.job] = None
    return list(names)


def _group(letter: DeadLetter) -> tuple[str, str]:
    return owner_of(letter.job)[0], letter.reason


async def _walk(store: Store) -> AsyncIterator[DeadLetter]:
    """Yield all dead jobs, the newest first; one that dies or is retried meanwhile may be missing, or come twice."""
    offset = 0
    while letters := await read_dead(store, offset, _BATCH):
        for letter in letters:
            yield letter
        offset += _BATCH
