"""The workers of the last hour."""

from collections.abc import Mapping
from typing import Any

from taskqueue.plan.worker import ALIVE_MS
from taskqueue.views.workers import list_workers
from taskqueue_api.console.page import Page, Visit

#: Seconds for which the rows are kept.
_ROWS_S = 1.0


async def _read(visit: Visit) -> Mapping[str, Any]:
    parts = visit.parts
    rows = await parts.reader.readings.get("workers", lambda: list_workers(parts.store), _ROWS_S)
    return {"rows": rows, "alive_s": ALIVE_MS / 1000}


PAGE = Page(name="workers", path="/workers", menu="Workers", read=_read)
