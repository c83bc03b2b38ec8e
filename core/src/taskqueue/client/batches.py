"""Items in batches, of an iterable or of an async one."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from taskqueue.models.refusal import ValueRefusedError

_Item = TypeVar("_Item")


async def batches(
    name: str, items: Iterable[_Item] | AsyncIterable[_Item], most: int
) -> AsyncIterator[list[_Item]]:
    """Yield the items of the argument `name` in order, `most` at a time; the last batch has the rest."""
    if not isinstance(items, AsyncIterable):
        rest = iterate(name, items)
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


def iterate(name: str, items: Iterable[_Item]) -> Iterator[_Item]:
    """Return the items of the argument `name`. Raises ValueRefusedError for a value that is no iterable."""
    if not isinstance(items, Iterable):
        raise ValueRefusedError(f"{name} must be an iterable (was {type(items).__name__})")
    return iter(items)
