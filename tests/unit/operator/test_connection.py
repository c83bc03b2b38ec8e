"""The connection: finding the API server, refusing configurations in a sentence, reading answers."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPMethod
from pathlib import Path

import pytest
from aiohttp import ClientConnectorError, web

from taskqueue_operator import connection as module
from taskqueue_operator.access.kubeconfig import KubeconfigError
from taskqueue_operator.connection import ApiError, connect, describe_error
from tests.support.kubernetes import kubeconfig

NOBODY_THERE = "https://127.0.0.1:9"
CONFIG = """
current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
clusters: [{name: c, cluster: {server: "https://x", %s}}]
"""


@pytest.fixture(autouse=True)
def unconfigured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(module, "_SERVICE_ACCOUNT", tmp_path / "account")


@asynccontextmanager
async def served(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Serve on a port of this machine and give its URL."""
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clusters: [", "ParserError"),
        ("", "current-context of .* must be one of"),
        ("[]", "current-context of .* must be one of"),
        ("7", "Expected `object`, got `int`"),
        ("apiVersion: v1\nkind: Config\n", "current-context of .* must be one of"),
        ("clusters: {}\ncurrent-context: a\n", "Expected `array"),
        (
            "current-context: a\nclusters: null\n",
            r"current-context of .*kubeconfig must be one of \[\] \(was 'a'\)",
        ),
        (CONFIG.replace("cluster: c,", "cluster: d,") % "", "cluster of the context a must be one of"),
        (CONFIG.replace("user: u}", "user: v}") % "", "user of the context a must be one of"),
        (CONFIG.replace('server: "https://x", ', "") % "proxy-url: x", "missing required field `server`"),
        (CONFIG.replace("https://x", "https://[") % "", "server must be an http or https URL"),
        (CONFIG.replace("https://x", "x:6443") % "", "server must be an http or https URL"),
        (CONFIG % "certificate-authority: /nowhere", "/nowhere"),
        (CONFIG % "certificate-authority: empty", "empty is empty"),
        (CONFIG % "certificate-authority-data: bm8=", "SSLError"),
        (CONFIG % "certificate-authority-data: b", "must be base64"),
        (CONFIG % "proxy-url: socks5://x", "proxy-url must be an http or https URL .was 'socks5://x'"),
        (CONFIG.replace("token: t", "client-certificate: empty") % "", "empty is empty"),
        (CONFIG.replace("token: t", 'token: "a\\nb"') % "", "token must be one line of ASCII"),
        (CONFIG.replace("token: t", "token: 7") % "", "Expected `str`, got `int`"),
        (CONFIG.replace("token: t", "token: t, as: root") % "", "as must be absent .was root"),
        (CONFIG.replace("token: t", "auth-provider: {name: gcp}") % "", "auth-provider must be absent"),
        (CONFIG.replace("token: t", "exec: {apiVersion: v1, command: c}") % "", "apiVersion of exec must be"),
        (
            CONFIG.replace(
                "token: t",
                "exec: {apiVersion: client.authentication.k8s.io/v1, command: c, interactiveMode: Always}",
            )
            % "",
            "interactiveMode of exec must be",
        ),
    ],
)
async def test_unsupported_kubeconfigs_are_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(KubeconfigError, match=words):
        async with connect(path):
            pass


async def test_errors_quote_no_line_of_a_kubeconfig(tmp_path: Path) -> None:
    (path := tmp_path / "kubeconfig").write_text(CONFIG.replace("token: t", "token: [SECRET") % "")
    with pytest.raises(KubeconfigError) as raised:
        async with connect(path):
            pass
    assert "line 4" in str(raised.value)
    assert "SECRET" not in str(raised.value)


async def test_a_missing_configuration_names_the_default_file() -> None:
    with pytest.raises(KubeconfigError, match=r"home/\.kube/config must be a kubeconfig"):
        async with connect():
            pass


async def test_the_first_of_several_files_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kubeconfig.write(tmp_path / "first", {"server": "https://first/"}, {"token": "first"})
    second = kubeconfig.write(tmp_path / "second", {"server": "https://second"}, {"token": "second"})
    monkeypatch.setenv("KUBECONFIG", f":{tmp_path / 'absent'}:{first}:{second}")
    async with connect() as connection:
        assert connection.credentials.server == "https://first"
        assert connection.credentials.authorization == "Bearer first"
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    with pytest.raises(KubeconfigError, match="absent must be a kubeconfig"):
        async with connect():
            pass


def test_errors_without_a_message_are_named() -> None:
    assert describe_error(TimeoutError()) == "TimeoutError"
    assert describe_error(ConnectionResetError("by peer")) == "ConnectionResetError: by peer"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message": "no such thing"}', "no such thing"),
        (b"<html>", "<html>"),
        (b"\xff", "\ufffd"),
        (b"[]", "[]"),
    ],
)
def test_error_answers_are_described_by_their_message(body: bytes, message: str) -> None:
    assert describe_error(ApiError(404, "Not Found", body)) == f"404 Not Found: {message}"


@pytest.mark.parametrize(
    ("proxy_url", "environment", "proxied"),
    [
        (True, {}, True),
        (True, {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost"}, True),
        (False, {"HTTP_PROXY": "PROXY"}, True),
        (False, {"HTTP_PROXY": "PROXY", "NO_PROXY": "other,localhost"}, False),
        (False, {"HTTPS_PROXY": "PROXY"}, False),
    ],
)
async def test_calls_go_through_the_configured_proxy(
    proxy_url: bool,
    environment: dict[str, str],
    proxied: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.headers["Authorization"] == "Bearer t"
        return web.Response(text=str(request.url))

    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".netrc").write_text("default login ada password p")
    async with served(answer) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name.lower(), raising=False)
            monkeypatch.setenv(name, environment.get(name, "").replace("PROXY", proxy))
        cluster = {"server": "http://localhost:9", **({"proxy-url": proxy} if proxy_url else {})}
        path = kubeconfig.write(tmp_path / "kubeconfig", cluster, {"token": "t"})
        async with connect(path) as connection:
            if proxied:
                assert await connection.call(HTTPMethod.GET, "/version") == b"http://localhost:9/version"
            else:
                with pytest.raises(ClientConnectorError):
                    await connection.call(HTTPMethod.GET, "/version")


async def test_long_answers_are_cut_in_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, begun, released = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def cut(data: bytes) -> bytes:
        loop.call_soon_threadsafe(begun.set)
        assert released.wait(10), "the event loop is blocked"
        return data

    async def release() -> None:
        await begun.wait()
        released.set()

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=b"[]" * 100_000)

    monkeypatch.setattr("taskqueue_operator.connection.cut", cut)
    async with served(answer) as url:
        path = kubeconfig.write(tmp_path / "kubeconfig", {"server": url}, {"token": "t"})
        async with connect(path) as connection:
            read, _ = await asyncio.gather(connection.call(HTTPMethod.GET, "/"), release())
    assert read == b"[]" * 100_000
