"""Refusals of wrong bodies, parameters and forms: sentences of this project, which name the field and the rule."""

import re
from collections.abc import Iterator

import pytest

from taskqueue.store.connection import Store
from taskqueue_api.routes import describe_routes
from tests.support.api.app import SWAPPED, running_app
from tests.support.api.asgi import ask
from tests.support.api.seeded import seed

JSON, NDJSON = "application/json", "application/x-ndjson"
NAMES = {"user": "u-1", "type": "fetch-orders", "name": "app", "job": "x"}
#: Words of pydantic, of FastAPI, and of the JSON reader.
OF_LIBRARIES = re.compile(r"[Ii]nput|should|\bvalid |Expecting|Extra data|Field required|delimiter|parsing")
BODIES = (
    *(
        b"null",
        b"1",
        b'"x"',
        b"[]",
        b"[1]",
        b"true",
        b"9" * 400,
        b"NaN",
        b'{"a":1,"a":2}',
        b'{"a":"\xff"}',
        b"{",
    ),
    *(
        b"",
        b"  ",
        b"\xef\xbb\xbf[]",
        "{}".encode("utf-16"),
        b'{"jobs": []}',
        b'{"tasks": [1]}',
        b'{"params": 1}',
    ),
)
PARAMETERS = (
    *("", "x", "-1", "1.5", "inf", "9" * 30, "9" * 5_000, "x" * 2_000, "[]"),
    *("2026-13-01", "2026-12-01T10:00", "0001-01-01", "10000-01-01"),
)


def requests() -> Iterator[tuple[str, str, str, bytes]]:
    """Yield method, target, media type and body of wrong requests to every route."""
    for path, operations in describe_routes()["paths"].items():
        target = re.sub(r"\{(\w+)\}", lambda found: NAMES[found[1]], path)
        for method, operation in operations.items():
            for media in operation.get("requestBody", {}).get("content", {}):
                yield from ((method, target, media, body) for body in BODIES)
            for one in operation.get("parameters", ()):
                if one["in"] == "query":
                    yield from (
                        (method, f"{target}?{one['name']}={given}", JSON, b"") for given in PARAMETERS
                    )


async def test_no_refusal_has_words_of_a_library(store: Store) -> None:
    await seed(store)
    told = {}
    async with running_app(store) as app:
        for method, target, media, body in requests():
            headers = {"Content-Type": media, "Content-Length": str(len(body))}
            answer = await ask(app.asgi, method.upper(), target, headers, [body])
            assert answer.status < 500, (method, target, body, answer.text)
            told[method, target, body] = answer.text
    assert len(told) > 300
    assert {asked: text for asked, text in told.items() if OF_LIBRARIES.search(text)} == {}


@pytest.mark.parametrize(
    ("request_line", "media", "body", "said"),
    [
        ("PUT /v1/users", NDJSON, b"1", '"line":1,"field":"line","message":"must be a mapping with userId'),
        ("PUT /v1/users", NDJSON, b"\n{", '"line":2,"field":"line","message":"must be JSON: '),
        (
            "POST /v1/jobs",
            NDJSON,
            b"1",
            "must be a mapping with user, type, params, id, delay, expires (was 1)",
        ),
        ("PUT /v1/users/u-1", JSON, b"[]", "body: must be a mapping with userId, suspend, timeZone, tasks, "),
        ("PUT /v1/users/u-1", JSON, b'{"tasks": [1]}', "tasks[0]: must be a mapping with type, params, "),
        ("PUT /v1/users/u-1", JSON, b'{"tasks": 1}', "tasks: must be a list, such as [a, b] (was 1)"),
        ("PUT /v1/users/u-1", JSON, b"\xff\xfe{\0", "body: must be UTF-8 (was UTF-16 or UTF-32)"),
        ("PUT /v1/users/u-1", JSON, b"{", "must be JSON: a key in double quotes is missing, at column 2"),
        ("PUT /v1/users/u-1", JSON, b"x" * 1_048_577, '413,"detail":"the body must have at most 1048576'),
        ("POST /v1/jobs", JSON, b'\xef\xbb\xbf{"user": "u-1"}', "type: add type: it is required"),
        ("POST /v1/jobs", "text/plain", b"{}", r"application/x-ndjson for lines (was \"text/plain\")"),
        ("POST /v1/jobs/cancel", JSON, b'{"jobs": []}', "jobs: must have 1 or more items (was 0)"),
        ("GET /v1/plan?day=today", JSON, b"", r"day: must be a day, such as 2026-11-24 (was \"today\")"),
        ("POST /v1/users", JSON, b"{}", '405,"detail":"the method must be one of GET, HEAD, PUT (was POST)'),
        ("GET /v1/users/nobody", JSON, b"", '404,"detail":"There is no such user: nobody"'),
        ("GET /v1/dead/none", JSON, b"", '404,"detail":"There is no such dead job: none"'),
        ("POST /v1/nowhere", JSON, b"{}", '404,"detail":"there is nothing at /v1/nowhere"'),
    ],
)
async def test_a_refusal_says_the_rule(
    store: Store, request_line: str, media: str, body: bytes, said: str
) -> None:
    await seed(store)
    async with running_app(store) as app:
        headers = {"Content-Type": media, "Content-Length": str(len(body))}
        method, target = request_line.split()
        assert said in (await ask(app.asgi, method, target, headers, [body])).text


@pytest.mark.parametrize(
    ("path", "media", "body", "said"),
    [
        ("/sign-in", "application/x-www-form-urlencoded", b"", "token: add token: it is required"),
        ("/sign-in", "multipart/form-data", b"x", ">the body must be a form, "),
        (
            "/actions/types/fetch-orders/pause",
            "application/x-www-form-urlencoded",
            b"a=1&" * 30,
            "must be a form",
        ),
        (
            "/actions/nowhere",
            "application/x-www-form-urlencoded",
            b"",
            "there is nothing at /actions/nowhere",
        ),
    ],
)
async def test_a_wrong_form_is_told_its_rule(
    store: Store, path: str, media: str, body: bytes, said: str
) -> None:
    async with running_app(store) as app:
        answer = await ask(app.asgi, "POST", path, {**SWAPPED, "Content-Type": media}, [body])
        assert said in answer.text
