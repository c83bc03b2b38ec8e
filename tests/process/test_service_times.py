"""Service times reported by real workers reach the autoscaling metrics."""

from pathlib import Path

from taskqueue.store.limits import set_rate
from taskqueue.store.work import read_work
from tests.support.site.site import site, until

SLEEP_S = 0.3


async def test_running_work_and_its_duration_are_visible(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await set_rate(world.store, 200)
        world.publish({"sync": {"schedule": {"interval": "1s"}}}, 20)
        await world.scheduler()

        async def waiting() -> bool:
            return sum((await read_work(world.store)).due_jobs.values()) >= 20

        await until("jobs are due and nobody takes them", waiting)
        worker = await world.worker("--concurrency", "2", sleep_s=SLEEP_S)
        await world.says(worker, "process started")

        async def busy() -> bool:
            found = await read_work(world.store)
            return found.running == 2 and found.workers == 1 and found.totals.get("done", 0) >= 10

        await until("both slots are busy, and jobs have ended", busy)
        found = await read_work(world.store)
        assert SLEEP_S * 0.99 <= found.loads["global"].due["normal"].mean_service_s < 10, (
            "as long as the handler, however busy"
        )
        assert found.oldest_due_s > 0
        await world.balanced()
