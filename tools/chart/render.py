"""Write deploy/manifests/taskqueue.yaml, for `kubectl apply`: the rendered chart, without the lines of Helm itself."""

import re
import subprocess
import sys
from pathlib import Path

from helm_program import NoHelmError, find_helm

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "manifests"
TARGET = FOLDER / "taskqueue.yaml"
NO_HELM = 3
OF_HELM = re.compile(r"^(# Source: .*| +(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*)\n", re.MULTILINE)
EMPTY = re.compile(r"^[ \t]*\n", re.MULTILINE)
HEAD = """\
# Written by `make manifests` from helm/taskqueue with values.yaml of this folder; change it there.
# Images are yours to build (docs/install.md): name them in kustomization.yaml of this folder, then
#   kubectl create namespace taskqueue
#   kubectl -n taskqueue create secret generic taskqueue-redis --from-literal=url=redis://HOST:6379/0
#   kubectl apply --server-side -f crds/
#   kubectl apply --server-side -k deploy/manifests
"""


def text() -> str:
    """Return the whole file. Raises NoHelmError."""
    place = ("template", "taskqueue", ROOT / "helm" / "taskqueue", "--namespace", "taskqueue")
    rendered = subprocess.run(
        [find_helm(), *place, "--values", FOLDER / "values.yaml"], capture_output=True, text=True, check=True
    ).stdout
    return HEAD + EMPTY.sub("", OF_HELM.sub("", rendered))


def main() -> int:
    try:
        TARGET.write_text(text(), "utf-8")
    except NoHelmError as missing:
        sys.stderr.write(f"{missing}\n")
        return NO_HELM
    sys.stdout.write(f"{TARGET.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
