"""Life of a release: install, follow the notes, look inside, uninstall, and install again."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api.process import CREDENTIALS, VIEWER
from tests.support.chart.helm import Helm
from tests.support.chart.page import scripts
from tests.support.chart.recorded_programs import StandIns
from tests.support.chart.shell import Person
from tests.support.node.cluster import Node
from tests.support.node.pods import POD, deployment, run
from tests.support.node.release import VERSION, Installed
from tests.support.node.release_objects import NAME, subscriptions, task_type
from tests.support.site.counting_api import STATS
from tests.support.site.site import manifest, until

RATE = 60
TYPES = ["type-0", "type-1"]
#: Shows the header it is sent, and nothing else.
SHOWS = """
import http.server

class Shows(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.headers["Authorization"], flush=True)
        self.send_response(204)
        self.end_headers()

http.server.HTTPServer(("", 8000), Shows).serve_forever()
"""
#: Asks the console by the name of its Service: without a token, for a read, and for a write.
ASKS = """
import json, sys, urllib.error, urllib.request as request

URL = "http://taskqueue-console:8090/v1/users/ada"

def ask(method, **headers):
    sent = {"Content-Type": "application/json", **headers}
    body = b"{}" if method == "PUT" else None
    try:
        return request.urlopen(request.Request(URL, body, sent, method=method)).status
    except urllib.error.HTTPError as refused:
        return refused.code

token = {"Authorization": "Bearer " + sys.argv[1]}
print(json.dumps([ask("GET"), ask("GET", **token), ask("PUT", **token)]))
"""


@pytest.fixture
def person(node: Node, helm: Helm) -> Person:
    return Person(node, helm, node.kubeconfig)


@pytest.fixture
def shop(node: Node, helm: Helm) -> Iterator[str]:
    """The namespace that deploy/kind/up.sh makes; removed afterwards."""
    node.kubectl("create", "namespace", "shop")
    yield "shop"
    helm.attempt("uninstall", NAME, "--namespace", "shop")
    node.kubectl("delete", "namespace", "shop", "--timeout=120s")  # another test makes it again


async def test_the_commands_of_the_notes_work(installed: Installed, person: Person) -> None:
    installed.values["rate"] = RATE
    secret = [f"--from-literal={name}={text}" for name, text in CREDENTIALS.items()]
    await installed.kubectl("create", "secret", "generic", "console", *secret)
    installed.values["console"] = {
        "enabled": True,
        "image": {"repository": "localhost/taskqueue-api"},
        "credentials": {"existingSecret": "console"},
    }
    await installed.install()
    notes = installed.helm.run("get", "notes", NAME, "--namespace", installed.namespace)
    printed = await person.types(notes.partition("Next:")[2])
    assert "successfully rolled out" in printed
    assert "Phase:          Succeeded" in printed
    assert printed.count("serverside-applied") == 2

    async def works() -> bool:
        audited = json.loads(await person.types(f"kubectl taskqueue -n {installed.namespace} audit -o json"))
        assert audited["difference"] == 0
        return bool(audited["totals"].get("done", 0) > 0)

    await until("a job is done", works, 60)
    inside = ("exec", "deployment/taskqueue-operator", "--", "python", "-c", ASKS, VIEWER)
    assert json.loads(await installed.kubectl(*inside)) == [401, 200, 403], "no token, a read, a write"
    applied = f"kubectl -n {installed.namespace} apply --server-side -f examples/first.yaml"
    assert (await person.types(applied)).count("serverside-applied") == 2


async def test_the_install_page_leads_to_a_clean_audit(
    node: Node, helm: Helm, shop: str, tmp_path: Path
) -> None:
    engines = StandIns(tmp_path / "engines", "docker", "kind")  # the node has what they would make
    newcomer = Person(node, helm, node.kubeconfig, engines.folder)
    (install,) = scripts("install.md", "On kind")
    taken = install.replace(
        "helm install taskqueue", "helm install --take-ownership --force-conflicts taskqueue"
    )
    await newcomer.types(taken)  # the definitions are there from other tests
    see, without_a_volume = scripts("install.md", "See it work")
    await newcomer.types(without_a_volume)  # a node without a StorageClass
    printed = await newcomer.types(see)
    assert "Phase:          Succeeded" in printed
    assert "difference" in printed

    async def works() -> bool:
        (audit,) = [line for line in see.splitlines() if " exec " in line]
        totals = json.loads(await newcomer.types(audit.partition("#")[0] + "-o json"))["totals"]
        return bool(totals.get("done", 0) > 0)

    await until("a job is done", works, 60)


async def test_the_kind_demo_runs_in_any_matching_context(
    node: Node, helm: Helm, package: Path, shop: str
) -> None:
    config = node.folder / "kind.kubeconfig"
    config.write_text(node.kubeconfig.read_text().replace('"test"', '"kind-taskqueue"'))
    person = Person(node, helm, config)
    handlers = "kubectl -n shop create configmap shop-handlers --from-file=examples/shop/handlers.py"
    await person.types(handlers)
    ours = "image.repository=valkey,redis.development.image.tag=local,redis.development.persistence.enabled=false"
    await person.types(
        f"helm install taskqueue {package} -n shop --values deploy/kind/values.yaml --take-ownership "
        f"--force-conflicts --set redis.development.{ours} --wait --timeout 2m"
    )
    printed = await person.types("deploy/kind/demo.sh")
    assert printed.count("serverside-applied") == 270 + 2 + 1000 + 2, "types, limits, users, the API"
    assert "Phase:          Succeeded" in printed

    async def counts() -> bool:
        said = json.loads(await person.types(f'kubectl -n shop exec deploy/shop-api -- python -c "{STATS}"'))
        return bool(said["requests"] > 50)

    await until("the shop's API is called", counts, 60)


async def test_a_worker_has_no_token_services_or_writable_root(installed: Installed) -> None:
    installed.values["rate"] = RATE
    await installed.install()
    worker, *_ = await installed.pods()
    inside = ("exec", worker["metadata"]["name"], "--", "python", "-c")
    looks = (
        "import os; print(os.path.exists('/var/run/secrets'), [n for n in os.environ if 'SERVICE_HOST' in n])"
    )
    assert (await installed.kubectl(*inside, looks)).strip() == "False ['KUBERNETES_SERVICE_HOST']"
    for folder in ("/", "/srv", "/app", "/handlers"):
        refused = installed.cluster.refused("-n", installed.namespace, *inside, f"open('{folder}/x', 'w')")
        assert "Read-only file system" in refused
    assert (await installed.kubectl(*inside, "open('/tmp/x', 'w'); print('written')")).strip() == "written"


async def test_header_secrets_come_only_from_a_secret(installed: Installed) -> None:
    shows = deployment("shows", f"taskqueue-worker:{VERSION}", command=["python", "-c", SHOWS])
    name = run(installed.cluster, installed.namespace, shows)
    await installed.kubectl("expose", name, "--port=80", "--target-port=8000")
    await installed.kubectl("create", "secret", "generic", "tokens", "--from-literal=SHOP=of-the-shop")
    installed.values |= {"rate": RATE}
    installed.values["worker"] |= {"handlersEnv": {"existingSecret": "tokens"}}
    await installed.install()
    headers = {"Authorization": "Bearer ${env:TASKQUEUE_HTTP_SHOP}"}
    call = {"http": {"url": "http://shows/", "headers": headers}}
    kind = manifest("TaskType", "called", {"schedule": {"interval": "1s"}, "handler": call})
    await installed.apply(kind, *subscriptions(1, ["called"]))

    async def shown() -> bool:
        return "Bearer of-the-shop" in await installed.kubectl("logs", name)

    await until("the header was sent", shown, 60)


async def test_a_release_reinstalled_under_another_name_catches_up(
    installed: Installed,
) -> None:
    store = deployment(
        "store",
        "valkey:local",
        pod={"securityContext": {**POD, "runAsUser": 999}},
        command=["valkey-server", "--save", "", "--protected-mode", "no", "--dir", "/tmp"],
    )
    await installed.kubectl("expose", run(installed.cluster, installed.namespace, store), "--port=6379")
    await installed.kubectl("create", "secret", "generic", "redis", "--from-literal=url=redis://store:6379/0")
    installed.values |= {"rate": RATE, "redis": {"existingSecret": {"name": "redis"}}}
    await installed.install(name="first")
    await installed.open(redis="store")
    await installed.apply(
        *(task_type(name, "5s", catchUp="All") for name in TYPES), *subscriptions(40, TYPES)
    )
    await installed.arrived(100)
    since_ms = int(time.time() * 1000)
    await installed.uninstall("first")
    assert await installed.pods() == []
    kept = await installed.kubectl("get", "tasktypes,usersubscriptions", "-o", "name")
    assert len(kept.split()) == len(TYPES) + 40
    await installed.install(name="second")
    await installed.arrived(200)
    await installed.exactly_as_planned(since_ms, at_least=150)
    await installed.within(RATE)


async def test_two_releases_in_two_namespaces_do_not_know_of_each_other(
    installed: Installed, second: Installed
) -> None:
    for one in (installed, second):
        one.values["rate"] = RATE
        for part in ("operator", "worker"):
            one.values[part]["replicas"] = 1
        await one.install(*(["--set", "crds.enabled=false"] if one is second else []))
        await one.open()
        await one.apply(*(task_type(name, "5s", catchUp="All") for name in TYPES), *subscriptions(40, TYPES))
        await one.arrived(50)
    since_ms = int(time.time() * 1000)
    for one in (installed, second):
        await one.arrived(200)
        await one.exactly_as_planned(since_ms)
    await installed.within(RATE)
    await second.uninstall()
    await installed.arrived(100)
    await installed.exactly_as_planned(since_ms)
