"""Verbs on jobs: enqueue jobs outside the schedule, cancel jobs that wait or run."""

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import Any

from taskqueue.client.ad_hoc_jobs import check_job, enqueue_in_batches
from taskqueue.client.arguments import check_cancel
from taskqueue.client.calls import Calls
from taskqueue.models.ad_hoc_job import AdHocJob
from taskqueue.store.cancel import Fate, cancel_due, cancel_named
from taskqueue.store.enqueue import enqueue_all
from taskqueue.store.named_types import check_locked


class Jobs(Calls):
    """The verbs on jobs."""

    async def enqueue(
        self,
        user: str,
        task_type: str,
        params: Mapping[str, Any] | None = None,
        *,
        job_id: str | None = None,
        delay_s: float = 0.0,
        expires_s: float | None = None,
    ) -> str:
        """Enqueue one job and return its name. The same job_id within an hour adds no second job.

        params: merged over the type's; those of the user's subscription do not count.   delay_s: the job is due after
        this time.   expires_s: the job is dropped this long after its due; None: never.
        Raises UnknownTypeError and LockedParamsError.
        """
        job = check_job(AdHocJob(user, task_type, params, job_id, delay_s, expires_s))
        async with self._turn:
            await check_locked(self._store, task_type, params or {})
            (name,) = await enqueue_all(self._store, [job])
            return name

    async def enqueue_many(self, jobs: Iterable[AdHocJob] | AsyncIterable[AdHocJob]) -> list[str]:
        """Enqueue jobs in their order, 400 a call of the store, and return their names; each counts as in `enqueue`.

        A refused job ends this with an error that names it, as in `jobs[812].user`: the whole batches of 400 before it
        are enqueued, here 800 jobs, and no other. After a StoreFailure, too, the first batches may be enqueued: a
        repeated call adds no job twice that has a job_id.
        Raises UnknownTypeError and LockedParamsError.
        """
        return await enqueue_in_batches(self._store, self._turn, jobs)

    async def cancel(
        self,
        jobs: Sequence[str] | None = None,
        *,
        user: str | None = None,
        task_type: str | None = None,
        running: bool = False,
    ) -> int:
        """Cancel jobs that wait, and return their number.

        jobs: names that `enqueue` returned, whenever the jobs are due.   user, task_type: all jobs of the user, of the
        type, or of both, that are due now; later ones run.   running: also jobs that run; their handlers are cancelled
        within a few seconds.
        Other names are left out: of jobs that ended, and of dead letters. A repeated call is harmless.
        """
        check_cancel(jobs, user, task_type)
        async with self._turn:
            if jobs is not None:
                fates = await cancel_named(self._store, jobs, running=running)
                return sum(fate is Fate.CANCELLED for fate in fates.values())
            steps = cancel_due(self._store, task_type=task_type, user=user, running=running)
            return sum([number async for number in steps])
