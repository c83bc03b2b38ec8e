"""The models, and what of the definitions a JSON schema validator knows, agree with the table of cases."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from manifest_case import Case
from manifest_cases import CASES

from taskqueue.models.manifest import parse
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue_operator.crd import rules
from taskqueue_operator.crd.definition import definitions

VALIDATORS: dict[str, Any] = {
    definition["spec"]["names"]["kind"]: Draft202012Validator(
        definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    )
    for definition in definitions().values()
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_models_agree_on_what_the_api_server_takes_and_refuses(case: Case) -> None:
    parse(case.good)
    VALIDATORS[case.good["kind"]].validate(case.good)
    if case.only_here:
        parse(case.bad)
        return
    with pytest.raises(ManifestRefusedError):
        parse(case.bad)


def test_each_rule_has_a_case() -> None:
    unproven = [
        rule.message
        for of_kind in (rules.TASK_TYPE, rules.USER_SUBSCRIPTION)
        for of_field in of_kind.values()
        for rule in of_field
        if not any(case.says in rule.message or rule.message in case.says for case in CASES)
    ]
    assert unproven == []


def test_case_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
