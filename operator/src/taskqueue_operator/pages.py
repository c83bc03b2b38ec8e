"""Lists of objects, page by page: as long as fits the memory, and down to one object where a page cannot be had.

An object is of 1.5 MiB at most, as the API server takes no larger one, and a page may be of such objects alone. So a
list begins with pages that fit then, and longer ones follow as long as they turn out small. A page that is refused
for its size, takes too long or cannot be decoded is asked for again in halves, down to one object; of an object that
cannot be had so, only the metadata is: it is refused by its status, and the others are as they were.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypedDict

import msgspec

from taskqueue_operator.connection import JSON, UNDECODABLE, AnswerTooLongError, ApiError, describe_error
from taskqueue_operator.items import decode

#: Of one object, as etcd takes it.
OBJECT_BYTES = 3 * 2**19
#: In front of a page in memory come its copies while it is read and measured, its objects one by one, and the rest.
_MEMORY_PER_PAGE = 8
_MAX_OBJECTS = 500
#: What is said while no API server is there, whatever is asked for.
_UNAVAILABLE = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
#: Of an answer without its objects.
_AROUND_BYTES = 2**16
#: The metadata of objects alone, with what cannot be read left out.
METADATA_ONLY = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{JSON}"


_More = TypedDict("_More", {"continue": str}, total=False)


class _Page(TypedDict):
    items: list[msgspec.Raw]
    metadata: _More


_PAGES = msgspec.json.Decoder(_Page)

#: Asks for a page: its query, what to accept, and how many bytes it may have. Raises any of API_ERRORS.
Ask = Callable[[Mapping[str, str], str, int], Awaitable[bytes]]


class Pages:
    """Lists of one kind. The length of a page that went well is where the next list begins.

    memory: of this process, bytes.
    """

    def __init__(self, ask: Ask, memory: int) -> None:
        self._ask = ask
        self._page_bytes = max(memory // _MEMORY_PER_PAGE, OBJECT_BYTES)
        self._fitting = self._length = min(self._page_bytes // OBJECT_BYTES, _MAX_OBJECTS)

    async def objects(self) -> AsyncIterator[Mapping[str, Any]]:
        """Every object; `unreadable` says why one has nothing but metadata. Raises any of API_ERRORS."""
        more = ""
        self._length = min(self._length, self._fitting)
        while True:
            page, why = await self._page(more)
            for raw in page["items"]:
                yield decode(raw, why)
            more = page["metadata"].get("continue", "")
            if not more:
                return

    async def _page(self, more: str) -> tuple[_Page, str]:
        """Read the page at a token; with a reason, only metadata of it could be had."""
        while True:
            try:
                page = await self._get(more)
            except (ApiError, TimeoutError, AnswerTooLongError, *UNDECODABLE) as error:
                if isinstance(error, ApiError) and not _may_be_of_size(error):
                    raise
                if self._length == 1:
                    return await self._get(more, METADATA_ONLY), describe_error(error)
                self._length //= 2
                continue
            return page, ""

    async def _get(self, more: str, accept: str = JSON) -> _Page:
        query = {"limit": str(self._length), **({"continue": more} if more else {})}
        read = await self._ask(query, accept, self._page_bytes + _AROUND_BYTES)
        page = _PAGES.decode(read)
        if len(read) * 4 <= self._page_bytes:
            self._length = min(self._length * 2, _MAX_OBJECTS)
        return page


def _may_be_of_size(error: ApiError) -> bool:
    status = int(error.status or 0)
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _UNAVAILABLE
