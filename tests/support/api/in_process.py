"""An API in the loop of a test: all parts of the process on a real port, but for its health port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from taskqueue.process.frame import Work
from taskqueue.process.settings import RedisUrl
from taskqueue_api.main import open_api
from taskqueue_api.settings import ApiSettings


@dataclass(frozen=True, slots=True)
class ServedApi:
    """url: of its API and console, without a slash at the end."""

    url: str
    work: Work
    credentials: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@asynccontextmanager
async def served_api(
    redis_url: str, release: str, folder: Path | None, **settings: object
) -> AsyncIterator[ServedApi]:
    """Serve an API. folder: its credentials folder, None for none.   settings: by name, such as read_only=True."""
    given = {
        "redis_url": RedisUrl(redis_url),
        "release": release,
        "credentials": folder,
        "port": 0,
        **settings,
    }
    async with open_api(ApiSettings.model_validate(given)) as work:
        tasks = [asyncio.create_task(start()) for start in work.tasks]
        try:
            yield ServedApi(str(work.fields["address"]), work, folder or Path())
        finally:
            await work.drain()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
