"""Bodies of lines: many users, many jobs, on a real store; nothing is lost, nothing is written twice."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence

import aiohttp
import pytest

from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.lookup import find_stored_users
from taskqueue.store.writes import read_writes
from tests.support.api.asked import Answer, Asked
from tests.support.api.fixtures import ServeApi, StartApi
from tests.support.api.process import AS_EDITOR, CREDENTIALS
from tests.support.api.seeded import seed

LINES = {"Content-Type": "application/x-ndjson"}


def lines(rows: Iterable[object]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def users(*names: str, region: str = "eu") -> list[dict[str, object]]:
    task = {"type": "fetch-orders", "params": {"region": region}}
    return [{"userId": name, "tasks": [task]} for name in names]


def effect(answer: Answer) -> tuple[int, ...]:
    return tuple(answer.json[name] for name in ("created", "changed", "unchanged", "removed", "linesAtFault"))


@pytest.fixture
async def ask(store: Store, serve: ServeApi, http: aiohttp.ClientSession) -> Asked:
    await seed(store)
    return Asked(http, (await serve(store, CREDENTIALS)).url, {**AS_EDITOR, **LINES})


async def test_users_are_written_once(ask: Asked) -> None:
    body = lines(users("u-1", *(f"n-{number}" for number in range(1_200))))
    assert effect(await ask("PUT", "/v1/users", data=body)) == (1_200, 0, 1, 0, 0)
    assert effect(await ask("PUT", "/v1/users", data=body)) == (0, 0, 1_201, 0, 0)
    some = lines(users("u-1", "n-7", region="us"))
    assert effect(await ask("PUT", "/v1/users", data=some)) == (0, 2, 0, 0, 0)


FAULTS = {
    b"{": ("line", "must be JSON"),
    b"[1]": ("line", "each line must be a mapping"),
    b'{"tasks": []}': ("userId", "add userId"),
    b'{"userId": "n-2", "tasks": [{"type": "fetch-orders", "interva": "5m"}]}': (
        "tasks[0].interva",
        'must be "interval"',
    ),
    b'{"userId": "n-1", "tasks": []}': ("userId", "n-1 is in line 1 already"),
    b'{"userId": "n-3", "tasks": [{"type": "unknown"}]}': ("line", "no such task type"),
    b'{"userId": "of-import", "tasks": [{"type": "fetch-orders"}]}': ("line", "import"),
    b'{"userId": "n-4", "tasks": [{"type": "fetch-orders", "params": {"url": "s3cret"}}]}': ("line", "url"),
    b'{"userId": "n-5", "userId": "n-6"}': ("line", "each key must be unique"),
    b'{"userId": "n-7", "tasks": [{"type": "fetch-orders", "params": {"a": "\\ud800"}}]}': (
        "tasks[0].params",
        "half a surrogate pair",
    ),
    b'{"userId": "n-8", "tasks": ' + b"[" * 2_000 + b"]" * 2_000 + b"}": ("line", "levels deep"),
    b'{"userId": "\xff"}': ("line", "UTF-8"),
}


async def test_lines_at_fault_are_named_and_nothing_is_pruned(ask: Asked, store: Store) -> None:
    body = lines(users("n-1")) + b"\r\n\n".join(FAULTS) + b"\n" + lines(users("n-9"))
    answer = await ask("PUT", "/v1/users", data=body, params={"prune": "true"})
    assert answer.status == 200
    assert effect(answer) == (2, 0, 0, 0, len(FAULTS))
    assert answer.json["pruned"] is False
    found = {one["line"]: (one["field"], one["message"]) for one in answer.json["faults"]}
    expected = dict(zip(range(2, 2 + 2 * len(FAULTS), 2), FAULTS.values(), strict=True))
    assert {line: field for line, (field, _) in found.items()} == {
        line: field for line, (field, _) in expected.items()
    }
    assert [words for line, (_, words) in expected.items() if words not in found[line][1]] == []
    assert "s3cret" not in json.dumps(answer.json)
    assert await find_stored_users(store, ["u-1"]) != [None]


async def test_many_removals_need_to_be_allowed(ask: Asked) -> None:
    await ask("PUT", "/v1/users", data=lines(users(*(f"n-{number}" for number in range(200)))))
    few = lines(users("n-1", "n-new"))
    refused = await ask("PUT", "/v1/users", data=few, params={"prune": "true"})
    assert (refused.status, refused.json["field"]) == (409, "allowRemoval")
    assert "allowRemoval=true" in refused.json["detail"]
    allowed = await ask("PUT", "/v1/users", data=few, params={"prune": "true", "allowRemoval": "true"})
    assert effect(allowed) == (0, 0, 2, 200, 0)


async def test_a_bulk_that_was_killed_ends_right_when_repeated(
    store: Store, api: StartApi, http: aiohttp.ClientSession
) -> None:
    await seed(store)
    names = [f"n-{number}" for number in range(3_000)]
    first = api(store, CREDENTIALS)
    written = asyncio.Event()

    async def halves() -> AsyncIterator[bytes]:
        yield lines(users(*names[:2_000]))
        await written.wait()
        yield lines(users(*names[2_000:]))

    headers = {**AS_EDITOR, **LINES}
    request = asyncio.create_task(
        http.put(f"{first.url}/v1/users?prune=true", data=halves(), headers=headers)
    )
    while await find_stored_users(store, names[1_000:1_001]) == [None]:
        assert not request.done()
    first.child.kill()
    written.set()
    with pytest.raises(aiohttp.ClientError):
        await request
    assert await find_stored_users(store, ["u-1"]) != [None]
    assert [one.status for one in await read_writes(store)] == [None]
    again = Asked(http, api(store, CREDENTIALS).url, headers)
    params = {"prune": "true", "allowRemoval": "true"}
    created, changed, unchanged, removed, faults = effect(
        await again("PUT", "/v1/users", data=lines(users(*names)), params=params)
    )
    assert (created + unchanged, changed, removed, faults) == (3_000, 0, 1, 0)
    assert unchanged >= 1_001


async def test_jobs_are_enqueued_once_by_id(ask: Asked, store: Store) -> None:
    rows = [{"user": f"u-{number}", "type": "fetch-orders", "id": f"j-{number}"} for number in range(1_000)]
    late = {"user": "u-1", "type": "fetch-orders", "delay": "9000h", "expires": "9000h"}
    body = lines([*rows, {"user": "u-1", "type": "unknown"}, {"user": "u 1", "type": "fetch-orders"}, late])
    for _ in range(2):
        answer = await ask("POST", "/v1/jobs", data=body)
        assert (answer.status, answer.json["enqueued"], answer.json["linesAtFault"]) == (200, 1_000, 3)
        assert [(one["line"], one["field"]) for one in answer.json["faults"]] == [
            (1_001, "type"),
            (1_002, "user"),
            (1_003, "delay"),
            (1_003, "expires"),
        ]
    assert (await audit(store)).totals["enqueued"] == 1_000


@pytest.mark.parametrize("path", ["/v1/users", "/v1/jobs"])
async def test_a_body_that_is_no_utf8_is_refused(ask: Asked, path: str) -> None:
    body = "{}\n".encode("utf-16")
    answer = await ask("PUT" if path == "/v1/users" else "POST", path, data=body)
    assert (answer.status, answer.json["field"]) == (400, "body")


async def pages(ask: Asked, path: str, **params: str) -> Sequence[list[dict[str, object]]]:
    found, after = [], ""
    while True:
        answer = await ask("GET", path, params={**params, "after": after})
        found.append(answer.json["items"])
        after = answer.json["next"]
        if after is None:
            return found


async def test_pages_have_every_user_and_every_job_once(ask: Asked) -> None:
    names = [f"n-{number}" for number in range(700)]
    await ask("PUT", "/v1/users", data=lines(users(*names)))
    rows = [{"user": name, "type": "fetch-orders", "id": name} for name in names]
    rows += [{"user": "n-1", "type": "send-report", "id": "report"}]
    await ask("POST", "/v1/jobs", data=lines(rows))
    listed = [row["user"] for page in await pages(ask, "/v1/users", limit="150") for row in page]
    assert sorted(str(user) for user in listed) == sorted([*names, "u-1", "of-folder", "of-import"])
    jobs = [row["job"] for page in await pages(ask, "/v1/jobs", limit="150") for row in page]
    assert len(jobs) == len(set(jobs)) == 701
    for params, expected in (
        ({"user": "n-1"}, ["fetch-orders", "send-report"]),
        ({"user": "n-1", "type": "send-report"}, ["send-report"]),
        ({"user": "n-1", "state": "running"}, []),
    ):
        found = [row["type"] for page in await pages(ask, "/v1/jobs", **params) for row in page]
        assert sorted(str(one) for one in found) == expected
