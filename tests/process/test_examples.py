"""Each example of examples/, run by the commands of its README."""

import asyncio
import json
import re
import shlex
import shutil
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import taskqueue
from tests.support.docs.page import ROOT, Block, blocks
from tests.support.docs.reader import LIMIT_S, Program, Reader
from tests.support.kubernetes.tools import NoGoError, cluster_tools
from tests.support.process.child import free_ports
from tests.support.store.backlog import Server, server

EXAMPLES = ("alerting", "django", "fastapi", "handler", "http")
#: Of programs and manifests; of those with a database of their own.
MAX_LINES, MAX_LINES_OF_APPS = 40, 120
DEAD = 'taskqueue_jobs_total{outcome="dead",type="broken"}'
BROKEN = """
apiVersion: taskqueue.dev/v1alpha1
kind: TaskType
metadata: {name: broken}
spec: {schedule: {interval: 1s}, handler: {function: broken}}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: ada}
spec: {tasks: [{type: broken}]}
"""
DISCARDING = """
from taskqueue import Discard, Job, handler

@handler()
def broken(job: Job) -> None:
    raise Discard("broken")
"""


@pytest.fixture(scope="module")
def promtool() -> Path:
    try:
        return cluster_tools("promtool") / "promtool"
    except NoGoError as missing:
        pytest.skip(str(missing))


def copied(name: str, folder: Path) -> Path:
    """Copy an example into the folder in which the commands of its README are typed."""
    return Path(shutil.copytree(ROOT / "examples" / name, folder / "examples" / name))


def commands(name: str) -> list[Block]:
    """Return the shell blocks of an example's README."""
    return [block for block in blocks(f"examples/{name}/README.md") if block.language == "sh"]


def typed(script: str) -> Block:
    """Make a block of a command that is on no page."""
    return Block("", "sh", script, "")


def summary(printed: str) -> dict[str, str]:
    """Read the table that `taskqueue dev` prints at its end."""
    return dict(re.findall(r"^([a-z][\w ]*\w) {2,}(\S+)$", printed, re.MULTILINE))


async def fetched(url: str) -> str:
    """Return the body of an answer, without blocking the event loop."""

    def fetch() -> str:
        with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(fetch)


async def listening(port: int) -> None:
    """Wait until a server accepts connections on loopback."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)


async def scraped(program: Program) -> dict[str, float]:
    """Return the metrics of a process, by series as Prometheus writes them."""
    started = await program.prints(re.compile(r'"health_port": (\d+)'))
    families = text_string_to_metric_families(await fetched(f"http://127.0.0.1:{started[1]}/metrics"))
    return {
        sample.name
        + "{"
        + ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
        + "}": sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("taskqueue_")
    }


async def until_above(programs: list[Program], series: str, low: float) -> dict[str, float]:
    """Scrape processes until a series is above `low`, and return all their metrics."""
    samples: dict[str, float] = {}
    async with asyncio.timeout(LIMIT_S):
        while not samples.get(series, 0) > low:
            for program in programs:
                samples |= await scraped(program)
    return samples


def firing(first: dict[str, float], then: dict[str, float], labels: str) -> dict[str, Any]:
    """Describe two scrapes for promtool; ten minutes after the second, one alert fires and no other."""
    expected = {
        "expr": 'ALERTS{alertstate="firing"}',
        "eval_time": "10m",
        "exp_samples": [{"labels": f'ALERTS{{alertstate="firing",{labels}}}', "value": 1}],
    }
    series = [
        {"series": name, "values": f"{first.get(name, '_')} {value}x40"} for name, value in then.items()
    ]
    test = {"interval": "15s", "input_series": series, "promql_expr_test": [expected]}
    return {"rule_files": ["rules.yaml"], "evaluation_interval": "15s", "tests": [test]}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_short(name: str) -> None:
    files = [file for file in (ROOT / "examples" / name).rglob("*.*") if file.suffix in {".py", ".yaml"}]
    most = MAX_LINES_OF_APPS if name in {"django", "fastapi"} else MAX_LINES
    assert sum(len(file.read_text().splitlines()) for file in files) in range(10, most + 1)


async def test_handler_takes_a_permit_for_each_request(tmp_path: Path) -> None:
    copied("handler", tmp_path)
    async with Reader(tmp_path) as reader:
        ended = summary(await reader.follow(commands("handler")))
    assert int(ended["done"]) >= 1
    assert int(ended["api requests"]) == 2 * int(ended["done"])
    assert (ended["api 429"], ended["audit difference"]) == ("0", "0")


async def test_http_call_needs_no_code(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    tasks = copied("http", tmp_path) / "tasks.yaml"
    tasks.write_text(tasks.read_text().replace(":8099/", f":{port}/"))
    async with Reader(tmp_path) as reader:
        await reader.follow([typed(f"taskqueue example-api --port {port}")])
        ended = summary(await reader.follow(commands("http")))
        arrivals = (await fetched(f"http://127.0.0.1:{port}/-/arrivals")).splitlines()
    assert int(ended["done"]) >= 1
    _, type_name, user, *_, path = json.loads(arrivals[-1])
    assert (type_name, user, path) == ("sync-orders", "shop-1", "/v1/orders/sync")


async def test_apis_have_their_requests_counted_at_each_limit(tmp_path: Path) -> None:
    folder = copied("apis", tmp_path)
    async with Reader(tmp_path) as reader:
        await reader.follow(
            [typed("python examples/apis/make_users.py --users 100 --out examples/apis/users.ndjson")]
        )
    command = ("-m", "taskqueue.cli.main", "dev", str(folder), "--rate", "none", "--workers", "1")
    dev = await asyncio.create_subprocess_exec(
        sys.executable, *command, "--for", "5s", "--json", stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(dev.communicate(), LIMIT_S)
    ended = json.loads(printed)
    assert ended["audit_difference"] == 0
    requests = {limit["name"]: limit["requests"] for limit in ended["limits"]}
    assert set(requests) == {
        "shopify-app",
        "shopify-orders",
        "shopify-products",
        "shopify-shop",
        "amazon-reports",
    }
    assert 0 < requests["shopify-orders"] + requests["shopify-products"] <= requests["shopify-shop"]
    assert requests["shopify-shop"] <= requests["shopify-app"] < ended["api_requests"], (
        "the warehouse has no limit"
    )


async def test_alert_fires_when_jobs_die(tmp_path: Path, promtool: Path) -> None:
    case = copied("alerting", tmp_path) / "case.json"
    (tmp_path / "broken.yaml").write_text(BROKEN)
    (tmp_path / "broken.py").write_text(DISCARDING)
    with server() as url:
        async with Reader(tmp_path, {"promtool": str(promtool)}) as reader:
            assert "5 rules found" in await reader.follow(commands("alerting"))
            reader.export("TASKQUEUE_REDIS_URL", url)
            await reader.follow([typed("taskqueue scheduler --manifests broken.yaml --rate 10")])
            await reader.follow([typed("taskqueue worker --handlers broken.py")])
            first = await until_above(reader.programs, DEAD, 0)
            then = await until_above(reader.programs, DEAD, first[DEAD])
            case.write_text(json.dumps(firing(first, then, 'alertname="TaskqueueJobsDying",type="broken"')))
            assert "SUCCESS" in await reader.follow([typed(f"promtool test rules {case}")])


@dataclass(frozen=True, slots=True)
class WebApp:
    """An example with a web app, and a store that is not started yet.   up: the commands before the app is started."""

    reader: Reader
    store: Server
    address: str
    up: list[Block]
    start: Block
    register: Block

    async def begin(self) -> Program:
        """Start the app."""
        await self.reader.follow([self.start])
        *_, app = self.reader.programs
        await listening(int(self.address.rpartition(":")[2]))
        return app

    async def asked(self, *arguments: str) -> str:
        """Send a request, and return status and body of the answer."""
        words = ["curl", "--silent", "--write-out", " %{http_code}", *arguments]
        return await self.reader.follow([typed(shlex.join(words))])

    async def users(self) -> list[str]:
        """Return the users in the store."""
        async with taskqueue.Client.open(self.store.url) as client:
            return [row.user for row in (await client.users()).users]


@asynccontextmanager
async def web_app(name: str, folder: Path) -> AsyncIterator[WebApp]:
    """Copy an example with a web app, and give it ports of its own."""
    (port,) = free_ports(1)
    tasks = copied(name, folder) / "tasks.yaml"
    tasks.write_text(tasks.read_text().replace(":8000/", f":{port}/"))
    with Server() as store:
        store.kill()
        changes = {"redis://127.0.0.1:6379/0": store.url, "8000": str(port)}
        async with Reader(folder, changes) as reader:
            reader.export("TASKQUEUE_REDIS_URL", store.url)
            *up, start, register = commands(name)[:5]
            yield WebApp(reader, store, f"http://127.0.0.1:{port}", up, start, register)


@pytest.mark.parametrize("name", ["django", "fastapi"])
async def test_web_app_subscribes_and_does_jobs(tmp_path: Path, name: str) -> None:
    async with web_app(name, tmp_path) as web:
        web.store.start()
        await web.reader.follow(web.up)
        app = await web.begin()
        printed = await web.reader.follow([web.register])
        assert '"ada"' in printed
        assert re.search(r"^sync-orders ", printed, re.MULTILINE)
        await app.prints(re.compile("sync orders of ada in us"))


async def test_django_project_sends_what_it_commits(tmp_path: Path) -> None:
    async with web_app("django", tmp_path) as web:
        app = await web.begin()
        ada, bob = (f"{web.address}/customers/{name}" for name in ("ada", "bob"))
        resync = commands("django")[-1]
        assert (await web.asked("--data", "region=us", ada)).endswith(" 200"), "the store is down"
        await app.prints(re.compile("StoreUnavailable"))
        web.store.start()
        await web.reader.follow(web.up[:1])
        assert await web.reader.follow([resync]) == "1 created, 0 changed, 0 removed\n"
        assert (await web.asked("--data", "region=xx", bob)).endswith(" 400"), (
            "the transaction is rolled back"
        )
        assert await web.users() == ["ada"]
        await web.asked("--data", "region=eu", bob)
        await web.asked("--request", "DELETE", ada)
        assert await web.users() == ["bob"]
        web.store.kill()  # its data is lost
        web.store.start()
        await web.reader.follow(web.up[:1])
        assert await web.reader.follow([resync]) == "1 created, 0 changed, 0 removed\n"
        assert await web.users() == ["bob"]


async def test_fastapi_app_sends_what_it_commits(tmp_path: Path) -> None:
    async with web_app("fastapi", tmp_path) as web:
        app = await web.begin()
        ada, bob = (("--request", "PUT", f"{web.address}/customers/{name}") for name in ("ada", "bob"))
        assert (await web.asked(*ada, "--json", '{"region": "us"}')).endswith(" 200"), "the store is down"
        await app.prints(re.compile("customer ada waits for a resync"))
        web.store.start()
        await web.reader.follow(web.up[:1])
        await app.prints(re.compile(r"created=1, .*refused=\{\}"))
        assert (await web.asked(*bob, "--json", '{"region": "xx"}')).endswith(" 400"), "it is rolled back"
        assert await web.users() == ["ada"]
        web.store.kill()  # its data is lost
        web.store.start()
        await web.reader.follow(web.up[:1])
        await app.prints(re.compile(r"created=1, .*created=1, .*refused=\{\}", re.DOTALL))
        assert await web.users() == ["ada"]
