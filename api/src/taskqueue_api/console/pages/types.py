"""All task types."""

from collections.abc import Mapping
from typing import Any

from taskqueue.views.types import list_types
from taskqueue_api.console.page import Page, Visit

#: Seconds for which the rows are kept.
_ROWS_S = 10.0


async def _read(visit: Visit) -> Mapping[str, Any]:
    parts, wanted = visit.parts, visit.values.get("q", "")
    rows = await parts.reader.readings.get("types", lambda: list_types(parts.store), _ROWS_S)
    return {"rows": [row for row in rows if wanted.lower() in row.type], "all": len(rows), "q": wanted}


PAGE = Page(name="types", path="/types", menu="Types", read=_read, query=("q",))
