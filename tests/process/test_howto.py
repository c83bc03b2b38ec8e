"""The pages of docs/howto, typed on a store of their own, in the folder that the tutorial leaves."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.docs.page import Block, blocks
from tests.support.docs.reader import LIMIT_S, Reader
from tests.support.store.backlog import server

#: The job that the page on dead letters names.
DEAD = "fetch-orders|shop-0|~reload-7|1796005041419|0"


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    """Yield a reader with the tutorial's files, and a store in place of the one that pages call `cache`."""
    with server() as url:
        async with Reader(tmp_path, {"redis://cache:6379/0": url}) as made:
            made.export("TASKQUEUE_REDIS_URL", url)
            await made.follow([block for block in blocks("docs/tutorial.md") if block.file])
            yield made


def commands(page: str) -> list[Block]:
    """Return the shell blocks of a page."""
    return [block for block in blocks(page) if block.language == "sh"]


def row(printed: str, name: str) -> list[str]:
    """Return the values that tables of two columns have for a name."""
    return re.findall(rf"^{name} +(.*\S) *$", printed, re.MULTILINE)


async def test_scheduler_and_worker_run_without_kubernetes(reader: Reader) -> None:
    *first, last = commands("docs/howto/without-kubernetes.md")
    await reader.follow(first)
    scheduler, worker = reader.programs
    await scheduler.prints(re.compile('"published"'))
    async with asyncio.timeout(LIMIT_S):
        while "concurrency 50" not in (printed := await reader.follow([last])):
            assert worker.process.returncode is None, worker.log.read_text()
    assert row(printed, "difference") == ["0"]
    for program in (worker, scheduler):
        code, log = await program.interrupt()
        assert code == 0, log


async def test_second_task_type_is_published_with_its_handler(reader: Reader) -> None:
    printed = await reader.follow(blocks("docs/howto/second-task-type.md"))
    assert row(printed, "verdict") == ["Fits"]
    assert row(printed, "typesWritten") == ["2"]
    assert row(printed, "handlerRegistered") == ["yes"]
    assert row(printed, "schedule") == ["0 2 * * * Europe/Berlin, within 1h"]
    assert re.search(r"^job +send-report\|shop-8\|~", printed, re.MULTILINE)


async def test_users_are_subscribed_from_file_and_application(reader: Reader) -> None:
    printed = await reader.follow(blocks("docs/howto/subscribe-users.md"))
    assert row(printed, "written") == ["2"]
    assert row(printed, "source") == ["client"]
    assert re.search(r"^fetch-orders ", printed, re.MULTILINE)
    listed = json.loads(await reader.follow([typed("taskqueue get users -o json")]))
    sources = {each["user"]: each["source"] for each in listed}
    assert sources == {"shop-0": "folder", "shop-41": "import", "shop-42": "import", "shop-43": "client"}


async def test_rate_is_overridden_and_cleared(reader: Reader) -> None:
    printed = await reader.follow(blocks("docs/howto/change-a-rate.md"))
    assert row(printed, "verdict") == ["Fits"]
    assert row(printed, "perSecond") == ["10", "10", "-"]
    assert row(printed, "wasOverridden") == ["yes"]
    assert row(printed, "limit").count("global") == 4


async def test_dead_letters_are_shown_retried_and_purged(reader: Reader) -> None:
    tasks = reader.folder / "mine" / "tasks.yaml"
    tasks.write_text(
        tasks.read_text().replace("params: {region", "retry: {maxAttempts: 1}\n  params: {region")
    )
    await reader.follow(
        [
            typed("taskqueue apply mine\ntaskqueue limit set 100"),
            typed("taskqueue worker --handlers mine/handlers.py"),
        ]
    )
    job = await one_dead(reader)
    code, log = await reader.programs.pop().interrupt()
    assert code == 0, log
    reader.change(DEAD, job)
    printed = await reader.follow(blocks("docs/howto/dead-letters.md"))
    assert "KeyError: 'TASKQUEUE_EXAMPLE_API_URL'" in row(printed, "reason")
    assert row(printed, "wasPaused") == ["yes"]
    assert row(printed, "retried") == ["1", "0"]
    assert row(printed, "purged") == ["0"]


async def one_dead(reader: Reader) -> str:
    """Run a job without an API to call, and return the name of its dead letter."""
    await reader.follow([typed("taskqueue run fetch-orders shop-0 --id reload-7")])
    async with asyncio.timeout(LIMIT_S):
        while not (found := json.loads(await reader.follow([typed("taskqueue dead list -o json")]))):
            pass
    return str(found[0]["job"])


def typed(script: str) -> Block:
    """Make a block of a command that is on no page."""
    return Block("", "sh", script, "")
