"""/livez of a scheduler fails when a loop of it hangs, and not while a loop only waits for its turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from taskqueue.process import frame, health, progress
from taskqueue.process.frame import Process, Work
from taskqueue.scheduler import keeper
from taskqueue.scheduler.floors import CursorCopy
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.service import Scheduler
from taskqueue.scheduler.settings import SchedulerSettings
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources.folder import FolderSource
from taskqueue.store.connection import Store
from taskqueue.store.fence import UNFENCED, Fence
from tests.support.site.site import until

LIVE_WITHIN_S = 20.0


@dataclass
class Watch:
    """The clock of loops' steps; it stands still until it is moved."""

    now_s: float = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr(progress, "time", made)
    return made


class Overtaken:
    """A Leadership for one turn, which another process holds afterwards."""

    another_leads = True
    last_copy: CursorCopy | None = None

    def __init__(self) -> None:
        self.led = False
        self.waits = asyncio.Event()

    async def wait_to_lead(self) -> Fence:
        if self.led:
            self.waits.set()
            await asyncio.Event().wait()
        self.led = True
        return UNFENCED


@asynccontextmanager
async def scheduler(redis_url: str, store: Store, *args: Any) -> AsyncIterator[int]:
    """A scheduler of this process; its health port."""
    settings = SchedulerSettings(
        redis_url=redis_url, release=store.keys.release, health_port=0, live_within=LIVE_WITHIN_S
    )
    port = asyncio.get_running_loop().create_future()

    async def serve_health(*args: Any, **checks: Any) -> Any:
        serving = await health.serve_health(*args, **checks)
        port.set_result(serving.sockets[0].getsockname()[1])
        return serving

    @asynccontextmanager
    async def work() -> AsyncIterator[Work]:
        yield Scheduler(settings, store, *args).work()

    stopping = asyncio.Event()
    process = Process(name="scheduler", settings=settings, open=work)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "serve_health", serve_health)
        patch.setattr(keeper, "MAINTAIN_S", 0.05)
        running = asyncio.create_task(frame.serve(process, stopping))
        try:
            yield await asyncio.wait_for(port, 30)
            assert not running.done()
        finally:
            stopping.set()
            await asyncio.gather(running, return_exceptions=True)


async def livez(port: int) -> tuple[int, str]:
    def ask() -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{port}/livez", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    return await asyncio.to_thread(ask)


@pytest.mark.parametrize(
    ("loop", "part", "step"), [("publishing", Publisher, "publish"), ("ticking", Ticker, "turn")]
)
async def test_livez_names_the_loop_that_hangs(
    loop: str,
    part: type,
    step: str,
    redis_url: str,
    store: Store,
    tmp_path: Path,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hangs = asyncio.Event()

    async def hang(*_: object, **__: object) -> None:
        hangs.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(part, step, hang)
    async with scheduler(redis_url, store, FolderSource(tmp_path)) as port:
        await asyncio.wait_for(hangs.wait(), 30)
        assert (await livez(port))[0] == 200
        watch.now_s += LIVE_WITHIN_S

        async def said() -> bool:
            status, text = await livez(port)
            return status == 503 and text == f"the {loop} loop made no step for {LIVE_WITHIN_S:.0f} s\n"

        await until(f"/livez names the {loop} loop", said)


async def test_a_replica_that_waits_to_lead_is_alive(
    redis_url: str, store: Store, tmp_path: Path, watch: Watch
) -> None:
    leads = Overtaken()
    async with scheduler(redis_url, store, FolderSource(tmp_path), leads) as port:
        await asyncio.wait_for(leads.waits.wait(), 30)
        watch.now_s += 10 * LIVE_WITHIN_S

        async def live() -> bool:
            return (await livez(port))[0] == 200

        await until("the ticker, which does not wait, made a step", live)
