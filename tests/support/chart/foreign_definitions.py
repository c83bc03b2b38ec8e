"""The definitions of KEDA and of the Prometheus operator, as their own Go modules ship them."""

import json
import shutil
import subprocess
from pathlib import Path

MODULES = {
    "github.com/kedacore/keda/v2@v2.21.0": "config/crd/bases/keda.sh_scaledobjects.yaml",
    "github.com/prometheus-operator/prometheus-operator@v0.94.0": "example/prometheus-operator-crd/*_*.yaml",
}
WANTED = ("scaledobjects", "servicemonitors", "podmonitors", "prometheusrules")
LIMIT_S = 300.0


class NoModulesError(Exception):
    """They cannot be had here; the message says why."""


def foreign_definitions() -> list[Path]:
    """Return the files; Go keeps them in its cache. Raises NoModulesError."""
    go = shutil.which("go")
    if not go:
        raise NoModulesError("go is needed to fetch the definitions of KEDA and of the Prometheus operator")
    found = []
    for module, pattern in MODULES.items():
        asked = subprocess.run(
            [go, "mod", "download", "-json", module],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        if asked.returncode:
            raise NoModulesError(f"go mod download {module}: {asked.stdout.strip()} {asked.stderr.strip()}")
        found += sorted(Path(json.loads(asked.stdout)["Dir"]).glob(pattern))
    wanted = [path for path in found if path.stem.partition("_")[2] in WANTED]
    assert len(wanted) == len(WANTED), wanted
    return wanted
