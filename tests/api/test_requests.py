"""Requests that are wrong get a problem that names the field, and never a 500 or a value that may be secret."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from taskqueue.store.clients import MAX_CONNECTIONS
from taskqueue.store.connection import Store
from taskqueue_api.routes import describe_routes
from tests.support.api.asked import Asked
from tests.support.api.fixtures import ServeApi
from tests.support.api.process import AS_EDITOR, CREDENTIALS, running_api
from tests.support.api.seeded import seed
from tests.support.store.backlog import Server

JSON = {"Content-Type": "application/json"}
SECRET = "s3cret"
#: Bodies that are no JSON, or that no decoder takes, in place of PARAMS.
HOSTILE = {
    "depth": b"[" * 100_000,
    "depth in params": b'{"a": ' * 1_200 + b"1" + b"}" * 1_200,
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": 1e999}',
    "twice": b'{"a": "s3cret", "a": 1}',
    "digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "64 bits": b'{"a": 18446744073709551616}',
    "surrogate": b'{"a": "s3cret\\ud800"}',
    "UTF-8": b'{"a": "\xff"}',
    "bytes": b'{"a": "' + b"x" * 1_100 + b'"}',
    "list": b'["s3cret"]',
    "text": b'"s3cret"',
}
BODIES = {
    "PUT /v1/users/u-1": b'{"tasks": [{"type": "fetch-orders", "params": PARAMS}]}',
    "POST /v1/jobs": b'{"user": "u-1", "type": "fetch-orders", "params": PARAMS}',
}


async def test_hostile_params_are_refused_and_never_repeated(ask: Asked) -> None:
    answers = {}
    for request, body in BODIES.items():
        method, path = request.split()
        for name, params in HOSTILE.items():
            found = await ask(method, path, headers=JSON, data=body.replace(b"PARAMS", params))
            answers[f"{request} {name}"] = found
    assert {name: one.status for name, one in answers.items() if one.status not in {400, 422}} == {}
    assert {name: one.media_type for name, one in answers.items() if "problem" not in one.media_type} == {}
    assert {name: one.json for name, one in answers.items() if SECRET in json.dumps(one.json)} == {}
    assert {name: one.json for name, one in answers.items() if not one.json.get("field")} == {}


#: Method, path, body -> status, field, a part of the detail.
REFUSED: list[tuple[str, str, Any, tuple[int, str | None, str]]] = [
    ("PUT", "/v1/users/u-1", None, (422, "body", "required")),
    ("PUT", "/v1/users/u-1", {"tasks": []}, (422, "tasks", "DELETE removes a user")),
    ("PUT", "/v1/users/u-1", {"task": []}, (422, "task", 'must be "tasks"')),
    (
        "PUT",
        "/v1/users/u-1",
        {"userId": "u-2", "tasks": [{"type": "fetch-orders"}]},
        (422, "userId", "remove userId"),
    ),
    (
        "PUT",
        "/v1/users/u-1",
        {"tasks": [{"type": "fetch-orders", "interval": 5}]},
        (422, "tasks[0].interval", "must be text in quotes"),
    ),
    (
        "PUT",
        "/v1/users/u-1",
        {"tasks": [{"type": "fetch-orders", "interval": "7m"}]},
        (422, None, "must be 1h or 5m"),
    ),
    ("PUT", "/v1/users/u-1", {"tasks": [{"type": "unknown"}]}, (404, None, "no such task type")),
    ("PUT", "/v1/users/of-import", {"tasks": [{"type": "fetch-orders"}]}, (409, None, "import")),
    ("PUT", "/v1/users/of-folder", {"tasks": [{"type": "fetch-orders"}]}, (409, None, "folder")),
    ("DELETE", "/v1/users/of-folder", None, (409, None, "folder")),
    ("PUT", "/v1/users/u 1", {"tasks": []}, (422, "user", "1 to 128 printable")),
    ("PUT", "/v1/users/nobody/pause", {}, (404, None, "no such user")),
    ("PUT", "/v1/users/u-1/pause", {"for": "1 hour"}, (422, "for", "a duration such as")),
    ("GET", "/v1/users/nobody", None, (404, None, "no such user")),
    ("GET", "/v1/users/nobody/waiting", None, (404, None, "no such user")),
    ("GET", "/v1/users?limit=0", None, (422, "limit", "at least 1")),
    ("GET", "/v1/users?limit=x", None, (422, "limit", "a whole number")),
    ("GET", "/v1/users?limit=1&limit=2", None, (422, "limit", "given once")),
    ("GET", "/v1/users?after=x", None, (422, "after", "the `next` of a page")),
    ("GET", "/v1/users?after=anVuaw==", None, (422, None, "after must be a cursor")),
    ("GET", "/v1/dead?after=LTE=", None, (422, "after", "the `next` of a page")),
    ("GET", "/v1/jobs?after=W10xXQ==", None, (422, None, "a cursor")),
    ("GET", "/v1/jobs?state=dead", None, (422, "state", "waiting")),
    ("GET", "/v1/plan?day=2026-13-01", None, (422, "day", "")),
    ("GET", "/v1/plan?day=9999-12-31", None, (422, "day", "at most 2999-12-31")),
    ("GET", "/v1/plan?day=0001-01-01", None, (422, "day", "at least 1970-01-02")),
    ("GET", "/v1/types/none", None, (404, None, "no such task type")),
    ("GET", "/v1/types/none/history", None, (404, None, "no such task type")),
    ("GET", "/v1/types/fetch-orders/history?for=1 day", None, (422, "for", "a duration such as")),
    ("PUT", "/v1/types/none/pause", {}, (404, None, "no such task type")),
    ("POST", "/v1/jobs", {"user": "u-1", "type": "none"}, (404, None, "no such task type")),
    (
        "POST",
        "/v1/jobs",
        {"user": "u-1", "type": "fetch-orders", "params": {"url": SECRET}},
        (422, None, "remove url"),
    ),
    (
        "POST",
        "/v1/jobs",
        {"user": "u-1", "type": "fetch-orders", "delay": "9000h"},
        (422, "delay", "at most 8784h"),
    ),
    ("POST", "/v1/jobs/cancel", {}, (422, "jobs", "give jobs")),
    ("POST", "/v1/jobs/cancel", {"jobs": ["x"], "user": "u-1"}, (422, "jobs", "give jobs")),
    ("POST", "/v1/jobs/cancel", {"type": "none"}, (404, None, "no such task type")),
    ("DELETE", "/v1/jobs/none", None, (404, "job", "no such job")),
    ("POST", "/v1/dead/purge", {}, (422, "jobs", "give jobs or type")),
    ("POST", "/v1/dead/purge", {"jobs": ["x"], "reason": "r"}, (422, "type", "add type")),
    ("GET", "/v1/dead/none", None, (404, None, "no such dead job")),
    ("GET", "/v1/limits/none", None, (404, None, "no such limit")),
    ("PUT", "/v1/limits/none/override", {"perSecond": 1}, (404, None, "no such limit")),
    ("DELETE", "/v1/limits/none/override", None, (404, None, "no such limit")),
    ("PUT", "/v1/limits/app/override", {"perSecond": 51}, (422, "for", "for a time only")),
    ("PUT", "/v1/limits/app/override", {"perSecond": 50, "burst": 2}, (422, "for", "for a time only")),
    ("PUT", "/v1/limits/global/override", {"perSecond": "none"}, (422, "for", "for a time only")),
    ("PUT", "/v1/limits/global/override", {"perSecond": 1, "burst": 1}, (422, "burst", "remove burst")),
    ("PUT", "/v1/limits/app/override", {"perSecond": "none", "for": "1h"}, (422, "perSecond", "")),
    ("PUT", "/v1/limits/app/override", {"perSecond": 0}, (422, "perSecond", "1,000,000 starts a second")),
    ("DELETE", "/v1/limits/shop/closure", None, (422, "user", "add user")),
    ("DELETE", "/v1/limits/app/closure?user=u-1", None, (422, "user", "remove user")),
]


async def test_refusals_name_the_field_and_the_remedy(ask: Asked) -> None:
    for method, target, body, (status, field, words) in REFUSED:
        path, _, query = target.partition("?")
        answer = await ask(method, path, params=query, **({} if body is None else {"json": body}))
        assert (answer.status, answer.json.get("field")) == (status, field), (path, body, answer)
        assert words in answer.json["detail"], (path, body, answer)
        assert SECRET not in json.dumps(answer.json)


async def test_unknown_parameters_are_refused_everywhere(ask: Asked) -> None:
    asked = 0
    for path, operations in describe_routes()["paths"].items():
        for method in operations:
            answer = await ask(method.upper(), path, headers=JSON, params={"unknown": "1"})
            assert (answer.status, answer.json["field"]) == (422, "unknown"), (method, path, answer)
            asked += 1
    assert asked > 25


async def test_preconditions_that_are_malformed_are_refused(ask: Asked) -> None:
    body = {"tasks": [{"type": "fetch-orders"}]}
    for headers, field in (
        ({"If-Match": "abc"}, "If-Match"),
        ({"If-Match": 'W/"abc"'}, "If-Match"),
        ({"If-None-Match": '"abc"'}, "If-None-Match"),
        ({"If-Match": "*", "If-None-Match": "*"}, "If-Match"),
    ):
        answer = await ask("PUT", "/v1/users/u-1", headers=headers, json=body)
        assert (answer.status, answer.json["field"]) == (422, field)


async def test_a_store_that_is_gone_is_a_503(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    with Server() as server, running_api(server.url, "gone", tmp_path, CREDENTIALS) as running:
        ask = Asked(http, running.url, AS_EDITOR)
        assert (await ask("GET", "/v1/types")).json == {"items": [], "next": None}
        server.kill()
        for method, path, body in (("GET", "/v1/types", None), ("PUT", "/v1/users/u-1/pause", {})):
            answer = await ask(method, path, json=body)
            assert (answer.status, answer.json["title"]) == (503, "Store does not answer")
            assert int(answer.headers["Retry-After"]) >= 1


async def test_many_requests_at_once_wait_for_the_store(store: Store, serve: ServeApi) -> None:
    """More than a store has connections: each is answered, and none is told that the store is away."""
    served = await serve(store, CREDENTIALS)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        ask = Asked(http, served.url, AS_EDITOR)
        answers = await asyncio.gather(*(ask("GET", "/v1/audit") for _ in range(MAX_CONNECTIONS + 50)))
    assert {one.status for one in answers} == {200}


async def test_params_are_shown_by_their_names(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    await seed(store)
    shown = {}
    for show_params in (False, True):
        served = await serve(store, CREDENTIALS, show_params=show_params)
        ask = Asked(http, served.url, AS_EDITOR)
        (shown[show_params],) = (await ask("GET", "/v1/users/u-1")).json["tasks"]
    assert shown[False] == {
        "paramNames": ["region"],
        "type": "fetch-orders",
        "suspend": False,
        "interval": None,
    }
    assert shown[True] == {**shown[False], "params": {"region": "eu"}}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/users", {"GET", "HEAD", "PUT"}),
        ("/v1/users/u-1", {"GET", "HEAD", "PUT", "DELETE"}),
        ("/v1/users/u-1/pause", {"PUT", "DELETE"}),
        ("/v1/jobs", {"GET", "HEAD", "POST"}),
        ("/v1/dead/retry", {"GET", "HEAD", "POST"}),  # a dead job may have this name
        ("/v1/store", {"GET", "HEAD"}),
        ("/static/console.js", {"GET", "HEAD"}),
        ("/static/none.js", {"GET", "HEAD"}),
        ("/users/u-1", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(ask: Asked, path: str, methods: set[str]) -> None:
    answer = await ask("OPTIONS", path)
    assert (answer.status, answer.media_type) == (405, "application/problem+json")
    assert {one.strip() for one in answer.headers["Allow"].split(",")} == methods


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "DELETE"])
async def test_an_unknown_path_is_not_found_by_any_method(ask: Asked, method: str) -> None:
    answer = await ask(method, "/v1/nothing", headers=JSON)
    assert (answer.status, answer.media_type) == (404, "application/problem+json")
