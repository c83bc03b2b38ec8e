"""The models, and the JSON schema of the definitions, agree with the table of cases."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from taskqueue.models.cron import check_cron
from taskqueue.models.manifest import parse
from taskqueue.models.refusal import ManifestRefusedError, ValueRefusedError
from taskqueue_operator.crd import rules
from taskqueue_operator.crd.definition import definitions
from taskqueue_operator.objects import read
from taskqueue_operator.status import status_of
from taskqueue_operator.status_inputs import StatusInputs
from tests.support.manifests.case import Case, Object, subscription, task_type
from tests.support.manifests.cases import CASES
from tests.support.manifests.schedule_cases import CRON_LINES

VALIDATORS: dict[str, Any] = {
    definition["spec"]["names"]["kind"]: Draft202012Validator(
        definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    )
    for definition in definitions().values()
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_models_and_api_server_agree(case: Case) -> None:
    parse(case.good)
    VALIDATORS[case.good["kind"]].validate(case.good)
    if case.only_here:
        parse(case.bad)
        return
    with pytest.raises(ManifestRefusedError):
        parse(case.bad)


@pytest.mark.parametrize("line", CRON_LINES, ids=lambda line: line[0][:24])
def test_models_and_api_server_refuse_cron_in_equal_words(line: tuple[str, str, str]) -> None:
    bad, _, says = line
    with pytest.raises(ValueRefusedError, match=re.escape(says)):
        check_cron(bad)


def test_each_rule_has_a_case() -> None:
    unproven = [
        rule.message
        for of_kind in (rules.TASK_TYPE, rules.USER_SUBSCRIPTION, rules.RATE_LIMIT)
        for of_field in of_kind.values()
        for rule in of_field
        if not any(case.says in rule.message or rule.message in case.says for case in CASES)
    ]
    assert unproven == []


def test_case_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "written", [task_type(), subscription(), task_type(cost=0), subscription(userId="/")]
)
def test_no_written_status_field_is_pruned(written: Object) -> None:
    meta = {"name": "a", "uid": "u", "generation": 1, "creationTimestamp": "", "resourceVersion": "1"}
    one = read(written["kind"], {**written, "metadata": meta})
    inputs = StatusInputs({}, {}, frozenset(), None, frozenset(), True, "", {}, 0)
    status = status_of(one, inputs, datetime(2026, 1, 31, tzinfo=UTC))
    schema = VALIDATORS[written["kind"]].schema["properties"]["status"]
    Draft202012Validator(schema).validate(status)
    known = schema["properties"]
    assert status.keys() <= known.keys()
    for condition in status["conditions"]:
        assert condition.keys() <= known["conditions"]["items"]["properties"].keys()
