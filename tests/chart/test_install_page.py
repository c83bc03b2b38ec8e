"""docs/install.md, typed from its first command on a real API server. Its pods run in tests/e2e."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.chart.helm import CHART, Helm
from tests.support.chart.page import scripts
from tests.support.chart.recorded_programs import StandIns
from tests.support.chart.rendered import pods
from tests.support.chart.shell import Person
from tests.support.kubernetes.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text("utf-8")
VERSION = yaml.safe_load((ROOT / "helm" / "taskqueue" / "Chart.yaml").read_text("utf-8"))["appVersion"]
#: Chapters, the registry that each names, and how images get to the nodes.
WAYS = {
    "On kind": ("localhost", "kind load docker-image --name taskqueue {images}"),
    "With a registry": ("registry.example.com", "docker push {image}"),
    "In a cluster with a Redis of its own": ("registry.example.com", ""),
}
IMAGES = "{range .items[*]}{.spec.template.spec.containers[0].image}{'\\n'}{end}"


@pytest.fixture
def engines(tmp_path: Path) -> StandIns:
    return StandIns(tmp_path / "engines", "docker", "kind")


@pytest.fixture
def newcomer(undefined: ControlPlane, installer: Helm, engines: StandIns) -> Person:
    """A new user with a cluster that never had taskqueue."""
    return Person(undefined, installer, undefined.kubeconfig, engines.folder)


@pytest.fixture
def place(own: ControlPlane, installer: Helm, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a namespace that is not there yet, in place of the page's; removed afterwards."""
    name = f"page-{abs(hash(request.node.name)) % 10**8}"
    yield name
    installer.attempt("uninstall", "taskqueue", "--namespace", name)
    own.kubectl("delete", "namespace", name, "--wait=false")


def here(script: str, place: str) -> str:
    """Return a script of the page with another namespace."""
    return re.sub(r"(-n |namespace )shop\b", rf"\g<1>{place}", script)


@pytest.mark.parametrize("chapter", WAYS)
async def test_each_way_installs_the_chart_with_its_own_images(
    newcomer: Person, own: ControlPlane, engines: StandIns, place: str, chapter: str
) -> None:
    registry, moved = WAYS[chapter]
    images = [f"{registry}/taskqueue-{target}:{VERSION}" for target in ("operator", "worker")]
    (script,) = scripts("install.md", chapter)
    printed = await newcomer.types(here(script, place))
    assert "STATUS: deployed" in printed
    asked = own.kubectl("get", "deployments", "-n", place, "-o", f"jsonpath={IMAGES}").split()
    assert asked == images
    if moved:
        built = [call for call in engines.calls() if call.startswith("docker build")]
        assert built == [
            f"docker build -f deploy/docker/Dockerfile --target {built_of(one)} -t {one} ." for one in images
        ]
        calls = {moved.format(image=image, images=" ".join(images)) for image in images}
        assert calls <= set(engines.calls())
    for target in ("operator", "worker"):
        assert re.search(rf"^FROM \S+ AS {target}$", DOCKERFILE, re.MULTILINE), target
    see, _ = scripts("install.md", "See it work")
    without_pods = [line for line in see.splitlines() if re.search(r" (apply|get) ", line)]
    printed = await newcomer.types(here("\n".join(without_pods), place))
    assert printed.count("serverside-applied") == 2
    assert "tasktype.taskqueue.dev/first" in printed
    assert "usersubscription.taskqueue.dev/ada" in printed


async def test_the_console_is_added_with_a_token_for_a_person(
    newcomer: Person, own: ControlPlane, place: str
) -> None:
    (install,) = scripts("install.md", "With a registry")
    (console,) = scripts("install.md", "Console")
    await newcomer.types(here(install, place))
    without_pods = [line for line in console.splitlines() if " rollout " not in line]
    printed = await newcomer.types(here("\n".join(without_pods), place))
    assert re.search(r"ada [0-9a-f]{64}$", printed)
    shown = own.kubectl("get", "deployment/taskqueue-console", "-n", place, "-o", "json")
    (container,) = yaml.safe_load(shown)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/taskqueue-api:{VERSION}"
    assert {"name": "TASKQUEUE_READ_ONLY", "value": "true"} in container["env"]


def built_of(image: str) -> str:
    return image.partition("taskqueue-")[2].partition(":")[0]


@pytest.mark.parametrize("page", ["README.md", "helm/taskqueue/README.md"])
def test_the_command_of_a_readme_is_complete(helm: Helm, page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    (command,) = re.findall(r"^helm (install (?:.*\\\n)*.*)$", text, re.MULTILINE)
    words = shlex.split(command.replace("\\\n", " "))
    words[words.index("helm/taskqueue")] = str(CHART)
    assert "registry.example.com/taskqueue-worker:0.1.0" in helm.run(*words, "--dry-run=client")


async def test_the_removal_steps_remove_everything(newcomer: Person, own: ControlPlane, place: str) -> None:
    (install,) = scripts("install.md", "On kind")
    see, repair = scripts("install.md", "See it work")
    await newcomer.types(here(install, place))
    own.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=30s")
    (first,) = [line for line in see.splitlines() if " apply " in line]
    await newcomer.types(here(first, place))
    await newcomer.types(here(repair, place))
    (removal,) = scripts("install.md", "Uninstall")
    await newcomer.types(here(removal, place))
    left = own.kubectl("get", "tt,usub,deployments,statefulsets,leases,pvc", "-n", place, "-o", "name")
    assert left == ""


async def test_numbers_change_hands_as_the_page_on_upgrading_says(
    newcomer: Person, own: ControlPlane, place: str
) -> None:
    (install,) = scripts("install.md", "On kind")
    await newcomer.types(here(install, place))
    (hand_over,) = scripts("upgrade.md", "From one mode to another")
    await newcomer.types(here(hand_over, place))
    await newcomer.types(
        f"helm -n {place} upgrade taskqueue helm/taskqueue --reset-then-reuse-values "
        "--set autoscaling.mode=prometheusAdapter"
    )
    workers = ("deployment/taskqueue-worker", "-n", place)
    assert own.kubectl("get", *workers, "-o", "jsonpath={.spec.replicas}") == "2"


def test_the_kind_script_loads_every_image_of_its_objects(helm: Helm, tmp_path: Path) -> None:
    programs = StandIns(tmp_path / "programs", "docker", "kind", "kubectl", "helm")
    path = f"{programs.folder}{os.pathsep}{os.environ['PATH']}"
    script = ROOT / "deploy" / "kind" / "up.sh"
    subprocess.run([script], env={**os.environ, "PATH": path}, check=True, capture_output=True)
    desired = {call.split()[-1] for call in programs.calls() if call.startswith("kind load docker-image")}
    built = {call.split()[-2] for call in programs.calls() if call.startswith("docker build")}
    found = pods(helm.objects(ROOT / "deploy" / "kind" / "values.yaml"))
    found |= pods(list(yaml.safe_load_all((ROOT / "deploy" / "kind" / "api.yaml").read_text("utf-8"))))
    named = {pod["containers"][0]["image"] for pod in found.values()} - {"valkey/valkey:9.1"}
    assert named == desired == built
