"""Items in batches, of an iterable or of an async one."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")


async def batches(items: Iterable[_Item] | AsyncIterable[_Item], most: int) -> AsyncIterator[list[_Item]]:
    """Yield the items in order, `most` at a time; the last batch has the rest."""
    if not isinstance(items, AsyncIterable):
        rest = iter(items)
        while some := list(islice(rest, most)):
            yield some
        return
    batch = []
    async for item in items:
        batch.append(item)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch
