"""Dead letter and redrive.

A job that used up its attempts, or whose handler raised Discard, is kept as a dead letter with its reason and its
params. Redriving puts it back into its lane with a clean record and without a deadline.
"""

from taskqueue.handlers import Discard
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.dead import read_dead, retry_dead
from tests.fundamentals.conftest import Release

ORDERS = TaskType("orders", Schedule(interval_s=3600), function="fetch")


async def give_up(_job: object) -> None:
    raise Discard("the account is closed")


async def test_a_dead_letter_is_redriven(release: Release) -> None:
    await release.publish(ORDERS)
    (name,) = await release.enqueue("orders", "ada")
    assert len(await release.work(10, give_up)) == 1
    (letter,) = await read_dead(release.store)
    assert (letter.job, letter.failures) == (name, 1)
    assert "the account is closed" in letter.reason

    assert await retry_dead(release.store, [name]) == 1
    (job,) = await release.work(3)
    assert (job.user, job.failures) == ("ada", 0)
    assert await read_dead(release.store) == []
    totals = await release.totals()
    assert (totals["dead"], totals["redriven"], totals["done"]) == (1, 1, 1)
