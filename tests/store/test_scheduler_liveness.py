"""/livez of a scheduler fails when a loop of it hangs, and not while a loop only waits for its turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from child import free_ports
from site_under_test import until

from taskqueue.scheduler import service
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.settings import SchedulerSettings
from taskqueue.scheduler.source import Always
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources.folder import FolderSource
from taskqueue.store.connection import Store
from taskqueue.store.fence import UNFENCED, Fence

LIVE_WITHIN_S = 1.3


class Overtaken(Always):
    """Leads for one turn, and waits for ever for the next."""

    elsewhere = True

    def __init__(self) -> None:
        self.led = False

    async def leading(self) -> Fence:
        if self.led:
            await asyncio.Event().wait()
        self.led = True
        return UNFENCED


@asynccontextmanager
async def scheduler(redis_url: str, store: Store, *args: Any) -> AsyncIterator[int]:
    (port,) = free_ports(1)
    settings = SchedulerSettings(
        redis_url=redis_url, release=store.keys.release, health_port=port, live_within=LIVE_WITHIN_S
    )
    running = asyncio.create_task(service.run(settings, store, *args))
    try:
        yield port
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def livez(port: int) -> tuple[int, str]:
    def ask() -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{port}/livez", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except OSError as not_yet:
            return 0, str(not_yet)

    return await asyncio.to_thread(ask)


async def _hang(*_: object, **__: object) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("loop", "part", "step"), [("publishing", Publisher, "publish"), ("ticking", Ticker, "turn")]
)
async def test_livez_fails_and_names_the_loop_that_hangs(
    loop: str,
    part: type,
    step: str,
    redis_url: str,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(part, step, _hang)
    async with scheduler(redis_url, store, FolderSource(tmp_path)) as port:

        async def said() -> bool:
            status, text = await livez(port)
            return status == 503 and text.startswith(f"the {loop} loop made no step for ")

        await until(f"/livez names the {loop} loop", said)


async def test_a_replica_that_waits_to_lead_is_live(redis_url: str, store: Store, tmp_path: Path) -> None:
    async with scheduler(redis_url, store, FolderSource(tmp_path), Overtaken()) as port:
        loop = asyncio.get_running_loop()
        began_s, answers = loop.time(), set[int]()

        async def long_enough() -> bool:
            answers.add((await livez(port))[0])
            return loop.time() - began_s > 3 * LIVE_WITHIN_S

        await until("twice the limit has passed", long_enough)
        assert 200 in answers
        assert 503 not in answers
