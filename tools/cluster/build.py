"""Build what a Kubernetes control plane needs into a cache outside the checkout, and print the folder on stdout.

    python tools/cluster/build.py [kubernetes | kubernetes-oldest]

The argument is the module that says of which release the API server and the controllers are; kubectl and etcd are
always the newest. The folder is named after the version and after all that decides what is built, so a change of either
makes another one. It is filled beside and renamed when complete: who finds it, finds all of it. Exit 3: there is no Go
that could build.
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
NEWEST = "kubernetes"
RELEASED = ("kube-apiserver", "kube-controller-manager")
PACKAGES = {
    **{program: f"k8s.io/kubernetes/cmd/{program}" for program in (*RELEASED, "kubectl")},
    "etcd": "go.etcd.io/etcd/server/v3",
    "kstatus": ".",
}
SOURCES = {"go.mod", "go.sum", "main.go"}
OLDEST_GO = (1, 26)
NO_GO = 3


def version(module: str) -> str:
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (HERE / module / "go.mod").read_text())
    assert found
    return found[1]


def module_of(program: str, release: str) -> str:
    """The folder whose go.mod says which version of a program is built."""
    if program in RELEASED:
        return release
    return NEWEST if program == "kubectl" else program


def folder(release: str) -> Path:
    """Where the programs are, or will be."""
    modules = {module_of(program, release) for program in PACKAGES}
    found = (path for module in sorted(modules) for path in sorted((HERE / module).iterdir()))
    sources = [HERE / "build.py", *(path for path in found if path.name in SOURCES)]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = os.environ.get("TASKQUEUE_CACHE") or Path(home) / "taskqueue"
    return Path(cache).resolve() / f"cluster-{version(release)}-{digest}"


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


def stamps(module: str) -> str:
    """The flags by which a program of Kubernetes knows its version."""
    name = version(module)
    major, minor = name.removeprefix("v").split(".")[:2]
    values = {
        "k8s.io/component-base/version.gitVersion": name,
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": name,
    }
    return " ".join(f"-X {name}={value}" for name, value in values.items())


def compile_into(draft: Path, release: str) -> None:
    for program, package in PACKAGES.items():
        module = module_of(program, release)
        flags = f"-s -w {stamps(module)}" if module in {release, NEWEST} else "-s -w"
        say(f"building {program}")
        subprocess.run(
            ["go", "build", "-trimpath", "-ldflags", flags, "-o", draft / program, package],
            check=True,
            cwd=HERE / module,
            env=go_env(),
            stdout=sys.stderr,
        )


def say(words: str) -> None:
    print(f"cluster tools: {words}", file=sys.stderr, flush=True)


def build(final: Path, release: str) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=final.parent) as beside:
        draft = Path(beside) / "tools"
        draft.mkdir()
        compile_into(draft, release)
        if not complete(final):
            shutil.rmtree(final, ignore_errors=True)
        try:
            draft.rename(final)
        except OSError:  # another build was faster, and what it made is the same
            if not complete(final):
                raise


def main() -> int:
    release = sys.argv[1] if len(sys.argv) > 1 else NEWEST
    final = folder(release)
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
            build(final, release)
        except subprocess.CalledProcessError as failed:
            say(f"go build ended with {failed.returncode}; nothing was kept")
            return 1
    print(final)
    return 0


if __name__ == "__main__":
    sys.exit(main())
