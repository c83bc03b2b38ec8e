"""`taskqueue cancel` beside workers: waiting and running jobs end, later ones run, a killed command is repeated."""

from pathlib import Path

from tests.support.site.cancelling import BULK, ENDLESS, cancelling
from tests.support.site.site import audited, until

WAITING, RUNNING, LATER = 20_000, 40, 10
#: Jobs become due so much later; where a command took longer on a busy machine, the next jobs wait longer.
DELAYS_MS = (4_000, 16_000, 64_000)


async def test_a_killed_command_is_repeated_and_later_jobs_run(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with cancelling(redis_url, release, tmp_path, workers=1) as jobs, audited(jobs.world):
        await jobs.run_endless(RUNNING)
        await jobs.put_bulk(WAITING)
        killed = await jobs.start_command("--type", BULK)

        async def has_begun() -> bool:
            return await jobs.world.total("cancelled") > 0

        await until("the first jobs are cancelled", has_begun)
        killed.kill()
        await killed.wait()
        before = await jobs.world.total("cancelled")
        assert before < WAITING
        for delay_ms in DELAYS_MS:
            await jobs.put_later(LATER, delay_ms)
            assert await jobs.cancel("--type", BULK) == await jobs.world.total("cancelled") - before
            before = await jobs.world.total("cancelled")
            if await jobs.are_later():
                break
        assert await jobs.are_later()
        assert await jobs.cancel("--type", ENDLESS, "--running") == RUNNING

        async def are_lost() -> bool:
            return jobs.lost() == RUNNING

        await until("the worker ends the running handlers", are_lost)
        await until("later jobs run", jobs.later_have_run)
        assert (await jobs.world.balanced()).leased < RUNNING
