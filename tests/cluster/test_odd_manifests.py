"""The API server and `taskqueue validate` agree on odd manifests, but for the differences that are documented."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from taskqueue.models.values import Declared
from taskqueue.plan.admission import admit
from taskqueue.sources.manifest_file import read_manifest_file
from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.dry_runs import JSON, YAML, DryRuns

ROOT = Path(__file__).parents[2]
TABLE: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("odd_manifests.yaml").read_text("utf-8"))
SERVER, VALIDATE = "server", "validate"
BOTH = frozenset({SERVER, VALIDATE})
HEAD = "apiVersion: taskqueue.dev/v1alpha1\nkind: {}\nmetadata: {{name: odd}}\nspec:\n"
JSON_HEAD = (
    '{"apiVersion": "taskqueue.dev/v1alpha1", "kind": "TaskType", "metadata": {"name": "odd"}, '
    '"spec": {"schedule": {"interval": "5m"}, "handler": {"function": "f"}, '
)


@dataclass(frozen=True, slots=True)
class Odd:
    """One text.   taken_by: the readers that accept the text."""

    text: str
    kind: str
    taken_by: frozenset[str]
    content_type: str = YAML

    def bytes(self) -> bytes:
        return self.text.encode()


def written(text: str) -> str:
    return re.sub(r"@\{(.)\*(\d+)\}", lambda found: found[1] * int(found[2]), text)


def odd_ones(group: Mapping[str, Sequence[str]], taken_by: frozenset[str]) -> Iterator[Odd]:
    for text in map(written, group.get("taskTypes", ())):
        usual = {"schedule": "{interval: 5m}", "handler": "{function: f}"}
        lines = [f"{key}: {value}" for key, value in usual.items() if not text.startswith(f"{key}:")]
        yield Odd(spec("TaskType", "\n".join([*lines, text])), "TaskType", taken_by)
    for text in map(written, group.get("subscriptions", ())):
        yield Odd(spec("UserSubscription", text), "UserSubscription", taken_by)
    for text in map(written, group.get("rateLimits", ())):
        yield Odd(spec("RateLimit", text), "RateLimit", taken_by)
    for text in map(written, group.get("documents", ())):
        yield Odd(text, "TaskType", taken_by)
    for text in map(written, group.get("jsonFields", ())):
        yield Odd(JSON_HEAD + text + "}}", "TaskType", taken_by, JSON)
    for text in map(written, group.get("json", ())):
        yield Odd(text, "TaskType", taken_by, JSON)


def spec(kind: str, lines: str) -> str:
    return HEAD.format(kind) + "".join(f"  {line}\n" for line in lines.split("\n"))


def corpus() -> list[Odd]:
    differing = (odd_ones(group, frozenset({group["takenBy"]})) for group in TABLE["differing"])
    bounds = {
        "taskTypes": [f"handler: {{http: {{url: 'https://h/', headers: {{{listed('H{}: v', 64)}}}}}}}"],
        "subscriptions": [f"tasks: [{listed('{{type: t{}}}', 500)}]"],
    }
    beyond = {
        "taskTypes": [f"handler: {{http: {{url: 'https://h/', headers: {{{listed('H{}: v', 65)}}}}}}}"],
        "subscriptions": [f"tasks: [{listed('{{type: t{}}}', 501)}]"],
    }
    return [
        *odd_ones(TABLE["taken"], BOTH),
        *odd_ones(bounds, BOTH),
        *odd_ones(TABLE["refused"], frozenset()),
        *odd_ones(beyond, frozenset()),
        *(odd for group in differing for odd in group),
    ]


def listed(item: str, count: int) -> str:
    return ", ".join(item.format(number) for number in range(count))


def read(folder: Path, odd: Odd) -> Declared | None:
    """Read a text as `taskqueue validate` does; None where it is refused."""
    path = folder / ("odd.json" if odd.content_type == JSON else "odd.yaml")
    path.write_bytes(odd.bytes())
    found = read_manifest_file(path)
    return None if found.faults else next(iter(found.declarations.values())).value


def test_api_server_and_validate_differ_only_as_documented(dry_runs: DryRuns, tmp_path: Path) -> None:
    odd_ones = corpus()
    assert len(odd_ones) > 800
    judged = dry_runs.judge_all((odd.kind, odd.bytes(), odd.content_type) for odd in odd_ones)
    wrong: list[tuple[object, ...]] = []
    for odd, verdict in zip(odd_ones, judged, strict=True):
        ours = read(tmp_path, odd)
        takers = {SERVER} if verdict.taken else set[str]()
        takers |= {VALIDATE} if ours is not None else set()
        if takers != odd.taken_by:
            wrong.append((odd.text[-200:], "taken by", sorted(takers), verdict.message))
        elif verdict.taken and ours is not None and ours != admit(dict(verdict.kept or {})):
            wrong.append((odd.text[-200:], "is read as", ours, admit(dict(verdict.kept or {}))))
    assert wrong == []


def test_every_difference_is_documented() -> None:
    page = (ROOT / "docs" / "manifests.md").read_text("utf-8")
    takers = {SERVER: "the API server", VALIDATE: "`validate`"}
    rows = re.findall(r"^\| (.+?) \| (the API server|`validate`) \|", page, re.MULTILINE)
    assert rows == [(group["reason"], takers[group["takenBy"]]) for group in TABLE["differing"]]


@pytest.mark.parametrize(
    ("lines", "field", "value"),
    [
        ("cost: 1\ncost: 2", "cost", 2),
        ("cost: 1\n<<: {cost: 2}", "cost", 2),
        ("<<: {cost: 2}\ncost: 1", "cost", 1),
        ("cost: 1.0", "cost", 1),
        ("suspend: y", "suspend", True),
        ("params: {a: 0X1f, yes: b, 1: c}", "params", {"a": 31, "true": "b", "1": "c"}),
        ("params: {a: 1e400}", "params", {"a": "1e400"}),
    ],
)
def test_kubectl_reads_yaml_as_documented(defined: Cluster, lines: str, field: str, value: Any) -> None:
    text = spec("TaskType", f"schedule: {{interval: 5m}}\nhandler: {{function: f}}\n{lines}")
    kept = defined.kubectl("apply", "--server-side", "--dry-run=server", "-o", "json", "-f", "-", stdin=text)
    assert json.loads(kept)["spec"][field] == value
