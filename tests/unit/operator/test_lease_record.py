"""Lease records: reading and writing, and malformed content."""

from typing import Any

import msgspec
import pytest

from taskqueue.scheduler.floors import CursorCopy, Floors
from taskqueue_operator.connection import API_ERRORS, ApiError
from taskqueue_operator.lease_record import LeaseObject, LeaseRecord


class Answers:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def call(self, *_: Any, **__: Any) -> bytes:
        if isinstance(self.answer, Exception):
            raise self.answer
        return msgspec.json.encode(self.answer)


async def read(answer: Any) -> LeaseRecord:
    return await LeaseObject(Answers(answer), "shop", "taskqueue-operator").read()


@pytest.mark.parametrize(
    ("annotation", "cursor_ms"),
    [("1795543365711", 1_795_543_365_711), ("now", None), ("-1", None), ("", None)],
)
async def test_a_non_numeric_cursor_copy_is_none(annotation: str, cursor_ms: int | None) -> None:
    meta = {"resourceVersion": "7", "annotations": {"taskqueue.dev/cursor-ms": annotation}}
    found = await read({"metadata": meta, "spec": {"holderIdentity": "a"}})
    assert (found.version, found.holder) == ("7", "a")
    assert (found.copy and found.copy.cursor_ms) == cursor_ms


async def test_a_missing_lease_is_an_empty_one() -> None:
    assert await read(ApiError(404)) == LeaseRecord()


@pytest.mark.parametrize("answer", [{}, {"metadata": 1}, []], ids=str)
async def test_an_invalid_lease_is_an_error_to_wait_out(answer: Any) -> None:
    with pytest.raises(API_ERRORS):
        await read(answer)


SEEN = Floors(1_795_543_360_000, {"orders": 1_795_543_000_123}, 1 << 50)


class Kept:
    """An API server with one object."""

    def __init__(self) -> None:
        self.kept: Any = None

    async def call(self, *call: Any, **_: Any) -> bytes:
        _, _, body = call
        if body:
            self.kept = body | {"metadata": body["metadata"] | {"resourceVersion": "8"}}
        return msgspec.json.encode(self.kept)


@pytest.mark.parametrize("copy", [None, CursorCopy(1_795_543_365_711), CursorCopy(1_795_543_365_711, SEEN)])
async def test_a_cursor_copy_round_trips(copy: CursorCopy | None) -> None:
    lease = LeaseObject(Kept(), "shop", "taskqueue-operator")
    await lease.write(LeaseRecord("a", 3, 10, copy=copy))
    assert await lease.read() == LeaseRecord("a", 3, 10, version="8", copy=copy)


@pytest.mark.parametrize(
    "text", ["", "1", "{}", '{"seen_ms": "x"}', '{"seen_ms": -5}', '{"seen_ms": 5, "by_type": {"a": -1}}']
)
async def test_invalid_floors_are_none_and_the_cursor_counts(text: str) -> None:
    annotations = {"taskqueue.dev/cursor-ms": "5000", "taskqueue.dev/cursor-floors": text}
    found = await read({"metadata": {"resourceVersion": "7", "annotations": annotations}})
    assert found.copy == CursorCopy(5_000)
