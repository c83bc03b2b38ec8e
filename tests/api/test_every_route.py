"""Every route of the app, whoever added it: nothing without sign-in, no write of a viewer, each write in the list."""

import re

import aiohttp
import pytest

from taskqueue.store.connection import Store
from taskqueue.store.writes import read_writes
from taskqueue_api.gate import is_open
from taskqueue_api.guard import SAFE_METHODS
from taskqueue_api.media_type import FORM, JSON
from tests.support.api.all_routes import APP, all_routes
from tests.support.api.fixtures import ServeApi
from tests.support.api.process import AS_EDITOR, AS_VIEWER, CREDENTIALS

OPEN = {("GET", "/sign-in"), ("POST", "/sign-in"), ("POST", "/sign-out"), ("GET", "/static/x")}


ROUTES = sorted({(method, re.sub(r"\{[^}]*\}", "x", path)) for method, path in all_routes()})
CLOSED = [(method, path) for method, path in ROUTES if not is_open(path)]
WRITES = [(method, path) for method, path in CLOSED if method not in SAFE_METHODS]


async def status(http: aiohttp.ClientSession, url: str, method: str, path: str, **headers: str) -> int:
    """Ask as a page of the same host would, with an empty body of JSON or of a form."""
    kind, data = (JSON, b"{}") if path.startswith("/v1/") else (FORM, b"a=")
    sent = {"Origin": url, "Content-Type": kind, **headers}
    async with http.request(method, url + path, headers=sent, data=data, allow_redirects=False) as answer:
        return answer.status


def test_the_routes_are_those_of_the_description() -> None:
    described = {
        (method.upper(), re.sub(r"\{[^}]*\}", "x", path))
        for path, methods in APP.openapi()["paths"].items()
        for method in methods
    }
    assert described <= {*ROUTES}
    assert len(WRITES) > 5


def test_the_open_routes_are_sign_in_and_files() -> None:
    assert {(method, path) for method, path in ROUTES if is_open(path)} == OPEN


async def test_no_route_answers_without_sign_in(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    url = (await serve(store, CREDENTIALS)).url
    more = [
        (method, path)
        for method in ("GET", "PUT", "HEAD", "OPTIONS")
        for path in ("/nothing", "/v1/nothing", "//")
    ] + [("POST", "/static/none.js"), ("DELETE", "/static/")]
    answered = {one: await status(http, url, *one) for one in [*CLOSED, *more]}
    assert {one: found for one, found in answered.items() if found != 401} == {}
    assert await read_writes(store) == []


@pytest.mark.parametrize(
    ("credentials", "settings", "headers"),
    [
        (CREDENTIALS, {}, AS_VIEWER),
        (CREDENTIALS, {"read_only": True}, AS_EDITOR),
        (None, {"read_only": True}, {}),
    ],
    ids=["viewer", "read-only", "read-only loopback"],
)
async def test_no_route_lets_a_viewer_write(
    store: Store,
    serve: ServeApi,
    http: aiohttp.ClientSession,
    credentials: dict[str, str] | None,
    settings: dict[str, object],
    headers: dict[str, str],
) -> None:
    url = (await serve(store, credentials, **settings)).url
    answered = {one: await status(http, url, *one, **headers) for one in WRITES}
    assert {one: found for one, found in answered.items() if found != 403} == {}
    assert await read_writes(store) == []


async def test_every_write_is_in_the_list(store: Store, serve: ServeApi, http: aiohttp.ClientSession) -> None:
    url = (await serve(store, CREDENTIALS)).url
    answered = [(method, path, await status(http, url, method, path, **AS_EDITOR)) for method, path in WRITES]
    noted = [(one.write.method, one.write.path, one.status) for one in reversed(await read_writes(store))]
    assert noted == answered
    assert {one.write.caller for one in await read_writes(store)} == {"eduard"}
    assert {found for *_, found in answered} & {401, 500, 503} == set()
