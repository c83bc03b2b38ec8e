"""The alerts and the dashboard as Prometheus itself reads and evaluates them, by its own promtool."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster_tools import NoGoError, cluster_tools
from helm import CHART, Helm

CASES = Path(__file__).with_name("alerts.yaml")
SELF_SERVED = CHART / "ci" / "self-served-values.yaml"
RULES = ("--set", "monitoring.rules.enabled=true")


@pytest.fixture(scope="module")
def promtool() -> Path:
    try:
        return cluster_tools("promtool") / "promtool"
    except NoGoError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def rules(helm: Helm) -> dict[str, Any]:
    (rule,) = [one for one in helm.objects(SELF_SERVED, *RULES) if one["kind"] == "PrometheusRule"]
    spec: dict[str, Any] = rule["spec"]
    return spec


def run(promtool: Path, *words: str) -> None:
    done = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_when_it_should_and_no_other(
    promtool: Path, rules: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    (tmp_path / "alerts.yaml").write_text(CASES.read_text())
    run(promtool, "test", "rules", str(tmp_path / "alerts.yaml"))


def test_every_alert_has_a_case_in_which_it_fires(rules: dict[str, Any]) -> None:
    alerts = {alert["alert"] for group in rules["groups"] for alert in group["rules"]}
    assert set(re.findall(r'alertname="(\w+)"', CASES.read_text())) == alerts


def test_prometheus_can_read_what_the_dashboard_asks(promtool: Path, tmp_path: Path) -> None:
    board = json.loads((CHART / "files" / "dashboard.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked = [one.replace("$namespace", "shop").replace("$__rate_interval", "5m") for one in asked]
    records = [{"record": f"panel:{n}", "expr": one} for n, one in enumerate(asked)]
    (tmp_path / "panels.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]})
    )
    run(promtool, "check", "rules", str(tmp_path / "panels.yaml"))
