"""All limits: the values in force, the jobs that wait, and the plan against them."""

from collections.abc import Mapping
from typing import Any

from taskqueue.models.values import LimitKey
from taskqueue.views.limits import list_limits
from taskqueue_api.console.page import Page, Visit
from taskqueue_api.console.plan_curve import peek_curve

#: Seconds for which the rows are kept.
ROWS_S = 2.0


async def _read(visit: Visit) -> Mapping[str, Any]:
    parts = visit.parts
    rows = await parts.reader.readings.get("limits", lambda: list_limits(parts.store), ROWS_S)
    shared = [row.limit for row in rows if row.key is LimitKey.RELEASE]
    return {"rows": rows, "curves": {name: peek_curve(parts, visit.snapshot, name) for name in shared}}


PAGE = Page(name="limits", path="/limits", menu="Limits", read=_read)
