"""tools/e2e.py on a machine without the requirements of a node."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

RUNNER = Path(__file__).parents[3] / "tools" / "e2e.py"
CANNOT = 3


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="that is said first, and needs no package"
)
def test_missing_packages_have_their_debian_names(tmp_path: Path) -> None:
    (tmp_path / "buildah").write_text("#!/bin/sh\n")
    (tmp_path / "buildah").chmod(0o755)
    ended = subprocess.run(
        [sys.executable, RUNNER], capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)}
    )
    assert (ended.returncode, ended.stdout) == (CANNOT, "")
    said, _, packages = ended.stderr.strip().partition("apt-get install ")
    assert said == "e2e: install first: "
    assert {"containerd", "debootstrap", "iproute2", "nftables", "runc", "util-linux"} <= set(
        packages.split()
    )
    assert "buildah" not in packages, "it is there"


def test_documented_and_preinstalled_packages_are_the_needed_ones() -> None:
    root = RUNNER.parents[1]
    needed = set(needed_packages())
    for file, line in (("tests/README.md", "apt-get install buildah"), (".ci/run", "node=(buildah")):
        (found,) = [text for text in (root / file).read_text().splitlines() if text.startswith(line)]
        assert needed == set(found.partition("buildah")[2].rstrip(")").split()) | {"buildah"}, file


def needed_packages() -> list[str]:
    code = "import e2e; print(*e2e.PACKAGES.values())"
    asked = subprocess.run(
        [sys.executable, "-c", code], cwd=RUNNER.parent, check=True, capture_output=True, text=True
    )
    return asked.stdout.split()


@pytest.mark.parametrize(
    ("words", "tests", "rest"),
    [
        ([], "tests/e2e", []),
        (["-k", "service"], "tests/e2e", ["-k", "service"]),
        (["tests/e2e_keda", "-x"], "tests/e2e_keda", ["-x"]),
    ],
)
def test_the_first_argument_is_a_test_folder_or_e2e(words: list[str], tests: str, rest: list[str]) -> None:
    code = "import e2e, sys; print(*e2e.asked(sys.argv[1:]))"
    asked = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=RUNNER.parent, check=True, capture_output=True, text=True
    )
    assert asked.stdout.strip() == f"{tests} {rest}"


@pytest.mark.parametrize("tests", ["tests/e2e", "tests/e2e_keda"])
def test_node_tests_without_the_runner_are_skipped_with_a_reason(tests: str) -> None:
    env = {key: value for key, value in os.environ.items() if key != "TASKQUEUE_E2E"}
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    ended = subprocess.run(
        [sys.executable, *words], cwd=RUNNER.parents[1], check=False, capture_output=True, text=True, env=env
    )
    assert ended.returncode == 0, ended.stdout
    assert "a node is started by tools/e2e.py alone" in ended.stdout
    assert "passed" not in ended.stdout
