"""Requests through an authenticating proxy, on real sockets: the proxy names the caller, and no browser can."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import aiohttp
import pytest

from taskqueue.store.connection import Store
from taskqueue.store.writes import read_writes
from tests.support.api.fixtures import ServeApi
from tests.support.api.in_process import ServedApi
from tests.support.api.process import AS_EDITOR, CREDENTIALS, EDITOR, PROXY_SECRET
from tests.support.api.proxy import NAMELESS, SESSION, AuthProxy, auth_proxy

HOST = "queue.example.com"
ADA, VERA, ZOE = "ada@example.com", "vera@example.com", "zoë@example.com"
#: Deletes a user that there is none of: 204 for an editor.
USER = "/v1/users/nobody"
Pairs = Iterable[tuple[str, str]]


@pytest.fixture
async def served(store: Store, serve: ServeApi) -> ServedApi:
    return await serve(store, CREDENTIALS, editor_groups=["team", "équipe"], hosts=[HOST])


@pytest.fixture
async def proxy(served: ServedApi, tmp_path: Path) -> AsyncIterator[AuthProxy]:
    async with auth_proxy(tmp_path, served.port) as running:
        yield running


def sent(user: str, *pairs: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the headers of a browser with a session at the proxy."""
    return [("Host", HOST), ("Cookie", f"{SESSION}={user}"), *pairs]


async def status(http: aiohttp.ClientSession, url: str, headers: Pairs = (), method: str = "DELETE") -> int:
    async with http.request(method, url, headers=[*headers], ssl=False, allow_redirects=False) as answer:
        return answer.status


async def test_a_person_has_the_role_of_the_groups(
    proxy: AuthProxy, store: Store, http: aiohttp.ClientSession
) -> None:
    for user, written, read in ((ADA, 204, 200), (VERA, 403, 200), (ZOE, 204, 200), (NAMELESS, 401, 401)):
        assert await status(http, proxy.url + USER, sent(user)) == written, user
        assert await status(http, f"{proxy.url}/v1/types", sent(user), "GET") == read, user
    noted = [(one.write.caller, one.write.by, one.write.address) for one in await read_writes(store)]
    assert noted == [(ZOE, "proxy", "127.0.0.1"), (ADA, "proxy", "127.0.0.1")]


async def test_the_headers_of_the_proxy_count_from_no_one_else(
    served: ServedApi, proxy: AuthProxy, store: Store, http: aiohttp.ClientSession
) -> None:
    assert await status(http, proxy.url + USER, [("Host", HOST)]) == 403  # the proxy's own refusal
    claims = [("Host", HOST), ("X-Forwarded-Email", ADA), ("X-Forwarded-Groups", "team")]
    secret = ("X-Proxy-Secret", PROXY_SECRET)
    for headers in (
        claims,
        [*claims, ("Cookie", f"{SESSION}={ADA}")],
        [*claims, ("X-Proxy-Secret", "")],
        [*claims, ("X_Proxy_Secret", PROXY_SECRET)],
        [*claims, secret, secret],
        [*claims, ("X-Proxy-Secret", f"{PROXY_SECRET}, {PROXY_SECRET}")],
        [*claims, ("X-Proxy-Secret", PROXY_SECRET[:-1])],
    ):
        assert await status(http, served.url + USER, headers) == 401, headers
    assert await read_writes(store) == []
    assert await status(http, served.url + USER, [*claims, secret]) == 204


#: Headers that a browser sends to the proxy.
SMUGGLED: dict[str, Pairs] = {
    "groups": [("X-Forwarded-Groups", "team")],
    "lower case": [("x-forwarded-groups", "team"), ("x-forwarded-email", ADA)],
    "upper case": [("X-FORWARDED-GROUPS", "team")],
    "underscores": [
        ("X_Forwarded_Groups", "team"),
        ("X_Forwarded_Email", ADA),
        ("x-forwarded_groups", "team"),
    ],
    "twice": [("X-Forwarded-Groups", "team"), ("X-Forwarded-Groups", "team"), ("X-Forwarded-Email", ADA)],
    "list": [("X-Forwarded-Groups", "a, team"), ("X-Forwarded-Email", f"{ADA}, x")],
    "own secret": [("X-Proxy-Secret", "wrong-secret-0123456789"), ("X-Forwarded-Groups", "team")],
    "addresses": [
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-For", "192.0.2.2, 192.0.2.3"),
        ("X-Real-IP", "192.0.2.4"),
    ],
    "forwarded": [("Forwarded", f'for=192.0.2.1;host="{HOST}";proto=http')],
    "host": [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Original-URL", "/sign-out"),
    ],
}


async def test_headers_of_a_browser_change_nothing(
    proxy: AuthProxy, store: Store, http: aiohttp.ClientSession
) -> None:
    own = ("Origin", f"https://{HOST}")
    for name, smuggled in SMUGGLED.items():
        assert await status(http, proxy.url + USER, sent(VERA, own, *smuggled)) == 403, name
        assert await status(http, proxy.url + USER, sent(ADA, own, *smuggled)) == 204, name
    noted = [(one.write.caller, one.write.by, one.write.address) for one in await read_writes(store)]
    assert noted == [(ADA, "proxy", "127.0.0.1")] * len(SMUGGLED)


async def test_headers_that_a_browser_has_dropped_give_no_one_more_rights(
    proxy: AuthProxy, store: Store, http: aiohttp.ClientSession
) -> None:
    for dropped, expected in (
        ("X-Forwarded-Email", 204),  # named by X-Forwarded-User
        ("X-Forwarded-Groups", 403),
        ("X-Forwarded-Email, X-Forwarded-User", 401),
        ("X-Proxy-Secret", 401),
        ("close, x-proxy-secret, x-forwarded-proto", 401),
    ):
        named = ("Connection", dropped)
        assert await status(http, proxy.url + USER, sent(ADA, named)) == expected, dropped
        assert await status(http, proxy.url + USER, sent(VERA, named)) in {401, 403}, dropped
    assert [one.write.caller for one in await read_writes(store)] == ["ada"]
    assert await status(http, proxy.url + USER, sent(ADA)) == 204  # nobody waits for the missing secret


async def test_a_proxy_that_adds_its_headers_to_those_of_a_browser_is_refused(
    served: ServedApi, tmp_path: Path, store: Store, http: aiohttp.ClientSession
) -> None:
    async with auth_proxy(tmp_path, served.port, replaces=False) as adding:
        for name in ("X-Forwarded-Email", "X-Forwarded-User", "X-Forwarded-Groups"):
            async with http.delete(
                adding.url + USER, headers=sent(VERA, (name, "team")), ssl=False
            ) as answer:
                assert (answer.status, (await answer.json())["field"]) == (400, name)
        for _ in range(10):  # would have the proxy's address wait
            assert await status(http, adding.url + USER, sent(ADA, ("X-Proxy-Secret", "wrong"))) == 401
        assert await status(http, adding.url + USER, sent(ADA)) == 204


async def test_an_address_is_the_last_one_that_the_proxy_wrote(
    served: ServedApi, store: Store, http: aiohttp.ClientSession
) -> None:
    known = [("X-Proxy-Secret", PROXY_SECRET), ("X-Forwarded-Email", ADA), ("X-Forwarded-Groups", "team")]
    cases = {
        ("198.51.100.7",): "198.51.100.7",
        ("192.0.2.1, 198.51.100.7",): "198.51.100.7",
        ("192.0.2.1", "198.51.100.7"): "198.51.100.7",
        ("198.51.100.7:51234",): "198.51.100.7",
        ("[2001:db8::7]:51234",): "2001:db8::7",
        ("2001:db8::7",): "2001:db8::7",
        ("unknown",): "unknown",
        ("192.0.2.1, ",): "127.0.0.1",
        ("",): "127.0.0.1",
    }
    for lines in cases:
        headers = [*known, *(("X-Forwarded-For", line) for line in lines)]
        assert await status(http, served.url + USER, headers) == 204
    noted = [one.write.address for one in reversed(await read_writes(store))]
    assert noted == [*cases.values()]


async def test_no_group_is_no_group_of_editors(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    served = await serve(store, CREDENTIALS, editor_groups=["", " "])
    for groups in ("", ",", " , staff"):
        headers = [
            ("X-Proxy-Secret", PROXY_SECRET),
            ("X-Forwarded-User", "ada"),
            ("X-Forwarded-Groups", groups),
        ]
        assert await status(http, served.url + USER, headers) == 403


async def test_origin_and_host_are_those_of_the_browser(
    proxy: AuthProxy, http: aiohttp.ClientSession
) -> None:
    for pairs, expected in (
        ([("Origin", f"https://{HOST}")], 204),
        ([("Origin", f"http://{HOST}")], 403),
        ([("Origin", "https://evil.example")], 403),
        ([("Origin", "null")], 403),
        ([("Sec-Fetch-Site", "cross-site")], 403),
        ([("Sec-Fetch-Site", "same-site")], 403),
    ):
        assert await status(http, proxy.url + USER, sent(ADA, *pairs)) == expected, pairs
    rebound = [("Host", "evil.example"), ("Cookie", f"{SESSION}={ADA}")]
    assert await status(http, proxy.url + USER, rebound) == 421
    form = ("Content-Type", "application/x-www-form-urlencoded")
    assert await status(http, f"{proxy.url}/users/nobody/pause", sent(ADA, form), "POST") == 403
    assert await status(http, f"{proxy.url}/v1/jobs", sent(ADA, form), "POST") == 415


async def test_a_session_through_the_proxy_is_for_https_alone(
    proxy: AuthProxy, http: aiohttp.ClientSession
) -> None:
    headers = sent(NAMELESS, ("Origin", f"https://{HOST}"))
    async with http.post(
        f"{proxy.url}/sign-in", data={"token": EDITOR}, headers=headers, ssl=False, allow_redirects=False
    ) as answer:
        ((name, morsel),) = answer.cookies.items()
        assert (answer.status, name, morsel["secure"]) == (303, "__Host-taskqueue", True)
    both = sent(NAMELESS)[0], ("Cookie", f"{SESSION}={NAMELESS}; {name}={morsel.value}")
    assert await status(http, f"{proxy.url}/v1/types", both, "GET") == 200
    assert await status(http, proxy.url + USER, both) == 403  # a write with a cookie has an origin
    assert await status(http, proxy.url + USER, [*both, ("Origin", f"https://{HOST}")]) == 204


async def test_a_stream_passes_the_proxy_event_by_event(
    proxy: AuthProxy, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{proxy.url}/live/overview", headers=sent(VERA), ssl=False) as stream:
        assert stream.status == 200
        for _ in range(2):
            assert await stream.content.readuntil(b"\n\n")
    assert await status(http, proxy.url + USER, sent(NAMELESS, *AS_EDITOR.items())) == 204
