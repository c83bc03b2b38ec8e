"""Pages of the console over a real store: each is painted and live, also with hostile values in the store."""

import json

import pytest

from taskqueue import AdHocJob
from taskqueue.models.values import Subscription, UserSubscription
from taskqueue.store.connection import Store
from taskqueue.store.users import set_users
from taskqueue.store.writes import Write, begin_write, read_writes
from taskqueue_api.console.page import Page
from taskqueue_api.console.pages import MENU, PAGES
from taskqueue_api.segments import segment
from tests.support.api.app import App, running_app
from tests.support.api.asgi import ask
from tests.support.api.seeded import seed
from tests.support.store.raw import raw

#: Pages with a parameter in their path.
URLS = {"limit": "/limits/shop", "type": "/types/fetch-orders", "user": "/users/u-1"}
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e'\"" + "x" * 300


def url_of(page: Page) -> str:
    return URLS.get(page.name, page.path)


async def assert_painted(app: App, page: Page) -> None:
    answer = await app.get(url_of(page))
    assert answer.status == 200, (page.name, answer.text)
    assert f'aria-current="page">{page.menu}</a>' in answer.text
    assert "<script>alert" not in answer.text
    assert not set("\x1b\u202e") & set(answer.text)


async def test_pages_of_an_empty_store_are_painted(store: Store) -> None:
    async with running_app(store) as app:
        for page in MENU:
            await assert_painted(app, page)


async def test_pages_are_painted_with_hostile_values(store: Store) -> None:
    await seed(store)
    write = Write(caller=HOSTILE, by=HOSTILE, method=HOSTILE, path=HOSTILE, address=HOSTILE, detail=HOSTILE)
    await begin_write(store, write)
    await raw(store).hset(
        store.keys("workers"), HOSTILE, f"1|{json.dumps({'pid': HOSTILE, 'free': HOSTILE})}"
    )
    async with running_app(store) as app:
        for page in PAGES:
            await assert_painted(app, page)
        assert "&lt;script&gt;alert" in (await app.get("/writes")).text


async def test_urls_of_all_pages_are_known() -> None:
    assert {page.name for page in PAGES if "{" in page.path} == URLS.keys()


@pytest.mark.parametrize("path", ["/nowhere", "/types/nowhere", "/limits/nowhere"])
async def test_unknown_names_are_pages(store: Store, path: str) -> None:
    async with running_app(store) as app:
        answer = await app.get(path)
        assert (answer.status, "<h1>" in answer.text) == (404, True)
        assert (await app.get(path, {"Accept": "*/*"})).headers["content-type"] == "application/problem+json"


async def test_curve_is_that_of_the_plan(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        chart = json.loads((await app.get("/charts/limit")).text)
        assert len(chart["planned"]) == 25 * 60
        assert sum(chart["planned"]) * 60 == pytest.approx(3 * 25, rel=0.01)  # three users an hour
        assert chart["limit"] == 100


@pytest.mark.parametrize(
    ("path", "write", "shown"),
    [
        ("/", "/v1/types/fetch-orders/pause", "Paused types: fetch-orders"),
        ("/types", "/v1/types/fetch-orders/pause", ">paused<"),
        ("/types/fetch-orders", "/v1/types/fetch-orders/pause", ">paused<"),
        ("/users/u-1", "/v1/users/u-1/pause", "Nothing but the pause keeps jobs of this user from running."),
        ("/writes", "/v1/users/u-1/pause", "/v1/users/u-1/pause"),
    ],
)
async def test_pages_show_a_write_of_the_api_at_once(store: Store, path: str, write: str, shown: str) -> None:
    await seed(store)
    async with running_app(store) as app:
        assert shown not in (await app.get(path)).text
        assert (await ask(app.asgi, "PUT", write, {"Host": "localhost"})).status == 204
        assert shown in (await app.get(path)).text


async def test_a_pause_of_a_user_is_told_once(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        assert (await ask(app.asgi, "PUT", "/v1/users/u-1/pause", {"Host": "localhost"})).status == 204
        text = (await app.get("/users/u-1")).text
        assert text.count("taskqueue resume") == 1
        assert text.count(">paused<") == 2, "of the user, and of the one subscription"


async def test_pages_show_the_end_of_a_pause(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        for lasts, shown in (("", "until it is resumed"), ("1h", "until <time datetime=")):
            fields = {"for": lasts, "confirmed": "yes"}
            assert (await app.post("/actions/types/fetch-orders/pause", fields)).status == 200
            for path in ("/types", "/types/fetch-orders"):
                assert shown in (await app.get(path)).text, path


async def test_a_users_waiting_jobs_are_one_row_a_reason(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        jobs = [AdHocJob("u-1", "fetch-orders") for _ in range(30)]
        await app.parts.client.enqueue_many(jobs)
        text = (await app.get("/users/u-1")).text
    assert text.count("no worker is alive") == 1 + 20
    assert '<td class="num"><data value="30">30</data></td>' in text
    assert 'The first 20 of <data value="30">30</data>: <a href="/jobs?user=u-1">' in text


async def test_page_without_scripts_is_not_called_live(store: Store) -> None:
    async with running_app(store) as app:
        text = (await app.get("/")).text
        assert '<button type="button" class="live" id="live-state" hidden' in text
        assert "<noscript>" in text
        assert "<noscript>" not in (await app.get("/users")).text


async def test_runs_of_a_paused_user_are_marked_as_held(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        await app.parts.client.pause(user="u-1")
        page = (await app.get("/users/u-1")).text
        history = json.loads((await app.get("/v1/users/u-1/history")).text)
    ahead = [run for run in history["runs"] if run["due"] > history["now"]]
    assert {run["kind"] for run in ahead} == {"held"}
    assert 11 <= page.count('<rect class="run" data-state="held"') <= 12
    assert 'data-state="planned" x=' not in page
    assert "No run is planned" not in page


async def test_page_of_a_user_names_types_without_runs(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        await set_users(store, "client", [UserSubscription("u-1", (Subscription("gone"),))])
        assert "gone has no run today: unknown type" in (await app.get("/users/u-1")).text


async def test_forms_are_hidden_from_viewers(store: Store) -> None:
    await seed(store)
    async with running_app(store, read_only=True) as app:
        assert "/actions/" not in (await app.get("/types/fetch-orders")).text
        assert (await app.post("/actions/types/fetch-orders/pause", {"confirmed": "yes"})).status == 403
        assert (await app.get("/actions/types/fetch-orders/pause")).status == 403


@pytest.mark.parametrize("user", ["a%41", "a#b", "a?b", "a%23b", "auth0|5f7c", "'\"<&>", ".", ".."])
async def test_stream_and_questions_are_those_of_the_user_on_the_page(store: Store, user: str) -> None:
    await seed(store)
    async with running_app(store) as app:
        await app.parts.client.subscribe(user, "fetch-orders")
        name = segment(user)
        assert f'href="/users/{name}"' in (await app.get("/users")).text
        page = await app.get(f"/users/{name}")
        assert f'data-stream="/live/users/{name}"' in page.text
        question = await app.get(f"/actions/users/{name}/pause")
        assert f'action="/actions/users/{name}/pause"' in question.text
        assert (await app.post(f"/actions/users/{name}/pause", {"confirmed": "yes"})).status == 200
        assert (await app.get(f"/v1/users/{name}/waiting")).problem["user"] == user
        assert (await read_writes(store))[0].write.path == f"/actions/users/{user}/pause"
