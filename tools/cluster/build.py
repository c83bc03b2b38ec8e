"""Build a set of programs of a Kubernetes cluster into a cache outside the checkout, and print the folder on stdout.

    python tools/cluster/build.py [kubernetes | kubernetes-oldest | node | helm | compose | keda | promtool]

The name of a set's folder is the version and a digest of the sources and commands, so a change of either makes another
folder. A folder is filled under a temporary name and renamed when complete, so an existing folder is always complete.
Exit 3: no suitable Go is installed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from program_sets import SETS, Copied, Program, Programs

HERE = Path(__file__).resolve().parent
SOURCES = {"go.mod", "go.sum", "main.go"}
OLDEST_GO = (1, 26)
NO_GO = 3
# The checksums stay as committed, and the Go that is installed is the one that builds.
GO_ENV = {
    "GOFLAGS": "-mod=readonly -buildvcs=false",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    "CGO_ENABLED": "0",
}


def version(program: Program) -> str:
    """Return the version of the package that the module requires, such as v1.36.3."""
    text = (HERE / program.module / "go.mod").read_text()
    required: list[tuple[str, str]] = re.findall(r"^(?:require)?\s+(\S+) (v\S+)", text, re.MULTILINE)
    (found,) = [number for name, number in required if program.package.startswith(f"{name}/")]
    return found


def folder(wanted: Programs) -> Path:
    """Where the programs are, or will be."""
    modules = {program.module for program in wanted.programs.values()}
    found = (path for module in sorted(modules) for path in sorted((HERE / module).iterdir()))
    decides = [path.read_bytes() for path in found if path.name in SOURCES]
    decides += [" ".join(command(program, Path(name))).encode() for name, program in wanted.programs.items()]
    decides += [" ".join(copied).encode() for copied in wanted.copied]
    digest = hashlib.sha256(b"\0".join([*decides, repr(GO_ENV).encode()])).hexdigest()[:12]
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = os.environ.get("TASKQUEUE_CACHE") or Path(home) / "taskqueue"
    first = next(iter(wanted.programs.values()))
    return Path(cache).resolve() / f"{wanted.name}-{version(first)}-{digest}"


def complete(found: Path, wanted: Programs) -> bool:
    programs = all(os.access(found / program, os.X_OK) for program in wanted.programs)
    return programs and all((found / copied.folder).is_dir() for copied in wanted.copied)


def installed_go() -> str:
    """Return the output of `go env GOVERSION`, such as go1.26.8; empty without Go."""
    if not shutil.which("go"):
        return ""
    asked = subprocess.run(
        ["go", "env", "GOVERSION"], capture_output=True, text=True, check=False, env={**os.environ, **GO_ENV}
    )
    return asked.stdout.strip()


def new_enough(go: str) -> bool:
    numbers = re.match(r"go(\d+)\.(\d+)", go)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST_GO


def command(program: Program, out: Path) -> list[str]:
    """Return the command that builds a program, in its module's folder."""
    flags = ["-s", "-w"]
    if program.package.startswith("k8s.io/kubernetes/"):
        flags += [f"-X {name}={value}" for name, value in stamps(version(program)).items()]
    tags = ["-tags", program.tags] if program.tags else []
    return ["go", "build", "-trimpath", *tags, "-ldflags", " ".join(flags), "-o", str(out), program.package]


def stamps(name: str) -> dict[str, str]:
    """The variables by which a program of Kubernetes knows its version, v1.36.3 for one."""
    major, minor = name.removeprefix("v").split(".")[:2]
    return {
        "k8s.io/component-base/version.gitVersion": name,
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": name,
    }


def compile_into(draft: Path, wanted: Programs) -> None:
    for name, program in wanted.programs.items():
        say(f"building {name}")
        subprocess.run(
            command(program, draft / name),
            check=True,
            cwd=HERE / program.module,
            env={**os.environ, **GO_ENV},
            stdout=sys.stderr,
        )


def copy_into(draft: Path, copied: Copied) -> None:
    """Go, which has just built from it, says where the module is."""
    asked = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", copied.source],
        check=True,
        cwd=HERE / copied.module,
        env={**os.environ, **GO_ENV},
        stdout=subprocess.PIPE,
        text=True,
    )
    source = Path(asked.stdout.strip())
    for path in (source / copied.folder).rglob("*"):
        if path.is_file():
            target = draft / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)  # not its mode: Go writes its cache for nobody to change


def say(words: str) -> None:
    print(f"cluster tools: {words}", file=sys.stderr, flush=True)


def build(final: Path, wanted: Programs) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=final.parent) as beside:
        draft = Path(beside) / "tools"
        draft.mkdir()
        compile_into(draft, wanted)
        for copied in wanted.copied:
            copy_into(draft, copied)
        if not complete(final, wanted):
            shutil.rmtree(final, ignore_errors=True)
        try:
            draft.rename(final)
        except OSError:  # another build was faster, and what it made is the same
            if not complete(final, wanted):
                raise


def main() -> int:
    wanted = SETS[sys.argv[1] if len(sys.argv) > 1 else "kubernetes"]
    final = folder(wanted)
    if not complete(final, wanted):
        go = installed_go()
        if not new_enough(go):
            needed = "Go {}.{} or newer is needed".format(*OLDEST_GO)
            say(
                f"{needed} to build {wanted.what}, and there is {go or 'none'}: install it and put it on PATH"
            )
            return NO_GO
        say(f"{final} is made once; from nothing it takes about {wanted.minutes} minutes on two cores")
        try:
            build(final, wanted)
        except subprocess.CalledProcessError as failed:
            say(f"{failed.cmd[0]} {failed.cmd[1]} ended with {failed.returncode}; nothing was kept")
            return 1
    print(final)
    return 0


if __name__ == "__main__":
    sys.exit(main())
