"""tools/cluster/build.py, with a Go that is missing, too old, or only pretends to build."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.kubernetes.tools import BUILD, NO_GO

PRETENDS = """#!/bin/sh
[ "$1" = env ] && { echo go1.26.0; exit; }
[ "$1" = list ] && { echo "$MODULE"; exit; }
while [ "$1" != -o ]; do shift; done
case "$2" in *"$BROKEN") exit 1;; esac
echo "#!/bin/sh ${PWD##*/}" > "$2"; chmod 755 "$2"
"""


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """Where a pretended Go can be put; it is all that is on PATH beside the shell's own programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder / "go"


def put(go: Path, text: str) -> None:
    go.write_text(text)
    go.chmod(0o755)


def build(go: Path, *release: str, broken: str = "none") -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": f"{go.parent}:/bin",
        "TASKQUEUE_CACHE": str(go.parent.parent / "cache"),
        "BROKEN": broken,
        "MODULE": str(go.parent.parent / "module"),
    }
    return subprocess.run(
        [sys.executable, BUILD, *release], capture_output=True, text=True, env=env, check=False
    )


@pytest.mark.parametrize("found", ["go1.25.9", "go1.9", "devel"])
def test_an_old_go_is_named_with_its_remedy(go: Path, found: str) -> None:
    put(go, f"#!/bin/sh\necho {found}\n")
    ended = build(go)
    assert (ended.returncode, ended.stdout) == (NO_GO, "")
    assert (
        f"Go 1.26 or newer is needed to build the control plane, and there is {found}: install"
        in ended.stderr
    )
    assert not (go.parent.parent / "cache").exists()


def test_a_complete_set_is_printed_and_not_rebuilt(go: Path) -> None:
    put(go, PRETENDS)
    first = build(go)
    assert first.returncode == 0, first.stderr
    folder = Path(first.stdout.strip())
    programs = ["etcd", "kstatus", "kube-apiserver", "kube-controller-manager", "kubectl"]
    assert sorted(path.name for path in folder.iterdir()) == programs
    go.unlink()
    again = build(go)
    assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")


def test_the_oldest_has_a_folder_of_its_own_and_the_newest_kubectl(go: Path) -> None:
    put(go, PRETENDS)
    newest, oldest = (Path(build(go, *release).stdout.strip()) for release in ((), ("kubernetes-oldest",)))
    assert newest != oldest
    assert {path.name: path.read_text().split()[-1] for path in oldest.iterdir()} == {
        "etcd": "etcd",
        "kstatus": "kstatus",
        "kube-apiserver": "kubernetes-oldest",
        "kube-controller-manager": "kubernetes-oldest",
        "kubectl": "kubernetes",
    }


def test_the_other_sets_have_folders_named_by_content(go: Path) -> None:
    put(go, PRETENDS)
    node, helm, compose = (Path(build(go, name).stdout.strip()) for name in ("node", "helm", "compose"))
    versions = ["-".join(folder.name.split("-")[:2]) for folder in (node, helm, compose)]
    assert versions == ["node-v1.36.3", "helm-v4.3.1", "compose-v5.5.1"]
    assert {path.name: path.read_text().split()[-1] for path in node.iterdir()} == {
        "coredns": "coredns",
        "kube-proxy": "kubernetes",
        "kube-scheduler": "kubernetes",
        "kubelet": "kubernetes",
    }
    assert [path.name for path in helm.iterdir()] == ["helm"]
    assert [path.name for path in compose.iterdir()] == ["docker-compose"]


def test_a_set_has_its_sources_and_is_removable(go: Path) -> None:
    put(go, PRETENDS)
    definitions = go.parent.parent / "module" / "config" / "crd"
    definitions.mkdir(parents=True)
    (definitions / "one.yaml").write_text("kind: CustomResourceDefinition\n")
    (definitions / "one.yaml").chmod(0o444)
    (definitions.parents[1] / "go.mod").write_text("module keda\n")
    ended = build(go, "keda")
    assert ended.returncode == 0, ended.stderr
    keda = Path(ended.stdout.strip())
    assert keda.name.startswith("keda-v2.21.0-")
    assert sorted(path.name for path in keda.iterdir()) == [
        "config",
        "keda-adapter",
        "keda-operator",
        "keda-webhooks",
    ]
    copied = keda / "config" / "crd" / "one.yaml"
    assert copied.read_text() == "kind: CustomResourceDefinition\n"
    assert copied.stat().st_mode & 0o200
    go.unlink()
    again = build(go, "keda")
    assert (again.returncode, again.stdout, again.stderr) == (0, ended.stdout, "")


def test_a_failed_build_leaves_nothing_behind(go: Path) -> None:
    put(go, PRETENDS)
    failed = build(go, broken="kubectl")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert list((go.parent.parent / "cache").iterdir()) == []
    ended = build(go)
    assert ended.returncode == 0
    (Path(ended.stdout.strip()) / "etcd").unlink()
    assert build(go).returncode == 0
    assert os.access(Path(ended.stdout.strip()) / "etcd", os.X_OK)
