"""The logins of docs/redis.md, on real servers: enough for every process and command, and for nothing else."""

import asyncio
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import msgspec
import pytest
import redis
import typer
from typer.testing import CliRunner

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.main import app
from taskqueue.models.outcome import Outcome
from taskqueue.store import script
from taskqueue.store.audit import audit
from taskqueue.store.claim import Result as Settled
from taskqueue.store.claim import claim
from taskqueue.store.connection import open_store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.errors import StoreFailure, StoreRefused
from taskqueue.store.limits import set_rate
from tests.support.process.child import Child, free_ports
from tests.support.site.site import manifest, site, until
from tests.support.store.script_clock import as_shipped
from tests.support.store.server import HOST, RedisServer, program, wait_until

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "redis.md").read_text()
LINES = dict(re.findall(r"^ACL SETUSER (\S+) (.*)$", DOCS, re.MULTILINE))
ALL, WORKER = "taskqueue", "taskqueue-worker"
SECRET = "Qq7#/?@ %:zZ9"
OF_WORKERS = (
    "claim",
    "heartbeat",
    "history",
    "permit",
    "pass_wakeup",
    "catalog",
    "retention",
    "set_aside",
    "audit",
)
SCRIPTS = sorted(path.stem for path in Path(script.__file__).parent.glob("scripts/*.lua"))
#: What a process of each login calls by itself.
DIRECT = {
    ALL: {"BLPOP", "GET", "HGET", "HGETALL", "HLEN", "HMGET", "HSCAN", "INFO", "SCAN", "TYPE"}
    | {"ZCARD", "ZCOUNT", "ZRANGE", "ZREVRANGE", "ZSCAN", "ZSCORE"},
    WORKER: {"BLPOP", "INFO"},
}
#: A command of the command line, and whether a worker's login is refused.
COMMANDS = [
    ("apply FOLDER", True),
    ("get types", False),
    ("get users", True),
    ("get jobs", False),
    ("get workers", False),
    ("describe type fetch", False),
    ("describe user u-0000", True),
    ("history type fetch", False),
    ("history user u-0000", True),
    ("run fetch u-0000 --id once", True),
    ("pause fetch --for 1m", False),
    ("resume fetch", False),
    ("cancel fetch|u-0000|1|0|0", True),
    ("cancel --type fetch --running", True),
    ("pause --user u-0000 --for 1m", True),
    ("resume --user u-0000", True),
    ("limit set 50 --for 1m", False),
    ("limit list", True),
    ("limit get", False),
    ("limit get global", True),
    ("limit clear", False),
    ("limit open --type fetch", False),
    ("dead list", True),
    ("dead show fetch|u-0000|1|0|0", False),
    ("dead retry --all", True),
    ("dead purge --all", True),
    ("users import FOLDER/more.csv", True),
    ("users remove u-people", True),
    ("plan show --store", False),
    ("plan check --store", False),
    ("cursor get", False),
    ("cursor set 2026-11-24T08:00:00Z", True),
    ("audit", False),
    ("audit --repair", True),
]
EXPECTED = {
    "cancel fetch|u-0000|1|0|0": ExitCode.NOT_FOUND,
    "dead show fetch|u-0000|1|0|0": ExitCode.NOT_FOUND,
    "cursor set 2026-11-24T08:00:00Z": ExitCode.REFUSED,
}
FORBIDDEN = """
    FLUSHALL FLUSHDB KEYS:* RANDOMKEY DBSIZE SELECT:1 WAIT:0:0 SCRIPT:FLUSH SCRIPT:LOAD:x SCRIPT:EXISTS:x
    FUNCTION:LIST FCALL:f:0 FCALL_RO:f:0 CONFIG:GET:* MONITOR DEBUG:SLEEP:0 CLIENT:LIST CLIENT:KILL:1.1.1.1:1
    ACL:LIST ACL:WHOAMI SUBSCRIBE:x PUBLISH:x:y SWAPDB:0:1 MULTI SHUTDOWN REPLICAOF:NO:ONE SORT:x SAVE
"""


TYPE = {"schedule": {"interval": "1h"}, "handler": {"function": "record"}}


@pytest.fixture(scope="module", autouse=True)
def scripts_as_shipped() -> Iterator[None]:
    """A clock that tests move needs commands which the logins do not have."""
    with as_shipped():
        yield


@pytest.fixture(scope="module", params=["redis", "valkey"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    running = RedisServer(request.param, tmp_path_factory.mktemp("logins"), request.param)
    try:
        running.start()
        for user, rules in LINES.items():
            running.call("ACL", "SETUSER", user, *rules.split())
        yield running
    finally:
        running.kill()


def url(server: RedisServer, user: str, password: str = "PASSWORD") -> str:
    return f"redis://{user}:{quote(password, safe='')}@{HOST}:{server.port}/0"


def test_every_command_of_the_store_is_tried() -> None:
    group = cast("Any", typer.main.get_command(app))
    names = {
        f"{name} {verb}" if verb else name
        for name, command in group.commands.items()
        for verb in getattr(command, "commands", {"": None})
    }
    tried = {command.partition(" -")[0] for command, _ in COMMANDS}
    of_no_store = {"validate", "scheduler", "worker", "api", "dev", "example-api"}
    assert [
        name for name in names - of_no_store if not any(f"{one} ".startswith(f"{name} ") for one in tried)
    ] == []


@pytest.mark.parametrize("user", [ALL, WORKER])
def test_a_documented_login_has_exactly_its_commands(user: str) -> None:
    scripts = SCRIPTS if user == ALL else OF_WORKERS
    called = {
        command
        for name in scripts
        for command in re.findall(r"\w+", script.source(name).partition("{")[2].partition("}")[0])
    }
    given = {word[1:].upper() for word in LINES[user].split() if re.match(r"\+[^@]", word)}
    assert given == called | DIRECT[user] | {"EVAL", "EVALSHA"}
    assert "-@all" in LINES[user].split()


@pytest.mark.parametrize("server", ["redis"], indirect=True)
async def test_processes_use_their_logins_and_never_print_them(server: RedisServer, tmp_path: Path) -> None:
    """tests/chart/test_settings.py runs them on Valkey, by TLS."""
    for user in (ALL, WORKER):
        server.call("ACL", "SETUSER", user, f">{SECRET}")
    server.call("ACL", "LOG", "RESET")
    server.call("FLUSHALL")
    server.call("SCRIPT", "FLUSH")
    async with site(url(server, ALL, SECRET), "shop", tmp_path) as world:
        await set_rate(world.store, 100)
        world.publish({"often": {"schedule": {"interval": "1s"}}}, users=2)
        running = [await world.scheduler(), await world.worker(url=url(server, WORKER, SECRET))]

        async def all_started() -> bool:
            return len({start.user for start in world.starts()}) == 2

        await until("all users' jobs have started", all_started)
        await world.balanced()
        assert server.call("ACL", "LOG") == []
        shown = [await pages(world.logs[process.pid]) for process in running]
        try:
            for user in (ALL, WORKER):
                server.call("ACL", "SETUSER", user, "off")
            server.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            for process in running:
                await world.says(process, "WRONGPASS")
                shown += [await pages(world.logs[process.pid]), world.logs[process.pid].read_text()]
        finally:
            for user in (ALL, WORKER):
                server.call("ACL", "SETUSER", user, "on")
        assert "process started" in "".join(shown)
        for text in (SECRET, quote(SECRET, safe=""), "Qq7", "zZ9", WORKER):
            assert [one for one in shown if text in one] == []


async def pages(log: Path) -> str:
    """Return the pages of a process's port."""
    port = re.search(r'"health_port": (\d+)', await asyncio.to_thread(log.read_text))
    assert port

    def get(path: str) -> str:
        try:
            with urlopen(f"http://127.0.0.1:{port[1]}{path}") as answer:
                return str(answer.read().decode())
        except HTTPError as refused:
            return refused.read().decode()

    return "".join([await asyncio.to_thread(get, path) for path in ("/livez", "/readyz", "/metrics")])


@pytest.mark.parametrize("user", [ALL, WORKER])
def test_each_login_limits_its_commands(server: RedisServer, tmp_path: Path, user: str) -> None:
    def write(*types: str) -> None:
        made = [manifest("TaskType", name, TYPE) for name in types]
        made.append(manifest("UserSubscription", "u-0000", {"tasks": [{"type": "fetch"}]}))
        (tmp_path / "all.ndjson").write_bytes(b"\n".join(map(msgspec.json.encode, made)))

    for name in ("people", "more"):
        (tmp_path / f"{name}.csv").write_text(f"userId,type\nu-{name},fetch\n")
    server.call("FLUSHALL")
    write("fetch")
    assert invoke(url(server, ALL), f"apply {tmp_path}") == (ExitCode.OK, "")
    assert invoke(url(server, ALL), f"users import {tmp_path}/people.csv")[0] == ExitCode.OK
    asyncio.run(bury(url(server, ALL)))
    write("fetch", "more")
    server.call("ACL", "LOG", "RESET")
    for command, is_refused in COMMANDS:
        code, said = invoke(url(server, user), command.replace("FOLDER", str(tmp_path)))
        if user == WORKER and is_refused:
            assert (code, "no permissions to run" in said) == (ExitCode.STORE_REFUSED, True), (command, said)
        else:
            assert code == EXPECTED.get(command, ExitCode.OK), (command, said)
            assert "permission" not in said
    if user == ALL:
        assert server.call("ACL", "LOG") == []


async def bury(where: str) -> None:
    """Have a job die."""
    async with open_store(where, "shop") as store:
        await set_rate(store, 100)
        await enqueue(store, "fetch", "u-0000", job_id="dead")
        calls, held = count(1), list[str]()

        async def has_begun() -> bool:
            held.extend(job.lease for job in (await claim(store, "w", next(calls), 1, 60_000)).jobs)
            return bool(held)

        await until("the job has begun", has_begun)
        await claim(
            store, "w", next(calls), 0, 60_000, [Settled(held[0], Outcome.DEAD, text="no such order")]
        )
        assert (await audit(store)).totals["dead"] == 1


def invoke(where: str, command: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        app, command.split(), env={**os.environ, "TASKQUEUE_REDIS_URL": where, "TASKQUEUE_RELEASE": "shop"}
    )
    return done.exit_code, done.stderr


@pytest.mark.parametrize("user", [ALL, WORKER])
def test_a_login_is_refused_all_else(server: RedisServer, user: str) -> None:
    with redis.Redis(port=server.port, username=user, password="PASSWORD") as client:
        for command in [*FORBIDDEN.split(), *(["SCAN:0"] if user == WORKER else [])]:
            name, _, rest = command.partition(":")
            words = rest.split(":") if rest else ()
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(name, *words)
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.get("taskqueue:{other}:cursor")


async def test_repair_alone_needs_scan(server: RedisServer) -> None:
    server.call("ACL", "SETUSER", "nobody", *LINES[ALL].split(), "-scan")
    where = url(server, "nobody")
    for command in ("audit", "get jobs", "get users", "plan show --store"):
        assert (await asyncio.to_thread(invoke, where, command))[0] == ExitCode.OK
    assert (await asyncio.to_thread(invoke, where, "audit --repair"))[0] == ExitCode.STORE_REFUSED


async def test_databases_and_client_names_need_documented_rights(server: RedisServer) -> None:
    (database,) = re.findall(r"database other than 0 needs `([^`]+)`", DOCS)
    (name,) = re.findall(r"with `client_name` needs `([^`]+)`", DOCS)
    for more, place in ((database, "1"), (name, "0?client_name=x")):
        for rights, code in (((), ExitCode.STORE_REFUSED), ((more,), ExitCode.OK)):
            server.call("ACL", "SETUSER", "somebody", "reset", *LINES[ALL].split(), *rights)
            where = url(server, "somebody").removesuffix("0") + place
            assert (await asyncio.to_thread(invoke, where, "audit"))[0] == code


async def test_a_cluster_needs_the_documented_two_more(tmp_path: Path) -> None:
    (more,) = re.findall(r"both lines and `([^`]+)`", DOCS)
    bus = str(free_ports(1)[0])
    running = RedisServer("node", tmp_path, cluster_enabled="yes", cluster_port=bus)
    with ExitStack() as stack:
        stack.callback(running.kill)
        running.start()
        running.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_until("the cluster is ready", lambda: b"cluster_state:ok" in running.call("CLUSTER", "INFO"))
        where = f"redis+cluster://{ALL}:PASSWORD@{HOST}:{running.port}"
        for left_out in ("", *more.split()):
            running.call("ACL", "SETUSER", ALL, "reset", *LINES[ALL].split(), *more.split())
            if left_out:
                running.call("ACL", "SETUSER", ALL, left_out.replace("+", "-"))
            async with open_store(where, "shop") as store:
                if left_out:
                    with pytest.raises(StoreRefused, match="permission"):
                        await audit(store)
                else:
                    assert (await audit(store)).difference == 0
                    for command in ("get users", "get jobs", "audit --repair"):
                        answered = await asyncio.to_thread(invoke, where, command)
                        assert answered == (ExitCode.OK, "")


@pytest.mark.parametrize("kind", ["redis", "valkey"])
async def test_sentinels_need_the_documented_line(tmp_path: Path, kind: str) -> None:
    (line,) = re.findall(r"^user default (.*)$", DOCS, re.MULTILINE)
    running = RedisServer("primary", tmp_path, kind)
    (port,) = free_ports(1)
    file = tmp_path / "sentinel.conf"
    file.write_text(
        f"port {port}\nbind {HOST}\nsentinel monitor main {HOST} {running.port} 1\nuser default {line}\n"
    )
    with ExitStack() as stack:
        stack.callback(running.kill)
        running.start()
        running.call("ACL", "SETUSER", ALL, *LINES[ALL].split())
        child = Child(program(kind), tmp_path / "sentinel.log", str(file), "--sentinel")
        stack.callback(child.kill)
        where = f"redis+sentinel://{ALL}:PASSWORD@{HOST}:{port}/main/0"
        async with open_store(where, "shop", sentinel_password="PASSWORD") as store:

            async def answers() -> bool:
                try:
                    return (await audit(store)).difference == 0
                except StoreFailure:
                    return False

            await until("the store answers", answers)
        with redis.Redis(port=port, password="PASSWORD") as client, client.pubsub() as events:
            events.psubscribe("*")
            told = events.get_message(timeout=10)
            assert told["type"] == "psubscribe"
