"""One limit: its values, its plan, the types that take from it, and the forms to override and to open it."""

from collections.abc import Mapping
from typing import Any

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.values import LimitKey
from taskqueue.store.limit_names import limit_names
from taskqueue.views.limits import read_limit
from taskqueue_api.console.page import Page, Visit
from taskqueue_api.console.pages.limits import ROWS_S
from taskqueue_api.console.plan_curve import peek_curve

#: Types that the page lists.
_MAX_TYPES = 100


async def _read(visit: Visit) -> Mapping[str, Any]:
    parts, catalog, name = visit.parts, visit.snapshot.catalog, visit.values["name"]
    row = await parts.reader.readings.get(("limit", name), lambda: read_limit(parts.store, name), ROWS_S)
    types = []
    for task_type in (record.task_type for record in catalog.records.values()):
        names = limit_names(task_type, catalog.limits)
        if name in {*names.path, *names.users}:
            types.append(task_type.name)
    return {
        "row": row,
        "declared": catalog.limits.get(name),
        "curve": peek_curve(parts, visit.snapshot, name) if row.key is LimitKey.RELEASE else None,
        "types": types[:_MAX_TYPES],
        "type_count": len(types),
        "is_global": name == GLOBAL_LIMIT,
    }


PAGE = Page(name="limit", path="/limits/{name}", menu="Limits", read=_read)
