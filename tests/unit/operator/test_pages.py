"""Lists come in pages that fit the memory, down to one object where a page cannot be read."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError

from taskqueue_operator.connection import AnswerTooLongError, ApiError
from taskqueue_operator.items import MAX_BYTES
from taskqueue_operator.memory_limit import UNLIMITED_BYTES, memory_limit
from taskqueue_operator.objects import read
from taskqueue_operator.pages import METADATA_ONLY, OBJECT_BYTES, Pages
from tests.support.kubernetes.raw_objects import user

MIB = 2**20


class Server:
    """Serves pages of objects. fails: returns the error of a page with these names, or None."""

    def __init__(self, objects: list[dict[str, Any]], fails: Callable[[set[str]], Exception | None]) -> None:
        self.objects = objects
        self.fails = fails
        self.asked: list[tuple[int, bool]] = []
        self.longest = 0

    async def ask(self, query: Mapping[str, str], accept: str, max_bytes: int) -> bytes:
        begin, length = int(query.get("continue", 0)), int(query["limit"])
        items = self.objects[begin : begin + length]
        whole = accept != METADATA_ONLY
        self.asked.append((length, whole))
        if whole and (error := self.fails({one["metadata"]["name"] for one in items})):
            raise error
        if not whole:
            items = [{"metadata": one["metadata"]} for one in items]
        more = str(begin + length) if begin + length < len(self.objects) else ""
        page = json.dumps({"items": items, "metadata": {"continue": more}}).encode()
        if len(page) > max_bytes:
            raise AnswerTooLongError(f"more than {max_bytes} bytes")
        self.longest = max(self.longest, len(page))
        return page


async def names(pages: Pages) -> list[str]:
    return [raw["metadata"]["name"] async for raw in pages.objects()]


USERS = [user(f"u-{n}", n + 1) for n in range(40)]


async def test_pages_grow_while_small() -> None:
    server = Server([user(f"u-{n}", n + 1) for n in range(3_000)], lambda _: None)
    assert len(await names(Pages(server.ask, 384 * MIB))) == 3_000
    assert [length for length, _ in server.asked] == [32, 64, 128, 256, 500, 500, 500, 500, 500, 500]


async def test_pages_of_the_largest_objects_fit_the_memory() -> None:
    large = [user(f"u-{n}", n + 1, status={"a": "x" * (OBJECT_BYTES - 500)}) for n in range(12)]
    small = [user(f"v-{n}", n + 1) for n in range(200)]
    server = Server(small + large, lambda _: None)
    assert len(await names(Pages(server.ask, 64 * MIB))) == 212
    assert server.longest <= 8 * MIB + 2**16


async def test_little_memory_means_pages_of_one_object() -> None:
    server = Server(USERS, lambda _: None)
    pages = Pages(server.ask, 1)
    assert await names(pages) == [f"u-{n}" for n in range(40)]
    assert server.asked[0] == (1, True)


@pytest.mark.parametrize(
    "error",
    [ApiError(500), ApiError(504), TimeoutError(), AnswerTooLongError("x")],
    ids=repr,
)
async def test_one_unavailable_object_leaves_the_rest(error: Exception) -> None:
    server = Server(USERS, lambda page: error if "u-17" in page else None)
    seen = {raw["metadata"]["name"]: raw async for raw in Pages(server.ask, 384 * MIB).objects()}
    assert list(seen) == [f"u-{n}" for n in range(40)]
    assert [name for name, raw in seen.items() if "unreadable" in raw] == ["u-17"]
    one = read("UserSubscription", seen["u-17"])
    assert (one.name, one.uid, one.version, one.generation) == ("u-17", "u-17-1", "18", 1)
    assert one.value is None
    assert one.refusal.startswith("the object cannot be read: ")


async def test_one_object_of_another_shape_leaves_the_rest() -> None:
    server = Server([*USERS, user("odd", 99) | {"spec": "no mapping"}], lambda _: None)
    seen = [raw async for raw in Pages(server.ask, 384 * MIB).objects()]
    assert [raw["metadata"]["name"] for raw in seen if "unreadable" in raw] == ["odd"]


async def test_one_oversized_object_leaves_the_rest() -> None:
    status = {"userId": "eve", "conditions": []}
    large = user("large", 99, {"a": "x" * MAX_BYTES, "userId": "eve"}, status=status)
    seen = [raw async for raw in Pages(Server([*USERS, large], lambda _: None).ask, 384 * MIB).objects()]
    (raw,) = [raw for raw in seen if "bytes" in raw.get("unreadable", "")]
    one = read("UserSubscription", raw)
    assert (one.name, one.subject, one.status) == ("large", "eve", status), "the user keeps its subscription"


async def test_one_non_text_object_leaves_the_rest() -> None:
    server = Server([*USERS, user("odd", 99, {"a": "@"})], lambda _: None)

    async def ask(query: Mapping[str, str], accept: str, max_bytes: int) -> bytes:
        return (await server.ask(query, accept, max_bytes)).replace(b'"@"', b'"\xff"')

    seen = [raw async for raw in Pages(ask, 384 * MIB).objects()]
    assert [raw["metadata"]["name"] for raw in seen if "unreadable" in raw] == ["odd"]


@pytest.mark.parametrize(
    "error",
    [ApiError(status) for status in (401, 403, 404, 410, 429, 502, 503)] + [ClientConnectionError()],
    ids=repr,
)
async def test_refusals_unrelated_to_size_fail_the_list_at_once(error: Exception) -> None:
    server = Server(USERS, lambda _: error)
    with pytest.raises(type(error)):
        await names(Pages(server.ask, 384 * MIB))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/\n", {"memory.max": "402653184\n"}, 402_653_184),
        ("0::/\n", {"memory.max": "max\n"}, UNLIMITED_BYTES),
        ("0::/\n", {}, UNLIMITED_BYTES),
        ("0::/a/b\n", {"a/memory.max": "5000\n", "a/b/memory.max": "max\n"}, 5_000),
        ("0::/a/b\n", {"a/memory.max": "5000\n", "a/b/memory.max": "4000\n"}, 4_000),
        ("9:cpu:/\n5:memory:/pod\n", {"memory/memory.limit_in_bytes": "3000\n"}, 3_000),
        ("5:memory:/pod\n", {"memory/pod/memory.limit_in_bytes": "9223372036854771712\n"}, UNLIMITED_BYTES),
        (None, {"memory.max": "5000\n"}, UNLIMITED_BYTES),
    ],
)
def test_the_memory_limit_is_the_lowest_of_the_control_groups(
    groups: str | None, files: Mapping[str, str], limit: int, tmp_path: Path
) -> None:
    if groups is not None:
        (tmp_path / "groups").write_text(groups)
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    assert memory_limit(tmp_path / "groups", tmp_path / "root") == limit
