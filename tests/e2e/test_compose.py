"""docker-compose.yml without Docker: docker compose reads it, and containerd runs the result.

The images have the targets, the Dockerfile and the names of compose's own builds. The name valkey/valkey:9 stands for
the image of tools/images/valkey.Dockerfile; no registry is asked. Docker's engine, network and volumes are not covered.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.kubernetes.tools import cluster_tools
from tests.support.node.cluster import Node
from tests.support.node.compose import FILE, ROOT, Service, compose, services
from tests.support.node.compose_pods import Step, make_volumes, name_on_the_network, steps
from tests.support.node.release import VERSION
from tests.support.site import bookings
from tests.support.site.bookings import most_booked, read_bookings
from tests.support.site.counting_api import STATS, CountingApi, worst_second
from tests.support.site.site import until

RATE = 100
#: 10,000 customers have more.
SUBSCRIPTIONS = 100_000
#: So many requests arrive from when the limit is lowered until it is judged.
MORE = 2500
#: Prints what a process of a container may, and how its root is mounted.
RIGHTS = """
import json
said = dict(line.split(":", 1) for line in open("/proc/self/status"))
mounts = [line.split() for line in open("/proc/self/mounts")]
rights = {name: int(said[name], 16) for name in ("CapBnd", "CapEff", "NoNewPrivs")}
print(json.dumps({**rights, "root": [mount[3].split(",")[0] for mount in mounts if mount[1] == "/"][-1]}))
"""
#: Follows a link as a browser does.
BROWSER = """
import http.cookiejar, json, sys, urllib.request as request
browser = request.build_opener(request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
with browser.open(sys.argv[1]) as page:
    print(json.dumps([page.url, page.status]))
"""
#: Docker kills after 10 s what does not end by itself.
IN_TIME = "--timeout=9s"


class Up:
    """The services of `docker compose up`, as pods."""

    def __init__(self, node: Node, namespace: str, steps: list[Step]) -> None:
        self._node = node
        self._namespace = namespace
        self._steps = steps

    def start(self) -> None:
        for step in self._steps:
            for service, condition in step.after.items():
                self.kubectl(
                    "wait", "pod", f"--selector=service={service}", f"--for={condition}", "--timeout=50s"
                )
            made = [name_on_the_network(step.service), *step.pods]
            self.kubectl("create", "-f", "-", stdin="\n---\n".join(map(json.dumps, made)))

    def stop(self) -> None:
        """End all, the last started first, and fail if anything does not end by itself."""
        for step in reversed(self._steps):
            self.kubectl("delete", "pod", f"--selector=service={step.service}", IN_TIME)

    async def inside(self, name: str, *command: str) -> Any:
        """Run a command that prints JSON, as `docker compose exec` does."""
        return json.loads(
            await asyncio.to_thread(self.kubectl, "exec", name, "--container", name, "--", *command)
        )

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return their statuses by name."""
        pods = json.loads(self.kubectl("get", "pods", "--output", "json"))["items"]
        return {one["name"]: one for pod in pods for one in pod["status"].get("containerStatuses", ())}

    def keep_logs(self) -> None:
        """Write them where the logs of the node are."""
        said = self.kubectl("describe", "pods")
        for step in self._steps:
            words = (
                "logs",
                f"--selector=service={step.service}",
                "--all-containers",
                "--prefix",
                "--tail=500",
            )
            said += self._node.attempt("-n", self._namespace, *words).stdout
        (self._node.folder / f"{self._namespace}-compose.log").write_text(said)

    def kubectl(self, *words: str, stdin: str = "") -> str:
        return self._node.kubectl("-n", self._namespace, *words, stdin=stdin)


@pytest.fixture(scope="module")
def program(work: Path) -> Path:
    return cluster_tools("compose") / "docker-compose"


def note_slots(worker: Service, folder: Path) -> None:
    """Have the workers note their slots in a folder, beside all that the file says."""
    folder = folder / "slots"
    folder.mkdir()
    folder.chmod(0o777)  # the user of the image is another one
    module = "/slots.py"
    worker["volumes"] += [
        {"type": "bind", "source": bookings.MODULE, "target": module, "read_only": True},
        {"type": "bind", "source": str(folder), "target": "/slots"},
    ]
    worker["command"] += ["--handlers", module]
    worker["environment"]["TASKQUEUE_TEST_RECORD"] = "/slots/record"


@pytest.fixture
def up(node: Node, namespace: str, program: Path, tmp_path: Path) -> Iterator[Up]:
    found = services(program)
    for service in found.values():
        service["image"] = service["image"].partition("@")[0]  # none is pulled by its digest
        node.ctr("images", "tag", "--force", _full(_image(service)), _full(service["image"]))
    # Folders of the node are mounted, which restricted pods may not do.
    node.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce-")
    make_volumes(found, tmp_path)
    note_slots(found["worker"], tmp_path)
    running = Up(node, namespace, steps(found, tmp_path))
    try:
        running.start()
        yield running
    finally:
        running.keep_logs()


def _image(service: Service) -> str:
    """The image in place of one that compose would build or pull."""
    if "build" not in service:
        return "valkey:local"
    build = service["build"]
    assert Path(build["context"], build["dockerfile"]) == ROOT / "deploy" / "docker" / "Dockerfile"
    return f"taskqueue-{build['target']}:{VERSION}"


def _full(image: str) -> str:
    """Return containerd's name of an image that Docker calls `name`, `name:tag`, or `owner/name:tag`."""
    path = image if "/" in image else f"library/{image}"
    return f"docker.io/{path}" if ":" in path else f"docker.io/{path}:latest"


def test_docker_compose_takes_the_file_and_would_not_take_any(program: Path, tmp_path: Path) -> None:
    taken = compose(program, "config", "--quiet")
    assert (taken.returncode, taken.stdout, taken.stderr) == (0, "", "")
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(FILE.read_text().replace("service_healthy", "service_well"))
    refused = compose(program, "config", "--quiet", file=wrong)
    assert refused.returncode
    assert "depends_on" in refused.stderr


def test_every_service_has_a_read_only_root_and_no_rights(program: Path) -> None:
    found = services(program)
    restricted = {
        name
        for name, service in found.items()
        if service["read_only"]
        and service["cap_drop"] == ["ALL"]
        and service["security_opt"] == ["no-new-privileges:true"]
        and not service.keys() & {"cap_add", "privileged", "devices", "pid", "ipc"}
    }
    assert restricted == found.keys()
    pulled = [service["image"] for service in found.values() if "build" not in service]
    assert len(pulled) == 1
    assert all(re.fullmatch(r"[\w/]+:\d+@sha256:[0-9a-f]{64}", image) for image in pulled)


async def test_the_shop_keeps_its_limit_and_accounts_for_every_job(up: Up, tmp_path: Path) -> None:
    async def ended() -> bool:
        return up.kubectl("get", "pod/customers-1", "--output", "jsonpath={.status.phase}") == "Succeeded"

    async def known() -> bool:
        types = await up.inside("scheduler-1", "taskqueue", "get", "types", "--output", "json")
        return bool(sum(one["subscriptions"] for one in types) > SUBSCRIPTIONS)

    await until("the importer has ended", ended, 120)
    # Where `make demo` has left the customers in the folder, it imports none, and the schedulers publish them.
    await until("the customers are known", known, 120)

    # The shop alone asks for 80 a second. Less is allowed for a while: after that, the limit is all that holds jobs up.
    await up.inside("scheduler-1", "taskqueue", "limit", "set", "10", "--for", "15s", "--output", "json")
    address = up.kubectl("get", "pod/api-1", "--output", "jsonpath={.status.podIP}")
    api = CountingApi(f"http://{address}:8099")
    await api.flowing(len(await api.arrivals()) + MORE, limit_s=300)  # 40 s on a quiet machine
    stats = await up.inside("api-1", "python", "-c", STATS)
    arrivals = await api.arrivals()
    booked = read_bookings(tmp_path / "slots" / "record")
    print({name: stats[name] for name in ("requests", "rejected", "worst")}, f"booked {most_booked(booked)}")
    assert stats["rate"] == RATE
    assert RATE / 2 < most_booked(booked) <= RATE
    assert worst_second(arrivals) > 0.95 * RATE, "too little was to be done to show anything"
    for scheduler in ("scheduler-1", "scheduler-2"):
        audit = await up.inside(scheduler, "taskqueue", "audit", "--output", "json")
        assert audit["difference"] == 0, audit
    assert (tmp_path / "redis-data" / "appendonlydir").is_dir(), "the queue outlives the container"
    for name in ("scheduler-1", "api-1"):
        assert await up.inside(name, "python", "-c", RIGHTS) == {
            "CapBnd": 0,
            "CapEff": 0,
            "NoNewPrivs": 1,
            "root": "ro",
        }
    (link,) = re.findall("^console: (.*)$", up.kubectl("logs", "console-1"), re.MULTILINE)
    assert await up.inside("console-1", "python", "-c", BROWSER, link) == ["http://127.0.0.1:8090/", 200]
    workers = await up.inside("scheduler-1", "taskqueue", "get", "workers", "--output", "json")
    assert len(workers) == 2, workers
    containers = up.containers()
    assert sorted(containers) == [
        *(
            "api-1",
            "console-1",
            "customers-1",
            "redis-1",
            "scheduler-1",
            "scheduler-2",
            "worker-1",
            "worker-2",
        ),
    ]
    assert {name: one["restartCount"] for name, one in containers.items() if one["restartCount"]} == {}
    up.stop()
