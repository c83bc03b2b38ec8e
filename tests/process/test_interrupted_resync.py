"""An application that is killed in the middle of a resync: the next one ends right."""

import asyncio
import signal
import sys

import taskqueue
from taskqueue import Subscription, UserSubscription
from taskqueue.models.values import Schedule, TaskType
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store
from taskqueue.store.users import read_stored_users

USERS = 6_000
#: Resync all users and prune, and say how far it came after each thousand.
APPLICATION = """
import asyncio, sys, taskqueue

def users():
    for number in range(int(sys.argv[3])):
        if number % 1_000 == 0:
            print(number, flush=True)
        yield taskqueue.UserSubscription(f"u-{number}", (taskqueue.Subscription("orders", {"round": 2}),))

async def main():
    async with taskqueue.Client.open(sys.argv[1], release=sys.argv[2]) as client:
        await client.put_users(users(), prune=True)

asyncio.run(main())
"""


async def killed_after(number: int, *where: str) -> None:
    """Start the application, and kill it when it gives this user."""
    command = [sys.executable, "-c", APPLICATION, *where, str(USERS)]
    application = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert application.stdout
    await asyncio.wait_for(application.stdout.readuntil(f"{number}\n".encode()), 30)
    application.kill()
    assert await application.wait() == -signal.SIGKILL


async def test_a_killed_resync_is_repeated(redis_url: str, release: str, store: Store) -> None:
    orders = TaskType("orders", Schedule(interval_s=300), function="noop")
    await Publisher(store).publish({"orders": orders}, {})
    async with taskqueue.Client.open(redis_url, release=release) as client:
        before = [UserSubscription(f"u-{number}", (Subscription("orders"),)) for number in range(USERS + 100)]
        await client.put_users(before)
        await killed_after(3_000, redis_url, release)
        assert len(await read_stored_users(store)) == USERS + 100
        after = [
            UserSubscription(user.user_id, (Subscription("orders", {"round": 2}),)) for user in before[:USERS]
        ]
        done = await client.put_users(after, prune=True)
        assert (done.changed + done.unchanged, done.removed) == (USERS, 100)
        assert 3_000 <= done.unchanged < USERS
        assert (await client.put_users(after, prune=True)).unchanged == USERS
    assert len(await read_stored_users(store)) == USERS
