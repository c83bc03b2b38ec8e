"""Kubeconfig files: one cluster, one user, all that is needed inside the file. JSON is YAML as well."""

import base64
import json
from pathlib import Path
from typing import Any


def write(path: Path, cluster: dict[str, Any], user: dict[str, Any], namespace: str = "default") -> Path:
    """cluster, user: as Kubernetes' own format has them."""
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": "test", "user": user}],
                "contexts": [
                    {"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}
                ],
                "current-context": "test",
            }
        )
    )
    return path


def inline(path: Path) -> str:
    """Give a file as the fields named ...-data want it."""
    return base64.b64encode(path.read_bytes()).decode()
