"""Write the files of the chart that follow from other files: `make generate`.

crds/                             ->  helm/taskqueue/templates/crds/       with a switch, labels and the keep policy
deploy/kubernetes/*-role.yaml     ->  helm/taskqueue/files/*-rules.yaml    the one source of rights
helm/taskqueue/values.yaml        ->  helm/taskqueue/README.md             every value with its comment
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml
from values_table import table

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "taskqueue"
ROLES = {"operator-rules.yaml": "operator-role.yaml", "cli-rules.yaml": "cli-role.yaml"}
METADATA = "\nmetadata:\n"
SWITCH = """\
{{- if .Values.crds.enabled }}
"""
KEPT = """
metadata:
  labels: {{- include "taskqueue.labels" (dict "root" $ "component" "crds") | nindent 4 }}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep # with it go all objects of its kind
  {{- end }}
"""
HEAD = """# taskqueue: the chart

Written by `make generate` from values.yaml; change it there.

Installs the [operator](../../docs/operator.md), workers, and the objects they need, on Kubernetes 1.30 or newer. See
[installing](../../docs/install.md), [upgrading](../../docs/upgrade.md) and [security](../../docs/security.md).

```sh
helm install taskqueue helm/taskqueue --namespace shop --create-namespace \\
  --set rate=100 --set redis.development.enabled=true \\
  --set operator.image.repository=registry.example.com/taskqueue-operator \\
  --set worker.image.repository=registry.example.com/taskqueue-worker
```

Unknown and contradictory values are refused, with a sentence that names the value and the remedy. Values of
Kubernetes itself, such as `affinity`, are passed on, and the API server refuses wrong ones.

"""


def files() -> Mapping[Path, str]:
    """Return the content of each generated file."""
    definitions = {
        CHART / "templates" / "crds" / path.name: _template(path.read_text("utf-8"))
        for path in sorted((ROOT / "crds").glob("*.yaml"))
    }
    rules = {
        CHART / "files" / name: _rules(ROOT / "deploy" / "kubernetes" / role) for name, role in ROLES.items()
    }
    readme = HEAD + table((CHART / "values.yaml").read_text("utf-8"))
    return {**definitions, **rules, CHART / "README.md": readme}


def _template(definition: str) -> str:
    assert definition.count(METADATA) == 1
    assert "{{" not in definition, "this would be read as a template"
    return f"{SWITCH}{definition.replace(METADATA, KEPT)}{{{{- end }}}}\n"


def _rules(role: Path) -> str:
    documents = yaml.safe_load_all(role.read_text("utf-8"))
    (rules,) = (document["rules"] for document in documents if document["kind"] == "Role")
    head = f"# Written by `make generate` from deploy/kubernetes/{role.name}; change it there.\n"
    return head + yaml.safe_dump(rules, sort_keys=False, default_flow_style=None)


def main() -> None:
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
