"""An answer of the API server as kopf reads it: what of an aiohttp.ClientResponse it uses, and no more."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol, Self

from aiohttp import ClientResponse

from taskqueue.models.nesting import cut


class Content(Protocol):
    def iter_chunked(self, size: int) -> AsyncIterator[bytes]: ...


class Answer:
    """status, document (what `json` returns): in place of what was answered. content: read as a stream."""

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
        """Raises json.JSONDecodeError."""
        return self._document if self._document is not None else json.loads(await self.text())

    def raise_for_status(self) -> None:
        self._response.raise_for_status()

    def close(self) -> None:
        self._response.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._response.release()
