"""The alerts and the dashboard as Prometheus itself reads and evaluates them, by its own promtool."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.chart.helm import CHART, Helm
from tests.support.chart.rendered import of_kind
from tests.support.kubernetes.tools import NoGoError, cluster_tools

ROOT = CHART.parents[1]
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


def alerts(rules: dict[str, Any]) -> list[dict[str, Any]]:
    return [alert for group in rules["groups"] for alert in group["rules"]]


def run(promtool: Path, *words: str) -> None:
    done = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_exactly_in_their_cases(promtool: Path, rules: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    (tmp_path / "alerts.yaml").write_text(CASES.read_text())
    run(promtool, "test", "rules", str(tmp_path / "alerts.yaml"))


def test_every_alert_has_a_firing_case(rules: dict[str, Any]) -> None:
    named = set(re.findall(r'alertname="(\w+)"', CASES.read_text()))
    assert named == {alert["alert"] for alert in alerts(rules)}


def test_every_alert_leads_to_its_own_chapter_of_the_page_of_alerts(
    helm: Helm, rules: dict[str, Any]
) -> None:
    page = (ROOT / "docs" / "alerts.md").read_text("utf-8")
    chapters = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    told = {one["alert"]: one["annotations"]["runbook_url"] for one in alerts(rules)}
    assert told == {name: f"docs/alerts.md#{name.lower()}" for name in chapters}
    for name, text in chapters.items():
        assert re.findall(r"^\*([\w ]+)\.\*", text, re.MULTILINE) == ["Meaning", "Look at", "Do"], name


def test_the_alerts_page_names_existing_log_events() -> None:
    page = " ".join((ROOT / "docs" / "alerts.md").read_text("utf-8").split())
    named = [
        event
        for events in re.findall(r"logs? for (`[^`]+`(?: and `[^`]+`)*)", page)
        for event in re.findall(r"`([^`]+)`", events)
    ]
    code = "".join(path.read_text("utf-8") for path in (ROOT / "operator" / "src").rglob("*.py"))
    assert named
    assert [event for event in named if f'"{event}' not in code] == []


def test_the_base_of_runbooks_is_a_value(helm: Helm) -> None:
    base = "https://git.example.com/docs/alerts.md"
    objects = helm.objects(SELF_SERVED, *RULES, "--set", f"monitoring.rules.runbookUrl={base}")
    (rule,) = of_kind(objects, "PrometheusRule")
    assert {one["annotations"]["runbook_url"].partition("#")[0] for one in alerts(rule["spec"])} == {base}


def test_prometheus_can_read_the_dashboard_queries(promtool: Path, tmp_path: Path) -> None:
    board = json.loads((CHART / "files" / "dashboard.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked = [one.replace("$namespace", "shop").replace("$__rate_interval", "5m") for one in asked]
    records = [{"record": f"panel:{n}", "expr": one} for n, one in enumerate(asked)]
    (tmp_path / "panels.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]})
    )
    run(promtool, "check", "rules", str(tmp_path / "panels.yaml"))
