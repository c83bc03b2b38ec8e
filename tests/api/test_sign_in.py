"""Sign-in of real requests: tokens, sessions, headers of a proxy, and their ends."""

import asyncio
from collections.abc import Mapping
from http.cookies import SimpleCookie

import aiohttp
import pytest
from yarl import URL

from taskqueue.store.connection import Store
from taskqueue_api.sign_in import credentials_folder
from tests.support.api.fixtures import ServeApi
from tests.support.api.in_process import ServedApi
from tests.support.api.process import (
    AS_EDITOR,
    AS_VIEWER,
    CREDENTIALS,
    EDITOR,
    PROXY_SECRET,
    VIEWER,
    write_credentials,
)
from tests.support.site.site import until

ONE_TIME = "one-time-token-0123456789"
READ = "/v1/store"
NEW = VIEWER + "-new"
Headers = Mapping[str, str]


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def proxied(user: str = "ada@example.com", groups: str = "", secret: str = PROXY_SECRET) -> Headers:
    """Return the headers of oauth2-proxy."""
    return {"X-Proxy-Secret": secret, "X-Forwarded-Email": user, "X-Forwarded-Groups": groups}


async def status(
    http: aiohttp.ClientSession, url: str, headers: Headers | None = None, method: str = "GET"
) -> int:
    async with http.request(method, url, headers=headers, allow_redirects=False) as answer:
        return answer.status


async def begin(http: aiohttp.ClientSession, running: ServedApi, token: str, **headers: str) -> SimpleCookie:
    """Sign a browser in with a token; the cookies that it gets."""
    headers = {"Origin": running.url, **headers}
    async with http.post(
        f"{running.url}/sign-in", data={"token": token}, headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status in {303, 401}
        return answer.cookies


def cookie(cookies: SimpleCookie) -> Headers:
    return {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())}


async def test_only_known_tokens_read(store: Store, serve: ServeApi, http: aiohttp.ClientSession) -> None:
    url = (await serve(store, CREDENTIALS)).url + READ
    for headers, expected in (
        ({}, 401),
        (bearer("wrong-token-0123456789"), 401),
        ({"Authorization": f"Basic {VIEWER}"}, 401),
        ({"Cookie": f"taskqueue={VIEWER}"}, 401),
        (proxied(secret="wrong-secret-0123456789"), 401),
        (AS_VIEWER, 200),
        ({"Authorization": f"BEARER  {EDITOR}"}, 200),
    ):
        assert await status(http, url, headers) == expected, headers
    async with http.get(url) as answer:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.content_type == "application/problem+json"


async def test_a_session_lasts_over_replicas_and_restarts_and_ends_with_its_token(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials_folder, "_LOOK_S", 0.1)
    running, replica = [await serve(store, CREDENTIALS) for _ in range(2)]
    cookies = await begin(http, running, VIEWER)
    session = cookie(cookies)
    assert [await status(http, one.url + READ, session) for one in (running, replica)] == [200, 200]
    async with http.get(f"{running.url}/live/overview", headers=session) as stream:
        assert (await stream.content.readline()).startswith(b"data: ")
        write_credentials(running.credentials, CREDENTIALS | {"viewer-tokens": f"vera {NEW}"})
        await asyncio.wait_for(stream.read(), 20)  # ends

    async def is_over() -> bool:
        return await status(http, running.url + READ, session) == 401

    await until("the session is over", is_over, 10)
    assert await status(http, running.url + READ, bearer(NEW)) == 200


@pytest.mark.parametrize(
    ("https", "headers", "secure"),
    [
        (False, {}, False),
        (False, {"X-Forwarded-Proto": "https"}, False),
        (False, {"X-Forwarded-Proto": "https", "X-Proxy-Secret": PROXY_SECRET}, True),
        (True, {}, True),
    ],
)
async def test_a_cookie_is_secure_by_https(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession, https: bool, headers: Headers, secure: bool
) -> None:
    running = await serve(store, CREDENTIALS, https=https, hosts=["queue.example.com"])
    origin = f"http{'s' if secure else ''}://queue.example.com"
    cookies = await begin(http, running, VIEWER, Host="queue.example.com", Origin=origin, **headers)
    ((name, morsel),) = cookies.items()
    assert name == ("__Host-taskqueue" if secure else "taskqueue")
    assert bool(morsel["secure"]) is secure
    assert (morsel["httponly"], morsel["samesite"].lower(), morsel["path"]) == (True, "strict", "/")
    assert (int(morsel["max-age"]), morsel["domain"]) == (28_800, "")
    assert VIEWER not in morsel.value


async def test_forged_cookies_are_nobody(store: Store, serve: ServeApi, http: aiohttp.ClientSession) -> None:
    running = await serve(store, CREDENTIALS)
    url = running.url + READ
    ((name, morsel),) = (await begin(http, running, VIEWER)).items()
    payload, stamp, signature = morsel.value.rsplit(".", 2)
    for value in (
        "",
        payload,
        f"{payload}.{stamp}.{signature[:-2]}",
        f"{payload[:-2]}AA.{stamp}.{signature}",
        f"{payload}.AAAAAA.{signature}",
        "a" * 4_000,
        "..",
    ):
        assert await status(http, url, {"Cookie": f"{name}={value}"}) == 401
    assert await status(http, url, {"Cookie": f"{name}={morsel.value}"}) == 200


async def test_a_sign_out_removes_the_cookie(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    running = await serve(store, CREDENTIALS)
    headers = {"Origin": running.url, **cookie(await begin(http, running, VIEWER))}
    async with http.post(f"{running.url}/sign-out", headers=headers, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
        assert answer.cookies["taskqueue"]["max-age"] == "0"


async def test_a_link_signs_one_browser_in_and_does_so_once(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    running = await serve(store, one_time_token=ONE_TIME)
    url = running.url + READ
    assert await status(http, url) == 401
    async with http.get(f"{running.url}/sign-in?token={ONE_TIME}", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        session = cookie(answer.cookies)
    assert await status(http, url, session) == 200
    assert await status(http, f"{running.url}/sign-in?token={ONE_TIME}") == 401
    assert await status(http, url, bearer(ONE_TIME)) == 401


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"Sec-Purpose": "prefetch"}),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}),
        ("GET", {"Purpose": "prefetch"}),
        ("OPTIONS", {}),
    ],
)
async def test_a_preview_does_not_use_a_link_up(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession, method: str, headers: dict[str, str]
) -> None:
    link = f"{(await serve(store, one_time_token=ONE_TIME)).url}/sign-in?token={ONE_TIME}"
    async with http.request(method, link, headers=headers, allow_redirects=False) as answer:
        assert answer.cookies == {}
    async with http.get(link, allow_redirects=False) as answer:
        assert cookie(answer.cookies)


async def test_a_lasting_token_does_not_count_in_a_link(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    running = await serve(store, CREDENTIALS)
    assert await status(http, f"{running.url}/sign-in?token={EDITOR}") == 401
    assert await begin(http, running, EDITOR)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (proxied(), 403),
        (proxied(groups="team-b, team-a"), 204),
        (proxied(groups="team-a-not"), 403),
        ({"X-Proxy-Secret": PROXY_SECRET, "X-Forwarded-User": "ada", "X-Forwarded-Groups": "team-a"}, 204),
        ({"X-Proxy-Secret": PROXY_SECRET, "X-Forwarded-Groups": "team-a"}, 401),
        ({"X-Forwarded-Email": "ada@example.com", "X-Forwarded-Groups": "team-a"}, 401),
        ({**proxied(secret="wrong-secret-0123456789"), "X-Forwarded-Groups": "team-a"}, 401),
        ({**AS_EDITOR, "X-Forwarded-Email": "ada@example.com"}, 204),
        ({**AS_EDITOR, **proxied()}, 403),
    ],
)
async def test_headers_of_a_proxy_count_with_its_secret_alone(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession, headers: Headers, expected: int
) -> None:
    """Of a user that is unknown: 204 for an editor."""
    running = await serve(store, CREDENTIALS, editor_groups=["team-a"])
    assert await status(http, f"{running.url}/v1/users/nobody", headers, "DELETE") == expected


async def test_wrong_tokens_slow_their_own_address_alone(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    running = await serve(store, CREDENTIALS)
    url = running.url + READ
    answers = [await status(http, url, bearer(f"wrong-token-{number:010}")) for number in range(30)]
    assert answers[:5] == [401] * 5
    assert set(answers[5:]) == {429}
    async with http.get(url, headers=AS_VIEWER) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")  # a guess could be right
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(connector=elsewhere) as other:
        assert await status(other, url, AS_VIEWER) == 200
    behind = {**proxied(), "X-Forwarded-For": "192.0.2.1, 198.51.100.7"}

    async def is_let_in() -> bool:
        return await status(http, url, behind) == 200

    await until("the address may try again", is_let_in, 10)


async def test_wrong_secrets_of_a_proxy_are_slowed(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    url = (await serve(store, CREDENTIALS)).url + READ
    assert await status(http, url, proxied()) == 200
    for number in range(20):
        assert await status(http, url, proxied(secret=f"wrong-secret-{number:010}")) == 401
    assert await status(http, url, proxied()) == 401  # a guess could be right


async def test_a_proxy_is_not_slowed_by_wrong_tokens_of_its_users(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    url = (await serve(store, CREDENTIALS)).url + READ
    attacker = {"X-Proxy-Secret": PROXY_SECRET, "X-Forwarded-For": "192.0.2.1, 198.51.100.7"}
    answers = [await status(http, url, {**attacker, **bearer("wrong-token-0123456789")}) for _ in range(8)]
    assert answers[-1] == 429
    assert await status(http, url, {**attacker, "X-Forwarded-For": "198.51.100.8", **AS_VIEWER}) == 200


async def test_loopback_needs_no_sign_in_and_no_other_page_may_use_it(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    url = (await serve(store)).url
    assert await status(http, url + READ) == 200
    assert await status(http, f"{url}/v1/users/nobody", method="DELETE") == 204
    for headers, expected in (
        ({"Host": "rebound.example"}, 421),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "null"}, 403),
    ):
        assert await status(http, f"{url}/v1/users/nobody", headers, "DELETE") == expected
        assert await status(http, url + READ, headers) == expected


async def test_a_write_with_a_cookie_needs_the_origin(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    running = await serve(store, CREDENTIALS)
    session = cookie(await begin(http, running, EDITOR))
    url = f"{running.url}/v1/users/nobody"
    assert await status(http, url, session, "DELETE") == 403
    assert await status(http, url, {**session, "Origin": running.url}, "DELETE") == 204
    assert await status(http, url, {**session, "Sec-Fetch-Site": "same-origin"}, "DELETE") == 204
    assert await status(http, url, AS_EDITOR, "DELETE") == 204


async def test_a_link_of_another_site_finds_the_session_at_the_second_try(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    """Browsers send a cookie with SameSite=Strict only once a page of this host asks."""
    running = await serve(store, CREDENTIALS)
    url = f"{running.url}/sign-in?next=/users/ada"
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    async with http.get(url, headers=followed) as answer:
        assert (answer.status, 'http-equiv="refresh"' in await answer.text()) == (200, True)
    again = {"Sec-Fetch-Site": "same-origin", **cookie(await begin(http, running, VIEWER))}
    async with http.get(url, headers=again, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/users/ada")
    async with http.get(url, headers={"Sec-Fetch-Site": "same-origin"}) as answer:
        assert (answer.status, 'http-equiv="refresh"' in await answer.text()) == (200, False)


async def test_sign_in_leads_back_to_the_page_with_its_question(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    running = await serve(store, CREDENTIALS)
    page = "/jobs?user=a%26b&state=waiting"
    asked = URL(running.url + page, encoded=True)
    async with http.get(asked, headers={"Accept": "text/html"}, allow_redirects=False) as answer:
        assert answer.status == 303
        sign_in = URL(answer.headers["Location"], encoded=True)
    form = {"token": VIEWER, "next": sign_in.query["next"]}
    headers = {"Origin": running.url}
    async with http.post(
        f"{running.url}/sign-in", data=form, headers=headers, allow_redirects=False
    ) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, page)


@pytest.mark.parametrize(
    "page", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", ""]
)
async def test_sign_in_leads_to_no_other_site(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession, page: str
) -> None:
    running = await serve(store, CREDENTIALS)
    form = {"token": VIEWER, "next": page}
    headers = {"Origin": running.url}
    async with http.post(
        f"{running.url}/sign-in", data=form, headers=headers, allow_redirects=False
    ) as answer:
        assert answer.headers["Location"] in {"/", "/%09/evil.example"}
