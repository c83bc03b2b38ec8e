"""Who we are and where the server is: what is wrong with it is said in a sentence, and by one error."""

from pathlib import Path

import pytest
from kubernetes.aio.config import ConfigException

from taskqueue_operator.connection import connect, said

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
async def test_a_kubeconfig_that_cannot_be_understood_is_one_error(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(ConfigException, match=words):
        async with connect():
            pass


def test_an_error_without_words_is_named() -> None:
    assert said(TimeoutError()) == "TimeoutError"
    assert said(ConnectionResetError("by peer")) == "ConnectionResetError: by peer"
