"""Verbs on jobs: enqueue jobs outside the schedule, cancel jobs that wait or run."""

from collections.abc import Mapping, Sequence
from typing import Any

from taskqueue.client.arguments import check_cancel, check_named, check_names, milliseconds, read_params
from taskqueue.client.calls import Calls
from taskqueue.models.identity import check_job_id
from taskqueue.store.cancel import Fate, cancel_due, cancel_named
from taskqueue.store.enqueue import enqueue


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
        check_names(user, task_type)
        given = read_params(params)
        if job_id is not None:
            check_named("job_id", check_job_id, job_id)
        delay_ms = milliseconds("delay_s", delay_s)
        life_ms = max(1, milliseconds("expires_s", expires_s)) if expires_s is not None else 0
        async with self._turn:
            return await enqueue(
                self._store, task_type, user, given, job_id=job_id, delay_ms=delay_ms, life_ms=life_ms
            )

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
