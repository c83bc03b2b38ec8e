import asyncio
import functools
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from taskqueue.handlers import Discard, Job, Registry
from taskqueue.handlers.dispatch import Dispatcher, UnknownHandler
from taskqueue.handlers.errors import BadHandler, BadHttpCall
from taskqueue.handlers.http_call import HttpClient
from taskqueue.handlers.registry import Function, Runnable
from taskqueue.handlers.threads import Threads
from taskqueue.models.values import HttpCall, Schedule, TaskType
from taskqueue.testing import Permits

JOB = Job("fetch", "u-1", 1, 0, {"n": 1}, 1, Permits())


@pytest.fixture
def threads() -> Iterator[Threads]:
    with Threads(2) as executor:
        yield executor


def resolve(function: Function, threads: Threads) -> Runnable:
    registry = Registry()
    registry.add("work", function)
    dispatcher = Dispatcher(registry, HttpClient(), threads)
    return dispatcher.resolve(TaskType("fetch", Schedule(interval_s=60), function="work"))


def test_an_async_function_is_returned_unchanged(threads: Threads) -> None:
    async def work(job: Job) -> None: ...

    class Work:
        async def __call__(self, job: Job) -> None: ...

    for function in (work, Work(), functools.partial(work)):
        assert resolve(function, threads) is function


async def test_a_sync_function_gets_the_job_in_a_thread(
    threads: Threads,
) -> None:
    seen: list[tuple[Job, str]] = []
    await resolve(lambda job: seen.append((job, threading.current_thread().name)), threads)(JOB)
    [(job, thread)] = seen
    assert job is JOB
    assert thread.startswith("taskqueue-handler")


async def test_a_thread_sees_the_contextvars_of_its_job(threads: Threads) -> None:
    current: ContextVar[str] = ContextVar("current", default="none")
    seen: dict[str, str] = {}

    def work(job: Job) -> None:
        seen[job.user] = current.get()
        current.set("changed in the thread")

    run = resolve(work, threads)

    async def one(user: str) -> str:
        current.set(f"of {user}")
        await run(Job("fetch", user, 1, 0, {}, 1, Permits()))
        return current.get()

    after = await asyncio.gather(one("a"), one("b"))
    assert seen == {"a": "of a", "b": "of b"}
    assert list(after) == ["of a", "of b"]


async def test_a_threads_exception_arrives(threads: Threads) -> None:
    def work(job: Job) -> None:
        raise Discard("no such shop")

    with pytest.raises(Discard, match="no such shop"):
        await resolve(work, threads)(JOB)


async def test_a_stray_stop_iteration_fails_the_job(
    threads: Threads,
) -> None:
    run = resolve(lambda job: next(iter(())), threads)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(run(JOB), timeout=30)


async def test_an_unawaited_coroutine_fails_the_job(threads: Threads) -> None:
    async def work(job: Job) -> None: ...

    @functools.wraps(work)
    def decorated(job: Job) -> object:
        return work(job)

    with pytest.raises(BadHandler, match="did not run"):
        await resolve(decorated, threads)(JOB)


def test_an_unknown_function_is_named_with_a_remedy(threads: Threads) -> None:
    registry = Registry()
    registry.add("b_work", print)
    registry.add("a_work", print)
    dispatcher = Dispatcher(registry, HttpClient(), threads)
    with pytest.raises(LookupError) as raised:
        dispatcher.resolve(TaskType("fetch", Schedule(interval_s=60), function="os.system"))
    assert isinstance(raised.value, UnknownHandler)
    for said in ("'os.system'", "a_work, b_work", "@handler('os.system')", "taskqueue.handlers"):
        assert said in str(raised.value)


def test_an_http_type_is_checked_at_resolution(
    threads: Threads,
) -> None:
    dispatcher = Dispatcher(Registry(), HttpClient(), threads)
    schedule = Schedule(interval_s=60)
    with pytest.raises(BadHttpCall, match="a reference is written"):
        dispatcher.resolve(
            TaskType("fetch", schedule, http=HttpCall("http://a.example", headers={"X": "${env:HOME}"}))
        )
    assert callable(dispatcher.resolve(TaskType("fetch", schedule, http=HttpCall("http://a.example"))))
