"""Run tests on a real node, in namespaces of their own.

    python tools/e2e.py [tests/e2e | tests/e2e_keda] [WORDS FOR PYTEST]

Builds what is missing first (tools/cluster, tools/images), as there is no network once the namespaces are entered.
Nothing outlives the run: processes end with the namespace of processes, mounts with that of mounts, and the folder and
the control groups are removed. Exit 3: this machine cannot run them; stderr names the reason.
"""

import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLUSTER = ROOT / "tools" / "cluster" / "build.py"
IMAGES = ROOT / "tools" / "images" / "build_images.py"
CGROUPS = Path("/sys/fs/cgroup")
# Folders of tests, the first being the one that is meant where none is named: the sets of programs that each needs.
NODE = ("kubernetes", "node", "helm")
FOLDERS = {"tests/e2e": (*NODE, "compose"), "tests/e2e_keda": (*NODE, "keda")}
CANNOT = 3
ENDING_S = 20.0
# A program, or a file, of each Debian package that is needed.
PACKAGES = {
    "buildah": "buildah",
    "/bin/busybox": "busybox-static",
    "containerd": "containerd",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nft": "nftables",
    "runc": "runc",
    "unshare": "util-linux",
}
# Sockets and locks of the run, and of nothing else on this machine.
IN_NAMESPACES = 'mount -t tmpfs tmpfs /run; exec "$@"'
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def obstacle() -> str:
    """Why the tests cannot run here; empty if they can."""
    if platform.system() != "Linux":
        return f"a node needs Linux, and this is {platform.system()}"
    if os.geteuid() != 0:
        return "a node needs root: sudo make e2e"
    missing = sorted({package for program, package in PACKAGES.items() if not shutil.which(program)})
    return f"install first: apt-get install {' '.join(missing)}" if missing else ""


def asked(words: list[str]) -> tuple[str, list[str]]:
    """Split the command line into the folder of tests and the arguments of pytest."""
    return (words[0], words[1:]) if words and words[0] in FOLDERS else (next(iter(FOLDERS)), words)


def run(work: Path, tests: str, words: list[str]) -> int:
    """Run pytest on a folder of tests, with work as the folder of all that it makes."""
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        str(ROOT / tests),
        f"--basetemp={work}/pytest",
        *words,
    ]
    # The first word ends the namespaces with this process, however it ends.
    command = ["setpriv", "--pdeathsig", "KILL", *UNSHARE, "sh", "-ec", IN_NAMESPACES, "sh", *pytest]
    return subprocess.run(
        command, check=False, cwd=ROOT, env={**os.environ, "TASKQUEUE_E2E": str(work)}
    ).returncode


def remove_cgroups(name: str) -> None:
    """Remove the control groups of the pods, innermost first, as soon as the last processes have left them."""
    end = time.monotonic() + ENDING_S
    for top in (root / name for root in [CGROUPS, *CGROUPS.iterdir()] if (root / name).is_dir()):
        for folder, _, _ in os.walk(top, topdown=False):
            while True:
                try:
                    Path(folder).rmdir()
                    break
                except OSError:  # busy
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.1)


def say(words: str) -> None:
    print(f"e2e: {words}", file=sys.stderr, flush=True)


def main() -> int:
    why = obstacle()
    if why:
        say(why)
        return CANNOT
    tests, words = asked(sys.argv[1:])
    for command in (*((CLUSTER, name) for name in FOLDERS[tests]), (IMAGES,)):
        built = subprocess.run([sys.executable, *command], check=False, stdout=subprocess.DEVNULL)
        if built.returncode:
            return built.returncode
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that it is tidied up
    with tempfile.TemporaryDirectory(prefix="taskqueue-e2e-", dir="/var/tmp") as folder:
        work = Path(folder)
        try:
            code = run(work, tests, words)
            if code:
                keep_logs(work)
        finally:
            remove_cgroups(work.name)
    return code


def keep_logs(work: Path) -> None:
    kept = ROOT / "dist" / "e2e"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for log in (work / "node").glob("*.log"):
        shutil.copy(log, kept)
    say(f"the logs of the node are in {kept}")


if __name__ == "__main__":
    sys.exit(main())
