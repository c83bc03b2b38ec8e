"""Any JSON of a job reaches its handler unchanged, through the script's msgpack and the server's strings."""

import asyncio
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.audit import audit
from taskqueue.store.claim import Result, claim
from taskqueue.store.connection import Store, open_store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import set_rate
from taskqueue.store.subscriptions import decode_params
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types
from tests.support.store.raw import raw

EXAMPLES = int(os.environ.get("TASKQUEUE_FUZZ") or "100")
# No lone surrogates: JSON is UTF-8. Numbers as far as 64 bits carry them.
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    LEAVES | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20
)


class Line:
    """One store and one loop for all examples."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.store: Store = open_store(url, f"payload-{uuid.uuid4().hex}")
        self.calls = 0

    async def begin(self) -> None:
        kind = TaskType("job", Schedule(interval_s=3600), function="noop")
        await set_rate(self.store, 1e6)
        await put_types(self.store, 0, [TypeRecord(kind, (Generation(1, kind.schedule),))])

    async def send(self, params: dict[str, Any]) -> dict[str, Any]:
        await enqueue(self.store, "job", "u", params)
        while True:
            self.calls += 1
            jobs = (await claim(self.store, "w", self.calls, 1, 60_000)).jobs
            if jobs:
                break
        self.calls += 1
        await claim(self.store, "w", self.calls, 0, 60_000, [Result(jobs[0].lease, Outcome.DONE)])
        return decode_params(jobs[0].params)

    async def end(self) -> None:
        assert (await audit(self.store)).difference == 0
        keys = [key async for key in raw(self.store).scan_iter(match=self.store.keys("*"), count=1_000)]
        for start in range(0, len(keys), 1_000):
            await raw(self.store).unlink(*keys[start : start + 1_000])
        await self.store.close()


@pytest.fixture(scope="module")
def line(redis_url: str) -> Iterator[Line]:
    opened = Line(redis_url)
    opened.runner.run(opened.begin())
    yield opened
    opened.runner.run(opened.end())
    opened.runner.close()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(params=st.dictionaries(TEXT, JSON, max_size=5))
def test_params_arrive_as_sent(line: Line, params: dict[str, Any]) -> None:
    assert line.runner.run(line.send(params)) == params
