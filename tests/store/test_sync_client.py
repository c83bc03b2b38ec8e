"""The client of threads: all of them share it, closing ends calls under way, and a forked process connects anew."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

import taskqueue
from taskqueue import AdHocJob, Subscription, UserSubscription
from taskqueue.models.values import Schedule, TaskType
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store

ORDERS = TaskType("orders", Schedule(interval_s=300), function="noop")
USERS = [UserSubscription(f"u-{number}", (Subscription("orders"),)) for number in range(1_200)]


@pytest.fixture
async def client(store: Store, redis_url: str, release: str) -> AsyncIterator[taskqueue.SyncClient]:
    await Publisher(store).publish({"orders": ORDERS}, {})
    with taskqueue.SyncClient.open(redis_url, release=release) as opened:
        yield opened


def test_verbs_answer_and_refuse(client: taskqueue.SyncClient) -> None:
    client.subscribe("ada", "orders", {"region": "eu"})
    done = client.replace_user("ada", [Subscription("orders")])
    assert (done.effect, client.read_user("ada")) == ("changed", done.state)
    with pytest.raises(taskqueue.PreconditionFailedError):
        client.replace_user("ada", [Subscription("orders", {"region": "us"})], if_match="another")
    with pytest.raises(taskqueue.UnknownTypeError):
        client.subscribe("ada", "nothing")
    client.pause(user="ada")
    assert client.resume(user="ada") is True
    name = client.enqueue("ada", "orders", delay_s=60)
    assert client.cancel([name]) == 1
    assert len(client.enqueue_many(AdHocJob("ada", "orders") for _ in range(3))) == 3
    assert [row.type for row in client.types()] == ["orders"]
    assert [row.limit for row in client.limits()] == ["global"]
    assert [row.user for row in client.users().users] == ["ada"]
    assert len(client.jobs().jobs) == len(client.user("ada").jobs) == len(client.why_waiting("ada")) == 3
    client.unsubscribe("ada", "orders")
    assert client.remove_user("ada") is False
    assert client.store_id()


def test_threads_share_a_client(client: taskqueue.SyncClient) -> None:
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda number: client.subscribe(f"u-{number % 40}", "orders"), range(400)))
    assert len(client.users(most=100).users) == 40


def test_an_iterable_is_read_in_the_thread_of_its_caller(client: taskqueue.SyncClient) -> None:
    readers = set()

    def rows() -> Iterator[UserSubscription]:
        for user in USERS:
            readers.add(threading.get_ident())
            yield user

    assert client.put_users(rows()).created == len(USERS)
    assert client.put_users(rows(), prune=True).unchanged == len(USERS)
    assert readers == {threading.get_ident()}


def test_an_error_of_an_iterable_ends_the_call(client: taskqueue.SyncClient) -> None:
    def rows() -> Iterator[UserSubscription]:
        yield from USERS[:700]
        raise KeyError("no such column")

    with pytest.raises(KeyError, match="no such column"):
        client.put_users(rows(), prune=True)
    with pytest.raises(taskqueue.ValueRefusedError):
        client.put_users([*USERS[:700], cast("UserSubscription", None)])
    assert client.put_users(USERS[:1]).unchanged == 1


def test_an_interrupted_iterable_cancels_the_call(client: taskqueue.SyncClient) -> None:
    def rows() -> Iterator[UserSubscription]:
        yield from USERS[:600]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.put_users(rows())
    assert client.put_users(USERS[:1]).unchanged == 1


def test_a_closed_client_refuses_calls(client: taskqueue.SyncClient) -> None:
    client.types()
    client.close()
    client.close()
    with pytest.raises(taskqueue.ClientClosedError, match=r"^The client is closed: open another one\.$"):
        client.types()
    assert "taskqueue-client" not in {thread.name for thread in threading.enumerate()}


def test_a_call_under_way_ends_when_the_client_is_closed() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = taskqueue.SyncClient.open(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with ThreadPoolExecutor(1) as threads:
            call = threads.submit(client.types)
            asked, _ = silent.accept()
            client.close()
            with pytest.raises(taskqueue.ClientClosedError):
                call.result(30)
            asked.close()


def test_a_bad_url_is_refused_at_once() -> None:
    with pytest.raises(taskqueue.TaskqueueError, match="Redis URL"):
        taskqueue.SyncClient.open("http://cache:6379")


#: A process that uses a client, forks, and uses it in both processes; neither closes it.
FORKING = """
import os, socket, sys, warnings, taskqueue
warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12, for a fork beside threads

def connections():
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(name))) as copy:
                found += copy.family == socket.AF_INET
        except OSError:
            pass
    return found

client = taskqueue.SyncClient.open(sys.argv[1], release=sys.argv[2])
if sys.argv[3] == "after a call":
    client.subscribe("parent", "orders")
child = os.fork()
assert child or not connections()
client.subscribe("parent" if child else "child", "orders")
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    client.subscribe("again", "orders")
"""


@pytest.mark.parametrize("when", ["before a call", "after a call"])
async def test_a_forked_process_connects_anew(
    client: taskqueue.SyncClient, redis_url: str, release: str, when: str
) -> None:
    command = [sys.executable, "-c", FORKING, redis_url, release, when]
    forking = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    _, errors = await asyncio.wait_for(forking.communicate(), 60)
    assert forking.returncode == 0, errors.decode()
    assert errors == b""
    users = await asyncio.to_thread(client.users)
    assert [row.user for row in users.users] == ["again", "child", "parent"]
