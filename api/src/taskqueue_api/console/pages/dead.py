"""Dead jobs: grouped by type and reason, and the newest of them."""

from collections.abc import Mapping
from typing import Any

from taskqueue.store.job_name import owner_of
from taskqueue.views.dead import list_dead
from taskqueue.views.dead_groups import list_dead_groups
from taskqueue_api.console.page import Page, Visit

#: Jobs and groups that the page lists, and the seconds for which they are kept.
_MOST, _MOST_GROUPS, _DEAD_S = 50, 200, 5.0


async def _read(visit: Visit) -> Mapping[str, Any]:
    readings, store = visit.parts.reader.readings, visit.parts.store
    groups = await readings.get("dead groups", lambda: list_dead_groups(store), _DEAD_S)
    newest = await readings.get("dead", lambda: list_dead(store, _MOST), _DEAD_S)
    return {
        "groups": groups[:_MOST_GROUPS],
        "group_count": len(groups),
        "newest": [(owner_of(row.job), row) for row in newest],
    }


PAGE = Page(name="dead", path="/dead", menu="Dead", read=_read)
