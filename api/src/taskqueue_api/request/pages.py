"""Pages of a list: at most `limit` items, and the cursor of the next page."""

import re
from base64 import b64decode, urlsafe_b64encode
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from taskqueue.models.refusal import must_be
from taskqueue_api.problems import ProblemError, invalid_field

Item = TypeVar("Item")
_OFFSET = re.compile("[0-9]{0,5}")

Limit = Annotated[int, Query(ge=1, le=1_000, description="Items of the page, at most.")]
After = Annotated[
    str, Query(max_length=1_024, description="The `next` of the page before; left out for the first page.")
]


class Page(BaseModel, Generic[Item]):
    """A page of a list. It may be short, even empty: the last page is the one without `next`."""

    items: list[Item]
    next: str | None = Field(description="Cursor of the next page, its `after`; null on the last page.")


def page(items: list[Item], position: str) -> Page[Item]:
    """Return a page. position: behind its last item; empty at the end of the list."""
    cursor = urlsafe_b64encode(position.encode()).decode() if position else None
    return Page(items=items, next=cursor)


def position_of(after: str) -> str:
    """Return the position that a cursor stands for. Raises ProblemError for text that is no cursor."""
    try:
        return b64decode(after, b"-_", validate=True).decode()
    except ValueError:
        raise _no_cursor(after) from None


def offset_of(after: str) -> int:
    """Return the position that a cursor stands for, in a list that is read by number. Raises ProblemError."""
    position = position_of(after)
    if not _OFFSET.fullmatch(position):
        raise _no_cursor(after)
    return int(position or 0)


def _no_cursor(after: str) -> ProblemError:
    return invalid_field("after", must_be("the `next` of a page", after))
