"""Paginated lists that fit the memory of the process.

The API server accepts objects up to 1.5 MiB, and a page may consist of such objects alone. A list therefore begins with
pages that fit in the worst case and doubles their length while they turn out small. A page that is refused for its
size, times out or cannot be decoded is read again in halves, down to one object. Of an object that cannot be read at
all only the metadata are read: its status says so, and the other objects stay in force.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypedDict

import msgspec

from taskqueue_operator.connection import JSON, UNDECODABLE, AnswerTooLongError, ApiError, describe_error
from taskqueue_operator.items import decode

#: Maximum size of one object in etcd.
OBJECT_BYTES = 3 * 2**19
#: A page takes at most this part of the memory: there are copies of it while it is read, its objects, and the rest.
_MEMORY_PER_PAGE = 8
_MAX_OBJECTS = 500
#: Answers of a proxy without an API server, for requests of any size.
_UNAVAILABLE = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
#: Size of an answer besides its objects.
_ENVELOPE_BYTES = 2**16
#: Accept header for metadata only.
METADATA_ONLY = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{JSON}"


_More = TypedDict("_More", {"continue": str}, total=False)


class _Page(TypedDict):
    items: list[msgspec.Raw]
    metadata: _More


_PAGES = msgspec.json.Decoder(_Page)

#: Reads a page: query, Accept header, maximum bytes. Raises API_ERRORS.
Ask = Callable[[Mapping[str, str], str, int], Awaitable[bytes]]


class Pages:
    """Lists of one kind; the length of the last page is where the next list begins.

    memory: of this process, in bytes.
    """

    def __init__(self, ask: Ask, memory: int) -> None:
        self._ask = ask
        self._page_bytes = max(memory // _MEMORY_PER_PAGE, OBJECT_BYTES)
        self._fitting = self._length = min(self._page_bytes // OBJECT_BYTES, _MAX_OBJECTS)

    async def objects(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield every object, with `unreadable` (a reason) if it has only metadata. Raises API_ERRORS."""
        more = ""
        self._length = min(self._length, self._fitting)
        while True:
            page, reason = await self._page(more)
            for raw in page["items"]:
                yield decode(raw, reason)
            more = page["metadata"].get("continue", "")
            if not more:
                return

    async def _page(self, more: str) -> tuple[_Page, str]:
        """Read the page at a continue token; with a reason if only its metadata could be read."""
        while True:
            try:
                page = await self._get(more)
            except (ApiError, TimeoutError, AnswerTooLongError, *UNDECODABLE) as error:
                if isinstance(error, ApiError) and not _may_be_size(error):
                    raise
                if self._length == 1:
                    return await self._get(more, METADATA_ONLY), describe_error(error)
                self._length //= 2
                continue
            return page, ""

    async def _get(self, more: str, accept: str = JSON) -> _Page:
        query = {"limit": str(self._length), **({"continue": more} if more else {})}
        read = await self._ask(query, accept, self._page_bytes + _ENVELOPE_BYTES)
        page = _PAGES.decode(read)
        if len(read) * 4 <= self._page_bytes:
            self._length = min(self._length * 2, _MAX_OBJECTS)
        return page


def _may_be_size(error: ApiError) -> bool:
    """Tell whether a shorter page may succeed where this answer was an error."""
    status = int(error.status or 0)
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _UNAVAILABLE
