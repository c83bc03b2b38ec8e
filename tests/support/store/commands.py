"""Commands of the command line, run in this process on the store of a test."""

import asyncio
from collections.abc import Awaitable, Callable

from typer.testing import CliRunner, Result

from taskqueue.cli.main import app

Command = Callable[..., Awaitable[Result]]


def commands_on(redis_url: str, release: str) -> Command:
    """Return a function that runs a command on a release of a store, outside the test's own loop."""

    def invoke(*arguments: str) -> Result:
        where = {"TASKQUEUE_REDIS_URL": redis_url, "TASKQUEUE_RELEASE": release}
        return CliRunner().invoke(app, list(arguments), env=where)

    async def command(*arguments: str) -> Result:
        return await asyncio.to_thread(invoke, *arguments)

    return command
