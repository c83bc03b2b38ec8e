"""Credentials and address of the API server: every fault is one error with one sentence."""

import asyncio
import threading
from http import HTTPMethod
from pathlib import Path

import pytest
from aiohttp import web
from kubernetes.aio.config import ConfigException

from taskqueue_operator.connection import Connection, connect, describe_error

NOBODY_THERE = "https://127.0.0.1:9"
CONFIG = """
current-context: a
contexts: [{name: a, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
clusters: [{name: c, cluster: {server: "https://x", %s}}]
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clusters: [", "ParserError"),
        ("", "TypeError"),
        ("[]", "TypeError"),
        ("apiVersion: v1\nkind: Config\n", "Expected key current-context"),
        ("clusters: {}\ncurrent-context: a\n", "Expected object with name a"),
        (CONFIG % "certificate-authority: /nowhere", "/nowhere"),
        (CONFIG % "certificate-authority-data: bm8=", "SSLError"),
    ],
)
async def test_an_unreadable_kubeconfig_is_one_error(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(ConfigException, match=words):
        async with connect(path):
            pass


async def test_a_token_file_is_reread_before_its_expiry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("first")
    path = tmp_path / "kubeconfig"
    path.write_text((CONFIG % "").replace("https://x", NOBODY_THERE).replace("token: t", "tokenFile: token"))

    async def asked(connection: Connection) -> str:
        with pytest.raises(OSError, match="Cannot connect"):
            await connection.call(HTTPMethod.GET, "/version")
        return connection.authorization

    async with connect(path) as connection:
        (tmp_path / "token").write_text("second")
        assert await asked(connection) == "Bearer first"
        monkeypatch.setattr("taskqueue_operator.connection._ASKED_AGAIN_S", 0)
        assert await asked(connection) == "Bearer second"


def test_an_error_without_words_is_named() -> None:
    assert describe_error(TimeoutError()) == "TimeoutError"
    assert describe_error(ConnectionResetError("by peer")) == "ConnectionResetError: by peer"


async def test_a_long_answer_is_cut_while_the_loop_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, begun, released = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def cut(data: bytes) -> bytes:
        loop.call_soon_threadsafe(begun.set)
        assert released.wait(10), "the loop waits for it"
        return data

    async def release() -> None:
        await begun.wait()
        released.set()

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=b"[]" * 100_000)

    monkeypatch.setattr("taskqueue_operator.connection.cut", cut)
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    path = tmp_path / "kubeconfig"
    path.write_text((CONFIG % "").replace("https://x", f"http://127.0.0.1:{runner.addresses[0][1]}"))
    try:
        async with connect(path) as connection:
            read, _ = await asyncio.gather(connection.call(HTTPMethod.GET, "/"), release())
    finally:
        await runner.cleanup()
    assert read == b"[]" * 100_000
