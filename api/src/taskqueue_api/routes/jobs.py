"""/v1/jobs: jobs that wait or run, and jobs outside the schedule; bulk_jobs enqueues many."""

from typing import Annotated

from fastapi import Query, Request

from taskqueue.models.fields import TypeName, UserId
from taskqueue.store.cancel import Fate, cancel_due, cancel_named
from taskqueue.store.connection import Store
from taskqueue.store.errors import UnknownTypeError
from taskqueue.store.named_types import find_types
from taskqueue.views.job_pages import JobState, list_job_page
from taskqueue.views.jobs import JobRow
from taskqueue_api.noted_writes import note
from taskqueue_api.parts import UsedParts
from taskqueue_api.problems import ProblemError, invalid_field
from taskqueue_api.request.description import lines_body, problems
from taskqueue_api.request.pages import After, Limit, Page, page, position_of
from taskqueue_api.request.paths import JobPath
from taskqueue_api.request.route import new_router
from taskqueue_api.routes.job_answers import Cancelled, JobAnswer, JobsAnswer
from taskqueue_api.routes.job_specs import CancelSpec, JobSpec

router = new_router("jobs")

Running = Annotated[bool, Query(description="Also a job that runs: its handler is cancelled within seconds.")]
_LINES = lines_body("A line is a JobSpec.", '{"user": "u-7", "type": "fetch-orders", "id": "webhook-4711"}\n')
_KEPT = problems({409: "The job runs, and `running` is not set; or the job is dead."})


@router.get("")
async def list_jobs(
    parts: UsedParts,
    task_type: Annotated[TypeName | None, Query(alias="type", description="Only jobs of this type.")] = None,
    user: Annotated[UserId | None, Query(description="Only jobs of this user.")] = None,
    state: Annotated[
        JobState | None, Query(description="Only jobs that wait, or only jobs that run.")
    ] = None,
    limit: Limit = 100,
    after: After = "",
) -> Page[JobRow]:
    """List jobs that wait or run, a page at a time, in the order of the store.

    A job that moves meanwhile may be missing, or come twice.
    """
    found = await list_job_page(
        parts.store, limit, position_of(after), task_type=task_type, user=user, state=state
    )
    return page(found.jobs, found.after)


@router.post(
    "",
    status_code=201,
    openapi_extra=_LINES,
    responses={
        200: {"model": JobsAnswer, "description": "The jobs of a body of lines are enqueued."},
        **problems({404: "There is no such task type."}),
    },
)
async def enqueue_job(request: Request, parts: UsedParts, job: JobSpec) -> JobAnswer:
    """Enqueue a job outside the schedule, or many, a line each. The same `id` within an hour adds no second job.

    Lines at fault are left out and named. A request of lines that was cut off may be repeated if each job has an `id`.
    """
    name = await parts.client.enqueue(
        job.user, job.type, job.params, job_id=job.id, delay_s=job.delay_s, expires_s=job.expires_s
    )
    note(request, f"enqueued {name}")
    return JobAnswer(job=name)


@router.delete("/{job}", status_code=204, responses=_KEPT)
async def cancel_job(parts: UsedParts, job: JobPath, running: Running = False) -> None:
    """Cancel a job, whenever it is due."""
    fate = (await cancel_named(parts.store, [job], running=running))[job]
    if fate is Fate.RUNNING:
        raise ProblemError(409, "Job runs", "the job runs: running=true cancels it", "running")
    if fate is Fate.DEAD:
        raise ProblemError(
            409, "Job is dead", "the job is dead: POST /v1/dead/purge deletes dead jobs", "job"
        )
    if fate is Fate.UNKNOWN:
        raise ProblemError(404, "Unknown job", "no such job waits or runs", "job")


@router.post("/cancel", responses=problems({404: "There is no such task type."}))
async def cancel_jobs(request: Request, parts: UsedParts, spec: CancelSpec) -> Cancelled:
    """Cancel jobs by name, whenever they are due, or all jobs of a type, of a user, or of both, that are due now.

    Jobs that become due later run. A request that was cut off may be repeated.
    """
    if (spec.jobs is None) == (spec.type is None and spec.user is None):
        raise invalid_field("jobs", "give jobs, or type, user or both")
    done = await (_cancel_named if spec.jobs else _cancel_due)(parts.store, spec)
    chosen = f"type {spec.type or 'any'}, user {spec.user or 'any'}" if spec.jobs is None else "named"
    note(request, f"cancelled {done.cancelled} jobs: {chosen}")
    return done


async def _cancel_named(store: Store, spec: CancelSpec) -> Cancelled:
    fates = await cancel_named(store, spec.jobs or [], running=spec.running)
    names = {fate: [job for job, its_fate in fates.items() if its_fate is fate] for fate in Fate}
    return Cancelled(
        cancelled=len(names[Fate.CANCELLED]),
        running=names[Fate.RUNNING],
        dead=names[Fate.DEAD],
        unknown=names[Fate.UNKNOWN],
    )


async def _cancel_due(store: Store, spec: CancelSpec) -> Cancelled:
    """Raise UnknownTypeError."""
    if spec.type is not None and spec.type not in await find_types(store, [spec.type]):
        raise UnknownTypeError(spec.type)
    steps = cancel_due(store, task_type=spec.type, user=spec.user, running=spec.running)
    return Cancelled(cancelled=sum([number async for number in steps]), running=[], dead=[], unknown=[])
