"""docker-compose.yml and the image, as far as they can be judged without a container engine."""

import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.dev.example_api.server import main as example_api
from taskqueue.process.settings import StoreSettings, load
from taskqueue.scheduler.settings import SchedulerSettings
from taskqueue_worker.settings import WorkerSettings

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
VALKEY = (ROOT / "tools" / "images" / "valkey.Dockerfile").read_text()
SETTINGS: dict[str, type[StoreSettings]] = {"scheduler": SchedulerSettings, "worker": WorkerSettings}


def mounts(service: str) -> dict[str, Path]:
    """Path in the container -> path in the repository."""
    bound = [text.split(":") for text in SERVICES[service].get("volumes", []) if text.startswith("./")]
    return {inside: ROOT / outside for outside, inside, _ in bound}


@pytest.mark.parametrize("service", SETTINGS)
def test_compose_processes_start_with_existing_settings(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SERVICES[service]["environment"].items():
        monkeypatch.setenv(name, value)
    mounted = mounts(service)
    argv = [str(mounted.get(word, word)) for word in SERVICES[service]["command"]]
    settings = load(SETTINGS[service], argv, service)
    assert settings.redis_url.get_secret_value() == "redis://redis:6379/0"
    assert settings.release == "shop"
    named = [getattr(settings, "manifests", None), *map(Path, getattr(settings, "handlers", []))]
    assert [path for path in named if path and not path.exists()] == []


@pytest.mark.parametrize("service", SETTINGS)
def test_the_example_settings_load_and_name_no_secret(service: str) -> None:
    file = ROOT / "examples" / f"{service}.yaml"
    settings = load(SETTINGS[service], ["--config", str(file)], service)
    assert settings.config == file
    assert "@" not in file.read_text()
    offered = re.findall(r"^#? ?([a-z_]+): ", file.read_text(), re.MULTILINE)
    assert set(offered) <= SETTINGS[service].model_fields.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_mounts_and_dependencies_exist(service: str) -> None:
    assert [path for path in mounts(service).values() if not path.exists()] == []
    assert SERVICES[service].get("depends_on", {}).keys() <= SERVICES.keys()
    network = SERVICES[service].get("network_mode", "")
    assert not network or network.removeprefix("service:") in SERVICES


@pytest.mark.parametrize("service", [name for name, service in SERVICES.items() if "build" in service])
def test_a_service_is_built_from_a_target_of_the_dockerfile(service: str) -> None:
    build = SERVICES[service]["build"]
    assert (ROOT / build["context"] / build["dockerfile"]).is_file()
    assert re.search(rf"^FROM \S+ AS {build['target']}$", DOCKERFILE, re.MULTILINE)


def test_compose_pulls_no_image_of_its_own_build() -> None:
    """A name without a registry is Docker Hub's, where it could belong to another project."""
    built = {name: said for name, said in SERVICES.items() if "build" in said}
    assert {said["pull_policy"] for said in built.values()} == {"build"}
    assert set(SERVICES) - set(built) == {"redis"}


def test_the_compose_store_keeps_its_data() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_a_read_only_root_and_no_rights(service: str) -> None:
    said = SERVICES[service]
    assert said["read_only"]
    assert (said["cap_drop"], said["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    own = "build" in said  # whose user the image names
    assert own or re.fullmatch(r"[1-9]\d*:[1-9]\d*", said["user"])


def test_a_worker_is_killed_later_than_its_own_grace_ends() -> None:
    grace = SERVICES["worker"]["stop_grace_period"]
    configured = yaml.safe_load((ROOT / "examples" / "worker.yaml").read_text())["grace"]
    assert int(grace.removesuffix("s")) > configured + 5


def test_the_example_api_knows_its_flags(capsys: pytest.CaptureFixture[str]) -> None:
    *words, module = SERVICES["api"]["entrypoint"]
    assert words == ["tini", "--", "python", "-m"]
    assert importlib.import_module(f"{module}.server").main is example_api
    with pytest.raises(SystemExit) as ended:
        example_api([*SERVICES["api"]["command"], "--help"])
    assert ended.value.code == ExitCode.OK
    shown = capsys.readouterr().out
    assert [word for word in SERVICES["api"]["command"] if word.startswith("--") and word not in shown] == []


def test_compose_opens_the_console_to_this_machine_alone() -> None:
    opened = {name: said["ports"] for name, said in SERVICES.items() if "ports" in said}
    assert opened == {"console": ["127.0.0.1:8090:8090"]}


def test_compose_makes_a_token_at_each_start(tmp_path: Path) -> None:
    (program,) = SERVICES["console"]["command"]
    program = program.replace("/tmp/credentials", str(tmp_path)).replace("os.execv", "print")
    said = [
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    tokens = [
        re.findall(r"^console: http://127.0.0.1:8090/sign-in\?token=(\S+)$", one, re.MULTILINE)
        for one in said
    ]
    assert len({token for (token,) in tokens}) == 2
    assert (tmp_path / "editor-tokens").read_text() == f"compose {tokens[1][0]}"
    assert (tmp_path / "editor-tokens").stat().st_mode & 0o077 == 0


def test_process_1_of_every_container_is_an_init() -> None:
    in_images = [yaml.safe_load(line) for line in re.findall(r"^ENTRYPOINT (.+)$", DOCKERFILE, re.MULTILINE)]
    own = [service for service in SERVICES.values() if "build" in service]
    in_compose = [service["entrypoint"] for service in own if "entrypoint" in service]
    for entrypoint in (*in_images, *in_compose):
        assert entrypoint[:2] == ["tini", "--"]
    assert (len(in_images), len(in_compose)) == (3, 4)
    assert [service for service in own if "init" in service] == [], "a second init"


def test_all_installed_packages_have_known_hashes() -> None:
    for file in (DOCKERFILE, VALKEY):
        run = "".join(line for line in file.splitlines(keepends=True) if not line.startswith("#"))
        installs = re.findall(r"pip install .*", run.replace("\\\n", ""))
        assert installs
        assert [one for one in installs if "--require-hashes" not in one and "--offline" not in one] == []


def test_the_base_is_pinned_by_digest_and_may_be_another() -> None:
    (base,) = re.findall(r"^ARG BASE=(.+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+-slim@sha256:[0-9a-f]{64}", base)
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    assert {image for image, _ in stages} <= {"${BASE}", *(name for _, name in stages)}


def test_the_image_copies_unignored_files_and_has_no_rights() -> None:
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", DOCKERFILE, re.MULTILINE)
    copied = [
        word
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ")
        for word in shlex.split(line)[1:-1]
    ]
    local = [word for word in copied if not word.startswith(("--", "/"))]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert [path for path in local if not (ROOT / path).exists() or f"!{path}" not in ignored] == []


def test_an_image_archive_is_named_by_its_content() -> None:
    code = "import build_images as images; print(*images.COPIED, *sum(images.OWN.values(), ()))"
    folder = ROOT / "tools" / "images"
    asked = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
    )
    taken = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert set(asked.stdout.split()) == {*taken, ".dockerignore"}


def test_the_image_is_labelled_with_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"ARG VERSION={project['version']}\n" in DOCKERFILE
    assert f"org.opencontainers.image.licenses={project['license']['text']} " in DOCKERFILE


def test_the_compose_scheduler_uses_the_operator_image() -> None:
    assert SERVICES["scheduler"]["build"]["target"] == "operator"
    assert SERVICES["scheduler"]["entrypoint"] == ["tini", "--", "taskqueue", "scheduler"]
