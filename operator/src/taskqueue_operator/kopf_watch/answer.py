"""An answer of the API server with the parts of an aiohttp.ClientResponse that kopf uses."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol, Self

from aiohttp import ClientResponse

from taskqueue.models.nesting import cut


class Content(Protocol):
    """The body of an answer, read in chunks."""

    def iter_chunked(self, size: int) -> AsyncIterator[bytes]: ...


class Answer:
    """A response, with parts replaced. document: returned by `json`. content: read as a stream."""

    def __init__(
        self,
        response: ClientResponse,
        *,
        status: int | None = None,
        content: Content | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> None:
        self._response = response
        self._document = document
        self.content = content
        self.status = status or response.status
        self.headers = response.headers

    async def text(self) -> str:
        return cut(await self._response.read()).decode(errors="replace")

    async def json(self) -> Any:
        """Return the document, or the decoded body. Raises json.JSONDecodeError."""
        return self._document if self._document is not None else json.loads(await self.text())

    def raise_for_status(self) -> None:
        self._response.raise_for_status()

    def close(self) -> None:
        self._response.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._response.release()
