"""The shipped images: their content, and that they run with a read-only root and no rights."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kubernetes.shop import ROLE, install_definitions
from tests.support.node.cluster import ADDRESS, Node
from tests.support.node.oci_archive import OciArchive
from tests.support.node.pods import deployment, env, run
from tests.support.process.wheel import wheel
from tests.support.site.site import manifest, until
from tests.support.store.backlog import server

#: Images with the packages of the project that each has besides the core.
IMAGES = {
    "taskqueue-operator": {"taskqueue_operator", "taskqueue_worker"},
    "taskqueue-worker": {"taskqueue_operator", "taskqueue_worker"},
    "taskqueue-api": {"taskqueue_api"},
}
OPERATOR = "taskqueue-operator:0.1.0"
PINS = Path(__file__).parents[2] / "requirements" / "product.txt"
OWN_BYTES = 120_000_000
TWO_LINES = "FROM taskqueue-worker\nRUN pip install shop-handlers\n"
HANDLER = """
def greet(job):
    print("good morning", job.user, flush=True)
"""
#: Where pip of the build finds packages: a folder in place of an index.
PIP = "[global]\nno-index = true\nfind-links = /packages\n"


@pytest.fixture
def store_url() -> Iterator[str]:
    """A store that pods reach by the address of the node."""
    with server(bind="0.0.0.0", **{"protected-mode": "no"}) as url:
        yield url.replace("127.0.0.1", ADDRESS)


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_adds_under_120_mb_and_no_build_secret(archives: dict[str, Path], name: str) -> None:
    image = OciArchive(archives[name])
    assert image.config["User"] == "10001:10001"
    assert image.config["Labels"]["org.opencontainers.image.title"] == name
    assert image.config["Labels"]["org.opencontainers.image.version"] == "0.1.0"
    print(f"{name}: {image.own_bytes() / 1e6:.0f} MB")
    assert 10_000_000 < image.own_bytes() < OWN_BYTES
    paths = [path for layer in image.own_layers() for path in layer.getnames()]
    packages = {path.split("/")[-2] for path in paths if re.search(r"/taskqueue_\w+/__init__.py$", path)}
    assert packages == IMAGES[name] | {"taskqueue_entry"}
    of_the_build = ("src/", "build/", "wheel/", "etc/pip", "etc/uv", "etc/ssl")
    assert [path for path in paths if path.startswith(of_the_build)] == []


@pytest.mark.parametrize("name", IMAGES)
def test_the_bill_of_materials_lists_the_whole_image(archives: dict[str, Path], name: str) -> None:
    bill = json.loads(archives[name].with_suffix(".sbom.json").read_text())
    image = OciArchive(archives[name])
    assert bill["source"]["metadata"]["manifestDigest"] == image.digest
    listed = {(one["type"], one["name"]): one["version"] for one in bill["artifacts"]}

    paths = [path for layer in image.own_layers() for path in layer.getnames()]
    infos = [path.split("/")[-2] for path in paths if path.endswith(".dist-info/METADATA")]
    installed = {
        _module(name): version
        for name, _, version in (info.removesuffix(".dist-info").partition("-") for info in infos)
    }
    of_python = {_module(name): version for (kind, name), version in listed.items() if kind == "python"}
    assert of_python == installed
    found = re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", PINS.read_text(), re.MULTILINE)
    pinned = {_module(distribution): version for distribution, version in found}
    assert {name: of_python[name] for name in of_python.keys() & pinned} == {
        name: pinned[name] for name in of_python.keys() & pinned
    }
    assert {"redis", "pydantic_core", "pyyaml"} <= of_python.keys() & pinned
    assert of_python.keys() - pinned <= {"taskqueue_operator", "pip", "setuptools"}, "of the base, or ours"

    *_, status = image.texts("var/lib/dpkg/status")
    fields = [dict(re.findall(r"^(\w+): (.+)$", one, re.MULTILINE)) for one in status.split("\n\n")]
    debian = {one["Package"]: one["Version"] for one in fields if one.get("Status") == "install ok installed"}
    assert {"tini", "libssl3"} <= debian.keys()
    assert {name: version for (kind, name), version in listed.items() if kind == "deb"} == debian


def test_the_operator_image_has_the_whole_command_line(node: Node, namespace: str) -> None:
    name = run(node, namespace, deployment("shell", OPERATOR, command=["sleep", "infinity"]))
    inside = ("exec", name, "-n", namespace, "--")
    assert "--lease-name" in node.kubectl(*inside, "python", "-m", "taskqueue_operator", "--help")
    assert "audit" in node.kubectl(*inside, "taskqueue", "--help")
    assert "--manifests" in node.kubectl(*inside, "taskqueue", "scheduler", "--help"), "as compose runs it"
    assert "--rate" in node.kubectl(*inside, "python", "-m", "taskqueue.dev.example_api", "--help")


async def test_two_lines_make_an_image_with_scheduled_handlers(
    node: Node, archives: dict[str, Path], namespace: str, store_url: str, work: Path, tmp_path: Path
) -> None:
    wheel(tmp_path, "shop_handlers", "shop_handlers", "greet", HANDLER)
    node.import_image(two_line_image(archives["taskqueue-worker"], work, tmp_path))
    install_definitions(node)
    node.kubectl("apply", "-n", namespace, "-f", str(ROLE))
    settings = {"TASKQUEUE_REDIS_URL": store_url, "TASKQUEUE_RELEASE": namespace}
    run(
        node,
        namespace,
        deployment(
            "operator",
            OPERATOR,
            pod={"serviceAccountName": "taskqueue-operator"},
            env=env(**settings, TASKQUEUE_NAMESPACE=namespace, TASKQUEUE_RATE="10"),
            readinessProbe=ready(8080),
        ),
    )
    worker = run(
        node,
        namespace,
        deployment("worker", "shop-worker:1", env=env(**settings), readinessProbe=ready(8081)),
    )
    wanted = [
        manifest("TaskType", "greet", {"schedule": {"interval": "1s"}, "handler": {"function": "greet"}}),
        manifest("UserSubscription", "ada", {"tasks": [{"type": "greet"}]}),
    ]
    node.kubectl(
        "apply", "-n", namespace, "--server-side", "-f", "-", stdin="\n---\n".join(map(json.dumps, wanted))
    )
    node.kubectl("wait", "tasktype/greet", "-n", namespace, "--for=condition=Ready", "--timeout=30s")

    async def greeted() -> bool:
        return "good morning ada" in node.kubectl("logs", worker, "-n", namespace)

    await until("the handler ran", greeted)


def _module(distribution: str) -> str:
    return re.sub(r"[-_.]+", "_", distribution).lower()


def ready(port: int) -> dict[str, object]:
    return {"httpGet": {"path": "/readyz", "port": port}, "periodSeconds": 1}


def two_line_image(base: Path, work: Path, packages: Path) -> Path:
    """Build the two-line Dockerfile from the worker's image and an index of packages."""
    packages.chmod(0o755)  # it is read by the user of the image
    (packages / "Dockerfile").write_text(TWO_LINES)
    (packages / "pip.conf").write_text(PIP)
    buildah = ["buildah", "--root", f"{work}/buildah", "--runroot", "/run/buildah"]
    image = subprocess.run(
        [*buildah, "pull", "-q", f"oci-archive:{base}"], check=True, capture_output=True, text=True
    )
    subprocess.run([*buildah, "tag", image.stdout.strip(), "taskqueue-worker"], check=True)
    built = subprocess.run(
        [
            *buildah,
            *(
                "bud",
                "--isolation",
                "chroot",
                "--network",
                "host",
                "--tag",
                "docker.io/library/shop-worker:1",
            ),
            *("--volume", f"{packages}:/packages:ro", "--volume", f"{packages}/pip.conf:/etc/pip.conf:ro"),
            str(packages),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    archive = packages / "shop-worker.tar"
    name = "docker.io/library/shop-worker:1"
    subprocess.run(
        [*buildah, "push", "-q", "--disable-compression", name, f"oci-archive:{archive}:{name}"], check=True
    )
    return archive
