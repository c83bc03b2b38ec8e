"""The newest writes of the API and the console: the caller, the request, its time and its address."""

from collections.abc import Mapping
from typing import Any

from taskqueue.views.writes import list_writes
from taskqueue_api.console.page import Page, Visit

#: Seconds for which the rows are kept.
_ROWS_S = 2.0
#: Rows of one page.
_ROWS = 100


async def _read(visit: Visit) -> Mapping[str, Any]:
    parts, caller = visit.parts, visit.values.get("caller", "")
    rows = await parts.reader.readings.get("writes", lambda: list_writes(parts.store), _ROWS_S)
    found = [row for row in rows if not caller or row.caller == caller]
    return {"rows": found[:_ROWS], "count": len(found), "caller_name": caller}


PAGE = Page(name="writes", path="/writes", menu="Writes", read=_read, query=("caller",))
