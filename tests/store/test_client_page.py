"""The page of the client: its code runs as printed, from the first block to the last, on a store of its own."""

import ast
import asyncio
import inspect
from types import CodeType
from typing import Any

from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import open_store
from taskqueue.views.users import list_users
from tests.support.docs.page import blocks
from tests.support.store.backlog import server

TYPES = {
    name: TaskType(name, Schedule(interval_s=3_600, intervals_s=(300,)), function="noop")
    for name in ("fetch-orders", "fetch-stock", "send-report")
}
LIMITS = {"shop": Limit("shop", LimitKey.USER, 2.0)}


def code(text: str) -> CodeType:
    """Compile a block that may await at its top level, as a prompt of asyncio does."""
    compiled: CodeType = compile(text, "docs/client.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return compiled


async def test_code_of_the_page_runs_in_its_order() -> None:
    names: dict[str, Any] = {"asyncio": asyncio}
    with server() as url:
        async with open_store(url) as store:
            await Publisher(store).publish(TYPES, {}, limits=LIMITS)
            for block in blocks("docs/client.md"):
                assert block.language == "python"
                running = eval(code(block.text.replace("redis://cache:6379/0", url)), names)
                if inspect.isawaitable(running):
                    await running
            await names["client"].close()
            assert [row.user for row in (await list_users(store)).users] == ["ada", "bob", "eve"]
    assert len(names["names"]) == 2
