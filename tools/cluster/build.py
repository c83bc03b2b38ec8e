"""Build what a Kubernetes control plane needs into a cache outside the checkout, and print the folder on stdout.

The folder is named after the version and after all that decides what is built, so a change of either makes another one.
It is filled beside and renamed when complete: who finds it, finds all of it. Exit 3: there is no Go that could build.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kubectl")
PACKAGES = {
    **{program: f"k8s.io/kubernetes/cmd/{program}" for program in KUBERNETES},
    "etcd": "go.etcd.io/etcd/server/v3",
    "kstatus": ".",
}
SOURCES = {"go.mod", "go.sum", "main.go"}
OLDEST_GO = (1, 26)
NO_GO = 3


def version() -> str:
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (HERE / "kubernetes" / "go.mod").read_text())
    assert found
    return found[1]


def folder() -> Path:
    """Where the programs are, or will be."""
    sources = [HERE / "build.py", *sorted(path for path in HERE.glob("*/*") if path.name in SOURCES)]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = os.environ.get("TASKQUEUE_CACHE") or Path(home) / "taskqueue"
    return Path(cache).resolve() / f"cluster-{version()}-{digest}"


def complete(found: Path) -> bool:
    return all(os.access(found / program, os.X_OK) for program in PACKAGES)


def installed_go() -> str:
    """What `go env GOVERSION` says, such as go1.26.8; empty if there is no Go."""
    if not shutil.which("go"):
        return ""
    asked = subprocess.run(
        ["go", "env", "GOVERSION"], capture_output=True, text=True, check=False, env=go_env()
    )
    return asked.stdout.strip()


def new_enough(go: str) -> bool:
    numbers = re.match(r"go(\d+)\.(\d+)", go)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST_GO


def go_env() -> dict[str, str]:
    """The checksums stay as committed, and the Go that is installed is the one that builds."""
    fixed = {
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    return {**os.environ, **fixed}


def compile_into(draft: Path) -> None:
    major, minor = version().removeprefix("v").split(".")[:2]
    stamps = {
        "k8s.io/component-base/version.gitVersion": version(),
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": version(),
    }
    flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in stamps.items())])
    for program, package in PACKAGES.items():
        say(f"building {program}")
        subprocess.run(
            ["go", "build", "-trimpath", "-ldflags", flags, "-o", draft / program, package],
            check=True,
            cwd=HERE / ("kubernetes" if program in KUBERNETES else program),
            env=go_env(),
            stdout=sys.stderr,
        )


def say(words: str) -> None:
    print(f"cluster tools: {words}", file=sys.stderr, flush=True)


def build(final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=final.parent) as beside:
        draft = Path(beside) / "tools"
        draft.mkdir()
        compile_into(draft)
        if not complete(final):
            shutil.rmtree(final, ignore_errors=True)
        try:
            draft.rename(final)
        except OSError:  # another build was faster, and what it made is the same
            if not complete(final):
                raise


def main() -> int:
    final = folder()
    if not complete(final):
        go = installed_go()
        if not new_enough(go):
            wanted = "Go {}.{} or newer".format(*OLDEST_GO)
            found = go or "none"
            say(
                f"{wanted} is needed to build the control plane, and there is {found}: install it and put it on PATH"
            )
            return NO_GO
        say(f"{final} is made once; from nothing it takes about 6 minutes on two cores")
        try:
            build(final)
        except subprocess.CalledProcessError as failed:
            say(f"go build ended with {failed.returncode}; nothing was kept")
            return 1
    print(final)
    return 0


if __name__ == "__main__":
    sys.exit(main())
