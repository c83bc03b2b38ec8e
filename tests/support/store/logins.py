"""The logins of docs/redis.md, and a server that has them."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from taskqueue.store import script
from tests.support.store.server import RedisServer

DOCS = (Path(__file__).parents[3] / "docs" / "redis.md").read_text()
#: The rules of each login, by its name.
LINES = dict(re.findall(r"^ACL SETUSER (\S+) (.*)$", DOCS, re.MULTILINE))


def given_to(user: str) -> set[str]:
    """Return the commands that a login has."""
    return {word[1:].upper() for word in LINES[user].split() if re.match(r"\+[^@]", word)}


def called_by(scripts: Collection[str]) -> set[str]:
    """Return the commands of Redis in these scripts."""
    listed = (script.source(name).partition("{")[2].partition("}")[0] for name in scripts)
    return {command for commands in listed for command in re.findall(r"\w+", commands)}


@pytest.fixture(scope="module", params=["redis", "valkey"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server with all logins, whose passwords are PASSWORD."""
    running = RedisServer(request.param, tmp_path_factory.mktemp("logins"), request.param)
    try:
        running.start()
        for user, rules in LINES.items():
            running.call("ACL", "SETUSER", user, *rules.split())
        yield running
    finally:
        running.kill()
