"""Requests to an API, with their answers read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL


@dataclass(frozen=True, slots=True)
class Answer:
    """json: None for an empty body."""

    status: int
    json: Any
    headers: Mapping[str, str]

    @property
    def etag(self) -> str:
        return self.headers.get("ETag", "")

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "")


class Asked:
    """An API that is asked: `await ask("GET", "/v1/users", limit=5)`."""

    def __init__(self, http: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> None:
        self._http = http
        self._headers = headers
        self._url = URL(url)

    async def __call__(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **request: Any
    ) -> Answer:
        """Return the answer to a request; path: as it reads before it is percent-encoded."""
        url = self._url.with_path(path)
        sent = {**self._headers, **(headers or {})}
        async with self._http.request(method, url, headers=sent, **request) as answer:
            is_json = answer.content_type.endswith("json")
            return Answer(
                answer.status,
                await answer.json(content_type=None) if is_json else None,
                answer.headers,
            )
